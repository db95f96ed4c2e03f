"""The grid of samples that training, cards and reports show, with one column per class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan.export import latents
from gan.util.images import grid

if TYPE_CHECKING:
    from PIL import Image

    from gan.types import LabelArray, Pixels

ROWS = 8
MAX_COLUMNS = 10
MIN_TILE_PIXELS = 64


@dataclass(frozen=True)
class SampleGrid:
    """What to draw, row by row: latents float32 [rows * columns, Z], and labels int32 [rows * columns] or None."""

    latents: latents.LatentArray
    labels: LabelArray | None
    columns: int

    def picture(self, pixels: Pixels) -> Image.Image:
        """The grid, from Pixels uint8 [rows * columns, H, W, C]; small images are enlarged without smoothing."""
        return grid(pixels, columns=self.columns, scale=scale_of(pixels.shape[1]))


def sample_grid(latent_size: int, classes: int | None, *, rows: int = ROWS, seed: int = 0) -> SampleGrid:
    """A grid of `rows` rows; with classes each row is one latent, drawn as each class.

    Args:
        latent_size: Z.
        classes: of a conditional generator; the first `MAX_COLUMNS` get a column each. None: no classes, 8 columns
            of different latents.
        rows: the number of rows.
        seed: of the latents.
    """
    import numpy as np

    if classes is None:
        return SampleGrid(latents.draw(rows * ROWS, latent_size, seed), None, ROWS)
    columns = min(classes, MAX_COLUMNS)
    points = latents.draw(rows, latent_size, seed).repeat(columns, axis=0)
    return SampleGrid(points, np.tile(np.arange(columns, dtype=np.int32), rows), columns)


def scale_of(height: int) -> int:
    """The factor by which images of this height are enlarged on a grid."""
    return math.ceil(MIN_TILE_PIXELS / height)
