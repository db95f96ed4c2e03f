"""The transformations of ADA with a given strength, which does not adapt."""

from __future__ import annotations

from dataclasses import dataclass

from gan.augmentations.ada_pipeline import PipelineOptions, augment
from gan.augmentations.interface import Augmentation
from gan.schedules import is_constant, scheduled_key, value_at
from gan.schedules.interface import Scheduled


@dataclass(frozen=True)
class Options(PipelineOptions):
    """The transformations of `ada` with a given strength, a number or a schedule.

    It fits every loss, also those for which the sign of a logit means nothing. `strength: {name: cosine, start: 0, end:
    0.3}` augments more and more, as Huang et al. (2024), "The GAN is dead; long live the GAN! A Modern GAN Baseline",
    arXiv:2501.05441, do.
    """

    name: str = "ada_scheduled"
    strength: Scheduled = scheduled_key(
        0.2,
        "Probability of each transformation. Up to about 0.8 the generator does not learn to make augmented images.",
        min_value=0,
        max_value=1,
    )


def make(options: Options) -> Augmentation:
    """The transformations of the chosen groups with the strength that the step has."""
    strength = value_at(options.strength)
    return Augmentation(
        options.name,
        lambda images, draws, step: augment(images, draws, options.groups, strength(step)),
        strength=None if is_constant(options.strength) else strength,
    )
