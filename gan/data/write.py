"""Writes a whole dataset into a folder: shards, manifest, description."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from gan import console
from gan.data.manifest import ManifestWriter, example_row, quarantined_row
from gan.data.options import Options
from gan.data.order import packing_order
from gan.data.origin import FLAG
from gan.data.prepare import Prepared, prepared
from gan.data.reuse import Known
from gan.data.shards import ShardWriter
from gan.data.sources.interface import Listing, Rejected, Source
from gan.data.spec import FILE, MANIFEST, Dataset, Split, identified
from gan.errors import DataError

_REMEDY = "repair or remove it, or give data.on_bad_image=skip (--on-bad-image skip) to leave such images out"


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
    folder: Path, source: Source, listing: Listing, options: Options, *, workers: int, known: Known | None = None
) -> Dataset:
    """Decode every example that is not `known`, and write shards, manifest.parquet and dataset.json to an empty folder.

    Raises:
        DataError: an image can't be used and is not to be skipped, or none is left to train on.
        StoreError: the disk is full, or the folder can't be written to.
    """
    quarantined = list(refuse_or_skip(listing.rejected, options))
    splits: dict[str, Split] = {}
    stream = prepared(listing, packing_order(listing.examples), options.frame, workers=workers, known=known)
    with (
        ManifestWriter(folder / MANIFEST) as manifest,
        console.progress("preprocess", len(listing.examples), unit="images") as advance,
    ):
        usable = _usable(stream, options, quarantined, advance)
        for name, members in itertools.groupby(usable, key=lambda item: item.example.split):
            splits[name] = _write_split(folder, name, members, manifest, listing, options)
        for rejected in sorted(quarantined, key=lambda each: (each.split or "", each.id, each.file)):
            manifest.add(quarantined_row(rejected))
    if "train" not in splits:
        reason = f"{len(quarantined)} were left out" if quarantined else "its lists put none into that split"
        raise DataError(f"no image of {source.name} is left to train on: {reason}; check {FLAG}")
    dataset = identified(
        Dataset(
            id="",
            source=source.name,
            genuine=listing.genuine,
            image_size=options.frame.image_size,
            channels=options.frame.channels,
            crop=options.frame.crop,
            resizer=options.frame.resizer,
            classes=listing.classes,
            attributes=listing.attributes,
            splits=splits,
            quarantined=len(quarantined),
            manifest_sha256=manifest.sha256,
        )
    )
    (folder / FILE).write_text(json.dumps(dataset.to_json(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return dataset


def _write_split(
    folder: Path,
    name: str,
    stream: Iterator[Prepared],
    manifest: ManifestWriter,
    listing: Listing,
    options: Options,
) -> Split:
    frame = options.frame
    shape = (frame.image_size, frame.image_size, frame.channels)
    with ShardWriter(folder, name, shape, options.shard_bytes) as shards:
        for item in stream:
            place = shards.add(item.example, item.pixels)
            manifest.add(example_row(item.example, item.sha256, place, labelled=bool(listing.classes)))
    return shards.split()


def _usable(
    stream: Iterator[Prepared], options: Options, quarantined: list[Rejected], advance: console.Advance
) -> Iterator[Prepared]:
    """Those that have pixels; the others are quarantined, or end the work."""
    for item in stream:
        advance(1)
        if not item.reason:
            yield item
            continue
        example = item.example
        if not options.skip_bad_images:
            raise DataError(f"{example.file} {item.reason}; {_REMEDY}")
        quarantined.append(Rejected(example.file, item.reason, example.id, example.split, item.sha256))
