"""The preprocess step: from images to TFRecord shards."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gan import build
from gan.config import Data
from gan.data.prepare import options as data_options
from gan.data.prepare.options import Options
from gan.data.prepare.process_pool import worker_count
from gan.data.source_files.remote import local_copy
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
    """Prepare a dataset from the images of a source: scan, decode, pack, publish.

    The same source and options give the same dataset id on every machine, whatever the number of workers. An unchanged
    source is not prepared again; of a changed one only the new images are decoded, with the same result.

    Args:
        store: where the dataset goes.
        data: the source, and how its images are cropped and resized.
        workers: the number of processes that decode; None: one per core.

    Returns:
        The dataset's id; details: examples by split, shards, quarantined, genuine; unless skipped also
        images_per_second; reused, the number of images taken from an earlier dataset; and, if the images are files,
        near_duplicates (images that have one), near_duplicates_across_splits (images that have one in an earlier split)
        and near_duplicate_pairs (the nearest few; see `gan.data.prepare.near_duplicates`).

    Raises:
        ConfigError: an option is wrong, or wrong for this source.
        DataError: the source is missing, incomplete or unsafe to read, or has an image that can't be used.
        StoreError: a disk is full or not writable.
    """
    watch = Stopwatch()
    workers = worker_count(workers)
    source = build.source(data.dataset).with_options(data.options)
    options = data_options.resolve(source, data)
    with local_copy(data.source) as where, contextlib.closing(source.scan(where, options.holdout_percent)) as listing:
        recipe = _recipe(source, listing, options)
        known = step_cache.published(store, STEP, recipe, "dataset")
        if known is not None:
            return _result(store, load(store, known), watch)
        work = Stopwatch()
        earlier = _pixel_cache(store, listing, recipe)
        made = _publish(store, source, listing, options, workers, earlier)
        images = sum(split.examples for split in made.dataset.splits.values())
        done: Json = {
            "images_per_second": round(images / max(work.seconds(), 1e-3), 1),
            "reused": sum(map(earlier.has, listing.examples)) if earlier else 0,
        }
        if listing.encoded:
            done |= _near_duplicates(made.near_duplicates)
    step_cache.put(store, STEP, recipe, made.dataset.id)
    return _result(store, made.dataset, watch, done)


def _recipe(source: Source, listing: Listing, options: Options) -> Json:
    """Everything that determines the dataset; Pillow's version too, since its decoders may change the last bit."""
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


def _pixel_cache(store: Store, listing: Listing, recipe: Json) -> PixelCache | None:
    """The pixels of these images in the newest dataset with the same source, options and decoder; None without one.

    A dataset that can't be read is ignored.
    """
    if not listing.encoded:
        return None
    wanted = _pixel_recipe(recipe)
    entries = [
        each for each in step_cache.entries(store, STEP) if each.object_id and _pixel_recipe(each.recipe) == wanted
    ]
    for entry in sorted(entries, key=lambda each: each.item.modified, reverse=True):
        if not immutable.is_published(store, "dataset", str(entry.object_id)):
            continue
        from gan.data.prepare.pixel_cache import load_pixel_cache  # imports TensorFlow

        try:
            earlier = load(store, str(entry.object_id))
            return load_pixel_cache(store, earlier, listing.examples, require_decoded_sha256=listing.split_by_pixels)
        except (IntegrityError, NotFoundError) as error:
            log.warning("an earlier dataset can't be used again; every image is decoded", reason=str(error))
            return None
    return None


def _pixel_recipe(recipe: Json) -> Json:
    """The part of a recipe that determines the pixels of an image, given its bytes and name."""
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
            log.warning("images left out; manifest.parquet says why", quarantined=dataset.quarantined)
        immutable.publish(store, "dataset", dataset.id, immutable.files_below(folder))
    return written


def _near_duplicates(report: NearDuplicateReport) -> Json:
    """The details for the result; also logged, as a warning if an image has a near duplicate in another split."""
    if report.across_splits:
        first = report.pairs[0]
        log.warning(
            "nearly equal images lie in different splits, so that scores compare with images that were trained on; "
            "remove one of each pair from the source",
            images=report.across_splits,
            such_as=f"{first.files[0]} ({first.splits[0]}) and {first.files[1]} ({first.splits[1]})",
        )
    elif report.images:
        log.info(
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


def _result(store: Store, dataset: Dataset, watch: Stopwatch, done: Json | None = None) -> StepResult:
    """`done` are the details of the work, None if the dataset was in the store already."""
    details: Json = {
        "examples": {name: split.examples for name, split in dataset.splits.items()},
        "shards": sum(len(split.shards) for split in dataset.splits.values()),
        "quarantined": dataset.quarantined,
        "genuine": dataset.matches_published_checksums,
        **(done or {}),
    }
    uri = store.uri_of(immutable.prefix_of("dataset", dataset.id))
    return StepResult(dataset.id, uri, watch.seconds(), done is None, details)
