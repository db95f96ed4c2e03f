"""Adaptive discriminator augmentation: as strong as the discriminator's overfitting asks for.

Karras et al. (2020), "Training Generative Adversarial Networks with Limited Data", arXiv:2006.06676, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan.augmentations.ada_pipeline import PipelineOptions, augment
from gan.augmentations.interface import Augmentation, Draws
from gan.errors import ConfigError
from gan.options import key
from gan.types import Images, Logits, Scalar, Tensor
from gan.util.lazy import replicated_variable, tf

INTERVAL = 4
"""Updates of the discriminator from one change of the strength to the next, as published (section 3)."""


@dataclass(frozen=True)
class Options(PipelineOptions):
    """Transformations whose strength p, the probability of each, follows the discriminator's overfitting.

    An overfitting discriminator takes nearly all real images for real: r = E[sign(D(real))] nears 1. After every 4
    updates of the discriminator p grows by a fixed amount if r is above the target, and falls by it if r is below.
    It needs a loss whose logit is above 0 for what the discriminator takes for real. Up to about p = 0.8 the generator
    does not learn to make augmented images, since unchanged ones stay frequent (section 2). Karras et al.
    (2020), "Training Generative Adversarial Networks with Limited Data", arXiv:2006.06676.
    """

    name: str = "ada"
    target: float = key(0.6, "The r to which p is adapted.", min_value=-1, max_value=1)
    adaptation_images: float = key(
        500_000.0,
        "Real images in which p can go from 0 to 1; images that the discriminator judges together count as one.",
        min_value=1,
    )
    initial_strength: float = key(0.0, "p at the first step.", min_value=0, max_value=1)
    max_strength: float = key(0.8, "The highest p; above 0.8 augmentations may leak.", min_value=0, max_value=1)

    def __post_init__(self, where: str | None) -> None:
        super().__post_init__(where)
        if self.initial_strength > self.max_strength:
            raise ConfigError(
                f"{where or self.GROUP}.initial_strength must be at most max_strength={self.max_strength}; "
                f"got {self.initial_strength}"
            )


def adapted(strength: Scalar, mean_sign: Scalar, images: int, options: Options) -> Scalar:
    """clip(p + sign(r - target) images / adaptation_images, 0, max_strength).

    Args:
        strength: p, float32.
        mean_sign: r, the mean sign of the real images' logits since the last change, float32 in [-1, 1].
        images: how many images these were.
        options: of the adaptation.
    """
    change = tf.sign(mean_sign - options.target) * (images / options.adaptation_images)
    return tf.clip_by_value(strength + change, 0.0, options.max_strength)


def make(options: Options) -> Augmentation:
    """The adaptive augmentation, with p and what is measured since its last change as variables."""
    strength = replicated_variable(options.initial_strength, "float32")
    sign_sum, updates = replicated_variable(0, "float32"), replicated_variable(0, "int32")

    def apply(images: Images, draws: Draws, step: Tensor) -> Images:
        del step
        return augment(images, draws, options.groups, tf.convert_to_tensor(strength))

    def observe(real_logits: Logits) -> None:
        total = sign_sum + tf.reduce_mean(tf.sign(tf.cast(real_logits, tf.float32)))
        count = updates + 1
        due = count == INTERVAL
        images = INTERVAL * int(real_logits.shape[0])
        changed = adapted(tf.convert_to_tensor(strength), total / INTERVAL, images, options)
        strength.assign(tf.where(due, changed, strength))
        sign_sum.assign(tf.where(due, 0.0, total))
        updates.assign(tf.where(due, 0, count))

    return Augmentation(
        options.name,
        apply,
        observe=observe,
        strength=lambda step: tf.convert_to_tensor(strength),
        variables={"strength": strength, "sign_sum": sign_sum, "updates": updates},
    )
