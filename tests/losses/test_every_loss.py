"""What every loss must do, whatever its formula."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gan import config
from gan.losses import LOSSES
from gan.losses.gradient_penalty import gradient_penalty
from gan.losses.interface import LabelFlips, Loss
from gan.networks import dcgan_discriminator, dcgan_generator
from gan.options import keys
from gan.regularisers import REGULARISERS

SETTINGS: dict[str, dict[str, float]] = {
    "plain": {},
    "smoothed": {"label_smoothing": 0.1},
    "noisy": {"label_noise": 0.2},
    "symmetric": {"fake_target": -1.0},
}
LOGITS = arrays(np.float64, (6, 1), elements=st.floats(-50, 50))
SHAPE = (8, 8, 1)


def takes(name: str, setting: str) -> bool:
    return SETTINGS[setting].keys() <= {item.name for item in keys(LOSSES[name].options)}


@pytest.fixture(
    params=[(name, setting) for name in LOSSES for setting in SETTINGS if takes(name, setting)], ids="-".join
)
def loss(request: pytest.FixtureRequest) -> Loss:
    name, setting = request.param
    return made_with(name, **SETTINGS[setting])


def made_with(name: str, **settings: float) -> Loss:
    entry = LOSSES[name]
    return entry.make(entry.options(**settings))


def column(*values: float) -> tf.Tensor:
    return tf.constant([[value] for value in values], tf.float32)


@pytest.mark.parametrize("name", LOSSES)
def test_its_name_is_that_of_its_options_and_of_the_registry(name: str) -> None:
    assert made_with(name).name == LOSSES[name].options().name == name


@pytest.mark.parametrize("name", LOSSES)
def test_recommended_settings_are_valid_and_have_a_source(name: str) -> None:
    made = made_with(name)
    sets = [f"{key}={value}" for key, value in made.recommended.items()]
    tuned = config.override(config.Config(), [f"loss.name={name}", *sets])
    for key, value in made.recommended.items():
        group, _, last = key.partition(".")
        assert getattr(getattr(tuned, group), last) == value
    assert bool(made.recommended or made.recommended_regularisers) == bool(made.source)
    assert set(made.recommended_regularisers) <= REGULARISERS.keys()


@pytest.mark.parametrize("name", LOSSES)
def test_a_decision_boundary_at_zero_is_symmetric(name: str) -> None:
    """Mirrored at 0, with the roles exchanged, the loss is the same; and to shift all logits is not free."""
    made = made_with(name)
    real, fake = column(1.5, 0.2, -0.4), column(0.7, -1.0, -2.0)
    value = made.discriminator(real, fake)
    if made.zero_is_boundary:
        np.testing.assert_allclose(made.discriminator(-fake, -real), value, rtol=1e-6)
        assert not np.allclose(made.discriminator(real + 3.0, fake + 3.0), value, atol=1e-2)


def test_it_gives_finite_float32_scalars_with_finite_gradients_however_large_the_logits(loss: Loss) -> None:
    real, fake = column(-1e4, -3.0, 0.0, 2.0, 1e4), column(1e4, 3.0, 0.0, -2.0, -1e4)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        values = loss.generator(fake, real), loss.discriminator(real, fake)
    for value in values:
        assert value.shape == ()
        assert value.dtype == tf.float32
        assert np.isfinite(value)
    for gradient in (tape.gradient(values[0], fake), *tape.gradient(values[1], [real, fake])):
        assert np.all(np.isfinite(gradient))


def test_a_higher_logit_of_a_generated_image_is_better_for_the_generator(loss: Loss) -> None:
    fake = column(-3.0, -0.5, 0.0, 0.25, 0.5)  # least squares has seen enough at 1
    with tf.GradientTape() as tape:
        tape.watch(fake)
        value = loss.generator(fake, tf.zeros_like(fake))
    assert np.all(tape.gradient(value, fake) < 0)


def test_the_discriminator_raises_real_logits_and_lowers_generated_ones(loss: Loss) -> None:
    real, fake = column(-3.0, -0.5, 0.0), column(0.25, 0.5, 3.0)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        value = loss.discriminator(real, fake)
    up, down = tape.gradient(value, [real, fake])
    assert np.all(up < 0)
    assert np.all(down > 0)


@given(real=LOGITS, fake=LOGITS, order=st.permutations(range(6)))
def test_the_order_within_a_batch_does_not_matter(real: Any, fake: Any, order: list[int]) -> None:
    """Of the real and the generated images by themselves, or of pairs of both if the loss compares them."""
    for loss in map(made_with, LOSSES):
        other = order if loss.needs_real_logits else order[::-1]
        close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)
        close(loss.generator(fake, real), loss.generator(fake[order], real[other]))
        close(loss.discriminator(real, fake), loss.discriminator(real[order], fake[other]))


@pytest.mark.parametrize("name", LOSSES)
def test_the_generator_gets_real_logits_only_if_it_needs_them(name: str) -> None:
    made, fake = made_with(name), column(0.5, -1.0)
    if not made.needs_real_logits:
        assert float(made.generator(fake)) == float(made.generator(fake, column(7.0, -7.0)))


def test_flipping_nothing_is_the_same_as_no_noise(loss: Loss) -> None:
    real, fake = column(-1.0, 0.3, 2.0), column(0.7, -0.2, 1.0)
    nothing = LabelFlips(tf.zeros([3, 1], tf.bool), tf.zeros([3, 1], tf.bool))
    np.testing.assert_allclose(loss.discriminator(real, fake, nothing), loss.discriminator(real, fake), rtol=1e-6)


def test_an_update_of_each_network_moves_the_logits_its_way(loss: Loss) -> None:
    """On real networks: the generator's step raises D(fake), the discriminator's raises D(real) - D(fake)."""
    keras.utils.set_random_seed(3)
    generator = dcgan_generator.make(dcgan_generator.Options(width=0.05, latent_size=5), SHAPE)
    discriminator = dcgan_discriminator.make(dcgan_discriminator.Options(width=0.05, dropout=0.0), SHAPE)
    real = tf.random.stateless_uniform([8, *SHAPE], [1, 2], -1.0, 1.0)
    latents = tf.random.stateless_normal([8, 5], [3, 4])
    fake = generator(latents, training=True)

    def gap() -> float:
        return float(tf.reduce_mean(discriminator(real)[0]) - tf.reduce_mean(discriminator(fake)[0]))

    def step(network: keras.Model, value: tf.Tensor, tape: tf.GradientTape) -> None:
        variables = network.trainable_variables
        keras.optimizers.SGD(1e-2).apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))

    before = gap()
    with tf.GradientTape() as tape:
        value = loss.discriminator(discriminator(real)[0], discriminator(fake)[0])
        if loss.gradient_penalty > 0:
            alpha = tf.random.stateless_uniform([8, 1, 1, 1], [5, 6])
            value += 1e-3 * gradient_penalty(lambda images: discriminator(images)[0], real, fake, alpha)
    step(discriminator, value, tape)
    assert gap() > before

    with tf.GradientTape() as tape:
        logits = discriminator(generator(latents, training=True))[0]
        value = loss.generator(logits, discriminator(real)[0])
    step(generator, value, tape)
    assert tf.reduce_mean(discriminator(generator(latents, training=True))[0]) > tf.reduce_mean(logits)
