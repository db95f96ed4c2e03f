"""How images are prepared: the `data` group of the config, completed with the defaults of one source."""

from __future__ import annotations

from dataclasses import dataclass

from gan.config import Data
from gan.data.prepare.transform import MAX_ENLARGEMENT, ImageTransform
from gan.data.sources.interface import Source
from gan.errors import ConfigError
from gan.types import Json

RECORD_OVERHEAD_BYTES = 1024


@dataclass(frozen=True)
class Options:
    """The transform of images, and how examples are split and packed."""

    transform: ImageTransform
    holdout_percent: int
    shard_bytes: int
    skip_bad_images: bool

    def to_json(self) -> Json:
        """All options that decide the prepared dataset; `crop_offset` only if it is set."""
        offset = self.transform.crop_offset
        return {
            "image_size": self.transform.image_size,
            "channels": self.transform.channels,
            "crop": self.transform.crop,
            **({} if offset is None else {"crop_offset": list(offset)}),
            "resizer": self.transform.resizer,
            "holdout_percent": self.holdout_percent,
            "shard_bytes": self.shard_bytes,
            "skip_bad_images": self.skip_bad_images,
        }


def resolve(source: Source, data: Data) -> Options:
    """The options for one source: keys that the config leaves open take the source's defaults.

    Raises:
        ConfigError: the source does not support a value.
    """
    crop = _crop(source, data)
    _check_channels(source, data)
    transform = ImageTransform(
        image_size=data.image_size or source.image_size,
        channels=data.channels or source.channels,
        crop=crop,
        resizer=data.resizer,
        original_size=source.original_size,
        crop_offset=None if crop is None else source.crop_offsets.get(crop),
    )
    _check_enlargement(source, transform)
    return Options(
        transform=transform,
        holdout_percent=data.holdout_percent,
        shard_bytes=_shard_bytes(data, transform),
        skip_bad_images=data.on_bad_image == "skip",
    )


def _crop(source: Source, data: Data) -> int | None:
    crop = source.crop if data.crop is None else data.crop
    if crop is None:
        return None
    if source.crops and crop not in source.crops:
        allowed = ", ".join(map(str, source.crops))
        raise ConfigError(f"data.crop (--crop) must be one of {allowed} for {source.name}; got {crop}")
    if source.original_size and crop > min(source.original_size):
        most = min(source.original_size)
        raise ConfigError(f"data.crop (--crop) must be at most {most} for {source.name}; got {crop}")
    return crop


def _check_channels(source: Source, data: Data) -> None:
    if source.channels_differ and data.channels not in (None, source.channels):
        raise ConfigError(
            f"data.channels (--channels) must be {source.channels} for {source.name}, whose channels show different "
            f"things; got {data.channels}"
        )


def _check_enlargement(source: Source, transform: ImageTransform) -> None:
    side = transform.crop or (min(source.original_size) if source.original_size else None)
    if side and transform.image_size > MAX_ENLARGEMENT * side:
        raise ConfigError(
            f"data.image_size (--image-size) must be at most {MAX_ENLARGEMENT * side} for {source.name}, "
            f"{MAX_ENLARGEMENT} times its {side} pixels; got {transform.image_size}"
        )


def _shard_bytes(data: Data, transform: ImageTransform) -> int:
    shard_bytes = int(data.shard_mib * 2**20)
    least = transform.image_size**2 * transform.channels + RECORD_OVERHEAD_BYTES
    if shard_bytes < least:
        raise ConfigError(
            f"data.shard_mib (--shard-mib) must be at least {least / 2**20:.3f}, the size of one image of "
            f"{transform.image_size}x{transform.image_size}x{transform.channels}; got {data.shard_mib}"
        )
    return shard_bytes
