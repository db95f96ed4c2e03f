"""What every generator and discriminator must do, whatever it looks like inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.errors import ConfigError
from gan.networks import DISCRIMINATORS, GENERATORS
from gan.options import keys

WIDTH = 0.05
LATENT_SIZE = 5
SHAPES = [(28, 28, 1), (64, 64, 3), (8, 8, 1), (30, 30, 3)]
CLASSES = [None, 3]
POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]
SHAPES_AND_POLICIES = [(shape, "float32") for shape in SHAPES] + [((8, 8, 1), policy) for policy in POLICIES[1:]]
PAIRS = [
    tuple(name if name in registry else "dcgan" for registry in (GENERATORS, DISCRIMINATORS))
    for name in sorted({*GENERATORS, *DISCRIMINATORS})
]
EXTRAS: list[dict[str, bool | int]] = [{}, {"spectral_norm": True}, {"minibatch_std": 2}]

Shape = tuple[int, int, int]


def generator(name: str, shape: Shape, classes: int | None) -> keras.Model:
    entry = GENERATORS[name]
    options = entry.options(latent_size=LATENT_SIZE, width=WIDTH, conditional=classes is not None)
    return entry.make(options, shape, classes)


def discriminator(
    name: str, shape: Shape, classes: int | None, *, dropout: bool = True, **wanted: bool | int
) -> keras.Model:
    """One with those of the `wanted` options that it has."""
    entry = DISCRIMINATORS[name]
    wanted["dropout"] = 0.3 if dropout else 0.0  # type: ignore[assignment]
    known = {item.name for item in keys(entry.options)}
    return entry.make(
        entry.options(width=WIDTH, **{key: value for key, value in wanted.items() if key in known}), shape, classes
    )


def perturbed(network: keras.Model) -> keras.Model:
    """A network as after some training: some weights start where they stop the gradient, or the label's effect."""
    for index, variable in enumerate(network.trainable_variables):
        variable.assign_add(tf.random.stateless_normal(variable.shape, [index, 1], stddev=0.1))
    return network


def with_labels(tensor: Any, classes: int | None) -> Any:
    return tensor if classes is None else [tensor, tf.range(tensor.shape[0]) % classes]


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize(("shape", "policy"), SHAPES_AND_POLICIES)
@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_draws_float32_images_between_minus_one_and_one(
    name: str, shape: Shape, classes: int | None, policy: str, dtype_policy: Callable[[str], None]
) -> None:
    dtype_policy(policy)
    made = generator(name, shape, classes)
    latents = tf.random.stateless_normal([4, LATENT_SIZE], [1, 2])
    for training in (True, False):
        images = made(with_labels(latents, classes), training=training)
        assert images.dtype == tf.float32
        assert images.shape == (4, *shape)
        assert np.all(np.abs(images.numpy()) <= 1.0)


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize(("shape", "policy"), SHAPES_AND_POLICIES)
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_gives_one_float32_logit_and_features_an_image(
    name: str, shape: Shape, classes: int | None, policy: str, dtype_policy: Callable[[str], None]
) -> None:
    dtype_policy(policy)
    images = tf.random.stateless_uniform([4, *shape], [1, 2], -1.0, 1.0)
    logits, features = discriminator(name, shape, classes)(with_labels(images, classes), training=True)
    assert logits.dtype == features.dtype == tf.float32
    assert logits.shape == (4, 1)
    assert features.shape[0] == 4
    assert features.shape[1] > 1
    assert np.all(np.isfinite(logits))
    assert np.all(np.isfinite(features))


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize(
    ("generator_name", "discriminator_name"),
    PAIRS,
)
def test_the_gradient_reaches_every_weight_of_both(
    generator_name: str, discriminator_name: str, classes: int | None, extra: dict[str, bool | int]
) -> None:
    shape = (8, 8, 1)
    draw = perturbed(generator(generator_name, shape, classes))
    judge = perturbed(discriminator(discriminator_name, shape, classes, **extra))
    with tf.GradientTape(persistent=True) as tape:
        images = draw(with_labels(tf.random.stateless_normal([6, LATENT_SIZE], [3, 4]), classes), training=True)
        logits, _ = judge(with_labels(images, classes), training=True)
        loss = tf.reduce_sum(logits)
    for network in (draw, judge):
        for variable in network.trainable_variables:
            gradient = tape.gradient(loss, variable)
            assert gradient is not None, variable.path
            gradient = tf.convert_to_tensor(gradient)
            assert np.all(np.isfinite(gradient)), variable.path
            assert np.any(gradient), variable.path


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_penalty_on_the_gradient_of_the_logit_trains_the_weights(
    name: str, policy: str, extra: dict[str, bool | int], dtype_policy: Callable[[str], None]
) -> None:
    """As R1 and the gradient penalty do: the gradient of a gradient, in a graph."""
    dtype_policy(policy)
    judge = perturbed(discriminator(name, (8, 8, 1), None, dropout=False, **extra))
    images = tf.random.stateless_uniform([4, 8, 8, 1], [5, 6], -1.0, 1.0)

    @tf.function(autograph=False)
    def of_penalty() -> list[tf.Tensor]:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(images)
                logits = judge(images, training=True)[0]
            penalty = tf.reduce_sum(tf.square(inner.gradient(logits, images)))
        return outer.gradient(penalty, [each for each in judge.trainable_variables if len(each.shape) > 1])

    for gradient in of_penalty():  # biases only choose the sides of ReLUs
        assert np.all(np.isfinite(gradient))
        assert np.any(gradient)


