"""The pictures of a report, drawn with the exported generator, or before there is one with the newest checkpoint.

No step of its own; `gan.steps.report` calls it.
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
from gan.report.data import ImageRow, NearestImages, Neighbours, SampleGrid
from gan.report.nearest import nearest
from gan.report.pictures import pictures, split_grid
from gan.store import Store, immutable, layout
from gan.train.run import Run
from gan.util.images import to_pixels
from gan.util.log import warn

if TYPE_CHECKING:
    import numpy.typing as npt

    from gan.types import GenerateFn, Pixels

MOMENTS = 8
TILES_A_MOMENT = 10
WALKS, STEPS_A_WALK = 4, 10
COMPARED, NEIGHBOURS = 6, 4
MOST_SEARCHED = 10_000
MOST_SEARCHED_BY_INCEPTION = 1_000
LOOK_BATCH = 128


@dataclass(frozen=True)
class Drawn:
    """What was drawn for a report: `compared` are the samples that nearest images are sought for."""

    samples: SampleGrid
    interpolations: tuple[ImageRow, ...]
    compared: Pixels


def draw(with_: GenerateFn, run: Run, dataset: Dataset, who: str) -> Drawn:
    """The sample sheet and the interpolations of a report; `who` drew them, as the start of a caption."""
    config = run.config.generator
    classes = dataset.classes if config.conditional else ()
    plan = sample_grid(config.latent_size, len(classes) or None)
    pixels = to_pixels(with_(plan.latents, plan.labels))
    titles = classes[: plan.columns]
    caption = f"{who}; seed 0, not selected by hand." + (" One column per class." if titles else "")
    points = latents.interpolations(WALKS, STEPS_A_WALK, config.latent_size, seed=1)
    labels = np.repeat(np.arange(WALKS, dtype=np.int32) % len(classes), STEPS_A_WALK) if classes else None
    walked = to_pixels(with_(points, labels)).reshape(WALKS, STEPS_A_WALK, *dataset.image_shape)
    interpolations = tuple(ImageRow(f"Interpolation {row + 1}", pictures(each)) for row, each in enumerate(walked))
    samples = SampleGrid(pictures(pixels), caption, plan.columns if titles else None, titles)
    return Drawn(samples, interpolations, pixels[:COMPARED])


def over_time(store: Store, run: Run, dataset: Dataset) -> tuple[ImageRow, ...]:
    """The first samples of a few sheets that training drew, evenly chosen, with the first and the last."""
    keys = layout.sample_sheets(store, run.run_id)
    height, width, _ = dataset.image_shape
    rows = []
    for key in (keys[index] for index in moments(len(keys))):
        cut = split_grid(store.read(key), height=height, width=width, scale=scale_of(height))
        rows.append(ImageRow(f"step {int(Path(key).stem):,}", pictures(cut[:TILES_A_MOMENT])))
    return tuple(rows)


def moments(count: int) -> list[int]:
    """At most `MOMENTS` of `count` indices, evenly spread from the first to the last."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(MOMENTS, count))})


def nearest_training_images(
    store: Store, dataset: Dataset, samples: Pixels, reference_id: str | None
) -> NearestImages | None:
    """The training images nearest to Pixels [M, H, W, C]: in the features of a reference, without one in pixels.

    None, with a warning, where the training images can't be read; a missing reference is as none.
    """
    from gan.data.load import load_split
    from gan.metrics import reference as references
    from gan.metrics.features.interface import extract_all

    known = reference_id is not None and immutable.is_published(store, "reference", reference_id)
    reference = references.load(store, str(reference_id)) if known else None
    slow = reference is not None and reference.network.kind == "inception"
    try:
        images = load_split(
            store, dataset, "train", max_examples=MOST_SEARCHED_BY_INCEPTION if slow else MOST_SEARCHED
        ).pixels
    except (NotFoundError, IntegrityError) as error:
        warn("the report has no nearest training images", reason=str(error))
        return None
    points: npt.NDArray[Any] = samples.reshape(len(samples), -1)
    among: npt.NDArray[Any] = images.reshape(len(images), -1)
    if reference is None:
        measure = "in pixels (Euclidean distance)"
    else:
        points, among = (extract_all(reference.network, each, LOOK_BATCH).features for each in (samples, images))
        measure = f"in the features of {reference.network.name} (Euclidean distance)"
    indices, distances = nearest(points, among, NEIGHBOURS)
    rows = tuple(
        Neighbours(sample, pictures(images[row]), tuple(map(float, far)))
        for sample, row, far in zip(pictures(samples), indices, distances, strict=True)
    )
    return NearestImages(rows, measure, len(images))
