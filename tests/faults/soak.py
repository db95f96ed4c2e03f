"""`make soak`: every promise in its long form, and a table of what was tried and what failed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
PROMISES = {
    "test_kill": "1 kill: SIGKILL at random, then run again",
    "test_preemption": "2 preemption: SIGTERM, two attempts at once",
    "test_storage_faults": "3 storage that fails, stalls, cuts, flips, is down",
    "test_race": "4 race: eight processes promote to one name",
    "test_damage": "5 damage: one flipped byte",
    "test_disks_and_clocks": "6 full disks, no permission, wrong clocks",
    "test_untrusted": "7 untrusted input",
}


def main() -> int:
    """Run the tests that there are for each promise, with pytest's own flags if any; returns its exit code."""
    files = [str(path) for name in PROMISES if (path := HERE / f"{name}.py").exists()]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "2", "-rfE", f"--junitxml={report}", *sys.argv[1:], *files]
        code = subprocess.run(command, cwd=HERE.parent.parent, check=False).returncode
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - our own pytest wrote it
    print(f"\n{'promise':52} {'tests':>6} {'trials':>7} {'failures':>9} {'skipped':>8}")
    for name, promise in PROMISES.items():
        of_file = [case for case in cases if name in case.get("classname", "").split(".")]
        failures, skipped = (sum(case.find(tag) is not None for case in of_file) for tag in ("failure", "skipped"))
        errors = sum(case.find("error") is not None for case in of_file)
        trials = sum(_trials(case) for case in of_file)
        print(f"{promise:52} {len(of_file):6} {trials:7} {failures + errors:9} {skipped:8}")
    return code


def _trials(case: ElementTree.Element) -> int:
    """How often a test tried: what it says, or once."""
    if case.find("skipped") is not None:
        return 0
    told = [int(each.get("value", "1")) for each in case.iter("property") if each.get("name") == "trials"]
    return sum(told) if told else 1


if __name__ == "__main__":
    raise SystemExit(main())
