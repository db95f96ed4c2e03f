"""FID extrapolated to infinitely many generated images.

Chong & Forsyth 2020, "Effectively Unbiased FID and Inception Score and Where to Find Them", section 4: the bias of FID
is linear in 1 / N with a slope that depends on the generator. A line through the values at N and N / 2 images gives the
value at 1 / N = 0. The number of real images is not extrapolated.
"""

from __future__ import annotations

import numpy as np

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.estimate import LazyScore
from gan.metrics.maths.frechet import fid_at_infinity, fit


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`fid_infinity` of all images, without an interval; no score if a half has no more images than features."""
    generated = comparison.generated.features
    if len(generated) // 2 <= generated.shape[1]:
        return {}
    rng = np.random.default_rng([comparison.protocol.seed, 1])
    return {"fid_infinity": LazyScore(fid_at_infinity(fit(comparison.real.features), generated, rng))}
