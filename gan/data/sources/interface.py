"""The interface of data sources. A new source is one file in this folder, one line in `SOURCES` and one test.

A source finds, lists and checks its original files. Decoding, cropping, shuffling, packing and publishing are the same
for all sources and happen elsewhere. `tests/data/sources/test_every_source.py` tests what every source must do.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar

from gan.errors import ConfigError, unknown_name
from gan.options import Options
from gan.types import Json, Pixels


@dataclass(frozen=True, slots=True)
class ExampleRef:
    """One example, found but not yet read.

    Attributes:
        id: unique within the source and independent of its location, such as "train/00042".
        split: "train", "valid" or "test"; "" if the pixels decide (see `Listing.split_by_pixels`).
        file: path of the original file relative to the source, with forward slashes.
        key: the argument of `Listing.read`.
        sha256: SHA-256 of the original file if the scan computed it; else empty, and computed when the file is read.
        label: index into the classes; 0 without classes.
        attributes: -1 or 1 for each attribute; empty without attributes.
        identity: number of the person shown; None if unknown.
    """

    id: str
    split: str
    file: str
    key: str | int
    sha256: str = ""
    label: int = 0
    attributes: tuple[int, ...] = ()
    identity: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An unusable image and the reason. `--on-bad-image` decides whether it is an error or is skipped."""

    file: str
    reason: str
    id: str = ""
    split: str | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """The content of a source.

    Attributes:
        examples: every example, in an order that depends only on the source.
        read: from an example's key to the bytes of an image file or, if `encoded` is False, to Pixels uint8 [H, W] or
            [H, W, C]. Called from one thread.
        fingerprint: JSON that changes whenever a byte of the source does.
        encoded: whether `read` returns image files, which are decoded in parallel processes.
        channel_classes: see `gan.data.spec.Dataset`.
        matches_published_checksums: see `gan.data.spec.Dataset`.
        split_by_pixels: whether the source defines no splits, so that each image's decoded pixels put it into "train"
            or "test" (see `gan.data.holdout`).
        rejected: images that the scan found unusable.
        close: closes the files that `read` uses.
    """

    examples: list[ExampleRef]
    read: Callable[[str | int], bytes | Pixels]
    fingerprint: Json
    encoded: bool
    classes: tuple[str, ...] = ()
    channel_classes: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    matches_published_checksums: bool | None = None
    split_by_pixels: bool = False
    rejected: list[Rejected] = field(default_factory=list)
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class SourceOptions(Options):
    """The keys of `data.options` that a source takes; a source with options derives a class with a `key` for each."""

    GROUP: ClassVar[str] = "data.options"


T = TypeVar("T", bound=SourceOptions)


def parse_options(options: type[T], tree: Mapping[str, Any], source: str) -> T:
    """The checked options of a source from `data.options`.

    Raises:
        ConfigError: the source has no such option, or a value is not allowed.
    """
    known = [f"{options.GROUP}.{item.name}" for item in dataclasses.fields(options)]
    for name in tree:
        if f"{options.GROUP}.{name}" not in known:
            remedy = f"These are the options of the source {source} (data.dataset)"
            raise ConfigError(unknown_name("config key", f"{options.GROUP}.{name}", known, remedy))
    return options(**tree)


class Source(ABC):
    """A kind of data that can be prepared. The class attributes are the defaults of the config's `data` group.

    Attributes:
        name: its name in `--dataset`.
        image_size: height and width of a prepared image.
        channels: 1 or 3.
        channels_differ: whether each channel shows something of its own, so that `data.channels` can't differ.
        crop: side of the square crop; None: the largest that fits.
        crops: the allowed crops; empty: any that fits.
        crop_offsets: (left, top) in pixels of the crops that are not centred.
        original_size: (width, height) of every original; None: varies.
        options: what `data.options` may hold.
        needs: what `--source` must name, for messages; None: `--source` is optional.
    """

    name: ClassVar[str]
    image_size: ClassVar[int]
    channels: ClassVar[int]
    channels_differ: ClassVar[bool] = False
    crop: ClassVar[int | None] = None
    crops: ClassVar[tuple[int, ...]] = ()
    crop_offsets: ClassVar[Mapping[int, tuple[int, int]]] = {}
    original_size: ClassVar[tuple[int, int] | None] = None
    needs: ClassVar[str | None] = None
    options: ClassVar[type[SourceOptions]] = SourceOptions

    def with_options(self, tree: Mapping[str, Any]) -> Self:
        """The source with these `data.options`; a source that has options of its own overrides this.

        Raises:
            ConfigError: the source has no such option, or a value is not allowed.
        """
        parse_options(self.options, tree, self.name)
        return self

    @abstractmethod
    def scan(self, where: str | None, holdout_percent: int) -> Listing:
        """List the content of the source without decoding any image.

        Args:
            where: `--source`; None if it was not given.
            holdout_percent: share of images to hold out, for sources that define no splits.

        Raises:
            ConfigError: `where` is required and missing, or not supported and given.
            DataError: the files there are not this source, are incomplete, or are unsafe to read.
        """
