from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gan.errors import DivergedError, StoreError
from gan.store import LocalStore, Store
from gan.train.checkpoint.files import Checkpoints
from gan.train.logging.metrics_log import read_metrics

SETTINGS = {
    "plain": [],
    "noise, smoothing, RMSprop": [
        "loss.name=minimax",
        "loss.label_noise=0.2",
        "loss.label_smoothing=0.1",
        "optimizer.name=rmsprop",
    ],
    "conditional hinge, three discriminator steps": [
        "loss.name=hinge",
        "generator.conditional=true",
        "train.discriminator_steps=3",
    ],
    "clipped critic, no EMA": ["loss.name=wasserstein", "train.ema_decay=0", "train.discriminator_steps=2"],
    "gradient penalty and KL": ["loss.name=wgan_gp", "regularisers.kl.weight=0.1", "train.discriminator_steps=2"],
    "density ratio in bfloat16": [
        "regularisers.kl={weight: 0.1, estimator: density_ratio}",
        "train.precision=mixed_bfloat16",
    ],
    "float16 and its loss scale": ["train.precision=mixed_float16"],
    "spectral normalisation and minibatch standard deviation": [
        "discriminator.spectral_norm=true",
        "discriminator.minibatch_std=2",
    ],
    "R3GAN with schedules": [
        "loss.name=relativistic",
        "regularisers.r1.weight={start: 2, end: 0.2}",
        "regularisers.r2={weight: 0.5, every: 4}",
        "train.generator_learning_rate={start: 2.0e-3, end: 1.0e-4}",
        "optimizer.beta_2={start: 0.9, end: 0.99}",
        "train.ema_half_life_images=12",
    ],
    "LeCam, packs, three discriminator steps": [
        "loss.name=least_squares",
        "regularisers.lecam.decay=0.8",
        "discriminator.packing=2",
        "train.discriminator_steps=3",
    ],
    "beta_2 by a schedule under a loss scale": [
        "train.precision=mixed_float16",
        "optimizer.beta_2={start: 0.9, end: 0.99}",
        "regularisers.lecam.weight=0.3",
    ],
    "adaptive augmentation": [
        "augmentation.name=ada",
        "augmentation.groups=pixel,geometric,colour",
        "augmentation.initial_strength=0.4",
        "augmentation.adaptation_images=100",
        "train.discriminator_steps=3",
    ],
    "DiffAugment that becomes stronger": [
        "augmentation.name=diffaugment",
        "augmentation.strength={name: linear, start: 0, end: 1}",
    ],
}


def state_bytes(store: Store, step: int) -> bytes:
    return store.read(f"runs/r/checkpoints/{Path(Checkpoints(store, 'r').uri(step)).name}/state.safetensors")


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_stopped_and_resumed_run_ends_with_the_very_same_bytes(
    toy: Any, store: Store, other_store: Store, setting: str
) -> None:
    config = toy.config(*SETTINGS[setting])
    loop, _ = toy.train(store, config)
    assert loop.step == 9
    stopped, _ = toy.train(other_store, config, stop_after=6)
    assert stopped.step == 6
    toy.train(other_store, config)
    assert state_bytes(store, 9) == state_bytes(other_store, 9)


def test_any_number_of_stops_at_any_step_changes_nothing(toy: Any, store: Store, other_store: Store) -> None:
    config = toy.config()
    toy.train(store, config)
    for step in (1, 4, 8, None):
        toy.train(other_store, config, stop_after=step)
    assert state_bytes(store, 9) == state_bytes(other_store, 9)
    lines, others = (
        [{name: line[name] for name in line if "loss" in name or name == "step"} for line in read_metrics(each, "r")]
        for each in (store, other_store)
    )
    assert lines == others


class Killed(BaseException):
    """Stands for SIGKILL: no handler runs."""


