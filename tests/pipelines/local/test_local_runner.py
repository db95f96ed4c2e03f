"""Real processes under `kfp.local`, with steps small enough to see one thing at a time."""

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from kfp.local.config import LocalExecutionConfig

from gan.errors import Stopped
from gan.result import StepResult
from pipelines.local.display import Display
from pipelines.local.kfp_local_env import IMAGE
from pipelines.local.local_runner import StepError, StepRun, run_locally

ODD = """name: 'it''s "quoted"' # a \\ backslash, $HOME, `tick`, %s, {{curly}}, ünï → 日本
path: /usr/bin/python3 --python3
text: |
  two
  \tlines
"""


def echo(text: str, store: str) -> str:
    """Hand back what was given."""
    import shutil

    from components.runtime import context
    from gan.result import StepResult
    from gan.util import log

    with context.step("echo") as step:
        log.info("half way", share=0.5)
        print('{"not": "ours"}')
        print("{neither is this")
        step.done(StepResult(text, store, 0.25, details={"python3": shutil.which("python3")}))
    return text


def fail(kind: str) -> str:
    """Go wrong in one of several ways."""
    from components.runtime import context

    with context.step("fail"):
        from gan.errors import DataError

        if kind == "ours":
            raise DataError('the picture "ünï.png" is cut off; give another')
        if kind == "bug":
            raise ZeroDivisionError("by nothing")
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)
    return ""


def wait(runner: int, number: int, deaf: bool) -> str:
    """Send the runner a signal, then wait for what it does."""
    from components.runtime import context

    with context.step("wait"):
        import os
        import signal

        if deaf:  # take the forwarded signal without obeying it; only then is the second one certain to be a second
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            os.kill(runner, number)
            signal.sigwait({signal.SIGTERM})
        os.kill(runner, number)
        while True:
            signal.pause()
    return ""


class Quiet(Display):
    every_seconds = 0.0

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def begin(self, step: str, number: int, of: int) -> None:
        self.seen.append(("begin", step, number, of))

    def event(self, step: str, event: dict[str, Any]) -> None:
        self.seen.append((step, event["event"]))

    def end(self, step: str, exit_code: int, seconds: float, result: StepResult | None) -> None:
        self.seen.append(("end", step, exit_code))

    def close(self) -> None:
        self.seen.append("closed")


def run(function: Any, display: Display | None = None, **arguments: Any) -> list[StepRun]:
    made = dsl.component(function, base_image=IMAGE, packages_to_install=[], install_kfp_package=False)
    return run_locally(lambda: made(**arguments), [function.__name__], display or Quiet())


def test_what_a_step_is_given_and_makes_survives_the_way_there_and_back() -> None:
    display, reported = Quiet(), []
    made = dsl.component(echo, base_image=IMAGE, packages_to_install=[], install_kfp_package=False)
    (done,) = run_locally(
        lambda: made(text=ODD, store="/opt/python3/store"), ["echo"], display, after_each=reported.append
    )
    assert (done.step, done.result.id, done.result.uri, done.result.seconds) == (
        "echo", ODD, "/opt/python3/store", 0.25,
    )  # fmt: skip
    assert done.seconds > 0
    assert reported == [done]
    assert display.seen == [
        ("begin", "echo", 1, 1), ("echo", "half way"), ("echo", "echo done"), ("end", "echo", 0), "closed",
    ]  # fmt: skip
    assert not Path(str(done.result.details["python3"])).is_relative_to(tempfile.gettempdir())


def test_nothing_of_the_surroundings_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ), sys.executable, sys.stdout, signal.getsignal(signal.SIGTERM)
    run(echo, text="a", store="b")
    assert (dict(os.environ), sys.executable, sys.stdout, signal.getsignal(signal.SIGTERM)) == before
    assert LocalExecutionConfig.instance is None
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_ours_comes_back_with_its_message_and_exit_code() -> None:
    display = Quiet()
    with pytest.raises(StepError) as caught:
        run(fail, display, kind="ours")
    assert str(caught.value) == 'fail: the picture "ünï.png" is cut off; give another'
    assert caught.value.exit_code == 3
    assert display.seen[-2:] == [("end", "fail", 3), "closed"]


def test_a_bug_comes_back_with_its_traceback() -> None:
    with pytest.raises(StepError, match=r"(?s)this is a bug.*Traceback.*ZeroDivisionError: by nothing") as caught:
        run(fail, kind="bug")
    assert caught.value.exit_code == 70
    assert "[KFP Executor" not in str(caught.value)


def test_a_step_that_is_killed_is_said_to_be() -> None:
    with pytest.raises(StepError, match="fail was killed by signal 9; the machine may be out of memory") as caught:
        run(fail, kind="killed")
    assert caught.value.exit_code == 137


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_step_and_then_stops_the_run(number: signal.Signals) -> None:
    display = Quiet()
    with pytest.raises(Stopped, match="continues") as caught:
        run(wait, display, runner=os.getpid(), number=int(number), deaf=False)
    assert caught.value.exit_code == 128 + number
    assert ("end", "wait", 128 + number) in display.seen


def test_a_closed_terminal_stops_the_run_as_sigterm_does() -> None:
    with pytest.raises(Stopped) as caught:
        run(wait, runner=os.getpid(), number=int(signal.SIGHUP), deaf=False)
    assert caught.value.exit_code == 143


def test_a_second_signal_kills_a_step_that_does_not_listen() -> None:
    with pytest.raises(Stopped) as caught:
        run(wait, runner=os.getpid(), number=int(signal.SIGTERM), deaf=True)
    assert caught.value.exit_code == 143


def test_what_is_no_failed_step_passes_through() -> None:
    def broken() -> None:
        raise RuntimeError("kfp has changed")

    with pytest.raises(RuntimeError, match="kfp has changed"):
        run_locally(broken, [], Quiet())
