"""Writes a whole dataset into a folder: shards, manifest, description."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gan.data.manifest import ManifestWriter, example_row, quarantined_row
from gan.data.prepare.decode import DecodedExample, decode_examples
from gan.data.prepare.file_source import FLAG
from gan.data.prepare.holdout import SplitByPixels
from gan.data.prepare.near_duplicates import NearDuplicateReport, NearDuplicates
from gan.data.prepare.options import Options
from gan.data.prepare.pixel_cache import PixelCache
from gan.data.shards.shard_order import packing_order
from gan.data.shards.tfrecord import ShardWriter
from gan.data.sources.interface import Listing, Rejected, Source
from gan.data.spec import FILE, MANIFEST, Dataset, Split, split_rank, with_id
from gan.errors import DataError
from gan.util import log

_REMEDY = "repair or remove it, or give data.on_bad_image=skip (--on-bad-image skip) to leave such images out"


class WrittenDataset(NamedTuple):
    """What was written, and the near-duplicates that were found among its images."""

    dataset: Dataset
    near_duplicates: NearDuplicateReport


def refuse_or_skip(rejected: list[Rejected], options: Options) -> list[Rejected]:
    """What a scan rejected, where bad images are to be left out.

    Raises:
        DataError: there are such images, and they are not to be left out.
    """
    if rejected and not options.skip_bad_images:
        first = rejected[0]
        more = f" (and {len(rejected) - 1} more such images)" if len(rejected) > 1 else ""
        raise DataError(f"{first.file} {first.reason}{more}; {_REMEDY}")
    return rejected


def write_dataset(
    folder: Path, source: Source, listing: Listing, options: Options, *, workers: int, known: PixelCache | None = None
) -> WrittenDataset:
    """Decode every example that is not `known`, and write shards, manifest.parquet and dataset.json to an empty folder.

    Each image is decoded once, and memory stays flat. Only where few images all fall on one side of a split by pixels,
    all of it is done a second time.

    Raises:
        DataError: an image can't be used and is not to be skipped, or none is left to train on, or a split by pixels is
            wanted and there are fewer than two different images.
        StoreError: the disk is full, or the folder can't be written to.
    """
    sides = SplitByPixels(options.holdout_percent)
    written = _write(folder, source, listing, options, sides, workers=workers, known=known)
    if listing.split_by_pixels and sides.moved is not None:
        for path in folder.iterdir():
            path.unlink()
        sides = SplitByPixels(options.holdout_percent, sides.moved)
        written = _write(folder, source, listing, options, sides, workers=workers, known=known)
    return written


def _write(
    folder: Path,
    source: Source,
    listing: Listing,
    options: Options,
    sides: SplitByPixels,
    *,
    workers: int,
    known: PixelCache | None,
) -> WrittenDataset:
    quarantined = list(refuse_or_skip(listing.rejected, options))
    frame = options.frame
    shape = (frame.image_size, frame.image_size, frame.channels)
    writers: dict[str, ShardWriter] = {}
    near = NearDuplicates()
    stream = decode_examples(listing, packing_order(listing.examples), frame, workers=workers, known=known)
    with (
        ManifestWriter(folder / MANIFEST, by_pixels=listing.split_by_pixels) as manifest,
        contextlib.ExitStack() as stack,
        log.progress("preprocess", len(listing.examples), unit="images") as advance,
    ):
        for item in _usable(stream, options, quarantined, advance):
            example = item.example
            if listing.split_by_pixels:
                example = dataclasses.replace(example, split=sides.split_of(item.decoded_sha256))
            if example.split not in writers:
                writer = ShardWriter(folder, example.split, shape, options.shard_bytes)
                writers[example.split] = stack.enter_context(writer)
            place = writers[example.split].add(example, item.pixels)
            labelled, decoded = bool(listing.classes), item.decoded_sha256
            manifest.add(example_row(example, item.sha256, place, labelled=labelled, decoded_sha256=decoded))
            if item.thumbnail:
                near.add(example.file, example.split, item.thumbnail)
        for rejected in sorted(quarantined, key=lambda each: (each.split or "", each.id, each.file)):
            manifest.add(quarantined_row(rejected))
    splits = {name: writers[name].split() for name in sorted(writers, key=split_rank)}
    dataset = _description(source, listing, options, splits, len(quarantined), manifest.sha256)
    (folder / FILE).write_text(json.dumps(dataset.to_json(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return WrittenDataset(dataset, near.find())


def _description(
    source: Source,
    listing: Listing,
    options: Options,
    splits: dict[str, Split],
    quarantined: int,
    manifest_sha256: str,
) -> Dataset:
    if not splits or ("train" not in splits and not listing.split_by_pixels):
        reason = f"{quarantined} were left out" if quarantined else "its lists put none into that split"
        raise DataError(f"no image of {source.name} is left to train on: {reason}; check {FLAG}")
    frame = options.frame
    return with_id(
        Dataset(
            id="",
            source=source.name,
            genuine=listing.genuine,
            image_size=frame.image_size,
            channels=frame.channels,
            crop=frame.crop,
            resizer=frame.resizer,
            classes=listing.classes,
            attributes=listing.attributes,
            splits=splits,
            quarantined=quarantined,
            manifest_sha256=manifest_sha256,
            crop_offset=frame.crop_offset,
        )
    )


def _usable(
    stream: Iterator[DecodedExample], options: Options, quarantined: list[Rejected], advance: log.Advance
) -> Iterator[DecodedExample]:
    """Those that have pixels; the others are quarantined, or end the work."""
    for item in stream:
        advance(1)
        if not item.reason:
            yield item
            continue
        example = item.example
        if not options.skip_bad_images:
            raise DataError(f"{example.file} {item.reason}; {_REMEDY}")
        quarantined.append(Rejected(example.file, item.reason, example.id, example.split or None, item.sha256))
