"""How reliably `gan.train.health` tells ill trainings from healthy ones: narrow networks on the digits.

Healthy: every loss with several seeds. Ill: from step ONSET on, a healthy run of each loss gets one of twelve
illnesses; it counts as seen if the next check, one interval later, has a verdict that fits. Time is simulated, so that
other load on the machine changes nothing: a step takes STEP_SECONDS. `--save` keeps every signal, `--replay` judges
saved signals again, without training, for another choice of thresholds.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gan import build
from gan.config import Config, from_dict, load
from gan.data.spec import Dataset, Split
from gan.train.distributed.replicas import Replicas
from gan.train.health.probe import Probe
from gan.train.health.sentinel import HISTORY, Sentinel, diverged
from gan.train.health.verdicts import Check, judge
from gan.train.logging.health_log import COLLAPSED, DIVERGED, DRIFTING, SLOW, STALLED
from gan.train.nan_guard import FLAG
from gan.train.run import Run
from gan.train.session import train_state_of, training_step
from gan.train.state import TrainState

EVERY, ONSET, STEPS = 20, 200, 400
STEP_SECONDS, SLOW_SECONDS = 0.01, 0.05
LOSSES: dict[str, dict[str, Any]] = {
    "hinge": {},
    "non_saturating": {},
    "minimax": {},
    "wasserstein": {
        "optimizer": {"name": "rmsprop"},
        "train": {"discriminator_steps": 2, "generator_learning_rate": 5e-5, "discriminator_learning_rate": 5e-5},
    },
    "wgan_gp": {
        "optimizer": {"beta_1": 0.0, "beta_2": 0.9},
        "train": {"discriminator_steps": 2, "generator_learning_rate": 1e-4, "discriminator_learning_rate": 1e-4},
    },
}


def digits() -> tuple[Dataset, np.ndarray, np.ndarray]:
    """The dataset's description, its images float32 [1797, 8, 8, 1] in [-1, 1], and its labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images[..., None] / 8.0 - 1.0).astype(np.float32)
    described = Dataset(
        id="digits-1",
        source="digits",
        matches_published_checksums=None,
        image_size=8,
        channels=1,
        crop=None,
        resizer="bicubic",
        classes=tuple(map(str, range(10))),
        attributes=(),
        splits={"train": Split(len(images), ())},
    )
    return described, images, bunch.target.astype(np.int32)


def config_of(loss: str, seed: int) -> Config:
    """Narrow networks, batches of 32."""
    own = LOSSES[loss]
    rates = {"generator_learning_rate": 4e-4, "discriminator_learning_rate": 1e-4}
    return from_dict(
        {
            "name": "health",
            "generator": {"width": 0.1, "latent_size": 16},
            "discriminator": {"width": 0.2},
            "loss": {"name": loss},
            **({"optimizer": own["optimizer"]} if "optimizer" in own else {}),
            "train": {"steps": STEPS, "batch_size": 32, "seed": seed, **rates, **own.get("train", {})},
            "health": {"every_steps": EVERY},
        }
    )


