"""The pictures of a report, drawn by the exported generator, or by the newest checkpoint before there is one.

Not a pipeline step; `gan.steps.report` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan.data.spec import Dataset
from gan.errors import IntegrityError, NotFoundError
from gan.export import latents
from gan.export.sample_grid import sample_grid, scale_of
from gan.metrics.maths.nearest import nearest
from gan.report.data import ImageRow, NearestImages, Neighbours, PictureGrid
from gan.report.pictures import pictures, split_grid
from gan.store import Store, immutable, layout
from gan.train.run import Run
from gan.util import log
from gan.util.images import to_pixels

if TYPE_CHECKING:
    import numpy.typing as npt

    from gan.types import GenerateFn, Pixels

MAX_SHEETS = 8
SAMPLES_PER_SHEET = 10
INTERPOLATIONS, INTERPOLATION_STEPS = 4, 10
COMPARED, NEIGHBOURS = 6, 4
MAX_SEARCHED = 10_000
MAX_SEARCHED_BY_INCEPTION = 1_000
BATCH_SIZE = 128


@dataclass(frozen=True)
class Drawn:
    """The pictures of a report; `compared` are the samples whose nearest training images are searched."""

    samples: PictureGrid
    interpolations: tuple[ImageRow, ...]
    compared: Pixels


def draw(generate: GenerateFn, run: Run, dataset: Dataset, drawn_by: str) -> Drawn:
    """The samples and interpolations of a report; `drawn_by` begins their caption."""
    config = run.config.generator
    classes = dataset.classes if config.conditional else ()
    samples = sample_grid(config.latent_size, len(classes) or None)
    pixels = to_pixels(generate(samples.latents, samples.labels))
    titles = classes[: samples.columns]
    caption = f"{drawn_by}; seed 0, not cherry-picked." + (" One column per class." if titles else "")
    points = latents.interpolations(INTERPOLATIONS, INTERPOLATION_STEPS, config.latent_size, seed=1)
    labels = (
        np.repeat(np.arange(INTERPOLATIONS, dtype=np.int32) % len(classes), INTERPOLATION_STEPS) if classes else None
    )
    rows = to_pixels(generate(points, labels)).reshape(INTERPOLATIONS, INTERPOLATION_STEPS, *dataset.image_shape)
    return Drawn(
        PictureGrid(pictures(pixels), caption, samples.columns if titles else None, titles),
        tuple(ImageRow(f"Interpolation {row + 1}", pictures(each)) for row, each in enumerate(rows)),
        pixels[:COMPARED],
    )


def over_time(store: Store, run: Run, dataset: Dataset) -> tuple[ImageRow, ...]:
    """The first samples of a few evenly spaced sheets from training, including the first and the last."""
    keys = layout.sample_grids(store, run.run_id)
    height, width, _ = dataset.image_shape
    rows = []
    for key in (keys[index] for index in evenly_spaced(len(keys))):
        images = split_grid(store.read(key), height=height, width=width, scale=scale_of(height))
        rows.append(ImageRow(f"step {int(Path(key).stem):,}", pictures(images[:SAMPLES_PER_SHEET])))
    return tuple(rows)


def evenly_spaced(count: int) -> list[int]:
    """At most `MAX_SHEETS` of `count` indices, evenly spaced from the first to the last."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(MAX_SHEETS, count))})


def nearest_training_images(
    store: Store, dataset: Dataset, samples: Pixels, reference_id: str | None
) -> NearestImages | None:
    """The training images nearest to Pixels [M, H, W, C], by the features of a reference or, if it is missing, by
    pixels.

    None, with a warning, if the training images can't be read.
    """
    from gan.data.load import load_split
    from gan.metrics import reference as references
    from gan.metrics.features.interface import extract_all

    exists = reference_id is not None and immutable.is_published(store, "reference", reference_id)
    reference = references.load(store, str(reference_id)) if exists else None
    slow = reference is not None and reference.network.kind == "inception"
    try:
        images = load_split(
            store, dataset, "train", max_examples=MAX_SEARCHED_BY_INCEPTION if slow else MAX_SEARCHED
        ).pixels
    except (NotFoundError, IntegrityError) as error:
        log.warning("the report has no nearest training images", reason=str(error))
        return None
    points: npt.NDArray[Any] = samples.reshape(len(samples), -1)
    among: npt.NDArray[Any] = images.reshape(len(images), -1)
    if reference is None:
        measure = "in pixels (Euclidean distance)"
    else:
        points, among = (extract_all(reference.network, each, BATCH_SIZE).features for each in (samples, images))
        measure = f"in the features of {reference.network.name} (Euclidean distance)"
    indices, distances = nearest(points, among, NEIGHBOURS)
    rows = tuple(
        Neighbours(sample, pictures(images[row]), tuple(map(float, far)))
        for sample, row, far in zip(pictures(samples), indices, distances, strict=True)
    )
    return NearestImages(rows, measure, len(images))
