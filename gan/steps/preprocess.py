"""Preprocess: images into TFRecord shards."""

from __future__ import annotations

import contextlib

from gan import build, console
from gan.config import Data
from gan.data import options as data_options
from gan.data.options import Options
from gan.data.pool import worker_count
from gan.data.remote import at_hand
from gan.data.sources import Listing, Source
from gan.data.spec import FORMAT, Dataset, load
from gan.scratch import scratch_folder
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, memo, sealed
from gan.types import Json

STEP = "preprocess"


def preprocess(store: Store, data: Data, *, workers: int | None = None) -> Outcome:
    """Turn the images of a source into a dataset: scan, decode, pack, publish.

    The same source and options give the same dataset id on every machine, whatever the number of workers. A source
    that was prepared before with the same options is not prepared again.

    Args:
        store: where the dataset goes.
        data: which images, and how they are cut and scaled.
        workers: processes that decode; None: one a core.

    Returns:
        The dataset's id; details: examples by split, shards, quarantined, genuine; images_per_second unless skipped.

    Raises:
        ConfigError: an option that is wrong, or wrong for this source.
        DataError: the source is missing, not whole, not safe to read, or holds an image that can't be used.
        StoreError: a disk is full or may not be written to.
    """
    watch = Stopwatch()
    workers = worker_count(workers)
    source = build.source(data.dataset)
    options = data_options.resolve(source, data)
    with at_hand(data.source) as where, contextlib.closing(source.scan(where, options)) as listing:
        recipe = _recipe(source, listing, options)
        known = memo.published(store, STEP, recipe, "dataset")
        if known is not None:
            return _outcome(store, load(store, known), watch)
        dataset, working_seconds = _publish(store, source, listing, options, workers)
    memo.remember(store, STEP, recipe, dataset.id)
    return _outcome(store, dataset, watch, working_seconds)


def _recipe(source: Source, listing: Listing, options: Options) -> Json:
    """All that decides the dataset. Pillow's version stands in it because decoders change in the last bit."""
    from PIL import __version__ as pillow

    return {
        "format": FORMAT,
        "pillow": pillow,
        "source": source.name,
        "fingerprint": listing.fingerprint,
        "options": options.to_json(),
    }


def _publish(store: Store, source: Source, listing: Listing, options: Options, workers: int) -> tuple[Dataset, float]:
    """The published dataset, and the seconds that decoding, packing and publishing took."""
    from gan.data.write import write_dataset  # imports TensorFlow

    watch = Stopwatch()
    with scratch_folder() as folder:
        dataset = write_dataset(folder, source, listing, options, workers=workers)
        if dataset.quarantined:
            console.warn("images left out; manifest.parquet says why", quarantined=dataset.quarantined)
        sealed.publish(store, "dataset", dataset.id, sealed.files_below(folder))
    return dataset, watch.seconds()


def _outcome(store: Store, dataset: Dataset, watch: Stopwatch, working_seconds: float | None = None) -> Outcome:
    """`working_seconds` is None where the dataset was in the store already."""
    details: Json = {
        "examples": {name: split.examples for name, split in dataset.splits.items()},
        "shards": sum(len(split.shards) for split in dataset.splits.values()),
        "quarantined": dataset.quarantined,
        "genuine": dataset.genuine,
    }
    if working_seconds is not None:
        total = sum(split.examples for split in dataset.splits.values())
        details["images_per_second"] = round(total / max(working_seconds, 1e-3), 1)
    uri = store.uri_of(sealed.prefix_of("dataset", dataset.id))
    return Outcome(dataset.id, uri, watch.seconds(), working_seconds is None, details)