@pytest.mark.parametrize(
    "at",
    [
        "gan.train.checkpoint.files.Checkpoints.prune",
        "gan.train.checkpoint.files.Checkpoints.publish",
        "gan.train.checkpoint.pending.PendingCheckpoint.spool",
        "gan.train.logging.tensorboard.TensorBoard.take",
        "gan.train.nan_guard.NanGuard.check_state",
    ],
)
def test_a_run_killed_while_saving_can_be_resumed(
    toy: Any, store: Store, other_store: Store, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    config = toy.config()
    toy.train(store, config)

    def killed(*_: Any) -> None:
        raise Killed

    toy.train(other_store, config, stop_after=5)
    monkeypatch.setattr(at, killed)
    with pytest.raises(Killed):
        toy.train(other_store, config)
    monkeypatch.undo()
    toy.train(other_store, config)
    assert state_bytes(store, 9) == state_bytes(other_store, 9)
    assert [line["step"] for line in read_metrics(other_store, "r")] == [2, 4, 6, 8, 9]


def test_a_damaged_checkpoint_is_passed_over_and_the_end_is_the_same(
    toy: Any, store: Store, other_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    config = toy.config()
    toy.train(store, config)
    toy.train(other_store, config, stop_after=6)
    other_store.write("runs/r/checkpoints/00000006-1/state.safetensors", b"rubbish")
    toy.train(other_store, config)
    assert "warning: checkpoint 6 of run r is damaged" in capsys.readouterr().err
    assert state_bytes(store, 9) == state_bytes(other_store, 9)


def test_what_a_run_leaves(toy: Any, store: Store) -> None:
    config = toy.config("train.keep_checkpoints=2", "regularisers.kl.weight=0.1")
    loop, stop = toy.train(store, config)
    assert not stop
    assert Checkpoints(store, "r").steps() == [8, 9]
    meta = Checkpoints(store, "r").read_meta(9)
    assert meta.items() >= {"batches": 9, "seed": 0, "run_id": "r", "dataset_id": "toy-1"}.items()
    names = [item.key.split("/", 2)[2] for item in store.list("runs/r") if "checkpoints" not in item.key]
    assert names == [
        "attempts.json",
        "metrics/00000001.jsonl",
        "metrics/00000005.jsonl",
        "metrics/00000009.jsonl",
        "samples/00000003.png",
        "samples/00000006.png",
        "samples/00000009.png",
        "tensorboard/events.out.tfevents.00000001",
        "tensorboard/events.out.tfevents.00000005",
        "tensorboard/events.out.tfevents.00000009",
    ]
    lines = read_metrics(store, "r")
    assert [line["step"] for line in lines] == [2, 4, 6, 8, 9]
    assert set(lines[-1]) == {
        "step",
        "generator_loss",
        "discriminator_loss",
        "kl",
        "real_accuracy",
        "fake_accuracy",
        "generator_gradient_norm",
        "discriminator_gradient_norm",
        "images_per_second",
        "data_wait_share",
        "seconds",
    }
    assert loop.throughput.total.images == 8 * 4


def test_progress_shows_the_losses(toy: Any, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    toy.train(store, toy.config())
    progress = [json.loads(line) for line in capsys.readouterr().err.splitlines() if '"train"' in line]
    assert progress[-1]["done"] == progress[-1]["total"] == 9
    assert progress[-1].keys() >= {"generator_loss", "discriminator_loss", "images_per_second", "eta_seconds"}


def test_a_divergence_names_step_and_term_and_keeps_the_last_good_checkpoint(toy: Any, store: Store) -> None:
    config = toy.config("train.log_every_steps=1000", "train.sample_every_steps=1000")
    with pytest.raises(DivergedError, match=r"diverged at step 6: .*discriminator_loss.*; checkpoint 4 is kept"):
        toy.train(store, config, poison=6)
    assert Checkpoints(store, "r").steps() == [4]


@pytest.mark.parametrize("step", [4, 8, 9])
def test_a_state_that_is_not_finite_is_never_saved(toy: Any, store: Store, step: int) -> None:
    with pytest.raises(DivergedError, match=f"diverged at step {step}: "):
        toy.train(store, toy.config(), poison=step)
    assert step not in Checkpoints(store, "r").steps()
    assert all(line["step"] < step for line in read_metrics(store, "r"))


def test_a_signal_in_a_bad_step_saves_nothing_bad(toy: Any, store: Store) -> None:
    with pytest.raises(DivergedError, match="diverged at step 6"):
        toy.train(store, toy.config(), poison=6, stop_after=6)
    assert Checkpoints(store, "r").steps() == [4]


def test_a_signal_before_the_first_step_leaves_no_checkpoint(toy: Any, store: Store) -> None:
    loop, _ = toy.train(store, toy.config(), stop_after=1)
    assert loop.step == 1
    assert Checkpoints(store, "r").steps() == [1]


def test_a_disk_that_fills_up_passes_through_and_the_earlier_checkpoint_survives(toy: Any, store: LocalStore) -> None:
    class Filling(LocalStore):
        def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
            if "00000008" in key:
                raise StoreError("the disk is full; free some space and run the same command again")
            super().write(key, data, if_absent=if_absent)

    with pytest.raises(StoreError, match="the disk is full"):
        toy.train(Filling(store.root), toy.config())
    assert Checkpoints(store, "r").steps() == [4]
    loop, _ = toy.train(store, toy.config())
    assert loop.step == 9
