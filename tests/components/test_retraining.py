"""The components that only the retraining pipeline has, as their pods would call them."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Markdown, PipelineTaskFinalStatus

from components.registry import component
from components.runtime.result_file import ResultFile
from components.runtime.run_outcome import notification_of_run
from gan.config import from_yaml, override
from gan.metrics import evaluations
from gan.result import StepResult
from gan.store.records import executions
from gan.store.records.executions import ExecutionAttempt
from support import live, runs
from support.receiver import Receiver

CONFIG = runs.config().to_yaml()
DONE = PipelineTaskFinalStatus("SUCCEEDED", "jobs/1", "night", 0, "")
FAILED = PipelineTaskFinalStatus("FAILED", "jobs/1", "night", 3, "the pod could not be scheduled")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> runs.World:
    return runs.make(tmp_path_factory.mktemp("retraining"))


@pytest.fixture
def made(template: runs.World, tmp_path: Path) -> runs.World:
    return runs.copy(template, tmp_path)


def call(step: str, folder: Path, **inputs: Any) -> Any:
    summary = Markdown(name="summary", uri=str(folder / "summary.md"), metadata={})
    return component(step, "any-image").python_func(summary=summary, **inputs)


def test_decide_hands_on_the_config_to_train_with(made: runs.World, tmp_path: Path) -> None:
    inputs = {"store": made.store.uri, "dataset_id": made.dataset_id, "name": "pets"}
    train, config = call("decide", tmp_path, config=CONFIG, **inputs)
    assert (train, from_yaml(config)) == (True, runs.config())
    live.go_live(made.store, runs.config(), made.dataset_id, made.reference_id)
    assert call("decide", tmp_path, config=CONFIG, **inputs)[0] is False
    forced = override(runs.config(), ["retrain.force=true", "retrain.message=a 'b' \"c\"\n{{ name }}"])
    train, config = call("decide", tmp_path, config=forced.to_yaml(), **inputs)
    assert (train, from_yaml(config)) == (True, override(forced, ["train.seed=1"]))
    assert "retrain.force is set" in (tmp_path / "summary.md").read_text()


def test_remeasure_scores_the_live_one(made: runs.World, tmp_path: Path) -> None:
    inputs = {"config": CONFIG, "store": made.store.uri, "name": "pets", "reference_id": made.reference_id}
    assert call("remeasure", tmp_path, **inputs) == "nothing"
    assert "nothing is live under pets" in (tmp_path / "summary.md").read_text()
    generator_id = live.go_live(made.store, runs.config(), made.dataset_id, made.reference_id)
    assert call("remeasure", tmp_path, **inputs) == generator_id
    assert "fid[folder-cnn:" in (tmp_path / "summary.md").read_text()
    records = evaluations.read_all(made.store, made.run_id)
    assert {(each["step"], each["reference_id"]) for each in records} == {(4, made.reference_id)}
    assert sorted(map(evaluations.purpose_of, records)) == ["final", "selection"]


def test_what_can_not_be_measured_alike_is_told(made: runs.World, tmp_path: Path) -> None:
    gone = override(runs.config(), ["train.seed=9"])
    generator_id = live.go_live(made.store, gone, made.dataset_id, made.reference_id)
    inputs = {"config": CONFIG, "store": made.store.uri, "name": "pets", "reference_id": made.reference_id}
    assert call("remeasure", tmp_path, **inputs) == generator_id
    assert "unknown run" in (tmp_path / "summary.md").read_text()


def test_notify_reads_the_ledger_of_its_execution(
    made: runs.World, tmp_path: Path, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = StepResult("folder-1", "/p", details={"train": False, "reasons": ["nothing came"]})
    record(made, ExecutionAttempt("decide", "d", 0, "2026-03-01T00:00:00Z"), "done", outcome=dataclasses.asdict(result))
    monkeypatch.setenv("GAN_EXECUTION", "e1")
    monkeypatch.setenv("GAN_TASK", "night-1.notify")
    event = call("notify", tmp_path, config=CONFIG, store=made.store.uri, name="pets", status=DONE)
    assert event == "nothing new"
    assert webhook.texts == [":zzz: *pets*: nothing new, so nothing was trained\n• nothing came\nexecution e1"]
    own = executions.read(made.store, "e1")[-1]
    assert (own.step, own.state, own.outcome and own.outcome["details"]["delivered"]) == ("notify", "done", True)


def test_a_failure_is_told_in_the_words_of_the_step_that_failed(made: runs.World) -> None:
    record(made, ExecutionAttempt("train", "t", 0, "2026-03-01T00:00:00Z"), "failed", error="loss is nan", exit_code=8)
    notification = notification_of_run(made.store.uri, "pets", FAILED, {"GAN_EXECUTION": "e1"})
    assert (notification.event, notification.step, notification.exit_code, notification.reasons) == (
        "failed",
        "train",
        8,
        ("loss is nan",),
    )


def test_a_failure_that_no_step_could_tell_is_told_in_kubeflows_words(made: runs.World) -> None:
    notification = notification_of_run(made.store.uri, "pets", FAILED, {"GAN_EXECUTION": "e1"})
    assert (notification.event, notification.step) == ("failed", "")
    assert "no step says why: the pod could not be scheduled" in notification.reasons[0]


def test_a_store_that_is_down_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    notification = notification_of_run(str(tmp_path / "store"), "pets", FAILED, {"GAN_EXECUTION": "e1"})
    assert notification.event == "failed"
    assert "how the steps ended can't be read" in notification.reasons[0]


def test_on_a_machine_without_kubeflow_the_steps_records_are_read(made: runs.World, tmp_path: Path) -> None:
    ResultFile("preprocess", StepResult("folder-1", "/p")).write(tmp_path)
    ResultFile("decide", error="the pointer is damaged", exit_code=7).write(tmp_path)
    notification = notification_of_run(made.store.uri, "pets", FAILED, {"GAN_STEP_RECORDS": str(tmp_path)})
    assert (notification.step, notification.exit_code, notification.reasons) == (
        "decide",
        7,
        ("the pointer is damaged",),
    )


def record(made: runs.World, attempt: ExecutionAttempt, state: str, **rest: Any) -> None:
    begun = executions.begin(made.store, "e1", attempt)
    executions.write(made.store, "e1", dataclasses.replace(begun, state=state, ended_at="2026-03-01T00:01:00Z", **rest))
