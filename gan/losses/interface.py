"""The interface of every loss, and how the training step uses it.

    discriminator update   loss.discriminator(real_logits, fake_logits, flips)
                           + loss.gradient_penalty * gradient_penalty(critic, real, fake, alpha)   if it is > 0
                           then clip_weights(variables, loss.clip_value)                           if it is not None
    generator update       loss.generator(fake_logits, real_logits)

Both are minimised; `gan.regularisers` adds to them. Real and generated logits have the same number, and those of one
position are of one class if the networks are conditional. Each file in this package implements one loss: its options,
two pure functions, and a `make`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol

from gan.options import Options
from gan.types import Logits, Scalar, Tensor


class LabelFlips(NamedTuple):
    """Label noise: which of the discriminator's labels are flipped. Boolean [N, 1] each, True where flipped."""

    real: Tensor
    fake: Tensor


class DiscriminatorOutput(NamedTuple):
    """The discriminator's output for a batch: logits float32 [N, 1] and features float32 [N, F]."""

    logits: Logits
    features: Tensor


@dataclass(frozen=True)
class LossOptions(Options):
    """The objective of both networks."""

    GROUP: ClassVar[str] = "loss"

    name: str = ""


class DiscriminatorLoss(Protocol):
    """From the logits [N, 1] of a real and of a generated batch, and label flips or None, to a scalar."""

    def __call__(self, real_logits: Logits, fake_logits: Logits, flips: LabelFlips | None = None) -> Scalar:
        """The scalar that the discriminator minimises."""


class GeneratorLoss(Protocol):
    """From the logits [N, 1] of a generated and of a real batch to a scalar.

    The real ones are None unless the loss needs them.
    """

    def __call__(self, fake_logits: Logits, real_logits: Logits | None = None) -> Scalar:
        """The scalar that the generator minimises."""


@dataclass(frozen=True)
class Loss:
    """The losses of both networks.

    Attributes:
        name: its name in `gan.losses.LOSSES`.
        generator: the generator's scalar loss.
        discriminator: the discriminator's scalar loss, without the gradient penalty.
        needs_real_logits: whether `generator` uses the logits of the real batch.
        label_noise: the share of labels to flip, in [0, 0.5]; the caller draws the masks. 0: flips are None.
        gradient_penalty: the weight of the gradient penalty, at least 0; 0 for none.
        clip_value: after each critic update the weights are clipped to +- this value, > 0; None for no clipping.
        logit_is_log_ratio: whether the logit of an optimal discriminator is log(p_real / p_generated).
        critic: whether the discriminator's loss is the mean logit of generated images minus that of real ones.
        zero_is_boundary: whether logit 0 is the decision boundary between real (above) and generated (below). A critic
            has none: adding a constant to all its logits does not change its loss.
        recommended: the settings of its paper that it depends on, by config key ("optimizer.beta_1").
        recommended_regularisers: those without which it need not converge, by name; their weights depend on the data.
        source: the paper of these settings; empty if there are none.
    """

    name: str
    generator: GeneratorLoss
    discriminator: DiscriminatorLoss
    needs_real_logits: bool = False
    label_noise: float = 0.0
    gradient_penalty: float = 0.0
    clip_value: float | None = None
    logit_is_log_ratio: bool = False
    critic: bool = False
    zero_is_boundary: bool = False
    recommended: Mapping[str, str | float] = field(default_factory=dict)
    recommended_regularisers: tuple[str, ...] = ()
    source: str = ""