class Training:
    """A training that can be made ill: its parts are public and replaceable."""

    def __init__(self, loss: str, seed: int) -> None:
        self.config = config_of(loss, seed)
        self.dataset, self.images, self.labels = digits()
        self.state: TrainState = train_state_of(Run("r", self.dataset.id, self.config), self.dataset, Replicas())
        self.take_step: Any = training_step(self.state, self.config, Replicas())
        self.probe = Probe(self.state, 16, seed)
        self.critic = not build.build_loss(self.config).zero_is_boundary
        self.sentinel = Sentinel(self.config.health, self.probe, critic=self.critic)
        self.after_step: Callable[[], None] = lambda: None
        self.change_images: Callable[[int, np.ndarray], np.ndarray] = lambda step, images: images
        self.choice = np.arange(len(self.images))
        self.wait_seconds = 0.0
        self.step, self.seconds, self.check_seconds, self.busy_seconds = 0, 0.0, 0.0, 0.0

    def batches(self) -> Iterator[dict[str, tf.Tensor]]:
        """The batches of the present step."""
        train = self.config.train
        for update in range(train.discriminator_steps):
            random = np.random.default_rng([train.seed, self.step, update])
            chosen = random.choice(self.choice, train.batch_size)
            images = self.change_images(self.step, self.images[chosen])
            yield {"images": tf.constant(images), "labels": tf.constant(self.labels[chosen])}

    def until(self, last: int) -> Iterator[Check]:
        """Train, and yield each check."""
        train = self.config.train
        while self.step < last:
            self.step += 1
            self.sentinel.before_step(self.step)
            batches, began = list(self.batches()), time.monotonic()
            metrics = {name: float(value) for name, value in self.take_step(self.step, batches).items()}
            self.busy_seconds += time.monotonic() - began
            self.after_step()
            self.seconds += STEP_SECONDS + self.wait_seconds
            if not metrics.pop(FLAG):
                yield diverged(self.step, "loss not finite")
                return
            if self.sentinel.due(self.step):
                began = time.monotonic()
                images = self.step * train.batch_size * train.discriminator_steps
                yield self.sentinel.check(self.step, metrics, batches[-1], images, self.seconds)
                self.check_seconds += time.monotonic() - began


def high_learning_rate(training: Training) -> None:
    """Both networks learn a hundred times as fast."""
    for each in (training.state.generator_optimizer, training.state.discriminator_optimizer):
        each.learning_rate.assign(100.0 * each.learning_rate)


def dead_discriminator(training: Training) -> None:
    """Every weight of the discriminator is 0, as where all its units died."""
    for each in training.state.discriminator.trainable_variables:
        each.assign(tf.zeros_like(each))
    training.state.discriminator_optimizer.learning_rate.assign(0.0)


def flipped_labels(training: Training) -> None:
    """The discriminator learns that real images are generated, and the other way round."""
    right = training.take_step._loss
    wrong = dataclasses.replace(
        right, discriminator=lambda real, fake, flips=None: right.discriminator(fake, real, flips)
    )
    training.take_step = training_step(training.state, training.config, Replicas())
    training.take_step._loss = wrong


def constant_generator(training: Training) -> None:
    """The generator no longer reads its latents."""
    kernel = training.state.generator.trainable_variables[0]

    def ignore_latents() -> None:
        kernel.assign(tf.zeros_like(kernel))

    training.after_step = ignore_latents


def nan_in_a_batch(training: Training) -> None:
    """One batch is not a number."""
    training.change_images = lambda step, images: images * np.float32(math.nan) if step == ONSET + 7 else images


def _no_clipping(training: Training) -> None:
    """Weights that are clipped can't explode."""
    if training.take_step._loss.clip_value is not None:
        training.take_step = training_step(training.state, training.config, Replicas())
        training.take_step._loss = dataclasses.replace(training.take_step._loss, clip_value=None)


def exploding_critic(training: Training) -> None:
    """The critic's last layer grows by 30 % a step."""
    _no_clipping(training)
    kernel = training.state.discriminator.trainable_variables[-2]
    training.after_step = lambda: kernel.assign(kernel * 1.3)


def one_class_only(training: Training) -> None:
    """The training images are all of one class."""
    training.choice = np.flatnonzero(training.labels == 0)


def frozen_generator(training: Training) -> None:
    """The generator no longer learns."""
    training.state.generator_optimizer.learning_rate.assign(0.0)


def saturated_discriminator(training: Training) -> None:
    """The discriminator's logits are 300 times as large."""
    _no_clipping(training)
    kernel = training.state.discriminator.trainable_variables[-2]
    kernel.assign(kernel * 300.0)


def noise(training: Training) -> None:
    """The training images are noise."""
    random = np.random.default_rng(0)
    training.change_images = lambda step, images: random.uniform(-1, 1, images.shape).astype(np.float32)


