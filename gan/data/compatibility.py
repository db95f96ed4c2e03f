"""Compares the `data` group of a config with the dataset that is trained on.

They may differ where a dataset is prepared by hand: `gan preprocess --dataset folder`, then `gan train --config
celeba`. Image size and channels decide the shapes of the networks and what scores mean, so they must be equal. The
source, crop and resizer change no step of training: the record of the run takes their values from the dataset.
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
"""The `data` keys that a dataset records."""


def with_dataset_values(data: Data, source: Source, dataset: Dataset) -> Data:
    """`data` with the values of `dataset`; unchanged where they agree.

    A key of none means the source's default, and fits any dataset.

    Args:
        data: the config's group.
        source: the source named `data.dataset`.
        dataset: the dataset that is trained on.

    Raises:
        ConfigError: the config names another image size or number of channels.
    """
    for key, flag in (("image_size", "--image-size"), ("channels", "--channels")):
        wanted, found = getattr(data, key), getattr(dataset, key)
        if wanted is not None and wanted != found:
            raise ConfigError(
                f"data.{key} is {wanted} in the config, and dataset {dataset.id} was prepared with {found}. Prepare it "
                f"again (gan preprocess {flag} {wanted}), or train on it as it is (--set data.{key}={found})"
            )
    actual: dict[str, Any] = {
        "dataset": dataset.source,
        "image_size": dataset.image_size,
        "channels": dataset.channels,
        "crop": dataset.crop,
        "resizer": dataset.resizer,
    }
    same_source = data.dataset == dataset.source
    configured = {key: _resolved(data, source, key) if same_source else getattr(data, key) for key in actual}
    changed = {key: value for key, value in actual.items() if configured[key] != value}
    return replace(data, **changed) if same_source else replace(data, **changed, options={})


def _resolved(data: Data, source: Source, key: str) -> object:
    """The value of a key; none means the source's default."""
    value = getattr(data, key)
    return getattr(source, key) if value is None and key in ("image_size", "channels", "crop") else value
