"""How far real images have moved away from those that a generator is measured by."""

from __future__ import annotations

from typing import NamedTuple

from gan import config
from gan.data.spec import Dataset
from gan.errors import ConfigError
from gan.store import Store


class Drift(NamedTuple):
    """FID between the new held-out images and those of a reference, in the reference's own features.

    `floor` is what that FID is between the reference's training images and its held-out ones, which did not drift; with
    few images either is far above 0.
    """

    fid: float
    floor: float
    images: int


def drift(store: Store, dataset: Dataset, reference_id: str, options: config.Reference) -> Drift:
    """Look at the held-out images of a dataset with the feature network of an earlier reference.

    Raises:
        NotFoundError: there is no such reference, or the dataset has no such split.
        ConfigError: the reference looks at images of another shape.
        IntegrityError: the reference or a shard is damaged.
    """
    from gan.data.load import load_split
    from gan.metrics import reference as references
    from gan.metrics.features.interface import look_at_all
    from gan.metrics.fid import fit, frechet_distance

    reference = references.load(store, reference_id)
    if reference.image_shape != dataset.image_shape:
        raise ConfigError(
            f"drift can't be measured between images of shape {list(dataset.image_shape)} and those of {reference_id}, "
            f"{list(reference.image_shape)}; set retrain.most_drift=null"
        )
    now = load_split(store, dataset, options.split, most=options.most_images, seed=options.seed)
    seen = look_at_all(reference.network, now.pixels, options.batch_size)
    real = fit(reference.real.features)
    return Drift(
        frechet_distance(fit(seen.features), real),
        frechet_distance(fit(reference.train.features), real),
        len(now.pixels),
    )
