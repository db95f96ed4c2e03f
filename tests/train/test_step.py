from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import build
from gan.losses import LOSSES
from gan.train.nan_guard import FLAG
from gan.train.rng import StatelessRng


def values(model: keras.Model) -> list[np.ndarray]:
    return [np.array(variable.numpy()) for variable in model.variables]


def changed(before: list[np.ndarray], after: list[np.ndarray]) -> list[bool]:
    return [not np.array_equal(one, other) for one, other in zip(before, after, strict=True)]


def adam(gradient: np.ndarray, rate: float) -> np.ndarray:
    """What the first step adds: Kingma and Ba (2015), algorithm 1, at t = 1, with Keras's epsilon."""
    return -rate * gradient / (np.abs(gradient) + 1e-7 / np.sqrt(1 - 0.999))


@pytest.mark.parametrize("conditional", [False, True])
def test_a_step_is_what_the_formulae_say(toy: Any, conditional: bool) -> None:
    """A second implementation: eager, one gradient straight through both networks, Adam in numpy."""
    config = toy.config("discriminator.dropout=0", f"generator.conditional={conditional}".lower())
    state, twin = toy.train_state(config), toy.train_state(config)
    batch = next(toy.batches(config))
    real, labels = batch["images"], batch["labels"]
    metrics = toy.step(config, state)(1, [batch])

    def given(tensor: Any) -> Any:
        return [tensor, labels] if conditional else tensor

    latents = StatelessRng(0, 1, 0).latents(4, 5)
    with tf.GradientTape() as tape:
        fake = twin.generator(given(latents), training=True)
        real_logits, fake_logits = (
            twin.discriminator(given(each), training=True)[0] for each in (real, tf.stop_gradient(fake))
        )
        loss = tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))
    variables = twin.discriminator.trainable_variables
    gradients = [tf.convert_to_tensor(each).numpy() for each in tape.gradient(loss, variables)]
    assert float(metrics["discriminator_loss"]) == pytest.approx(float(loss), rel=1e-5)
    assert float(metrics["discriminator_gradient_norm"]) == pytest.approx(
        np.sqrt(sum(np.square(each).sum() for each in gradients)), rel=1e-4
    )
    for variable, gradient in zip(variables, gradients, strict=True):
        variable.assign_add(adam(gradient, 2e-4))
    for mine, other in zip(state.discriminator.trainable_variables, variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), atol=2e-6)

    fresh = toy.train_state(config).generator
    with tf.GradientTape() as tape:
        logits = twin.discriminator(given(fresh(given(latents), training=True)), training=True)[0]
        loss = tf.reduce_mean(tf.nn.softplus(-logits))
    gradients = [tf.convert_to_tensor(each).numpy() for each in tape.gradient(loss, fresh.trainable_variables)]
    assert float(metrics["generator_loss"]) == pytest.approx(float(loss), rel=1e-5)
    assert float(metrics["generator_gradient_norm"]) == pytest.approx(
        np.sqrt(sum(np.square(each).sum() for each in gradients)), rel=1e-3
    )
    for mine, other, gradient in zip(
        state.generator.trainable_variables, fresh.trainable_variables, gradients, strict=True
    ):
        clear = np.abs(gradient) > 1e-4  # elsewhere Adam's first step is a sign of rounding
        np.testing.assert_allclose((mine.numpy() - other.numpy())[clear], adam(gradient, 2e-3)[clear], rtol=0.02)
    assert float(metrics["real_accuracy"]) == np.mean(real_logits.numpy() > 0)
    assert float(metrics["fake_accuracy"]) == np.mean(fake_logits.numpy() < 0)
    assert bool(metrics[FLAG])


def test_a_step_moves_the_ema_by_its_decay(toy: Any) -> None:
    config = toy.config()
    state = toy.train_state(config)
    before = values(state.ema)
    toy.step(config, state)(1, [next(toy.batches(config))])
    for old, mean, new in zip(before, values(state.ema), values(state.generator), strict=True):
        np.testing.assert_allclose(mean, 2 / 11 * old + 9 / 11 * new, atol=1e-6)


