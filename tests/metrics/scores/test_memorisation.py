"""Authenticity: known values, a second implementation, and generators that replay their training images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.metrics.maths import distances, nearest
from gan.metrics.scores import memorisation


def naive(generated: np.ndarray, training: np.ndarray) -> list[bool]:
    """The definition, in exact integer arithmetic."""

    def between(first: np.ndarray, second: np.ndarray) -> int:
        return sum((int(x) - int(y)) ** 2 for x, y in zip(first, second, strict=True))

    found = []
    for image in generated:
        original = min(training, key=lambda t: between(image, t))
        others = [between(original, other) for other in training if not np.array_equal(original, other)]
        found.append(between(image, original) < min(others, default=np.inf))
    return found


def memorised(generated: np.ndarray, training: np.ndarray) -> np.ndarray:
    return memorisation.distance_ratios(generated, training) < 1.0


def test_known_values_on_a_line() -> None:
    """Training images 0, 2, 10: spacings 2, 2, 8."""
    training = np.array([[0.0], [2.0], [10.0]])
    generated = np.array([[0.5], [-2.0], [-3.0], [10.0], [17.9], [18.0]])
    assert memorised(generated, training).tolist() == [True, False, False, True, True, False]
    np.testing.assert_allclose(memorisation.distance_ratios(generated, training), [0.25, 1, 1.5, 0, 7.9 / 8, 1])


def test_a_copy_of_an_image_that_the_training_set_holds_twice_is_found() -> None:
    training = np.array([[0.0], [0.0], [4.0]])
    assert memorised(np.array([[0.0], [1.0]]), training).tolist() == [True, True]


def test_a_training_set_of_one_image() -> None:
    training = np.ones((3, 2))
    assert memorised(np.array([[5.0, 5.0]]), training).tolist() == [True]


@settings(max_examples=100, deadline=None)
@given(
    data=st.data(),
    offset=st.sampled_from([0, 2**20]),
    tile=st.sampled_from([2, 5, 1024]),
    part=st.sampled_from([32, 2**26]),
)
def test_ties_repeats_and_offsets_equal_exact_arithmetic(
    data: st.DataObject, offset: int, tile: int, part: int
) -> None:
    points = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=14)
    generated, training = (np.array(data.draw(points)) + offset for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "TILE_ROWS", tile)
        patch.setattr(nearest, "PART_BYTES", part)
        found = memorised(generated.astype(np.float32), training.astype(np.float32))
    # of equally near training images any may be the nearest: the first one here and in `naive`
    assert found.tolist() == naive(generated, training)


SIDE = 16


def pictures(rng: np.random.Generator, count: int) -> np.ndarray:
    """Smooth random pictures: sums of a few waves, [count, SIDE, SIDE]."""
    at = np.arange(SIDE) / SIDE
    total = np.zeros((count, SIDE, SIDE))
    for _ in range(6):
        x, y, phase, height = (
            rng.uniform(low, high, (count, 1, 1)) for low, high in ((0, 9), (0, 9), (0, 6.3), (0, 1))
        )
        total += height * np.sin(x * at[None, :, None] + y * at[None, None, :] + phase)
    return total


ALTERED = {
    "plain": lambda images, rng: images,
    "noise": lambda images, rng: images + rng.normal(0, 0.05, images.shape),
    "brighter": lambda images, rng: images + 0.05,
    "shifted": lambda images, rng: np.roll(images, 1, axis=2) * 0.5 + images * 0.5,
}


@pytest.mark.parametrize("kind", ALTERED)
def test_a_generator_that_replays_is_told_from_one_that_samples(kind: str) -> None:
    rng = np.random.default_rng(1)
    projection = rng.normal(size=(SIDE * SIDE, 64)) / SIDE

    def features(images: np.ndarray) -> np.ndarray:
        return np.maximum(images.reshape(len(images), -1) @ projection, 0).astype(np.float32)

    images = pictures(rng, 2000)
    training = features(images)
    floor = memorised(features(pictures(rng, 500)), training)
    sampled = memorised(features(pictures(rng, 500)), training)
    replayed = memorised(features(ALTERED[kind](images[rng.choice(2000, 500)], rng)), training)
    reach = 3 * np.hypot(*(np.std(each) / np.sqrt(len(each)) for each in (floor, sampled)))
    assert sampled.mean() == pytest.approx(floor.mean(), abs=reach)
    assert replayed.mean() > 0.9
    assert floor.mean() < 0.6


def test_smooth_images_are_not_near_copies() -> None:
    """Means of the nearest training images: near to all of them, copies of none."""
    rng = np.random.default_rng(2)
    training = rng.normal(size=(3000, 8)).astype(np.float32)
    held_out = rng.normal(size=(300, 8)).astype(np.float32)
    squares = np.sum((held_out[:, None] - training[None]) ** 2, axis=2)
    smooth = training[np.argsort(squares, axis=1)[:, :5]].mean(axis=1)
    floor, mean = (memorisation.distance_ratios(each, training) for each in (held_out, smooth))
    replay = memorisation.distance_ratios(training[:300] + 0.02, training)
    assert (mean < 1).mean() > (floor < 1).mean() + 0.2
    assert (mean < memorisation.NEAR_COPY_RATIO).mean() < 0.1
    assert (replay < memorisation.NEAR_COPY_RATIO).mean() > 0.95
