"""What every augmentation must do, whatever it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.augmentations import AUGMENTATIONS
from gan.augmentations.interface import Augmentation
from gan.options import keys

STRENGTH = {"ada": "initial_strength"}
"""The key of the strength, where it is not `strength`."""
SETTINGS: dict[str, dict[str, Any]] = {
    "groups": {"groups": "pixel,geometric,colour"},
    "max_strength": {"max_strength": 1},
}
"""What an augmentation that has a key needs besides."""
CHANGING = [name for name in AUGMENTATIONS if name != "none"]
SHAPES = [(6, 8, 8, 1), (5, 9, 9, 3)]
STEP = tf.constant(1, tf.int64)
by_name_and_shape = pytest.mark.parametrize("shape", SHAPES, ids=("grey", "colour"))


def made(name: str, strength: float) -> Augmentation:
    entry = AUGMENTATIONS[name]
    known = {item.name for item in keys(entry.options)}
    settings = {key: value for needed, each in SETTINGS.items() if needed in known for key, value in each.items()}
    own = STRENGTH.get(name, "strength")
    return entry.make(entry.options(**settings, **({own: strength} if own in known else {})))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_its_name_is_that_of_its_options_and_of_the_registry(name: str) -> None:
    assert made(name, 1.0).name == AUGMENTATIONS[name].options().name == name


@by_name_and_shape
@pytest.mark.parametrize("name", AUGMENTATIONS)
class TestEvery:
    def test_at_strength_0_it_changes_no_bit(self, name: str, shape: Any, draws_of: Any, images_of: Any) -> None:
        images = images_of(*shape)
        np.testing.assert_array_equal(made(name, 0.0).apply(images, draws_of(shape[0]), STEP), images)

    def test_images_keep_shape_and_type_under_every_precision(
        self, name: str, shape: Any, draws_of: Any, images_of: Any
    ) -> None:
        images = images_of(*shape)
        before = keras.config.dtype_policy()
        results = []
        try:
            for precision in ("float32", "mixed_bfloat16", "mixed_float16"):
                keras.config.set_dtype_policy(precision)
                results.append(made(name, 0.7).apply(images, draws_of(shape[0]), STEP))
        finally:
            keras.config.set_dtype_policy(before)
        for result in results:
            assert result.shape == shape
            assert result.dtype == tf.float32
            assert np.all(np.isfinite(result))
            np.testing.assert_array_equal(result, results[0])

    def test_the_same_draws_give_the_same_images_also_in_a_graph(
        self, name: str, shape: Any, draws_of: Any, images_of: Any
    ) -> None:
        images, augmentation = images_of(*shape), made(name, 0.7)
        apply = tf.function(lambda each: augmentation.apply(each, draws_of(shape[0]), STEP), autograph=False)
        eager = augmentation.apply(images, draws_of(shape[0]), STEP)
        np.testing.assert_array_equal(eager, augmentation.apply(images, draws_of(shape[0]), STEP))
        np.testing.assert_allclose(eager, apply(images), atol=1e-4)

    def test_its_gradient_is_that_of_finite_differences(
        self, name: str, shape: Any, draws_of: Any, images_of: Any
    ) -> None:
        images, augmentation = images_of(*shape), made(name, 0.9)
        weights, direction = tf.unstack(tf.random.stateless_normal([2, *shape], [1, 2]))

        def score(at: Any) -> Any:
            return tf.reduce_sum(weights * augmentation.apply(at, draws_of(shape[0]), STEP))

        with tf.GradientTape() as tape:
            tape.watch(images)
            value = score(images)
        gradient = tape.gradient(value, images)
        slope = (score(images + 0.1 * direction) - score(images - 0.1 * direction)) / 0.2
        np.testing.assert_allclose(tf.reduce_sum(gradient * direction), slope, rtol=1e-3, atol=1e-3)
        assert np.all(np.abs(gradient).sum(axis=(1, 2, 3)) > 0)

    def test_the_gradient_of_a_gradient_penalty_is_that_of_finite_differences(
        self, name: str, shape: Any, draws_of: Any, images_of: Any
    ) -> None:
        """As R1 has it: D(x) = sum(w T(x)^2), penalty |grad_x D|^2, differentiated in w."""
        images, augmentation = images_of(*shape), made(name, 0.9)
        weights, direction = tf.unstack(tf.random.stateless_normal([2, *shape], [3, 4]))

        @tf.function(autograph=False)
        def penalty_and_gradient(at: Any) -> Any:
            with tf.GradientTape() as outer:
                outer.watch(at)
                with tf.GradientTape() as inner:
                    inner.watch(images)
                    score = tf.reduce_sum(at * augmentation.apply(images, draws_of(shape[0]), STEP) ** 2)
                penalty = tf.reduce_sum(inner.gradient(score, images) ** 2)
            return penalty, outer.gradient(penalty, at)

        gradient = penalty_and_gradient(weights)[1]
        ends = [penalty_and_gradient(weights + sign * 0.1 * direction)[0] for sign in (1, -1)]
        np.testing.assert_allclose(tf.reduce_sum(gradient * direction), (ends[0] - ends[1]) / 0.2, rtol=1e-3)


@by_name_and_shape
@pytest.mark.parametrize("name", CHANGING)
def test_each_image_has_draws_of_its_own_and_each_step_others(
    name: str, shape: Any, draws_of: Any, images_of: Any
) -> None:
    images = tf.repeat(images_of(1, *shape[1:]), shape[0], axis=0)
    augmentation = made(name, 1.0)
    results = augmentation.apply(images, draws_of(shape[0]), STEP).numpy()
    assert len({each.tobytes() for each in results}) == shape[0]
    assert not np.array_equal(results, augmentation.apply(images, draws_of(shape[0], step=2), STEP))


@pytest.mark.parametrize("name", CHANGING)
def test_a_strength_is_the_share_of_changes(name: str, draws_of: Any, images_of: Any) -> None:
    """At least as many images change as one transformation changes, at half strength; and some stay as they are."""
    images = images_of(200, 6, 6, 1)
    result = made(name, 0.1).apply(images, draws_of(200), STEP)
    changed = np.mean(np.any(result.numpy() != images.numpy(), axis=(1, 2, 3)))
    assert 0.1 < changed < 0.9


def test_a_scheduled_strength_is_that_of_the_step(draws_of: Any, images_of: Any) -> None:
    images = images_of(6, 8, 8, 1)
    schedule = {"name": "linear", "start": 0, "end": 1, "steps": 4}
    by_name: dict[str, Callable[..., Any]] = {
        name: AUGMENTATIONS[name].make for name in ("diffaugment", "ada_scheduled")
    }
    for name, make in by_name.items():
        groups = {"groups": ["colour"]} if name == "ada_scheduled" else {}
        scheduled = make(AUGMENTATIONS[name].options(strength=schedule, **groups))
        assert [float(scheduled.strength(tf.constant(step, tf.int64))) for step in (1, 3, 9)] == [0.0, 0.5, 1.0]
        np.testing.assert_array_equal(scheduled.apply(images, draws_of(6), STEP), images)
        full = make(AUGMENTATIONS[name].options(strength=1, **groups))
        np.testing.assert_array_equal(
            scheduled.apply(images, draws_of(6), tf.constant(5, tf.int64)), full.apply(images, draws_of(6), STEP)
        )
        assert full.strength is None
