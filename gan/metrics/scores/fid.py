"""The Fréchet distance of generated images as a score: its value, its interval, and what each image contributes."""

from __future__ import annotations

from functools import cache

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.contributions import Contributions
from gan.metrics.maths.estimate import LazyScore, normal_interval
from gan.metrics.maths.fid_influence import influence
from gan.metrics.maths.frechet import fit, frechet_distance


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`fid` of all images; its interval is over other images of the same generator, with the real images fixed."""
    real, generated = comparison.real.features, comparison.generated.features

    @cache
    def contributions() -> Contributions:
        return influence(real, generated)

    value = frechet_distance(fit(real), fit(generated))
    return {"fid": LazyScore(value, normal_interval(value, contributions, low=0.0), contributions)}
