"""R2: the discriminator's gradient at generated images is pulled to zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan.regularisers.gradient_norm import GradientNormOptions, half_mean_square_norm
from gan.regularisers.interface import Regulariser


@dataclass(frozen=True)
class Options(GradientNormOptions):
    """`weight / 2 E_fake[|grad_x D(x)|^2]`, added to the discriminator's loss.

    Mescheder, Geiger and Nowozin (2018), "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406,
    equation 10; `weight` is their gamma. Huang et al. (2024), arXiv:2501.05441, section 2, give it the weight of r1.
    """

    TITLE: ClassVar[str] = "R2"
    METRIC: ClassVar[str] = "|gradient|² / 2 at generated images"


def make(options: Options) -> Regulariser:
    """The regulariser."""
    return Regulariser(name="r2", weight=options.weight, every=options.every, of_fake_gradients=half_mean_square_norm)
