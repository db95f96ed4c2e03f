"""Pictures of a page from pixels, and pixels from a PNG grid of samples."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from gan.report.data import Picture
from gan.util.images import png

if TYPE_CHECKING:
    import numpy.typing as npt

    from gan.types import Pixels


def pictures(pixels: Pixels) -> tuple[Picture, ...]:
    """One picture for each of Pixels uint8 [N, H, W, C]."""
    return tuple(
        Picture(png(Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)), image.shape[1], image.shape[0])
        for image in pixels
    )


def split_grid(png_grid: bytes, *, height: int, width: int, scale: int, gap: int = 2) -> Pixels:
    """Cut a PNG that `gan.util.images.grid` laid out back into its images: Pixels uint8 [N, H, W, C], row by row.

    Args:
        png_grid: the PNG file.
        height: H of one image.
        width: W of one image.
        scale: how many times the images were enlarged.
        gap: pixels between them.
    """
    canvas = np.asarray(Image.open(io.BytesIO(png_grid)))
    canvas = canvas[..., None] if canvas.ndim == 2 else canvas
    row_height, column_width = height * scale + gap, width * scale + gap
    rows, columns = (canvas.shape[0] + gap) // row_height, (canvas.shape[1] + gap) // column_width
    corners = [(row * row_height, column * column_width) for row in range(rows) for column in range(columns)]
    return np.stack(
        [canvas[top : top + height * scale : scale, left : left + width * scale : scale] for top, left in corners]
    )


def nearest(
    points: npt.NDArray[Any], among: npt.NDArray[Any], count: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The `count` nearest of `among` [N, F] for each of `points` [M, F], the nearest first.

    Returns:
        Indices into `among` [M, K] and Euclidean distances float64 [M, K], K the smaller of `count` and N.
    """
    indices, distances = [], []
    for point in points:
        squares = np.concatenate(
            [
                np.sum((part.astype(np.float64) - point.astype(np.float64)) ** 2, axis=1)
                for part in np.array_split(among, max(1, len(among) // 1000))
            ]
        )
        order = np.argsort(squares, kind="stable")[:count]
        indices.append(order)
        distances.append(np.sqrt(squares[order]))
    return np.stack(indices), np.stack(distances)