def slow_input(training: Training) -> None:
    """Each step waits for its images five times as long as it takes."""
    training.wait_seconds = SLOW_SECONDS


def zeroed_gradients(training: Training) -> None:
    """All gradients are 0."""
    training.take_step = training_step(training.state, training.config, Replicas())
    apply = training.take_step._apply

    def apply_zeros(optimizer: Any, gradients: list[Any], *others: Any) -> Any:
        return apply(optimizer, [tf.zeros_like(each) for each in gradients], *others)

    training.take_step._apply = apply_zeros


ILLNESSES: dict[str, tuple[Callable[[Training], None], tuple[str, ...]]] = {
    "learning rate x100": (high_learning_rate, (DIVERGED, COLLAPSED)),
    "dead discriminator": (dead_discriminator, (STALLED, COLLAPSED)),
    "flipped labels": (flipped_labels, (DIVERGED, DRIFTING)),
    "constant generator": (constant_generator, (COLLAPSED,)),
    "NaN in a batch": (nan_in_a_batch, (DIVERGED,)),
    "exploding critic": (exploding_critic, (DIVERGED,)),
    "one class only": (one_class_only, (DRIFTING,)),
    "frozen generator": (frozen_generator, (STALLED,)),
    "saturated discriminator": (saturated_discriminator, (DIVERGED, STALLED)),
    "data changing to noise": (noise, (DRIFTING,)),
    "slow input": (slow_input, (SLOW,)),
    "zeroed gradients": (zeroed_gradients, (STALLED,)),
}


def measure(seeds: range, losses: list[str], steps: int) -> list[dict[str, Any]]:
    """Every run: its loss, seed, illness ("" for none) and checks. The first seed's is made ill, too."""
    runs = []
    for loss in losses:
        for seed in seeds:
            training = Training(loss, seed)
            early = list(training.until(ONSET))
            kept = training.state.tensors(), training.sentinel.state(), training.seconds, training.take_step
            late = list(training.until(steps))
            runs.append(_record(loss, seed, "", [*early, *late]))
            share = training.check_seconds / max(training.busy_seconds, 1e-9)
            print(f"{loss} {seed}: healthy run done; checks took {share:.1%} of the time of steps", flush=True)
            for name, (make_ill, _) in ILLNESSES.items() if seed == seeds[0] else ():
                patient = _again(training, kept)
                make_ill(patient)
                runs.append(_record(loss, seed, name, [*early, *patient.until(ONSET + 2 * EVERY)]))
    return runs


