"""FID extrapolated to infinitely many generated images.

Chong & Forsyth 2020, "Effectively Unbiased FID and Inception Score and Where to Find Them", section 4: the bias of FID
is linear in 1 / N, by a factor that depends on the generator. A line through two sizes, all N images and halves of
them, gives the value at 1 / N = 0; the two halves together use each image once. The real images stay as many as they
are.
"""

from __future__ import annotations

import numpy as np

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.estimate import LazyScore
from gan.metrics.scores.fid import fid_at_infinity, fit


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`fid_infinity` of all images, without an interval; left out where a half has no more images than features."""
    generated = comparison.generated.features
    if len(generated) // 2 <= generated.shape[1]:
        return {}
    rng = np.random.default_rng([comparison.protocol.seed, 1])
    return {"fid_infinity": LazyScore(fid_at_infinity(fit(comparison.real.features), generated, rng))}
