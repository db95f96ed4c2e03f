"""What a step leaves in the ledger of its execution: real processes and signals, a store on disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.runtime import context, pod_metadata, termination_message
from gan.errors import DataError, DivergedError, FencedError, GanError, UnavailableError
from gan.result import StepResult
from gan.store import LocalStore
from gan.store.records import executions
from gan.store.records.executions import DONE, FAILED, LOST, RUNNING, STOPPED, ExecutionAttempt

EXECUTION = "5f0c"
TASK = "gan-training-x7.root.promote.executor"


class Pod:
    """The environment of one step after the other, as the profiles give it to their pods."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self.store = folder / "store"
        self.last_words = folder / "termination-log"
        self._environment = environment
        environment.setenv(pod_metadata.EXECUTION, EXECUTION)
        environment.setenv(pod_metadata.NODE, "node-1")
        environment.setenv(pod_metadata.IMAGE, "image@sha256:1")
        environment.setenv(termination_message.FILE, str(self.last_words))
        self.retry(0)

    def retry(self, number: int) -> None:
        self._environment.setenv(pod_metadata.TASK, f"{TASK}({number})")
        self._environment.setenv(pod_metadata.POD, f"gan-training-x7-{number}")

    def fail(self, error: BaseException) -> int:
        with pytest.raises(SystemExit) as left, context.step("promote", str(self.store)):
            raise error
        return int(left.value.code or 0)

    def attempts(self) -> list[ExecutionAttempt]:
        return executions.read(LocalStore(self.store), EXECUTION)


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    return Pod(tmp_path, monkeypatch)


def test_a_step_that_is_done_is_on_record_with_what_it_made(pod: Pod) -> None:
    made = StepResult("gen-1", "/uri", 1.5, True, {"passed": True})
    with context.step("promote", str(pod.store)) as step:
        (running,) = pod.attempts()
        assert (running.state, running.ended_at, running.exit_code) == (RUNNING, None, None)
        step.done(made)
        assert pod.attempts() == [running]  # the artifacts may still go wrong
    (done,) = pod.attempts()
    assert (done.step, done.task, done.number, done.retry) == ("promote", TASK, 1, 0)
    assert (done.pod, done.node, done.image) == ("gan-training-x7-0", "node-1", "image@sha256:1")
    assert (done.state, done.exit_code, done.error) == (DONE, 0, None)
    assert done.outcome is not None
    assert StepResult(**done.outcome) == made
    assert done.began_at <= str(done.ended_at)
    assert not pod.last_words.exists()


def test_an_error_is_on_record_and_the_last_word_of_the_pod(pod: Pod) -> None:
    assert pod.fail(DataError("the picture is cut off")) == 3
    (failed,) = pod.attempts()
    assert (failed.state, failed.exit_code, failed.error) == (FAILED, 3, "the picture is cut off")
    assert pod.last_words.read_text() == "promote: the picture is cut off"


def test_a_retry_after_an_error_that_lasts_says_it_again_without_any_work(
    pod: Pod, capsys: pytest.CaptureFixture[str]
) -> None:
    pod.fail(DivergedError("the loss is not finite at step 7"))
    for number in (1, 2):
        pod.retry(number)
        with pytest.raises(SystemExit) as left, context.step("promote", str(pod.store)):
            pytest.fail("the body ran")
        assert left.value.code == 8
        assert pod.last_words.read_text() == "promote: the loss is not finite at step 7"
    assert [(each.retry, each.exit_code, each.repeated) for each in pod.attempts()] == [
        (0, 8, False),
        (1, 8, True),
        (2, 8, True),
    ]
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("{")]
    assert lines == ["promote: the loss is not finite at step 7"] * 3


def test_who_was_overtaken_does_not_take_the_training_back(pod: Pod) -> None:
    """Two runs of one training would take it from each other for as long as their retries last."""
    pod.fail(FencedError("attempt 2 took over"))
    pod.retry(1)
    assert pod.fail(DataError("never raised: the body does not run")) == 13
    assert [(each.exit_code, each.repeated) for each in pod.attempts()] == [(13, False), (13, True)]


def test_whoever_retries_by_hand_gets_a_real_attempt(pod: Pod) -> None:
    """The backend counts from 0 again then."""
    pod.fail(DataError("no such folder"))
    pod.retry(0)
    with context.step("promote", str(pod.store)) as step:
        step.done(StepResult("gen-1", "/uri"))
    assert [(each.number, each.state) for each in pod.attempts()] == [(1, FAILED), (2, DONE)]


