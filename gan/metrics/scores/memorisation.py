"""Memorisation: generated images that are nearer to a training image than training images are to each other.

Alaa et al. 2022, "How Faithful is your Synthetic Data? Sample-level Metrics for Evaluating and Auditing Generative
Models", authenticity: a generated image g with nearest training image t counts as a copy if d(g, t) < d(t, t'), where
t' is the training image nearest to t. The score is the share of such images, 1 - authenticity; lower is better.

Independent images also score more than 0, since some are nearer to t than t' by chance. So the score has a floor: what
held-out real images score by the same rule.

Being near to training images does not imply copying: an image that is smoother than real ones is nearer to their centre
and so to all of them. Shares of `distance_ratios` below 1, and below `NEAR_COPY_RATIO`, on the first 64 principal
components of pixels (MNIST: 60,000 training images; CelebA: 2,000 of 32 x 32 pixels):

                                                  MNIST           CelebA
    held-out images                               0.37  0.000     0.23  0.000
    means of 5 similar training images            0.92  0.000     0.97  0.000
    the mean of all, with noise                   0.00  0.000     1.00  0.000
    training images, with noise                   1.00  0.991     1.00  0.998
    training images, as JPEG of quality 30        1.00  0.988     1.00  0.998
    training images, brighter by 10 of 255        0.99  0.885     1.00  0.995
    training images, mirrored                     0.08  0.000     0.39  0.017

So a limit on copies should use the share below `NEAR_COPY_RATIO`; `memorised` keeps the paper's definition. Mirrored or
shifted copies are found only if the network's features are almost invariant to that.

Equal training images count as one: t' is the nearest one that differs from t. Otherwise a generator could replay an
image that is in the training set twice unnoticed, since d(t, t') = 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan.metrics.feature_batch import Comparison
from gan.metrics.maths.distances import tie_tolerance
from gan.metrics.maths.estimate import LazyScore, share
from gan.metrics.maths.nearest import nearest

if TYPE_CHECKING:
    from gan.types import Features, Floats

NEAR_COPY_RATIO = 0.5  # of the distance between training images: see above


def distance_ratios(generated: Features, training: Features) -> Floats:
    """d(g, t) / d(t, t') of each generated image: float64 [N]; 0 for a copy, 1 or more for a new image.

    Ratios that may equal 1 are 1.

    Args:
        generated: features [N, F].
        training: features [T, F] of all training images.
    """
    indices, distances = nearest(generated, training)
    used, where = np.unique(indices[:, 0], return_inverse=True)
    spacings = nearest(training[used], training, exclude_equal=True)[1][where, 0]
    ratios = np.divide(distances[:, 0], spacings)
    tied: Floats = np.where(np.abs(ratios - 1.0) <= tie_tolerance(training.shape[1]), 1.0, ratios)
    return tied


def measure(comparison: Comparison) -> dict[str, LazyScore]:
    """`memorised` and `near_copies` of all images; the floors are the scores of held-out real images.

    The intervals are over other generated images. The row of real data uses held-out images, since training images
    would be copies of themselves.
    """
    floors = ratios = comparison.copy_ratios
    if not comparison.generated_are_real:
        ratios = distance_ratios(comparison.generated.features, comparison.training)
    limits = {"memorised": 1.0, "near_copies": NEAR_COPY_RATIO}
    return {
        name: share(generated=ratios < limit, floor=float((floors < limit).mean())) for name, limit in limits.items()
    }
