"""Coverage of nominal 95 % intervals of FID and KID, for generators equal to, near to and far from the real images.

Features are rectified linear mixtures of latents with a spectrum of 1/k. Each round draws new latents, and with "both"
also new real images. The second generator of a paired difference has slightly different weights and the same latents.
`ratio` is the estimated standard error over the empirical one; its own relative error is about 1 / sqrt(2 rounds).
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from gan.metrics.maths import frechet
from gan.metrics.maths.contributions import Contributions, Over, paired_difference, standard_error
from gan.metrics.maths.fid_influence import influence
from gan.metrics.scores import kid

Array = npt.NDArray[np.floating]
SHIFTS = {"none": 0.0, "small": 0.05, "clear": 0.5}


class FeatureDistribution:
    """The distribution of the features."""

    def __init__(self, features: int) -> None:
        rng = np.random.default_rng(0)
        self.features = features
        self.weights, self.change = rng.normal(size=(2, features, features)) / np.sqrt(features)
        self.scale = 1.0 / np.sqrt(np.arange(1, features + 1))

    def __call__(self, latents: Array, shift: float, change: float = 0.0) -> Array:
        """Features [N, F] of latents [N, F]."""
        drawn = np.maximum((latents * self.scale) @ (self.weights + change * self.change), 0.0)
        drawn = drawn * (1.0 + shift * np.linspace(0.0, 1.0, self.features))
        drawn[:, 0] += shift
        return drawn.astype(np.float32)


def fid_of(real: Array, generated: Array) -> tuple[float, Contributions]:
    """FID and its contributions."""
    return frechet.frechet_distance(frechet.fit(real), frechet.fit(generated)), influence(real, generated)


SCORES = {"fid": fid_of, "kid": kid.all_pairs}


def rounds(
    score: str, distribution: FeatureDistribution, images: int, shift: float, over: Over, count: int, seed: int
) -> Array:
    """Value, its error, difference and its error: [count, 4]."""
    rng = np.random.default_rng(seed)
    real = distribution(rng.normal(size=(images, distribution.features)), 0.0)
    rows = []
    for _ in range(count):
        if over == "both":
            real = distribution(rng.normal(size=(images, distribution.features)), 0.0)
        latents = rng.normal(size=(images, distribution.features))
        value, parts = SCORES[score](real, distribution(latents, shift))
        other, other_parts = SCORES[score](real, distribution(latents, shift, 0.1))
        paired = paired_difference(other_parts, parts)
        rows.append((value, standard_error(parts, over=over), other - value, standard_error(paired, over=over)))
    return np.array(rows)


def table_cell(values: Array, errors: Array) -> str:
    """One cell of the table."""
    spread, covered = values.std(ddof=1), np.mean(np.abs(values - values.mean()) < 1.96 * errors)
    return f"{values.mean():10.3g} ratio {np.sqrt(np.mean(errors**2)) / spread:.2f} coverage {covered:.3f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scores", nargs="+", choices=list(SCORES), default=list(SCORES))
    parser.add_argument("--shifts", nargs="+", choices=list(SHIFTS), default=list(SHIFTS))
    parser.add_argument("--over", nargs="+", choices=["generated", "both"], default=["generated", "both"])
    given = parser.parse_args()
    distribution = FeatureDistribution(given.features)
    for score in given.scores:
        for name in given.shifts:
            for over in given.over:
                found = rounds(score, distribution, given.images, SHIFTS[name], over, given.rounds, given.seed)
                alone, paired = table_cell(found[:, 0], found[:, 1]), table_cell(found[:, 2], found[:, 3])
                print(f"{score} {name:5} over {over:9} score {alone} | paired difference {paired}", flush=True)


if __name__ == "__main__":
    main()
