"""Latents: seeded, truncated, and interpolated."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    LatentArray: TypeAlias = npt.NDArray[np.float32]

MIN_TRUNCATION = 0.01


def draw(count: int, size: int, seed: int, *, truncation: float | None = None) -> LatentArray:
    """Standard normal latents float32 [count, size], the same for the same seed.

    Args:
        count: N, the number of latents.
        size: Z, the length of one.
        seed: of `numpy.random.default_rng`.
        truncation: values beyond +- this are redrawn until none is left, which gives the truncated normal distribution
            of Brock, Donahue and Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis"
            (arXiv:1809.11096), section 3.1. At least `MIN_TRUNCATION`: below, nearly every draw is rejected.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    latents = random.standard_normal((count, size), np.float32)
    if truncation is not None:
        while (beyond := np.abs(latents) > truncation).any():
            latents[beyond] = random.standard_normal(int(beyond.sum()), np.float32)
    return latents


def interpolation(start: LatentArray, end: LatentArray, steps: int) -> LatentArray:
    """Spherical interpolation, float32 [steps, Z], from `start` [Z] to `end` [Z], both included.

    It keeps to the norms that the generator was trained on, whereas a straight line passes through the nearly empty
    centre of a high-dimensional normal distribution: White, "Sampling Generative Networks" (arXiv:1609.04468), section
    2.1. Parallel latents are interpolated linearly.
    """
    import numpy as np

    a, b = start.astype(np.float64), end.astype(np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    angle = float(np.arccos(np.clip(a @ b / lengths, -1.0, 1.0))) if lengths else 0.0
    weights = np.linspace(0.0, 1.0, steps)[:, None]
    if np.sin(angle) < 1e-6:
        return np.asarray((1 - weights) * a + weights * b, np.float32)
    points = (np.sin((1 - weights) * angle) * a + np.sin(weights * angle) * b) / np.sin(angle)
    return np.asarray(points, np.float32)


def interpolations(rows: int, steps: int, size: int, seed: int, *, truncation: float | None = None) -> LatentArray:
    """`rows` independent interpolations of `steps` latents each, concatenated: float32 [rows * steps, Z]."""
    import numpy as np

    ends = draw(2 * rows, size, seed, truncation=truncation)
    return np.concatenate([interpolation(ends[2 * row], ends[2 * row + 1], steps) for row in range(rows)])
