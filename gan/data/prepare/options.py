"""How images are prepared: the `data` group of the config with every open choice settled for one source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan.config import Data
from gan.errors import ConfigError
from gan.types import Json

if TYPE_CHECKING:
    from gan.data.sources.interface import Source

MAX_ENLARGEMENT = 8
RECORD_OVERHEAD_BYTES = 1024


@dataclass(frozen=True)
class ImageTransform:
    """What happens to the pixels of one image.

    Attributes:
        image_size: height and width of the result.
        channels: 1 (grey) or 3 (RGB).
        crop: side of the square cut out first; None: the largest that fits.
        crop_offset: (left, top) of that square in the original, in pixels; None: it is centred.
        resizer: bicubic, bilinear, box or lanczos, with antialiasing.
        original_size: (width, height) that every original must have; None: any.
    """

    image_size: int
    channels: int
    crop: int | None
    resizer: str
    original_size: tuple[int, int] | None = None
    crop_offset: tuple[int, int] | None = None


@dataclass(frozen=True)
class Options:
    """A frame, and how examples are split, packed and refused."""

    frame: ImageTransform
    holdout_percent: int
    shard_bytes: int
    skip_bad_images: bool

    def to_json(self) -> Json:
        """What decides the prepared dataset, beside the original files; `crop_offset` only where there is one."""
        offset = self.frame.crop_offset
        return {
            "image_size": self.frame.image_size,
            "channels": self.frame.channels,
            "crop": self.frame.crop,
            **({} if offset is None else {"crop_offset": list(offset)}),
            "resizer": self.frame.resizer,
            "holdout_percent": self.holdout_percent,
            "shard_bytes": self.shard_bytes,
            "skip_bad_images": self.skip_bad_images,
        }


def resolve(source: Source, data: Data) -> Options:
    """The options for one source: what the config leaves open takes the source's own value.

    Raises:
        ConfigError: a value that this source can't be prepared with.
    """
    crop = _crop(source, data)
    frame = ImageTransform(
        image_size=data.image_size or source.image_size,
        channels=data.channels or source.channels,
        crop=crop,
        resizer=data.resizer,
        original_size=source.original_size,
        crop_offset=None if crop is None else source.crop_offsets.get(crop),
    )
    _check_enlargement(source, frame)
    return Options(
        frame=frame,
        holdout_percent=data.holdout_percent,
        shard_bytes=_shard_bytes(data, frame),
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


def _check_enlargement(source: Source, frame: ImageTransform) -> None:
    side = frame.crop or (min(source.original_size) if source.original_size else None)
    if side and frame.image_size > MAX_ENLARGEMENT * side:
        raise ConfigError(
            f"data.image_size (--image-size) must be at most {MAX_ENLARGEMENT * side} for {source.name}, "
            f"{MAX_ENLARGEMENT} times the {side} pixels that there are; got {frame.image_size}"
        )


def _shard_bytes(data: Data, frame: ImageTransform) -> int:
    shard_bytes = int(data.shard_mib * 2**20)
    least = frame.image_size**2 * frame.channels + RECORD_OVERHEAD_BYTES
    if shard_bytes < least:
        raise ConfigError(
            f"data.shard_mib (--shard-mib) must be at least {least / 2**20:.3f}, the size of one image of "
            f"{frame.image_size}x{frame.image_size}x{frame.channels}; got {data.shard_mib}"
        )
    return shard_bytes
