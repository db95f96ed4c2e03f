"""Preprocess: images into TFRecord shards."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gan import build
from gan.config import Data
from gan.data.prepare import options as data_options
from gan.data.prepare.options import Options
from gan.data.prepare.process_pool import worker_count
from gan.data.prepare.remote import local_copy
from gan.data.sources import Listing, Source
from gan.data.spec import FORMAT, Dataset, load
from gan.errors import IntegrityError, NotFoundError
from gan.result import StepResult, Stopwatch
from gan.store import Store, immutable, step_cache
from gan.types import Json
from gan.util import log
from gan.util.scratch import scratch_folder

if TYPE_CHECKING:
    from gan.data.prepare.near_duplicates import NearDuplicateReport
    from gan.data.prepare.pixel_cache import PixelCache
    from gan.data.prepare.writer import WrittenDataset

STEP = "preprocess"


def preprocess(store: Store, data: Data, *, workers: int | None = None) -> StepResult:
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
        images_per_second; reused, the number of images that an earlier dataset had decoded already; and, of sources
        whose images are files, near_duplicates (how many images have one), near_duplicates_across_splits (how many have
        one in a split before their own) and near_duplicate_pairs (the nearest few; see
        `gan.data.prepare.near_duplicates`).

    Raises:
        ConfigError: an option that is wrong, or wrong for this source.
        DataError: the source is missing, not whole, not safe to read, or holds an image that can't be used.
        StoreError: a disk is full or may not be written to.
    """
    watch = Stopwatch()
    workers = worker_count(workers)
    source = build.source(data.dataset)
    options = data_options.resolve(source, data)
    with local_copy(data.source) as where, contextlib.closing(source.scan(where, options.holdout_percent)) as listing:
        recipe = _recipe(source, listing, options)
        known = step_cache.published(store, STEP, recipe, "dataset")
        if known is not None:
            return _outcome(store, load(store, known), watch)
        work = Stopwatch()
        earlier = _known(store, listing, recipe)
        made = _publish(store, source, listing, options, workers, earlier)
        images = sum(split.examples for split in made.dataset.splits.values())
        done: Json = {
            "images_per_second": round(images / max(work.seconds(), 1e-3), 1),
            "reused": sum(map(earlier.has, listing.examples)) if earlier else 0,
        }
        if listing.encoded:
            done |= _near_duplicates(made.near_duplicates)
    step_cache.put(store, STEP, recipe, made.dataset.id)
    return _outcome(store, made.dataset, watch, done)


def _recipe(source: Source, listing: Listing, options: Options) -> Json:
    """All that decides the dataset. Pillow's version stands in it because decoders change in the last bit."""
    from PIL import __version__ as pillow

    by_pixels = {"split_by": "decoded pixels"} if listing.split_by_pixels else {}
    return {
        **by_pixels,
        "format": FORMAT,
        "pillow": pillow,
        "source": source.name,
        "fingerprint": listing.fingerprint,
        "options": options.to_json(),
    }


def _known(store: Store, listing: Listing, recipe: Json) -> PixelCache | None:
    """What the newest dataset of the same source, frame and decoder knows of these images; None where there is none.

    A dataset that can't be read keeps nobody from decoding.
    """
    if not listing.encoded:
        return None
    alike = [note for note in step_cache.entries(store, STEP) if note.made and _pixels(note.recipe) == _pixels(recipe)]
    for note in sorted(alike, key=lambda note: note.item.modified, reverse=True):
        if not immutable.is_published(store, "dataset", str(note.made)):
            continue
        from gan.data.prepare.pixel_cache import load_pixel_cache  # imports TensorFlow

        try:
            earlier = load(store, str(note.made))
            return load_pixel_cache(store, earlier, listing.examples, require_decoded_sha256=listing.split_by_pixels)
        except (IntegrityError, NotFoundError) as error:
            log.warn("an earlier dataset can't be used again; every image is decoded", reason=str(error))
            return None
    return None


def _pixels(recipe: Json) -> Json:
    """The part of a recipe that decides the pixels of an image, given its bytes and name."""
    options = recipe.get("options", {})
    transform = {name: options.get(name) for name in ("image_size", "channels", "crop", "crop_offset", "resizer")}
    return {"frame": transform, **{name: recipe.get(name) for name in ("format", "pillow", "source")}}


def _publish(
    store: Store, source: Source, listing: Listing, options: Options, workers: int, known: PixelCache | None
) -> WrittenDataset:
    from gan.data.prepare.writer import write_dataset  # imports TensorFlow

    with scratch_folder() as folder:
        written = write_dataset(folder, source, listing, options, workers=workers, pixel_cache=known)
        dataset = written.dataset
        if dataset.quarantined:
            log.warn("images left out; manifest.parquet says why", quarantined=dataset.quarantined)
        immutable.publish(store, "dataset", dataset.id, immutable.files_below(folder))
    return written


def _near_duplicates(report: NearDuplicateReport) -> Json:
    """For the outcome; said too, and as a warning where one picture lies in two splits."""
    if report.across_splits:
        first = report.pairs[0]
        log.warn(
            "nearly equal images lie in different splits, so that scores compare with images that were trained on; "
            "remove one of each pair from the source",
            images=report.across_splits,
            such_as=f"{first.files[0]} ({first.splits[0]}) and {first.files[1]} ({first.splits[1]})",
        )
    elif report.images:
        log.say(
            "nearly equal images lie in the same split", images=report.images, such_as=", ".join(report.pairs[0].files)
        )
    return {
        "near_duplicates": report.images,
        "near_duplicates_across_splits": report.across_splits,
        "near_duplicate_pairs": [
            {"files": list(each.files), "splits": list(each.splits), "difference": each.difference}
            for each in report.pairs
        ],
    }


def _outcome(store: Store, dataset: Dataset, watch: Stopwatch, done: Json | None = None) -> StepResult:
    """`done` is None where the dataset was in the store already, else what only the work itself can tell."""
    details: Json = {
        "examples": {name: split.examples for name, split in dataset.splits.items()},
        "shards": sum(len(split.shards) for split in dataset.splits.values()),
        "quarantined": dataset.quarantined,
        "genuine": dataset.matches_published_checksums,
        **(done or {}),
    }
    uri = store.uri_of(immutable.prefix_of("dataset", dataset.id))
    return StepResult(dataset.id, uri, watch.seconds(), done is None, details)
