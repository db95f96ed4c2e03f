"""Preprocess: images into TFRecord shards."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gan import build, console
from gan.config import Data
from gan.data import options as data_options
from gan.data.options import Options
from gan.data.pool import worker_count
from gan.data.remote import at_hand
from gan.data.sources import Listing, Source
from gan.data.spec import FORMAT, Dataset, load
from gan.errors import IntegrityError, NotFoundError
from gan.scratch import scratch_folder
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, memo, sealed
from gan.types import Json

if TYPE_CHECKING:
    from gan.data.reuse import Known

STEP = "preprocess"


def preprocess(store: Store, data: Data, *, workers: int | None = None) -> Outcome:
    """Turn the images of a source into a dataset: scan, decode, pack, publish.

    The same source and options give the same dataset id on every machine, whatever the number of workers. A source
    that was prepared before with the same options is not prepared again; of one that changed since, only the images
    that are new are decoded, to the same result.

    Args:
        store: where the dataset goes.
        data: which images, and how they are cut and scaled.
        workers: processes that decode; None: one a core.

    Returns:
        The dataset's id; details: examples by split, shards, quarantined, genuine; unless skipped also
        images_per_second and reused, the number of images that an earlier dataset had decoded already.

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
        work = Stopwatch()
        earlier = _known(store, listing, recipe)
        dataset = _publish(store, source, listing, options, workers, earlier)
        done = {"seconds": work.seconds(), "reused": sum(map(earlier.has, listing.examples)) if earlier else 0}
    memo.remember(store, STEP, recipe, dataset.id)
    return _outcome(store, dataset, watch, done)


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


def _known(store: Store, listing: Listing, recipe: Json) -> Known | None:
    """What the newest dataset of the same source, frame and decoder knows of these images; None where there is none.

    A dataset that can't be read keeps nobody from decoding.
    """
    if not listing.encoded:
        return None
    alike = [note for note in memo.notes(store, STEP) if note.made and _pixels(note.recipe) == _pixels(recipe)]
    for note in sorted(alike, key=lambda note: note.item.modified, reverse=True):
        if not sealed.is_published(store, "dataset", str(note.made)):
            continue
        from gan.data.reuse import known_of  # imports TensorFlow

        try:
            return known_of(store, load(store, str(note.made)), listing.examples)
        except (IntegrityError, NotFoundError) as error:
            console.warn("an earlier dataset can't be used again; every image is decoded", reason=str(error))
            return None
    return None


def _pixels(recipe: Json) -> Json:
    """The part of a recipe that decides the pixels of an image, given its bytes and name."""
    options = recipe.get("options", {})
    frame = {name: options.get(name) for name in ("image_size", "channels", "crop", "resizer")}
    return {"frame": frame, **{name: recipe.get(name) for name in ("format", "pillow", "source")}}


def _publish(
    store: Store, source: Source, listing: Listing, options: Options, workers: int, known: Known | None
) -> Dataset:
    from gan.data.write import write_dataset  # imports TensorFlow

    with scratch_folder() as folder:
        dataset = write_dataset(folder, source, listing, options, workers=workers, known=known)
        if dataset.quarantined:
            console.warn("images left out; manifest.parquet says why", quarantined=dataset.quarantined)
        sealed.publish(store, "dataset", dataset.id, sealed.files_below(folder))
    return dataset


def _outcome(store: Store, dataset: Dataset, watch: Stopwatch, done: Json | None = None) -> Outcome:
    """`done` is None where the dataset was in the store already, else how long the work took and what was reused."""
    details: Json = {
        "examples": {name: split.examples for name, split in dataset.splits.items()},
        "shards": sum(len(split.shards) for split in dataset.splits.values()),
        "quarantined": dataset.quarantined,
        "genuine": dataset.genuine,
    }
    if done is not None:
        total = sum(split.examples for split in dataset.splits.values())
        details["images_per_second"] = round(total / max(done["seconds"], 1e-3), 1)
        details["reused"] = done["reused"]
    uri = store.uri_of(sealed.prefix_of("dataset", dataset.id))
    return Outcome(dataset.id, uri, watch.seconds(), done is None, details)
