"""FID within classes: closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from gan.errors import DataError
from gan.metrics.maths.frechet import fit, frechet_distance
from gan.metrics.scores.class_fid import class_fid


def classes_of(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(3, dtype=np.int32), count)
    return rng.normal(size=(3 * count, 4)) + 10 * labels[:, None], labels


def test_is_the_mean_over_the_classes() -> None:
    real, labels = classes_of(np.random.default_rng(0), 60)
    shifts = np.array([0.0, 1.0, 2.0])
    found = class_fid(real, labels, real + shifts[labels][:, None], labels, classes=3)
    np.testing.assert_allclose(found.of_class, 4 * shifts**2, atol=1e-9)
    assert found.value == pytest.approx(4 * (1 + 4) / 3, abs=1e-9)


def test_a_generator_that_ignores_its_label_is_found_out() -> None:
    real, labels = classes_of(np.random.default_rng(0), 60)
    transposed = np.roll(labels, 60)
    assert frechet_distance(fit(real), fit(real)) == pytest.approx(0.0, abs=1e-9)
    assert class_fid(real, labels, real, transposed, classes=3).value > 100


def test_classes_with_too_few_images_do_not_count() -> None:
    real, labels = classes_of(np.random.default_rng(0), 60)
    kept = np.concatenate([np.arange(120), [120, 121]])
    found = class_fid(real, labels, real[kept] + 1, labels[kept], classes=4)
    assert np.isnan(found.of_class).tolist() == [False, False, True, True]
    assert found.value == pytest.approx(4.0)
    assert found.generated_counts.tolist() == [60, 60, 2, 0]


def test_no_class_with_enough_images() -> None:
    real, labels = classes_of(np.random.default_rng(0), 20)
    with pytest.raises(DataError, match="at least 50 images"):
        class_fid(real, labels, real, labels, classes=3)
