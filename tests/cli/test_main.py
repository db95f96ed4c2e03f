from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import gan
from gan.cli.main import guarded, main
from gan.cli.parser import make_parser
from gan.errors import ConflictError, Stopped

COMMANDS = [
    *("preprocess", "reference", "train", "evaluate", "report", "export", "gate", "promote", "rollback"),
    *("sample", "inspect", "verify", "configs"),
]


def test_every_command_has_help_and_the_common_flags(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as left:
            make_parser().parse_args([command, "--help"])
        shown = capsys.readouterr().out
        assert left.value.code == 0
        assert "--store" in shown
        assert "--json" in shown
        assert "exit codes" in shown


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["configs"], ["inspect"], ["verify"]])
def test_quick_commands_import_nothing_heavy(argv: list[str], tmp_path: Path) -> None:
    program = (
        "import sys; from gan.cli.main import main\n"
        f"try: main({argv!r})\nexcept SystemExit: pass\n"
        "print([name for name in ('tensorflow', 'keras', 'kfp', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_m_gan_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "gan", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"gan {gan.__version__}\n"


def test_json_is_one_object_with_the_common_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["inspect"], ["verify"], ["configs"], ["configs", "mnist"]):
        assert main([*argv, "--store", str(tmp_path), "--json"]) == 0
        record = json.loads(capsys.readouterr().out)
        assert {"id", "uri", "seconds"} <= set(record)


def test_configs_prints_one_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configs", "mnist"]) == 0
    assert "  steps: " in capsys.readouterr().out


def test_errors_are_one_line_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    def lose() -> int:
        raise ConflictError("somebody was faster")

    assert guarded("gan", lose) == 6
    assert capsys.readouterr().err == "gan: somebody was faster\n"


def test_a_signal_tells_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def stop() -> int:
        raise Stopped(15, "resume with: gan train")

    assert guarded("gan", stop) == 143
    assert capsys.readouterr().err == "gan: stopped. resume with: gan train\n"


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    assert guarded("gan", interrupt) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_shows_its_traceback_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    def divide() -> int:
        return 1 // 0

    assert guarded("gan", divide) == 70
    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown
    assert "please report it" in shown


def test_a_closed_pipe_is_quiet() -> None:
    """`gan configs mnist | true`: the reader leaves before the writer writes."""
    with subprocess.Popen(
        [sys.executable, "-m", "gan", "configs", "mnist"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        shown = process.stderr.read()
    assert b"Traceback" not in shown
    assert process.returncode == 0
