"""Modes as papers count them on stacked MNIST: how many are captured, and how unevenly.

Metz et al. (2017), "Unrolled Generative Adversarial Networks", arXiv:1611.02163; Srivastava et al. (2017), "VEEGAN",
arXiv:1705.07761; Lin et al. (2018), "PacGAN", arXiv:1712.04086. A classifier that was trained on single digits finds
the mode of each of 26,000 generated images. A mode is captured if one image shows it. "Reverse KL" is the divergence
of the shares of the modes from equal ones, which stand for those of the data, as in PacGAN's code.

The metric `modes` differs: it compares with the shares of the real images, and one image of a thousand finds no mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.maths.estimate import LazyScore
from gan.metrics.scores.modes import Counts, found_error, kl_floor, mode_kl, mode_kl_error, normal_interval

if TYPE_CHECKING:
    from gan.metrics.feature_batch import Comparison


def modes_captured(generated: Counts) -> int:
    """The number of modes with at least one generated image, from images per mode [K]: in [1, K]."""
    return int(np.count_nonzero(generated))


def modes_captured_error(generated: Counts) -> float:
    """Standard error of `modes_captured` over other images of the same generator; see `modes.modes_found_error`."""
    return found_error(generated, np.ones_like(generated), int(generated.sum()))


def reverse_kl(generated: Counts) -> float:
    """KL(generated || uniform) = log K - H(generated) in nats, from images per mode [K]: in [0, log K]."""
    return mode_kl(generated, np.ones_like(generated))


def reverse_kl_error(generated: Counts) -> float:
    """Standard error of `reverse_kl` over other images of the same generator."""
    return mode_kl_error(generated, np.ones_like(generated))


def reverse_kl_floor(real: Counts, samples: int) -> float:
    """The reverse KL that a perfect sampler of the data would score with N images: KL(data || uniform) + (K - 1) / 2N.

    The divergence of the data is estimated from the real images per mode [K], without the (K - 1) / 2M that their
    number M adds to it.
    """
    modes = len(real)
    return max(0.0, reverse_kl(real) - kl_floor(modes, int(real.sum()))) + kl_floor(modes, samples)


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`modes_captured` and `reverse_kl`, with its floor, of all images, with intervals over other generated images."""
    counts = comparison.generated.mode_counts()
    modes = len(counts)
    captured, divergence = modes_captured(counts), reverse_kl(counts)
    return {
        "modes_captured": LazyScore(captured, normal_interval(captured, modes_captured_error(counts), modes)),
        "reverse_kl": LazyScore(
            divergence,
            normal_interval(divergence, reverse_kl_error(counts), float(np.log(modes))),
            floor=reverse_kl_floor(comparison.real.mode_counts(), int(counts.sum())),
        ),
    }
