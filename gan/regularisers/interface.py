"""The interface of every regulariser: a term that is added to the loss of one of the networks.

A regulariser may look at one of four things, and leaves the others None:

    of_real_gradients   grad_x D(x) at the real images of a batch        added to the discriminator's loss
    of_fake_gradients   grad_x D(x) at the generated images              added to the discriminator's loss
    of_logits           the logits of both batches                       added to the discriminator's loss
    of_outputs          logits and features of both batches              added to the generator's loss

The gradient is that of the sum of the logits in the images before augmentation, so each sample's is its own as long as
the discriminator has no BatchNorm (`gan.build` refuses one that has). A sample is one image, or the images that the
discriminator judges together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gan.losses.interface import DiscriminatorOutput
from gan.options import Options, key
from gan.schedules import scheduled_key
from gan.schedules.interface import Scheduled
from gan.types import Logits, Scalar, Tensor


@dataclass(frozen=True)
class RegulariserOptions(Options):
    """A term added to the loss of one of the networks.

    `TITLE` is its name in prose; `METRIC` says what its metric is, a noun phrase; `OF_GRADIENTS` whether it looks at
    gradients.
    """

    GROUP: ClassVar[str] = "regularisers"
    TITLE: ClassVar[str]
    METRIC: ClassVar[str]
    OF_GRADIENTS: ClassVar[bool] = False

    weight: Scheduled = scheduled_key(1.0, "Factor of the term; 0 turns it off.", min_value=0)


@dataclass(frozen=True)
class LazyOptions(RegulariserOptions):
    """The options of a term that need not be computed at each update.

    Karras et al. (2020), "Analyzing and Improving the Image Quality of StyleGAN", arXiv:1912.04958, section 3.1, "Lazy
    regularization": a term computed at every k-th update has k times its weight there.
    """

    every: int = key(
        1,
        "Compute the term at every this many updates of the discriminator, with that many times its weight.",
        min_value=1,
        max_value=1000,
    )


@dataclass(frozen=True)
class Regulariser:
    """A term of a loss; see the head of this file for the four functions.

    Attributes:
        name: its name in `gan.regularisers.REGULARISERS`, and that of its metric.
        weight: its factor, at least 0: a number or a schedule.
        of_real_gradients, of_fake_gradients: from gradients float32 [N, H, W, C] to a scalar, a mean over the samples.
        of_logits: from real logits and generated logits, float32 [N, 1], to a scalar.
        of_outputs: from the discriminator's outputs for a real and a generated batch to a scalar.
        needs_real: whether `of_outputs` uses the real batch; if not, it may be None.
        every: at how many updates of the discriminator it is computed; see `LazyOptions`.
        observe: takes the logits of both batches at every update of the discriminator, before its term is computed, to
            change `variables`.
        variables: its state, by name: Keras variables that change from step to step.
    """

    name: str
    weight: Scheduled
    of_real_gradients: Callable[[Tensor], Scalar] | None = None
    of_fake_gradients: Callable[[Tensor], Scalar] | None = None
    of_logits: Callable[[Logits, Logits], Scalar] | None = None
    of_outputs: Callable[[DiscriminatorOutput | None, DiscriminatorOutput], Scalar] | None = None
    needs_real: bool = False
    every: int = 1
    observe: Callable[[Logits, Logits], None] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
