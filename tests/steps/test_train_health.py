"""Health over whole trainings: verdicts on record, and returns to a healthy checkpoint that no interruption changes."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gan.config import Config, from_dict, override
from gan.errors import DivergedError, Stopped, UnhealthyError
from gan.report import rows
from gan.steps.train import train
from gan.store import LocalStore, Store
from gan.train.checkpoint.files import Checkpoints
from gan.train.health import rollback
from gan.train.health.verdicts import Finding
from gan.train.interface import Batch
from gan.train.logging.health_log import COLLAPSED, read_health
from gan.train.logging.metrics_log import read_metrics
from gan.train.nan_guard import NanGuard
from gan.train.step import TrainingStep

STEPS = 10
TINY = {
    "name": "tiny",
    "data": {"dataset": "digits", "image_size": 8},
    "generator": {"width": 0.03, "latent_size": 6},
    "discriminator": {"width": 0.05},
    "train": {
        "steps": STEPS,
        "batch_size": 256,
        "checkpoint_every_steps": 4,
        "sample_every_steps": 10,
        "log_every_steps": 3,
    },
    "health": {"every_steps": 2},
}
ROLL_BACK = ("health.policy=roll_back", "health.learning_rate_factor=0.01")


def tiny(*sets: str) -> Config:
    return override(from_dict(TINY), sets)


def _ill_from_the_third_check_on(signals: dict[str, float], history: Sequence[dict[str, float]]) -> tuple[Finding, ...]:
    """With the learning rate of the config a run is ill; with a hundredth of it, healthy."""
    ill = len(history) >= 2 and signals["generator_update"] > 5e-4
    return (Finding(COLLAPSED, "generator_update", signals["generator_update"], 5e-4, "above"),) if ill else ()


@pytest.fixture
def ill_at_6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.train.health.sentinel.judge", _ill_from_the_third_check_on)


def state_bytes(store: Store, run_id: str, step: int = STEPS) -> bytes:
    return store.read(f"runs/{run_id}/checkpoints/{Path(Checkpoints(store, run_id).uri(step)).name}/state.safetensors")


@pytest.fixture(scope="module")
def undisturbed(prepared: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    """The store of a run that was rolled back once and never interrupted."""
    root = tmp_path_factory.mktemp("undisturbed") / "store"
    shutil.copytree(prepared[0], root)
    store = LocalStore(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan.train.health.sentinel.judge", _ill_from_the_third_check_on)
        made = train(store, tiny(*ROLL_BACK), prepared[1], run_id="r")
    assert (made.details["verdict"], made.details["rollbacks"]) == ("healthy", 1)
    return store


def test_checks_change_no_bit_of_a_run(store: Store, dataset_id: str) -> None:
    train(store, tiny(), dataset_id, run_id="checked")
    train(store, tiny("health.every_steps=null"), dataset_id, run_id="unchecked")
    assert state_bytes(store, "checked") == state_bytes(store, "unchecked")
    assert [each["step"] for each in read_health(store, "checked")] == [2, 4, 6, 8, 10]
    assert read_health(store, "unchecked") == []


def test_a_run_with_a_warning_goes_on(
    store: Store, dataset_id: str, ill_at_6: None, capsys: pytest.CaptureFixture[str]
) -> None:
    made = train(store, tiny(), dataset_id, run_id="r")
    assert (made.details["steps"], made.details["verdict"], made.details["unhealthy_checks"]) == (STEPS, COLLAPSED, 3)
    assert made.details["problems"][0].startswith("collapsed at step 6 and at 2 more checks: generator_update is ")
    assert "the training is collapsed" in capsys.readouterr().err
    shown = rows.health(read_health(store, "r"), COLLAPSED, [])
    assert shown is not None
    assert [each.step for each in shown.findings] == [6, 8, 10]


def test_an_ill_run_returns_to_its_last_healthy_checkpoint(undisturbed: LocalStore) -> None:
    (only,) = rollback.read(undisturbed, "r")
    assert (only.at_step, only.to_step, only.verdict, only.learning_rate_factor) == (6, 4, COLLAPSED, 0.01)
    assert [each["step"] for each in read_health(undisturbed, "r")] == [2, 4, 6, 8, 10]
    assert [each["step"] for each in read_metrics(undisturbed, "r")] == [3, 6, 9, 10]
    tensors, _ = Checkpoints(undisturbed, "r").load(STEPS)
    assert 2e-6 in {
        float(f"{float(each):.3g}") for name, each in tensors.items() if "optimizer" in name and each.ndim == 0
    }


@pytest.mark.parametrize("step", [5, 7])
def test_a_stop_before_or_after_a_rollback_changes_nothing(
    store: Store, dataset_id: str, undisturbed: LocalStore, ill_at_6: None, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    watch, stopped = NanGuard.watch, []

    def signalled(guard: NanGuard, number: int, metrics: Any) -> None:
        watch(guard, number, metrics)
        if number == step and not stopped:
            stopped.append(number)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(NanGuard, "watch", signalled)
    with pytest.raises(Stopped):
        train(store, tiny(*ROLL_BACK), dataset_id, run_id="r")
    train(store, tiny(*ROLL_BACK), dataset_id, run_id="r")
    assert len(rollback.read(store, "r")) == 1
    assert state_bytes(store, "r") == state_bytes(undisturbed, "r")


class Killed(BaseException):
    """Stands for SIGKILL: no handler runs."""


@pytest.mark.parametrize("when", ["before the record", "after the record"])
def test_a_kill_in_the_middle_of_a_rollback_changes_nothing(
    store: Store, dataset_id: str, undisturbed: LocalStore, ill_at_6: None, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    write = rollback.write

    def killed(*args: Any) -> None:
        if when == "after the record":
            write(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rollback, "write", killed)
        with pytest.raises(Killed):
            train(store, tiny(*ROLL_BACK), dataset_id, run_id="r")
    train(store, tiny(*ROLL_BACK), dataset_id, run_id="r")
    assert len(rollback.read(store, "r")) == 1
    assert state_bytes(store, "r") == state_bytes(undisturbed, "r")


def test_a_run_that_stays_ill_fails_with_a_code_of_its_own(store: Store, dataset_id: str, ill_at_6: None) -> None:
    stubborn = tiny("health.policy=roll_back", "health.learning_rate_factor=1", "health.max_rollbacks=1")
    with pytest.raises(
        UnhealthyError, match=r"collapsed at step 6: .* 1 times already \(health\.max_rollbacks=1\)"
    ) as error:
        train(store, stubborn, dataset_id, run_id="r")
    assert error.value.exit_code == 21
    assert [each.to_step for each in rollback.read(store, "r")] == [4]


def poisoned(monkeypatch: pytest.MonkeyPatch, at_step: int, times: int) -> None:
    take, done = TrainingStep.__call__, []

    def call(self: TrainingStep, step: int, batches: Sequence[Batch]) -> Any:
        if step == at_step and len(done) < times:
            done.append(step)
            batches = [{**each, "images": each["images"] * float("nan")} for each in batches]
        return take(self, step, batches)

    monkeypatch.setattr(TrainingStep, "__call__", call)


def test_what_is_not_finite_is_a_verdict_too(store: Store, dataset_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned(monkeypatch, 7, times=1)
    with pytest.raises(DivergedError) as error:
        train(store, tiny(), dataset_id, run_id="warned")
    assert error.value.exit_code == 8
    assert [each["verdict"] for each in read_health(store, "warned")][-1] == "diverged"


def test_a_run_that_diverged_once_is_rolled_back(
    store: Store, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned(monkeypatch, 7, times=1)
    made = train(store, tiny(*ROLL_BACK), dataset_id, run_id="r")
    assert (made.details["steps"], made.details["rollbacks"]) == (STEPS, 1)
    (only,) = rollback.read(store, "r")
    assert (only.verdict, only.to_step) == ("diverged", 4)