def test_batchnorm_statistics_reach_the_ema(toy: Any) -> None:
    config = toy.config("train.ema_decay=0")
    state = toy.train_state(config)
    before = values(state.ema)
    toy.step(config, state)(1, [next(toy.batches(config))])
    names = [variable.name for variable in state.ema.variables]
    moved = changed(before, values(state.ema))
    assert all(moved[index] for index, name in enumerate(names) if name.startswith("moving_"))
    assert values(state.ema)[0].tolist() == values(state.generator)[0].tolist()


def test_the_discriminator_takes_the_steps_it_is_given(toy: Any) -> None:
    config = toy.config("train.discriminator_steps=3")
    state, batches = toy.train_state(config), toy.batches(config)
    step = toy.step(config, state)
    for number in (1, 2):
        step(number, [next(batches) for _ in range(3)])
    assert int(state.discriminator_optimizer.iterations) == 6
    assert int(state.generator_optimizer.iterations) == 2


def test_each_graph_is_traced_once(toy: Any) -> None:
    config = toy.config("train.discriminator_steps=2")
    step, batches = toy.step(config, toy.train_state(config)), toy.batches(config)
    step(1, [next(batches) for _ in range(2)])
    traced = dict(step._compiled)
    for number in range(2, 5):
        step(number, [next(batches) for _ in range(2)])
    assert list(traced) == [(False, ()), (True, ())]
    assert step._compiled == traced


XLA_SETTINGS = {
    "plain": [],
    "R1, a second-order gradient": ["regularisers.r1.weight=2"],
    "gradient penalty, two discriminator steps": ["loss.name=wgan_gp", "train.discriminator_steps=2"],
    "float16, its loss scale, labels, LeCam": [
        "train.precision=mixed_float16",
        "generator.conditional=true",
        "regularisers.lecam.weight=0.3",
    ],
}


