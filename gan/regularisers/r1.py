"""R1: the discriminator's gradient at real images is pulled to zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan.regularisers.gradient_norm import GradientNormOptions, half_mean_square_norm
from gan.regularisers.interface import Regulariser


@dataclass(frozen=True)
class Options(GradientNormOptions):
    """`weight / 2 E_real[|grad_x D(x)|^2]`, added to the discriminator's loss.

    Mescheder, Geiger and Nowozin (2018), "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406,
    equation 9; `weight` is their gamma. A good one grows with the image and shrinks with the batch: Karras et al.
    (2020), arXiv:2006.06676, begin with 0.0002 W^2 / N for W x W pixels and batches of N, in their code.
    """

    TITLE: ClassVar[str] = "R1"
    METRIC: ClassVar[str] = "|gradient|² / 2 at real images"


def make(options: Options) -> Regulariser:
    """The regulariser."""
    return Regulariser(name="r1", weight=options.weight, every=options.every, of_real_gradients=half_mean_square_norm)