def _again(training: Training, kept: Any) -> Training:
    """The training as it was at ONSET."""
    tensors, health, seconds, take_step = kept
    training.state.restore(tensors, where="step ONSET")
    training.take_step, training.step, training.seconds, training.wait_seconds = take_step, ONSET, seconds, 0.0
    training.choice, training.change_images = np.arange(len(training.images)), lambda step, images: images
    training.after_step = lambda: None
    rates, counted = training.sentinel._rates[: ONSET // EVERY], ONSET * 32 * training.config.train.discriminator_steps
    training.sentinel = Sentinel(training.config.health, training.probe, critic=training.critic, state=health)
    training.sentinel._rates, training.sentinel._counted = rates, (counted, seconds)
    return training


def _record(loss: str, seed: int, illness: str, checks: list[Check]) -> dict[str, Any]:
    signals = [dict(each.signals) for each in checks]
    tree = [{**each.to_json(), "signals": exact} for each, exact in zip(checks, signals, strict=True)]
    return {"loss": loss, "seed": seed, "illness": illness, "checks": tree}


def again(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Saved runs, judged anew by the present rules."""
    for run in runs:
        history: list[dict[str, float]] = []
        for check in run["checks"]:
            if not check["signals"]:
                continue
            made = Check(check["step"], judge(check["signals"], history[-HISTORY:]), check["signals"])
            check["findings"] = [each.to_json() for each in made.findings]
            if not made.ill:
                history.append(check["signals"])
    return runs


def verdict_at(run: dict[str, Any], step: int) -> list[dict[str, Any]]:
    """The findings after the illness began, up to the check at `step`."""
    return [finding for check in run["checks"] if ONSET < check["step"] <= step for finding in check["findings"]]


def table(runs: list[dict[str, Any]]) -> str:
    """Markdown: for each illness and loss the verdict at the next check, `-` if it was not seen; and false alarms."""
    losses = [loss for loss in LOSSES if any(run["loss"] == loss for run in runs)]
    lines = [f"| illness | {' | '.join(losses)} |", "| --- |" + " --- |" * len(losses)]
    for illness, (_, fitting) in ILLNESSES.items():
        cells = []
        for loss in losses:
            run = next(each for each in runs if (each["loss"], each["illness"]) == (loss, illness))
            found = [each["verdict"] for each in verdict_at(run, ONSET + EVERY) if each["verdict"] in fitting]
            cells.append(found[0] if found else "-")
        lines.append(f"| {illness} | {' | '.join(cells)} |")
    healthy = [run for run in runs if not run["illness"]]
    alarms = [(run, check) for run in healthy for check in run["checks"] if check["findings"]]
    wrong = {(run["loss"], run["seed"]) for run, _ in alarms}
    lines += ["", f"{len(healthy)} healthy runs, {sum(len(run['checks']) for run in healthy)} checks; false alarms in "]
    lines[-1] += f"{len(wrong)} runs"
    for run, check in alarms:
        lines.append(f"- {run['loss']} {run['seed']}, step {check['step']}: {check['findings']}")
    return "\n".join(lines)


def cost(steps: int = 60, checks: int = 10) -> str:
    """How long a check takes, relative to the steps between two: the networks and batches of the config `digits`."""
    config = load("digits", ["generator.conditional=false"])
    dataset, images, labels = digits()
    dataset = dataclasses.replace(dataset, image_size=16)
    wide = np.repeat(np.repeat(images[: config.train.batch_size], 2, 1), 2, 2)
    batch = {"images": tf.constant(wide), "labels": tf.constant(labels[: config.train.batch_size])}
    state = train_state_of(Run("r", dataset.id, config), dataset, Replicas())
    take_step = training_step(state, config, Replicas())
    probe = Probe(state, config.generator.latent_size, 0)
    times: dict[str, list[float]] = {"step": [], "check": []}
    for step in range(1, steps + 1):
        due = step % (steps // checks) == 0
        began = time.monotonic()
        if due:
            probe.before_step()
        copied = time.monotonic()
        float(take_step(step, [batch])["generator_loss"])
        taken = time.monotonic()
        if due:
            probe.measure(batch)
        times["step"].append(taken - copied)
        if due:
            times["check"].append(copied - began + time.monotonic() - taken)
    step_seconds, check_seconds = (statistics.median(each[1:]) for each in times.values())
    every = config.health.every_steps or 1
    return (
        f"a check takes {check_seconds / step_seconds:.2f} steps of {1000 * step_seconds:.0f} ms: "
        f"{check_seconds / (every * step_seconds):.2%} of the time with health.every_steps={every}; the first one, "
        f"which compiles, {times['check'][0]:.1f} s"
    )


def main() -> None:
    """Measure or replay, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="healthy runs of each loss")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS, help="of a healthy run")
    parser.add_argument("--losses", nargs="+", default=list(LOSSES), choices=list(LOSSES))
    parser.add_argument("--save", type=Path, help="write every signal to this file")
    parser.add_argument("--replay", type=Path, help="judge the signals in this file")
    parser.add_argument("--cost", action="store_true", help="only measure how long a check takes")
    flags = parser.parse_args()
    seeds = range(flags.first_seed, flags.first_seed + flags.seeds)
    if flags.cost:
        print(cost())
        return
    runs = again(json.loads(flags.replay.read_text())) if flags.replay else measure(seeds, flags.losses, flags.steps)
    if flags.save:
        flags.save.write_text(json.dumps(runs))
    print(table(runs))


if __name__ == "__main__":
    main()