@pytest.mark.parametrize("setting", XLA_SETTINGS)
def test_xla_compiles_the_same_step(toy: Any, setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """XLA draws other random numbers, so there are none here."""
    monkeypatch.setattr(StatelessRng, "latents", lambda _, count, size: spread(count, size))
    monkeypatch.setattr(StatelessRng, "uniform", lambda _, shape: tf.reshape(spread(shape[0], 1) / 2 + 0.5, shape))
    losses = []
    for jit_compile in ("false", "true"):
        sets = [*XLA_SETTINGS[setting], "discriminator.dropout=0", f"train.jit_compile={jit_compile}"]
        config = toy.config(*sets)
        step, batches = toy.step(config, toy.train_state(config)), toy.batches(config)
        metrics = step(1, [next(batches) for _ in range(config.train.discriminator_steps)])
        assert bool(metrics.pop(FLAG))
        losses.append({name: float(value) for name, value in metrics.items()})
    tolerance = 3e-2 if "float16" in setting else 1e-3
    assert losses[1] == pytest.approx(losses[0], rel=tolerance, abs=tolerance)


def spread(count: int, size: int) -> Any:
    """Float32 [count, size], all different, in [-1, 1]."""
    return tf.reshape(tf.linspace(-1.0, 1.0, count * size), [count, size])


@pytest.mark.parametrize("loss", LOSSES)
def test_accuracies_are_reported_only_with_a_decision_boundary_at_0(toy: Any, loss: str) -> None:
    config = toy.config(f"loss.name={loss}")
    metrics = toy.step(config, toy.train_state(config))(1, [next(toy.batches(config))])
    reported = {"real_accuracy", "fake_accuracy"} & metrics.keys()
    assert len(reported) == (2 if build.build_loss(config).zero_is_boundary else 0)


def test_wasserstein_clips_every_weight_of_the_critic(toy: Any) -> None:
    config = toy.config("loss.name=wasserstein", "loss.clip_value=0.002")
    state = toy.train_state(config)
    toy.step(config, state)(1, [next(toy.batches(config))])
    assert all(np.abs(each.numpy()).max() <= 0.002 for each in state.discriminator.trainable_variables)


def test_the_gradient_penalty_is_reported_and_moves_the_critic(toy: Any) -> None:
    moved = []
    for weight in ("0", "10"):
        config = toy.config("loss.name=wgan_gp", f"loss.gradient_penalty={weight}", "optimizer.name=rmsprop")
        state = toy.train_state(config)
        metrics = toy.step(config, state)(1, [next(toy.batches(config))])
        assert ("gradient_penalty" in metrics) == (weight != "0")
        moved.append(values(state.discriminator))
    assert any(changed(*moved))


@pytest.mark.parametrize("estimator", ["gaussian", "density_ratio"])
def test_the_regulariser_moves_the_generator_and_not_the_discriminator(toy: Any, estimator: str) -> None:
    norms, discriminators = [], []
    for weight in ("0", "50"):
        config = toy.config(f"regularisers.kl={{weight: {weight}, estimator: {estimator}}}", "discriminator.dropout=0")
        state = toy.train_state(config)
        metrics = toy.step(config, state)(1, [next(toy.batches(config))])
        assert ("kl" in metrics) == (weight != "0")
        norms.append(float(metrics["generator_gradient_norm"]))
        discriminators.append(values(state.discriminator))
    assert norms[1] > 2 * norms[0]
    assert not any(changed(*discriminators))


def test_label_noise_is_drawn(toy: Any) -> None:
    losses = []
    for noise in ("0", "0.5"):
        config = toy.config(f"loss.label_noise={noise}", "discriminator.dropout=0", "train.batch_size=16")
        state = toy.train_state(config)
        for variable in state.discriminator.trainable_variables:
            variable.assign(variable * 3 + 0.1)  # confident logits, so that a flipped label shows in the loss
        losses.append(float(toy.step(config, state)(1, [next(toy.batches(config))])["discriminator_loss"]))
    assert losses[0] != losses[1]


def test_labels_reach_conditional_networks(toy: Any) -> None:
    config = toy.config("generator.conditional=true")
    batch = next(toy.batches(config))
    losses = []
    for labels in (batch["labels"], (batch["labels"] + 1) % 3):
        state = toy.train_state(config)
        losses.append(float(toy.step(config, state)(1, [{**batch, "labels": labels}])["generator_gradient_norm"]))
    assert losses[0] != losses[1]


def test_the_flag_is_false_for_a_value_that_is_not_finite(toy: Any) -> None:
    config = toy.config()
    batch = next(toy.batches(config))
    metrics = toy.step(config, toy.train_state(config))(1, [{**batch, "images": batch["images"] * np.inf}])
    assert not bool(metrics[FLAG])
    assert np.isnan(float(metrics["discriminator_loss"]))


class TestFloat16:
    """Dynamic loss scaling."""

    def test_networks_compute_in_float16_and_images_are_float32(self, toy: Any) -> None:
        config = toy.config("train.precision=mixed_float16")
        state = toy.train_state(config)
        metrics = toy.step(config, state)(1, [next(toy.batches(config))])
        assert bool(metrics[FLAG])
        assert state.generator.layers[1].compute_dtype == "float16"
        assert state.generator.output.dtype == "float32"
        assert isinstance(state.generator_optimizer, keras.optimizers.LossScaleOptimizer)

    def test_the_norm_is_that_of_the_unscaled_gradient(self, toy: Any) -> None:
        norms = []
        for precision in ("float32", "mixed_float16"):
            config = toy.config(f"train.precision={precision}", "discriminator.dropout=0")
            norms.append(
                float(
                    toy.step(config, toy.train_state(config))(1, [next(toy.batches(config))])["generator_gradient_norm"]
                )
            )
        assert norms[1] == pytest.approx(norms[0], rel=0.05)

    def test_an_overflow_skips_the_update_and_halves_the_scale(self, toy: Any) -> None:
        config = toy.config("train.precision=mixed_float16")
        state = toy.train_state(config)
        state.generator_optimizer.dynamic_scale.assign(2.0**40)
        before = [variable.numpy() for variable in state.generator.trainable_variables]
        metrics = toy.step(config, state)(1, [next(toy.batches(config))])
        assert bool(metrics[FLAG])
        assert float(state.generator_optimizer.dynamic_scale) == 2.0**39
        assert not any(changed(before, [each.numpy() for each in state.generator.trainable_variables]))

    def test_a_scale_below_one_is_a_divergence(self, toy: Any) -> None:
        config = toy.config("train.precision=mixed_float16")
        state = toy.train_state(config)
        state.generator_optimizer.dynamic_scale.assign(0.5)
        assert not bool(toy.step(config, state)(1, [next(toy.batches(config))])[FLAG])
