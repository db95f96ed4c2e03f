"""What every loss is to the training step, which treats all alike.

    discriminator step   loss.discriminator(real_logits, fake_logits, flips)
                         + loss.gradient_penalty * gradient_penalty(critic, real, fake, alpha)   where it is > 0
                         then clip_weights(variables, loss.clip_value)                           where it is not None
    generator step       loss.generator(fake_logits)
                         + regulariser.weight * regulariser.divergence(real, fake)               where there is one

Each is to be minimised. One file beside this one implements each loss as two pure functions and a maker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gan import config
from gan.types import Logits, Scalar, Tensor


class LabelFlips(NamedTuple):
    """Label noise: which of the discriminator's labels are flipped. Boolean [N, 1] each, True where flipped."""

    real: Tensor
    fake: Tensor


class DiscriminatorOutput(NamedTuple):
    """What the discriminator says of a batch: logits float32 [N, 1] and features float32 [N, F]."""

    logits: Logits
    features: Tensor


class DiscriminatorLoss(Protocol):
    """From the logits [N, 1] of a real and of a generated batch, and flipped labels or None, to a scalar."""

    def __call__(self, real_logits: Logits, fake_logits: Logits, flips: LabelFlips | None = None) -> Scalar:
        """The scalar to be minimised by the discriminator."""


@dataclass(frozen=True)
class Loss:
    """A game for two networks.

    Attributes:
        name: its name in `gan.losses.LOSSES`.
        generator: from the logits [N, 1] of generated images to the generator's scalar loss.
        discriminator: the discriminator's scalar loss, without the gradient penalty.
        reads: the loss keys of the config that have a meaning for it.
        label_noise: share of labels to flip; masks are drawn by the caller. 0: flips are None.
        gradient_penalty: weight of the gradient penalty; 0: there is none.
        clip_value: the critic's weights are clipped to +- this after each of its steps; None: they are not.
        logit_is_log_ratio: whether the logit of a perfect discriminator is log(p_real / p_generated).
        zero_is_border: whether a logit of 0 is the border between what the discriminator takes for real (above) and for
            generated (below). A critic's logits have no border: its loss stays the same when all of them rise by the
            same amount.
        recommended: the values that its paper trains with, by config key ("train.beta_1"), where it depends on them.
        source: the paper of these values; empty where there are none.
    """

    name: str
    generator: Callable[[Logits], Scalar]
    discriminator: DiscriminatorLoss
    reads: frozenset[str] = frozenset()
    label_noise: float = 0.0
    gradient_penalty: float = 0.0
    clip_value: float | None = None
    logit_is_log_ratio: bool = False
    zero_is_border: bool = False
    recommended: Mapping[str, str | float] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Regulariser:
    """A divergence between a real and a generated batch, added to the generator's loss.

    Attributes:
        name: the estimator of the divergence.
        weight: what the divergence is multiplied by; > 0.
        divergence: from what the discriminator says of a real and of a generated batch to a scalar.
        needs_real: whether `divergence` looks at the real batch at all; if not, it may be None.
    """

    name: str
    weight: float
    divergence: Callable[[DiscriminatorOutput | None, DiscriminatorOutput], Scalar]
    needs_real: bool


MakeLoss = Callable[[config.Loss], Loss]