@pytest.mark.parametrize("extra", [each for each in EXTRAS if "minibatch_std" not in each], ids=str)
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_logit_depends_on_its_own_image_only(name: str, classes: int | None, extra: dict[str, bool | int]) -> None:
    """As the gradient penalty demands: no BatchNorm, nor anything else across the batch, but for `minibatch_std`."""
    judge = discriminator(name, (8, 8, 3), classes, dropout=False, **extra)
    assert not [layer for layer in judge.layers if isinstance(layer, keras.layers.BatchNormalization)]
    images = tf.Variable(tf.random.stateless_uniform([3, 8, 8, 3], [5, 6], -1.0, 1.0))
    with tf.GradientTape() as tape:
        logit = judge(with_labels(tf.convert_to_tensor(images), classes), training=True)[0][1]
    gradient = tape.gradient(logit, images).numpy()
    assert np.any(gradient[1])
    assert not np.any(gradient[[0, 2]])


@pytest.mark.parametrize("name", GENERATORS)
def test_a_conditional_generator_draws_another_image_for_another_label(name: str) -> None:
    made = perturbed(generator(name, (8, 8, 1), 3))
    latents = tf.repeat(tf.random.stateless_normal([1, LATENT_SIZE], [1, 2]), 3, axis=0)
    images = made([latents, tf.range(3)], training=False).numpy()
    assert np.any(images[0] != images[1])
    assert np.any(images[1] != images[2])


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_conditional_discriminator_depends_on_the_label(name: str) -> None:
    made = discriminator(name, (8, 8, 1), 3)
    images = tf.repeat(tf.random.stateless_uniform([1, 8, 8, 1], [1, 2], -1.0, 1.0), 3, axis=0)
    logits, features = made([images, tf.range(3)], training=False)
    assert len(np.unique(logits)) == 3
    np.testing.assert_array_equal(features[0], features[1])


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("entry", [*GENERATORS.values(), *DISCRIMINATORS.values()])
def test_the_same_seed_gives_the_same_weights_under_the_same_names(entry: Any, classes: int | None) -> None:
    twins = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        twins.append(entry.make(entry.options(width=WIDTH), (8, 8, 1), classes))
    one, other = twins
    assert [each.path for each in one.trainable_variables] == [each.path for each in other.trainable_variables]
    for first, second in zip(one.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("entry", [*GENERATORS.values(), *DISCRIMINATORS.values()])
def test_an_odd_image_is_refused(entry: Any) -> None:
    with pytest.raises(ConfigError, match="got 15x15"):
        entry.make(entry.options(), (15, 15, 1), None)


@pytest.mark.parametrize("entry", [*GENERATORS.values(), *DISCRIMINATORS.values()])
def test_width_scales_the_number_of_weights(entry: Any) -> None:
    narrow, wide = (entry.make(entry.options(width=width), (8, 8, 1), None).count_params() for width in (0.1, 0.5))
    assert narrow < wide / 4
