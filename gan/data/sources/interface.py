"""What a data source implements. A new data set is one file beside this one, one line in `SOURCES`, one test.

A source knows where its original files lie, what they are called and what they must look like. It lists them; it does
not decode, crop, shuffle, pack or publish, which is the same for all sources. The shared suite in
`tests/data/sources/test_every_source.py` holds what every source must do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from gan.data.prepare.options import Options
from gan.types import Json, Pixels


@dataclass(frozen=True, slots=True)
class ExampleRef:
    """One example, found but not yet read.

    Attributes:
        id: unique within the source and the same wherever the source lies, such as "train/00042".
        split: "train", "valid" or "test"; "" where the pixels decide (see `Listing.split_by_pixels`).
        file: the original file it comes from, relative to the source, with forward slashes.
        key: what `Listing.read` takes.
        sha256: SHA-256 of the original file where the scan knows it; else empty, and computed when it is read.
        label: index into the classes; 0 where there are none.
        attributes: -1 or 1 for each attribute; empty where there are none.
        identity: number of the person shown, where that is known.
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
    """An image that can't be used, and why. `--on-bad-image` decides whether it stops the work or is left out."""

    file: str
    reason: str
    id: str = ""
    split: str | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """All that a source holds.

    Attributes:
        examples: every example, in an order that depends on nothing but the source.
        read: from an example's key to the bytes of an image file, or, where `encoded` is False, to Pixels
            uint8 [H, W] or [H, W, C]. Called from one thread.
        fingerprint: JSON that changes whenever a byte of the source does.
        encoded: whether `read` gives image files, which are decoded in parallel processes.
        genuine: see `gan.data.spec.Dataset`.
        split_by_pixels: whether the source has no split of its own, so that each image's decoded pixels put it into
            "train" or "test" (see `gan.data.prepare.holdout`).
        rejected: what the scan alone shows to be unusable.
        close: releases what `read` holds open.
    """

    examples: list[ExampleRef]
    read: Callable[[str | int], bytes | Pixels]
    fingerprint: Json
    encoded: bool
    classes: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    genuine: bool | None = None
    split_by_pixels: bool = False
    rejected: list[Rejected] = field(default_factory=list)
    close: Callable[[], None] = lambda: None


class Source(ABC):
    """A kind of data that can be prepared. The class attributes are what the config's `none` stands for.

    Attributes:
        name: what `--dataset` calls it.
        image_size: height and width of a prepared image.
        channels: 1 or 3.
        crop: side of the square cut out; None: the largest that fits.
        crops: the only crops that may be asked for; empty: any that fits.
        crop_offsets: (left, top) in pixels of those crops that are not centred.
        original_size: (width, height) of every original; None: they vary.
        needs: what `--source` must be given, for messages; None: it can do without.
    """

    name: ClassVar[str]
    image_size: ClassVar[int]
    channels: ClassVar[int]
    crop: ClassVar[int | None] = None
    crops: ClassVar[tuple[int, ...]] = ()
    crop_offsets: ClassVar[Mapping[int, tuple[int, int]]] = {}
    original_size: ClassVar[tuple[int, int] | None] = None
    needs: ClassVar[str | None] = None

    @abstractmethod
    def scan(self, where: str | None, options: Options) -> Listing:
        """List what the source holds, cheaply: nothing is decoded.

        Args:
            where: `--source`; None where it was not given.
            options: of which a source looks at `holdout_percent`, where it has no split of its own.

        Raises:
            ConfigError: `where` is missing, or given where nothing is to be given.
            DataError: what lies there is not this source, whole and safe to read.
        """