def test_what_a_person_mended_is_not_heeded_though_their_first_attempt_is_not_on_record(pod: Pod) -> None:
    """It was preempted before its process began: the backend counts it all the same."""
    pod.fail(DataError("no such folder"))
    for number in (1, 2, 3):
        pod.retry(number)
        pod.fail(DataError("never raised: the body does not run"))
    pod.retry(1)
    with context.step("promote", str(pod.store)) as step:
        step.done(StepResult("gen-1", "/uri"))
    assert [(each.retry, each.state) for each in pod.attempts()] == [
        *((number, FAILED) for number in range(4)),
        (1, DONE),
    ]


@pytest.mark.parametrize("error", [UnavailableError("the storage is down"), GanError("a worker died"), ValueError("?")])
def test_what_may_pass_is_tried_again(pod: Pod, error: Exception) -> None:
    pod.fail(error)
    pod.retry(1)
    with context.step("promote", str(pod.store)) as step:
        step.done(StepResult("gen-1", "/uri"))
    assert [each.state for each in pod.attempts()] == [FAILED, DONE]


def test_a_retry_after_a_kill_is_a_real_attempt(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    program = f"""
from components.runtime import context
import os, signal
with context.step("promote", {str(pod.store)!r}):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    assert [each.state for each in pod.attempts()] == [RUNNING]
    pod.retry(1)
    with context.step("promote", str(pod.store)) as step:
        step.done(StepResult("gen-1", "/uri"))
    assert [each.state for each in pod.attempts()] == [LOST, DONE]
    assert "the attempt before was killed, most likely because it ran out of memory" in capsys.readouterr().err


def test_two_tasks_of_the_same_step_are_kept_apart(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    pod.fail(DataError("the first trial's"))
    monkeypatch.setenv(pod_metadata.TASK, "gan-sweep-x7.root.trial-2.promote.executor(1)")
    with context.step("promote", str(pod.store)) as step:
        step.done(StepResult("gen-1", "/uri"))
    assert [(each.number, each.state) for each in pod.attempts()] == [(1, FAILED), (1, DONE)]


def test_sigterm_is_on_record_with_what_the_step_says(pod: Pod) -> None:
    def body() -> None:
        with context.step("promote", str(pod.store)):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as left:
        body()
    assert left.value.code == 143
    (stopped,) = pod.attempts()
    assert (stopped.state, stopped.exit_code) == (STOPPED, 143)
    assert "run the same command to continue" in (stopped.error or "")
    assert pod.last_words.read_text() == f"promote: {stopped.error}"


def test_sigterm_is_on_record_at_once_and_ends_a_step_that_hears_of_it_too_late(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The main thread is in a long calculation, out of which no handler of Python's is called."""
    program = f"""
import hashlib, os, signal, sys, threading
from components.runtime import context

def terminate():
    ready.wait()
    os.kill(os.getpid(), signal.SIGTERM)

context.FORCED_EXIT_SECONDS = 0
ready = threading.Event()
threading.Thread(target=terminate, daemon=True).start()
with context.step("promote", {str(pod.store)!r}):
    sys.setswitchinterval(1000)  # no other thread goes on before the calculation gives way to it
    ready.set()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""
    monkeypatch.setenv("GAN_GRACE_SECONDS", "1")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 143
    assert done.stderr == "promote: stopped at the end of the grace period; the same command again continues\n"
    (stopped,) = pod.attempts()
    assert (stopped.state, stopped.exit_code) == (STOPPED, 143)
    assert stopped.error == "stopped by SIGTERM, and ended before the step could clean up"
    assert pod.last_words.read_text() == f"promote: {stopped.error}"


def test_a_ledger_that_can_not_be_written_fails_no_step(
    pod: Pod, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("in the way")
    pod.retry(1)
    with context.step("promote", str(nowhere)) as step:
        step.done(StepResult("gen-1", "/uri"))
    assert "warning: the log of attempts can't be written" in capsys.readouterr().err


def test_outside_of_an_execution_nothing_is_on_record(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pod_metadata.EXECUTION, "")  # a pod without the label
    with context.step("promote", str(pod.store)) as step:
        step.done(StepResult("gen-1", "/uri"))
    assert not pod.store.exists()


def test_a_pod_that_does_not_know_its_task_counts_by_its_step(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pod_metadata.TASK, "")
    pod.fail(DataError("bad"))
    (failed,) = pod.attempts()
    assert (failed.task, failed.retry, failed.number) == ("promote", 0, 1)
