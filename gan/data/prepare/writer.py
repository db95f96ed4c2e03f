"""Writes a whole dataset into a folder: shards, manifest, description."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gan.data.holdout import SplitByPixels
from gan.data.manifest import ManifestWriter, example_row, quarantined_row
from gan.data.prepare.decode import DecodedExample, decode_examples
from gan.data.prepare.near_duplicates import NearDuplicateReport, NearDuplicates
from gan.data.prepare.options import Options
from gan.data.prepare.pixel_cache import PixelCache
from gan.data.shards.shard_order import packing_order
from gan.data.shards.tfrecord import ShardWriter
from gan.data.source_files.file_source import FLAG
from gan.data.sources.interface import Listing, Rejected, Source
from gan.data.spec import FILE, MANIFEST, Dataset, Split, split_rank, with_id
from gan.errors import DataError
from gan.util import log

_REMEDY = "repair or remove it, or skip such images with data.on_bad_image=skip (--on-bad-image skip)"


class WrittenDataset(NamedTuple):
    """A dataset that was written, and the near-duplicates among its images."""

    dataset: Dataset
    near_duplicates: NearDuplicateReport


def refuse_or_skip(rejected: list[Rejected], options: Options) -> list[Rejected]:
    """The images that a scan rejected, if the options skip bad images.

    Raises:
        DataError: there are rejected images, and the options don't skip them.
    """
    if rejected and not options.skip_bad_images:
        first = rejected[0]
        more = f" (and {len(rejected) - 1} more such images)" if len(rejected) > 1 else ""
        raise DataError(f"{first.file} {first.reason}{more}; {_REMEDY}")
    return rejected


def write_dataset(
    folder: Path,
    source: Source,
    listing: Listing,
    options: Options,
    *,
    workers: int,
    pixel_cache: PixelCache | None = None,
) -> WrittenDataset:
    """Write shards, manifest.parquet and dataset.json to an empty folder; decode the images that aren't cached.

    Each image is decoded once, with constant memory use. If a split by pixels leaves a split empty, which happens only
    with few images, everything is done a second time.

    Raises:
        DataError: an image is unusable and not to be skipped, none is left to train on, or there are fewer than two
            distinct images to split.
        StoreError: the disk is full, or the folder can't be written to.
    """
    splitter = SplitByPixels(options.holdout_percent)
    written = _write(folder, source, listing, options, splitter, workers=workers, pixel_cache=pixel_cache)
    if listing.split_by_pixels and splitter.moved is not None:
        for path in folder.iterdir():
            path.unlink()
        splitter = SplitByPixels(options.holdout_percent, splitter.moved)
        written = _write(folder, source, listing, options, splitter, workers=workers, pixel_cache=pixel_cache)
    return written


def _write(
    folder: Path,
    source: Source,
    listing: Listing,
    options: Options,
    splitter: SplitByPixels,
    *,
    workers: int,
    pixel_cache: PixelCache | None,
) -> WrittenDataset:
    quarantined = list(refuse_or_skip(listing.rejected, options))
    transform = options.transform
    shape = (transform.image_size, transform.image_size, transform.channels)
    writers: dict[str, ShardWriter] = {}
    near_duplicates = NearDuplicates()
    examples = decode_examples(
        listing, packing_order(listing.examples), transform, workers=workers, pixel_cache=pixel_cache
    )
    with (
        ManifestWriter(folder / MANIFEST, by_pixels=listing.split_by_pixels) as manifest,
        contextlib.ExitStack() as stack,
        log.progress("preprocess", len(listing.examples), unit="images") as advance,
    ):
        for item in _usable(examples, options, quarantined, advance):
            example = item.example
            if listing.split_by_pixels:
                example = dataclasses.replace(example, split=splitter.split_of(item.decoded_sha256))
            if example.split not in writers:
                writer = ShardWriter(folder, example.split, shape, options.shard_bytes)
                writers[example.split] = stack.enter_context(writer)
            position = writers[example.split].add(example, item.pixels)
            has_label, decoded = bool(listing.classes), item.decoded_sha256
            manifest.add(example_row(example, item.sha256, position, has_label=has_label, decoded_sha256=decoded))
            if item.thumbnail:
                near_duplicates.add(example.file, example.split, item.thumbnail)
        for rejected in sorted(quarantined, key=lambda each: (each.split or "", each.id, each.file)):
            manifest.add(quarantined_row(rejected))
    splits = {name: writers[name].split() for name in sorted(writers, key=split_rank)}
    dataset = _description(source, listing, options, splits, len(quarantined), manifest.sha256)
    (folder / FILE).write_text(json.dumps(dataset.to_json(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return WrittenDataset(dataset, near_duplicates.find())


def _description(
    source: Source,
    listing: Listing,
    options: Options,
    splits: dict[str, Split],
    quarantined: int,
    manifest_sha256: str,
) -> Dataset:
    if not splits or ("train" not in splits and not listing.split_by_pixels):
        reason = f"{quarantined} were skipped" if quarantined else "its lists put none into that split"
        raise DataError(f"no image of {source.name} is left to train on: {reason}; check {FLAG}")
    transform = options.transform
    return with_id(
        Dataset(
            id="",
            source=source.name,
            matches_published_checksums=listing.matches_published_checksums,
            image_size=transform.image_size,
            channels=transform.channels,
            crop=transform.crop,
            resizer=transform.resizer,
            classes=listing.classes,
            channel_classes=listing.channel_classes,
            attributes=listing.attributes,
            splits=splits,
            quarantined=quarantined,
            manifest_sha256=manifest_sha256,
            crop_offset=transform.crop_offset,
        )
    )


def _usable(
    examples: Iterator[DecodedExample], options: Options, quarantined: list[Rejected], advance: log.Advance
) -> Iterator[DecodedExample]:
    """The usable examples; the others are quarantined, or raise DataError."""
    for item in examples:
        advance(1)
        if not item.reason:
            yield item
            continue
        example = item.example
        if not options.skip_bad_images:
            raise DataError(f"{example.file} {item.reason}; {_REMEDY}")
        quarantined.append(Rejected(example.file, item.reason, example.id, example.split or None, item.sha256))
