"""The sheet of samples that cards and reports show: a column a class, where there are classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan.export import latents

if TYPE_CHECKING:
    from gan.types import LabelArray

ROWS = 8
MOST_COLUMNS = 10


@dataclass(frozen=True)
class Sheet:
    """What to draw: latents float32 [rows * columns, Z], and labels int32 [rows * columns] or None, row by row."""

    latents: latents.LatentArray
    labels: LabelArray | None
    columns: int


def sheet(latent_size: int, classes: int | None, *, rows: int = ROWS, seed: int = 0) -> Sheet:
    """A sheet of `rows` rows.

    Args:
        latent_size: Z.
        classes: of a conditional generator; the first `MOST_COLUMNS` get a column each. None: no classes, 8 columns.
        rows: how many.
        seed: of the latents.
    """
    import numpy as np

    columns = ROWS if classes is None else min(classes, MOST_COLUMNS)
    labels = None if classes is None else np.tile(np.arange(columns, dtype=np.int32), rows)
    return Sheet(latents.draw(rows * columns, latent_size, seed), labels, columns)
