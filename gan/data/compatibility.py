"""What a config says of its images, held against the dataset that it is trained on.

The two may differ where a dataset is prepared by hand: `gan preprocess --dataset folder` and `gan train --config
celeba`. The image size and the channels decide the shape of the networks and what scores mean, so they must be equal.
The source, crop and resizer change no step of training: the record of the run then says what is true of the dataset.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gan.config import Data
from gan.errors import ConfigError

if TYPE_CHECKING:
    from gan.data.sources.interface import Source
    from gan.data.spec import Dataset

DATASET_KEYS = ("dataset", "image_size", "channels", "crop", "resizer")
"""The `data` keys that a dataset tells of."""


def with_dataset_values(data: Data, source: Source, dataset: Dataset) -> Data:
    """`data` with what is true of `dataset`; equal to `data` where that says so already.

    A key of none stands for the source's own value, and fits any dataset.

    Args:
        data: what the config says.
        source: of the name `data.dataset`.
        dataset: what is trained on.

    Raises:
        ConfigError: the image size or the channels are others than those that the config names.
    """
    for key, flag in (("image_size", "--image-size"), ("channels", "--channels")):
        wanted, found = getattr(data, key), getattr(dataset, key)
        if wanted is not None and wanted != found:
            raise ConfigError(
                f"data.{key} is {wanted} in the config, and dataset {dataset.id} was prepared with {found}. Prepare it "
                f"again (gan preprocess {flag} {wanted}), or train on it as it is (--set data.{key}={found})"
            )
    true: dict[str, Any] = {
        "dataset": dataset.source,
        "image_size": dataset.image_size,
        "channels": dataset.channels,
        "crop": dataset.crop,
        "resizer": dataset.resizer,
    }
    named = data.dataset == dataset.source
    said = {key: _resolved(data, source, key) if named else getattr(data, key) for key in true}
    return replace(data, **{key: value for key, value in true.items() if said[key] != value})


def _resolved(data: Data, source: Source, key: str) -> object:
    """What a key stands for: none for the source's own value."""
    value = getattr(data, key)
    return getattr(source, key) if value is None and key in ("image_size", "channels", "crop") else value
