"""The interface of every augmentation: what the discriminator sees of real and of generated images.

Both sides are augmented, and the generator's gradient flows through the augmentation; else the generator would learn to
make augmented images (Zhao et al., 2020, "Differentiable Augmentation for Data-Efficient GAN Training",
arXiv:2006.10738, section 3.2; Karras et al., 2020, "Training Generative Adversarial Networks with Limited Data",
arXiv:2006.06676, section 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from gan.options import Options
from gan.schedules.interface import ValueAt
from gan.types import Images, Logits, Tensor


class Draws(Protocol):
    """Random numbers for one batch, which depend on the run's seed, the step and the batch alone."""

    def uniform(self, *shape: int) -> Tensor:
        """Uniform float32 [N, *shape] in [0, 1), for the N images of the batch."""

    def normal(self, *shape: int) -> Tensor:
        """Standard normal float32 [N, *shape]."""


@dataclass(frozen=True)
class AugmentationOptions(Options):
    """How images are changed at random before the discriminator sees them, real and generated ones alike."""

    GROUP: ClassVar[str] = "augmentation"

    name: str = ""


@dataclass(frozen=True)
class Augmentation:
    """An augmentation.

    Attributes:
        name: its name in `gan.augmentations.AUGMENTATIONS`.
        apply: from images float32 [N, H, W, C] in [-1, 1], random draws and the step's number (int64) to images of the
            same shape, differentiable in the images.
        observe: takes the logits [N, 1] of the real images of each update, by which an adaptive augmentation changes
            its strength. All replicas call it with the logits of the global batch.
        strength: the probability of its transformations at a step, float32, if that changes; it is logged.
        variables: its state, by name: TensorFlow variables that change from step to step.
    """

    name: str
    apply: Callable[[Images, Draws, Tensor], Images]
    observe: Callable[[Logits], None] | None = None
    strength: ValueAt | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
