"""No augmentation."""

from __future__ import annotations

from dataclasses import dataclass

from gan.augmentations.interface import Augmentation, AugmentationOptions


@dataclass(frozen=True)
class Options(AugmentationOptions):
    """Images are left as they are."""

    name: str = "none"


def make(options: Options) -> Augmentation:
    """Leaves images as they are."""
    return Augmentation(options.name, lambda images, draws, step: images)
