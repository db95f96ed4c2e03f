"""FID within each class, for conditional generators.

Miyato & Koyama 2018, "cGANs with Projection Discriminator", "intra FID": the mean over the classes of the FID
between the real and the generated images of the class. Unlike FID over all images it detects a generator that ignores
its label, or that has one image per class.

The bias of FID falls with the number of images (Chong & Forsyth 2020), and a class has few. So scores are comparable
only for equal numbers of images per class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gan.errors import DataError
from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.estimate import LazyScore
from gan.metrics.maths.frechet import fit, frechet_distance

if TYPE_CHECKING:
    from gan.types import Features, Floats, LabelArray

MIN_IMAGES_PER_CLASS = 50  # on both sides; with fewer, FID is mostly bias


class ClassFid(NamedTuple):
    """value: the mean over the classes that count.

    of_class: float64 [K]; NaN for a class with too few images on either side.
    real_counts, generated_counts: int [K].
    """

    value: float
    of_class: Floats
    real_counts: npt.NDArray[np.int64]
    generated_counts: npt.NDArray[np.int64]


def class_fid(
    real: Features,
    real_labels: LabelArray,
    generated: Features,
    generated_labels: LabelArray,
    *,
    classes: int,
    min_images: int = MIN_IMAGES_PER_CLASS,
) -> ClassFid:
    """Intra FID of features [M, F] and [N, F] with labels [M] and [N] in [0, classes).

    Args:
        real: features of real images.
        real_labels: their classes.
        generated: features of generated images.
        generated_labels: the classes given to the generator.
        classes: K.
        min_images: the number of images on both sides that a class needs to count, at least 2.

    Raises:
        DataError: no class has enough images.
    """
    counts = [np.bincount(labels, minlength=classes) for labels in (real_labels, generated_labels)]
    of_class = np.full(classes, np.nan)
    for label in np.flatnonzero(np.minimum(*counts) >= min_images):
        of_class[label] = frechet_distance(fit(real[real_labels == label]), fit(generated[generated_labels == label]))
    if np.isnan(of_class).all():
        raise DataError(
            f"FID within classes needs a class with at least {min_images} images on both sides; the largest has "
            f"{int(np.minimum(*counts).max())}. Raise evaluate.samples, or leave this metric out"
        )
    return ClassFid(float(np.nanmean(of_class)), of_class, *counts)


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`class_fid` of images with the classes given to the generator; no score without classes."""
    real, generated = comparison.real, comparison.generated
    if real.labels is None or generated.labels is None:
        return {}
    classes = int(max(real.labels.max(), generated.labels.max())) + 1
    found = class_fid(real.features, real.labels, generated.features, generated.labels, classes=classes)
    return {"class_fid": LazyScore(found.value)}
