"""The terms of a step against a second, eager implementation: each gradient taken straight through both networks.

With `optimizer.beta_1=0` Adam's first moment is the last gradient, so the gradients of a step can be read off.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.augmentations.interface import Augmentation
from gan.config import Config
from gan.train.rng import StatelessRng
from gan.train.state import TrainState

PLAIN = ["discriminator.dropout=0", "optimizer.beta_1=0", "discriminator.width=0.03", "train.batch_size=6"]
COUNT = 6


def moments(optimizer: keras.optimizers.Optimizer) -> tuple[list[np.ndarray], list[np.ndarray]]:
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return [each.numpy() for each in inner._momentums], [each.numpy() for each in inner._velocities]


def packs(images: tf.Tensor, size: int) -> list[tf.Tensor]:
    """[1, H, W, size C] each."""
    return [tf.concat(tf.unstack(images[at : at + size]), axis=-1)[None] for at in range(0, len(images), size)]


def softplus(logits: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.math.log1p(tf.exp(logits)))


LOSSES: dict[str, tuple[Callable[..., tf.Tensor], Callable[..., tf.Tensor]]] = {
    "non_saturating": (lambda real, fake: softplus(-real) + softplus(fake), lambda real, fake: softplus(-fake)),
    "relativistic": (lambda real, fake: softplus(fake - real), lambda real, fake: softplus(real - fake)),
    "least_squares": (
        lambda real, fake: tf.reduce_mean((real - 1) ** 2 + fake**2) / 2,
        lambda real, fake: tf.reduce_mean((fake - 1) ** 2) / 2,
    ),
    "wgan_gp": (lambda real, fake: tf.reduce_mean(fake - real), lambda real, fake: -tf.reduce_mean(fake)),
}

CASES: dict[str, list[str]] = {
    "relativistic": ["loss.name=relativistic"],
    "relativistic, conditional": ["loss.name=relativistic", "generator.conditional=true"],
    "least squares": ["loss.name=least_squares"],
    "R1": ["regularisers.r1.weight=3"],
    "R2": ["regularisers.r2.weight=3"],
    "R3GAN": ["loss.name=relativistic", "regularisers.r1.weight=2", "regularisers.r2.weight=0.5"],
    "LeCam": ["regularisers.lecam.weight=2"],
    "packs": ["discriminator.packing=2"],
    "packs of R3GAN": ["loss.name=relativistic", "discriminator.packing=3", "regularisers.r1.weight=2"],
    "packs with a gradient penalty": ["loss.name=wgan_gp", "discriminator.packing=2"],
}


def brighter(images: tf.Tensor, draws: Any, step: tf.Tensor) -> tf.Tensor:
    """An augmentation whose derivative is known: each image times its own factor, which grows with the step."""
    return images * (1.0 + draws.uniform(1, 1, 1)) * tf.cast(step, tf.float32)


def factors(config: Config, step: int, stream: int) -> tf.Tensor:
    return (1.0 + StatelessRng(config.train.seed, step, 0, stream=stream).uniform((COUNT, 1, 1, 1))) * float(step)


class Eager:
    """One step, from the networks before it and the discriminator after its update."""

    def __init__(self, config: Config, step: int, augmented: bool) -> None:
        self.config, self.step = config, step
        self.size = config.discriminator.packing
        self.factors = [
            factors(config, step, stream) if augmented else tf.ones([COUNT, 1, 1, 1]) for stream in range(5)
        ]
        self.discriminator_loss, self.generator_loss = LOSSES[config.loss.name]

    def logits(self, network: keras.Model, images: tf.Tensor, labels: tf.Tensor, stream: int) -> tf.Tensor:
        """One pack after the other."""
        seen = packs(images * self.factors[stream][: len(images)], self.size)
        given = (
            [[each, labels[at : at + 1]] for at, each in enumerate(seen)] if self.config.generator.conditional else seen
        )
        return tf.concat([network(each, training=True)[0] for each in given], axis=0)

    def weight(self, name: str) -> float:
        options = self.config.regularisers.get(name)
        return options.weight if options else 0.0

    def norm(self, network: keras.Model, images: tf.Tensor, stream: int) -> tf.Tensor:
        """In the images before augmentation: each pack's own factors by the chain rule."""
        seen = images * self.factors[stream]

        squares = []
        for at in range(0, len(seen), self.size):
            pack = seen[at : at + self.size]
            with tf.GradientTape() as tape:
                tape.watch(pack)
                logit = network(packs(pack, self.size)[0], training=True)[0]
            scaled = tape.gradient(logit, pack) * self.factors[stream][at : at + self.size]
            squares.append(tf.reduce_sum(scaled**2) / 2)
        return tf.add_n(squares) / len(squares)

    def lecam(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """At the first update the averages are those of this batch."""
        above, below = real - tf.stop_gradient(tf.reduce_mean(fake)), tf.stop_gradient(tf.reduce_mean(real)) - fake
        return tf.reduce_mean(tf.maximum(above, 0) ** 2) + tf.reduce_mean(tf.maximum(below, 0) ** 2)

    def penalty(self, network: keras.Model, real: tf.Tensor, fake: tf.Tensor, rng: StatelessRng) -> tf.Tensor:
        shares = rng.uniform((COUNT // self.size, 1, 1, 1))
        sides = zip(packs(real, self.size), packs(fake, self.size), tf.unstack(shares), strict=True)
        found = []
        for one, other, share in sides:
            point = share * one + (1 - share) * other
            with tf.GradientTape() as tape:
                tape.watch(point)
                logit = network(point, training=True)[0]
            found.append((tf.norm(tape.gradient(logit, point)) - 1) ** 2)
        return tf.add_n(found) / len(found)

    def gradients(
        self, before: TrainState, after: keras.Model, batch: dict[str, tf.Tensor]
    ) -> tuple[list[np.ndarray], list[np.ndarray], dict[str, float]]:
        """Those of the discriminator and of the generator, and the metrics."""
        real, labels = batch["images"], batch["labels"]
        rng = StatelessRng(self.config.train.seed, self.step, 0)
        latents: Any = rng.latents(COUNT, self.config.generator.latent_size)
        latents = [latents, labels] if self.config.generator.conditional else latents
        network = before.discriminator
        with tf.GradientTape(persistent=True) as tape:
            fake = before.generator(latents, training=True)
            fixed = tf.stop_gradient(fake)
            logits = self.logits(network, real, labels, 1), self.logits(network, fixed, labels, 2)
            metrics = {"discriminator_loss": self.discriminator_loss(*logits)}
            loss = metrics["discriminator_loss"]
            for name, term in (
                ("r1", lambda: self.norm(network, real, 1)),
                ("r2", lambda: self.norm(network, fixed, 2)),
                ("lecam", lambda: self.lecam(*logits)),
            ):
                if self.weight(name):
                    metrics[name] = term()
                    loss += self.weight(name) * metrics[name]
            if self.config.loss.name == "wgan_gp":
                metrics["gradient_penalty"] = self.penalty(network, real, fixed, rng)
                loss += 10.0 * metrics["gradient_penalty"]
            generator_loss = self.generator_loss(
                self.logits(after, real, labels, 3), self.logits(after, fake, labels, 4)
            )
            metrics["generator_loss"] = generator_loss
        return (
            [tf.convert_to_tensor(each).numpy() for each in tape.gradient(loss, network.trainable_variables)],
            [
                tf.convert_to_tensor(e).numpy()
                for e in tape.gradient(generator_loss, before.generator.trainable_variables)
            ],
            {name: float(value) for name, value in metrics.items()},
        )


def close(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    scale = max(np.abs(each).max() for each in expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * scale, rtol=1e-3)


@pytest.mark.parametrize(
    ("case", "augmented"), [*((case, False) for case in CASES), ("R3GAN", True), ("packs of R3GAN", True)]
)
def test_the_gradients_and_metrics_are_those_of_an_eager_step(toy: Any, case: str, augmented: bool) -> None:
    config = toy.config(*PLAIN, *CASES[case])
    step = 3 if augmented else 1
    state, before = toy.train_state(config), toy.train_state(config)
    if augmented:
        state = dataclasses.replace(state, augmentation=Augmentation("brighter", brighter))
    batch = next(toy.batches(config))
    metrics = toy.step(config, state)(step, [batch])
    of_discriminator, of_generator, expected = Eager(config, step, augmented).gradients(
        before, state.discriminator, batch
    )
    close(moments(state.discriminator_optimizer)[0], of_discriminator)
    close(moments(state.generator_optimizer)[0], of_generator)
    for name, value in expected.items():
        assert float(metrics[name]) == pytest.approx(value, rel=1e-4), name
    if augmented:
        assert not np.allclose(
            Eager(config, step, False).gradients(before, state.discriminator, batch)[0][0], of_discriminator[0]
        )


def test_a_critic_of_packs_takes_all_channels_of_a_pack(toy: Any) -> None:
    state = toy.train_state(toy.config("discriminator.packing=2"))
    assert state.discriminator.input_shape == (None, 8, 8, 2)
    assert state.generator.output_shape == (None, 8, 8, 1)


def test_images_of_a_pack_are_neighbours_in_the_batch(toy: Any) -> None:
    config = toy.config("discriminator.packing=2")
    step = toy.step(config, toy.train_state(config))
    images = tf.reshape(tf.range(4 * 2 * 3 * 2, dtype=tf.float32), [4, 2, 3, 2])
    found = step._packed(images)
    assert found.shape == (2, 2, 3, 4)
    np.testing.assert_array_equal(found[1, ..., 2:], images[3])
    np.testing.assert_array_equal(found, tf.concat(packs(images, 2), 0))


def twins(
    toy: Any, config: Config, other: Config, steps: int
) -> tuple[TrainState, TrainState, Any, Any, dict[str, Any]]:
    """States of two configs, equal after `steps` steps of the first; their steps; and the metrics of the last one."""
    state, twin = toy.train_state(config), toy.train_state(other)
    take, batches = toy.step(config, state), toy.batches(config)
    metrics: dict[str, Any] = {}
    for number in range(1, steps + 1):
        metrics = take(number, [next(batches) for _ in range(config.train.discriminator_steps)])
    twin.restore({name: state.tensors()[name] for name in twin.variables()}, where="the twin")
    return state, twin, take, toy.step(other, twin), metrics


def same(one: TrainState, other: TrainState) -> bool:
    tensors, others = one.tensors(), other.tensors()
    return all(np.array_equal(tensors[name], others[name]) for name in tensors.keys() & others.keys())


def test_a_lazy_term_has_its_interval_times_its_weight_where_it_is_computed_and_is_absent_elsewhere(toy: Any) -> None:
    lazy = toy.config(*PLAIN, "regularisers.r1={weight: 0.5, every: 2}")
    heavy, none = toy.config(*PLAIN, "regularisers.r1.weight=1"), toy.config(*PLAIN)
    for done, other in ((1, none), (2, heavy)):
        state, twin, take, take_other, before = twins(toy, lazy, other, done)
        batch = next(toy.batches(lazy, done))
        metrics, others = take(done + 1, [batch]), take_other(done + 1, [batch])
        assert same(state, twin), f"step {done + 1}"
        kept = others if other is heavy else before
        assert float(metrics["r1"]) == float(kept["r1"]), "the last value it had"


def test_a_lazy_term_counts_updates_of_the_discriminator(toy: Any) -> None:
    """With three updates a step and every second: 1 and 3 of the first step, 2 of the second."""
    config = toy.config(*PLAIN, "regularisers.r1={weight: 1, every: 2}", "train.discriminator_steps=3")
    step = toy.step(config, toy.train_state(config))
    assert [step._due(update) for update in range(6)] == [("r1",), (), ("r1",), (), ("r1",), ()]
    batches = toy.batches(config)
    seen = [float(step(number, [next(batches) for _ in range(3)])["r1"]) for number in (1, 2, 3, 4)]
    assert len(set(seen)) == 4


def test_a_lazy_term_that_only_an_earlier_update_of_a_step_computes_is_reported(toy: Any) -> None:
    config = toy.config(*PLAIN, "regularisers.r1={weight: 1, every: 2}", "train.discriminator_steps=2")
    state, batches = toy.train_state(config), toy.batches(config)
    step, first = toy.step(config, state), next(batches)
    expected = Eager(config, 1, False).gradients(toy.train_state(config), state.discriminator, first)[2]["r1"]
    metrics = step(1, [first, next(batches)])
    assert float(metrics["r1"]) == pytest.approx(expected, rel=1e-4)


def test_lecam_averages_once_an_update_of_the_discriminator(toy: Any) -> None:
    config = toy.config(*PLAIN, "regularisers.lecam.decay=0.5", "train.discriminator_steps=3")
    state, batches = toy.train_state(config), toy.batches(config)
    step = toy.step(config, state)
    for number in (1, 2):
        step(number, [next(batches) for _ in range(3)])
    tensors = state.tensors()
    assert tensors["regularisers/lecam/updates"] == 6
    assert {name for name in tensors if name.startswith("regularisers/")} == {
        f"regularisers/lecam/{name}" for name in ("real_average", "fake_average", "updates")
    }


def test_an_average_follows_the_formula_from_update_to_update(toy: Any) -> None:
    config = toy.config(*PLAIN, "regularisers.lecam={weight: 1.0e-6, decay: 0.5}")
    state, batches = toy.train_state(config), toy.batches(config)
    step, means = toy.step(config, state), []
    for number in (1, 2, 3):
        batch = next(batches)
        means.append(float(tf.reduce_mean(state.discriminator(batch["images"], training=True)[0])))
        step(number, [batch])
    shares = np.array([0.125, 0.25, 0.5])
    found = state.tensors()["regularisers/lecam/real_average"]
    assert found == pytest.approx(np.dot(shares, means) / shares.sum(), rel=1e-4)


SCHEDULE = "{name: linear, start: 4.0e-3, end: 0, steps: 8}"


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_learning_rates_and_beta_2_follow_their_schedules(toy: Any, precision: str) -> None:
    config = toy.config(
        *PLAIN,
        f"train.generator_learning_rate={SCHEDULE}",
        "train.discriminator_learning_rate={start: 1.0e-3, end: 1.0e-4}",
        "optimizer.beta_2={name: linear, start: 0.5, end: 0.9, steps: 8}",
        f"train.precision={precision}",
        "train.steps=8",
        "train.discriminator_steps=2",
    )
    state, batches = toy.train_state(config), toy.batches(config)
    step = toy.step(config, state)
    optimizers = [
        getattr(each, "inner_optimizer", each) for each in (state.generator_optimizer, state.discriminator_optimizer)
    ]
    for number in (1, 2, 5, 8, 9):
        before = moments(optimizers[0])[1]
        step(number, [next(batches) for _ in range(2)])
        done = min((number - 1) / 8, 1)
        assert float(optimizers[0].learning_rate) == pytest.approx(4e-3 * (1 - done), abs=1e-9)
        assert float(optimizers[1].learning_rate) == pytest.approx(
            1e-4 + 9e-4 * (1 + np.cos(np.pi * done)) / 2, rel=1e-5
        )
        beta = 0.5 + 0.4 * done
        assert [float(each.beta_2) for each in optimizers] == pytest.approx([beta, beta], rel=1e-6)
        gradients, after = moments(optimizers[0])
        for old, gradient, new in zip(before, gradients, after, strict=True):
            np.testing.assert_allclose(new, beta * old + (1 - beta) * gradient**2, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("name", ["kl", "r1"])
def test_a_weight_follows_its_schedule(toy: Any, name: str) -> None:
    """The third step of eight: as with the constant 1 - 2 / 8."""
    config = toy.config(*PLAIN, f"regularisers.{name}.weight={{name: linear, start: 1, end: 0}}", "train.steps=8")
    constant = toy.config(*PLAIN, f"regularisers.{name}.weight=0.75", "train.steps=8")
    state, twin, take, take_other, _ = twins(toy, config, constant, 2)
    batch = next(toy.batches(config, 2))
    for each in (take, take_other):
        each(3, [batch])
    tensors, others = state.tensors(), twin.tensors()
    for key, tensor in tensors.items():
        np.testing.assert_allclose(tensor, others[key], rtol=1e-4, atol=1e-6, err_msg=key)


def test_a_half_life_moves_the_average_by_the_images_of_a_step(toy: Any) -> None:
    """A half-life of 12 images, in steps of 6, ramped up from half of the images so far: 3, 6, 9, 12, 12."""
    config = toy.config(*PLAIN, "train.ema_half_life_images=12", "train.ema_ramp_up=0.5")
    state, batches = toy.train_state(config), toy.batches(config)
    step = toy.step(config, state)
    for number, half_life in enumerate((3, 6, 9, 12, 12), start=1):
        before = [each.numpy() for each in state.ema.trainable_variables]
        step(number, [next(batches)])
        decay = 0.5 ** (6 / half_life)
        for old, mean, new in zip(
            before, state.ema.trainable_variables, state.generator.trainable_variables, strict=True
        ):
            np.testing.assert_allclose(mean.numpy(), decay * old + (1 - decay) * new.numpy(), atol=1e-6)


def test_each_set_of_due_terms_is_traced_once(toy: Any) -> None:
    config = toy.config("train.discriminator_steps=2", "regularisers.r1={weight: 1, every: 4}", *PLAIN)
    step, batches = toy.step(config, toy.train_state(config)), toy.batches(config)
    for number in range(1, 5):
        step(number, [next(batches) for _ in range(2)])
    assert set(step._compiled) == {(False, ("r1",)), (False, ()), (True, ())}
