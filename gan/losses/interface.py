"""The interface of every loss, and how the training step uses it.

    discriminator update   loss.discriminator(real_logits, fake_logits, flips)
                           + loss.gradient_penalty * gradient_penalty(critic, real, fake, alpha)   if it is > 0
                           then clip_weights(variables, loss.clip_value)                           if it is not None
    generator update       loss.generator(fake_logits)
                           + regulariser.weight * regulariser.divergence(real, fake)               if there is one

Both are minimised. Each file in this package implements one loss as two pure functions and a `make`.
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
    """The discriminator's output for a batch: logits float32 [N, 1] and features float32 [N, F]."""

    logits: Logits
    features: Tensor


class DiscriminatorLoss(Protocol):
    """From the logits [N, 1] of a real and of a generated batch, and label flips or None, to a scalar."""

    def __call__(self, real_logits: Logits, fake_logits: Logits, flips: LabelFlips | None = None) -> Scalar:
        """The scalar that the discriminator minimises."""


@dataclass(frozen=True)
class Loss:
    """The losses of both networks.

    Attributes:
        name: its name in `gan.losses.LOSSES`.
        generator: from the logits [N, 1] of generated images to the generator's scalar loss.
        discriminator: the discriminator's scalar loss, without the gradient penalty.
        config_keys: the keys of the config's `loss` that it uses.
        label_noise: the share of labels to flip, in [0, 0.5]; the caller draws the masks. 0: flips are None.
        gradient_penalty: the weight of the gradient penalty, at least 0; 0 for none.
        clip_value: after each critic update the weights are clipped to +- this value, > 0; None for no clipping.
        logit_is_log_ratio: whether the logit of an optimal discriminator is log(p_real / p_generated).
        zero_is_boundary: whether logit 0 is the decision boundary between real (above) and generated (below). A critic
            has none: adding a constant to all its logits does not change its loss.
        recommended: the settings of its paper that it depends on, by config key ("train.beta_1").
        source: the paper of these settings; empty if there are none.
    """

    name: str
    generator: Callable[[Logits], Scalar]
    discriminator: DiscriminatorLoss
    config_keys: frozenset[str] = frozenset()
    label_noise: float = 0.0
    gradient_penalty: float = 0.0
    clip_value: float | None = None
    logit_is_log_ratio: bool = False
    zero_is_boundary: bool = False
    recommended: Mapping[str, str | float] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Regulariser:
    """A divergence between a real and a generated batch, added to the generator's loss.

    Attributes:
        name: the estimator of the divergence.
        weight: the factor of the divergence; > 0.
        divergence: from the discriminator's outputs for a real and a generated batch to a scalar.
        needs_real: whether `divergence` uses the real batch; if not, it may be None.
    """

    name: str
    weight: float
    divergence: Callable[[DiscriminatorOutput | None, DiscriminatorOutput], Scalar]
    needs_real: bool


MakeLoss = Callable[[config.Loss], Loss]
