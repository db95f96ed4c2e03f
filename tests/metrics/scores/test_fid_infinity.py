"""FID at infinitely many samples: it has no bias of small samples."""

from __future__ import annotations

import numpy as np
import pytest

from gan.metrics.maths.frechet import Gaussian, fid_at_infinity, fit, frechet_distance

FEATURES = 24


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_bias_of_few_samples_falls_away(shift: float) -> None:
    real = Gaussian(np.zeros(FEATURES), np.eye(FEATURES))
    rng = np.random.default_rng(0)
    plain, extrapolated = [], []
    for _ in range(40):
        generated = rng.normal(shift, 1.0, (400, FEATURES))
        plain.append(frechet_distance(fit(generated), real))
        extrapolated.append(fid_at_infinity(real, generated, np.random.default_rng(1)))
    truth = FEATURES * shift**2
    bias = np.mean(plain) - truth
    assert bias > 0.3
    assert np.mean(extrapolated) == pytest.approx(truth, abs=bias / 5)


def test_the_seed_decides() -> None:
    generated = np.random.default_rng(2).normal(size=(100, 5))
    real = fit(np.random.default_rng(3).normal(size=(100, 5)))
    first, again, other = (fid_at_infinity(real, generated, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first == again != other
