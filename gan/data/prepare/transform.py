"""How one image is cropped and resized."""

from __future__ import annotations

from dataclasses import dataclass

MAX_ENLARGEMENT = 8


@dataclass(frozen=True)
class ImageTransform:
    """How the pixels of one image are cropped and resized.

    Attributes:
        image_size: height and width of the result.
        channels: 1 (grey) or 3 (RGB).
        crop: side of the square crop; None: the largest that fits.
        crop_offset: (left, top) of the crop in the original, in pixels; None: centred.
        resizer: bicubic, bilinear, box or lanczos, with antialiasing.
        original_size: (width, height) that every original must have; None: any.
    """

    image_size: int
    channels: int
    crop: int | None
    resizer: str
    original_size: tuple[int, int] | None = None
    crop_offset: tuple[int, int] | None = None
