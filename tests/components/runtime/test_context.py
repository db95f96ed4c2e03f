from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from components.registry import fingerprint
from components.runtime import context, pod_metadata, result_file
from components.runtime.result_file import ResultFile
from gan.config import Config, override
from gan.errors import NON_RETRYABLE, DataError, IdentityError, Stopped
from gan.result import StepResult


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(pod_metadata.RESULTS_FOLDER, str(tmp_path))
    return tmp_path


def test_an_outcome_is_handed_on_and_left_on_record(records: Path) -> None:
    made = StepResult("id", "/uri", 1.5, True, {"share": 0.5, "names": ["ü"]})
    with context.step("train") as step:
        assert step.done(made) is made
    assert result_file.read(records, "train") == ResultFile("train", outcome=made)


def test_without_a_folder_for_records_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pod_metadata.RESULTS_FOLDER, raising=False)
    monkeypatch.chdir(tmp_path)
    with context.step("train") as step:
        step.done(StepResult("id", "/uri"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [
        (DataError("an image is cut off"), 3, "an image is cut off"),
        (IdentityError("seeds differ"), 9, "seeds differ"),
        (Stopped(15, "step 4 is saved"), 143, "stopped. step 4 is saved"),
        (KeyboardInterrupt(), 130, "KeyboardInterrupt"),
        (ZeroDivisionError("by zero"), 70, "ZeroDivisionError: by zero"),
    ],
)
def test_whatever_goes_wrong_is_told_on_record_and_ends_the_process(
    error: BaseException, exit_code: int, message: str, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left, context.step("train"):
        raise error
    assert left.value.code == exit_code
    assert result_file.read(records, "train") == ResultFile("train", error=message, exit_code=exit_code)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("train: ")
    assert ("Traceback (most recent call last):" in lines) is (exit_code == 70)
    assert exit_code == 70 or len(lines) == 1


def test_a_body_that_the_image_does_not_hold_is_refused_for_good(
    records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(context.BODY, fingerprint("train"))
    with context.step("train") as step:
        step.done(StepResult("id", "/uri"))
    monkeypatch.setenv("GAN_IMAGE", "registry/gan:1")
    monkeypatch.setenv(context.BODY, fingerprint("gate"))
    with pytest.raises(SystemExit) as left, context.step("train"):
        pytest.fail("the body ran")
    assert left.value.code in NON_RETRYABLE
    file = result_file.read(records, "train")
    assert file is not None
    assert file.error is not None
    assert 'the step "train" of this pipeline is not the one that registry/gan:1 holds' in file.error


@pytest.mark.parametrize(("name", "words"), [("train", {"unheard_of": True}), ("polish", {})], ids=["a word", "a step"])
def test_what_only_a_later_version_knows_is_refused_for_good(
    name: str, words: dict[str, bool], records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(context.BODY, fingerprint("train"))
    with pytest.raises(SystemExit) as left, context.step(name, **words):
        pytest.fail("the body ran")
    assert left.value.code in NON_RETRYABLE


def test_a_failure_after_the_step_was_done_replaces_its_record(records: Path) -> None:
    def body() -> None:
        with context.step("train") as step:
            step.done(StepResult("id", "/uri"))
            raise DataError("the artifact could not be written")

    with pytest.raises(SystemExit):
        body()
    found = result_file.read(records, "train")
    assert found is not None
    assert (found.outcome, found.exit_code) == (None, 3)


def test_sigterm_unwinds_the_body(records: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    cleaned = []

    def body() -> None:
        with context.step("preprocess"):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                cleaned.append(True)

    with pytest.raises(SystemExit) as left:
        body()
    assert left.value.code == 143
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_step_in_another_thread_sets_no_handler(records: Path) -> None:
    def body() -> None:
        with context.step("train") as step:
            step.done(StepResult("id", "/uri"))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert result_file.read(records, "train") is not None


def test_there_is_no_record_of_a_step_that_left_none(tmp_path: Path) -> None:
    assert result_file.read(tmp_path, "train") is None


def test_a_group_of_the_config_as_overrides_gives_the_same_group() -> None:
    config = override(Config(), ["gate.limits.fid=1e-7", "gate.margin=null", "gate.limits.modes_found=3"])
    assert override(Config(), context.sets_of(config, "gate")) == config


@pytest.mark.parametrize(("step", "wanted"), [("train", "True"), ("report", "True"), ("gate", "False")])
def test_tensorflow_is_imported_quietly_and_only_where_it_is_needed(step: str, wanted: str) -> None:
    program = f"""
import sys
from components.runtime import context
with context.step({step!r}): print('tensorflow' in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{wanted}\n", "")
