from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gan
from gan.cli import commands
from gan.cli.main import exit_code_of, main
from gan.cli.parser import make_parser
from gan.errors import ConflictError, Stopped

COMMANDS = [
    *("preprocess", "reference", "train", "evaluate", "report", "export", "gate", "promote", "rollback"),
    *("remeasure", "anchor"),
    *("sample", "directions", "inspect", "verify", "gc", "configs"),
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


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["configs"], ["inspect"], ["verify"], ["gc"]])
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


def test_configs_says_where_each_value_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configs", "mnist", "--explain", "--set", "train.seed=5"]) == 0
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert lines["train.seed"] == ["5", "--set"]
    assert lines["train.discriminator_steps"] == ["1", "default"]
    assert lines["data.dataset"] == ['"mnist"', "mnist:4"]


def test_configs_lists_the_keys_of_each_choice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configs", "--keys", "loss"]) == 0
    text = capsys.readouterr().out
    assert "loss.name=wasserstein\n  loss.clip_value  (number, default 0.01, 1e-06 to 10)\n      The critic" in text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--keys", "los"], 'unknown group of keys "los"; did you mean "loss"'),
        (["--explain"], "need the name of an experiment"),
    ],
)
def test_configs_refuses_what_it_can_not_show(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["configs", *argv]) == 2
    assert message in capsys.readouterr().err


def test_errors_are_one_line_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    def lose() -> int:
        raise ConflictError("somebody was faster")

    assert exit_code_of("gan", lose) == 6
    assert capsys.readouterr().err == "gan: somebody was faster\n"


def test_after_a_signal_the_message_says_how_to_continue(capsys: pytest.CaptureFixture[str]) -> None:
    def stop() -> int:
        raise Stopped(15, "resume with: gan train")

    assert exit_code_of("gan", stop) == 143
    assert capsys.readouterr().err == "gan: stopped. resume with: gan train\n"


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    assert exit_code_of("gan", interrupt) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_shows_its_traceback_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    def divide() -> int:
        return 1 // 0

    assert exit_code_of("gan", divide) == 70
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


LEFT = "import sys; from gan.cli import commands, main; "


def run_unread(program: str, stream: str) -> tuple[int, bytes]:
    """Run a program whose stdout or stderr is closed; its exit code and the text of the other stream."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        unread, other = (process.stdout, process.stderr) if stream == "stdout" else (process.stderr, process.stdout)
        unread.close()
        told = other.read()
    return process.returncode, told


def test_a_closed_pipe_changes_no_exit_code() -> None:
    program = (
        LEFT
        + "commands.configs = lambda _: commands.CommandOutput('refused', {}, 11); sys.exit(main.main(['configs']))"
    )
    assert run_unread(program, "stdout") == (11, b"")


def test_work_continues_when_nobody_reads_its_progress() -> None:
    program = "from gan.util import log\nfor n in range(3): log.info('step', n=n)\nprint('done')"
    assert run_unread(program, "stderr") == (0, b"done\n")


def test_an_error_that_nobody_reads_keeps_its_code() -> None:
    assert run_unread(LEFT + "sys.exit(main.main(['trian']))", "stderr") == (2, b"")


def test_a_broken_pipe_of_something_else_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    def lose_a_worker() -> int:
        raise BrokenPipeError

    assert exit_code_of("gan", lose_a_worker) == 70
    assert "BrokenPipeError" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["configs", "inspect", "rollback"])
def test_sigterm_unwinds_every_command(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared = []

    def work(_: object) -> commands.CommandOutput:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleared.append(True)
        return commands.CommandOutput("", {})

    monkeypatch.setattr(commands, command, work)
    assert main([command, *(["--name", "n"] if command == "rollback" else [])]) == 143
    assert cleared == [True]
    assert capsys.readouterr().err == "gan: stopped. no partial output is left; run the same command to continue\n"


def test_the_gate_needs_no_tensorflow(tmp_path: Path) -> None:
    program = (
        "import sys; from gan.cli.main import main\n"
        f"code = main(['gate', '--generator-id', 'gen-0', '--name', 'n', '--store', {str(tmp_path)!r}])\n"
        "print(code, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "4 False\n"
