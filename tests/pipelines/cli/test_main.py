from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gan.result import StepResult
from pipelines.cli.main import main
from pipelines.local import local_run
from pipelines.local.local_runner import StepError, StepRun
from pipelines.registry import PIPELINES

TINY = ["--set", "data.image_size=8"]


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["run", "--help"], ["compile", "--help"]])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    program = (
        "import sys; from pipelines.cli.main import main\n"
        f"try: main({argv!r})\nexcept SystemExit: pass\n"
        "print([name for name in ('tensorflow', 'keras', 'kfp', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_compile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made.yaml"
    assert main(["compile", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"wrote {out}\n"
    assert main(["compile", "--out", str(out), "--image", "other:1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["uri"] == str(out)
    assert len(record["id"]) == 64
    assert "image: other:1" in out.read_text()


@pytest.mark.parametrize(
    ("argv", "exit_code", "message"),
    [
        ([], 2, "see `gan-pipelines --help`"),
        (["run"], 2, "--config"),
        (["run", "--config", "digit"], 4, 'did you mean "digits"'),
        (["run", "--config", "digits", "--set", "trian.steps=1"], 2, 'did you mean "train"'),
        (["run", "--config", "digits", "--only", "trian"], 2, 'did you mean "train"'),
        (["run", "--config", "digits", "--only", "train"], 4, "preprocess has not run yet"),
        (["run", "--config", "digits", "--name", "a b"], 2, "--name"),
        (["compile", "--out", "a.json"], 2, "--out must end in .yaml"),
        (["compile", "--out", "a.yaml", "--image", "my image"], 2, "image (--image) must name an image"),
    ],
)
def test_errors_are_one_line_and_a_code(
    argv: list[str], exit_code: int, message: str,
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(argv) == exit_code
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("gan-pipelines: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_one_step_alone_and_then_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["run", "--config", "digits", *TINY, "--store", str(tmp_path), "--only", "preprocess"]
    assert main(argv) == 0
    shown = capsys.readouterr()
    assert all(json.loads(line)["step"] == "preprocess" for line in shown.err.splitlines())
    assert main([*argv, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["id"], again["skipped"]) == (shown.out.strip(), True)


def test_a_wrong_name_is_found_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["run", "--config", "digits", *TINY, "--set", "loss.name=hing", "--store", str(tmp_path)]
    assert main(argv) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('gan-pipelines: unknown loss.name "hing"; did you mean "hinge"?')
    assert not (tmp_path / "datasets").exists()


def test_a_branch_that_was_skipped_in_silence_is_a_bug_and_not_a_success() -> None:
    done = [
        StepRun(step, StepResult(step, "/", details={"passed": True}), 1.0)
        for step in ("preprocess", "reference", "train", "evaluate", "export", "gate", "report")
    ]
    with pytest.raises(StepError, match="this is a bug") as caught:
        local_run._require(done, PIPELINES["training"].steps)
    assert caught.value.exit_code == 70


@pytest.mark.parametrize(
    ("passed", "code", "text"), [(False, 11, "refused: g1\n  - worse\n  note: weak\n"), (True, 0, "pass: g1 ")]
)
def test_a_step_alone_is_told_as_gan_tells_it(
    passed: bool, code: int, text: str,
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    judged = StepResult(
        "g1", "/", details={"passed": passed, "name": "digits", "reasons": ["worse"], "notes": ["weak"]}
    )
    monkeypatch.setattr(local_run, "run_step", lambda pipeline, request, step, display: StepRun(step, judged, 1.0))
    argv = ["run", "--config", "digits", "--store", str(tmp_path), "--only", "gate"]
    assert main(argv) == code
    assert capsys.readouterr().out.startswith(text)
    assert main([*argv, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["passed"] is passed
