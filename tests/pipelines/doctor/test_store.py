from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gan.errors import EXIT_UNHEALTHY
from pipelines.cli.main import main
from pipelines.doctor.store import MOST_SKEW_SECONDS, PROBE, examine_store


def test_a_healthy_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--store", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("ok ") for line in lines)
    assert not (tmp_path / PROBE).exists()
    assert main(["doctor", "--store", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["healthy"] is True


def test_checks_that_depend_on_a_failed_one_are_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["doctor", "--store", str(tmp_path / "file")]) == EXIT_UNHEALTHY
    lines = capsys.readouterr().out.splitlines()
    failed = next(line for line in lines if line.startswith("FAILED"))
    assert "is in the way" in failed
    assert "point --store at another folder" in failed
    assert lines[-1] == "-       store's clock: not tried"


def test_a_scheme_that_no_store_has() -> None:
    first, *others = examine_store("ftp://somewhere/x")
    assert first.ok is False
    assert "ftp://somewhere/x" in first.found
    assert {check.ok for check in others} == {None}


@pytest.mark.parametrize("off_by", [-2 * MOST_SKEW_SECONDS, 2 * MOST_SKEW_SECONDS])
def test_a_skewed_clock_is_reported(tmp_path: Path, off_by: float) -> None:
    *_, last = examine_store(str(tmp_path), clock=lambda: time.time() + off_by)
    assert last.ok is False
    assert "NTP" in last.found
