"""Images to pixels, grids and PNG."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from gan.types import Images, Pixels


def to_pixels(images: Images) -> Pixels:
    """Quantise Images float in [-1, 1] to Pixels uint8 in [0, 255], rounding to nearest; values beyond are clipped."""
    import numpy as np

    pixels: Pixels = np.clip(np.rint((np.asarray(images, np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)
    return pixels


def grid(pixels: Pixels, *, columns: int | None = None, scale: int = 1, gap: int = 2) -> Image.Image:
    """A grid of Pixels [N, H, W, C] in rows, each image enlarged `scale` times without smoothing.

    Args:
        pixels: uint8 [N, H, W, C], C 1 or 3, N at least 1.
        columns: images in a row; default the square root of N, rounded up.
        scale: screen pixels per image pixel, in each direction.
        gap: white pixels between images.
    """
    import numpy as np
    from PIL import Image

    count, height, width, channels = pixels.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    tile_height, tile_width = height * scale + gap, width * scale + gap
    canvas = np.full((rows * tile_height - gap, columns * tile_width - gap, channels), 255, np.uint8)
    for index, image in enumerate(pixels):
        top, left = index // columns * tile_height, index % columns * tile_width
        canvas[top : top + height * scale, left : left + width * scale] = image.repeat(scale, 0).repeat(scale, 1)
    return Image.fromarray(canvas[..., 0] if channels == 1 else canvas)


def png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
