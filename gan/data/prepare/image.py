"""From the bytes of an image file to prepared pixels."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gan.data.prepare.near_duplicates import thumbnail
from gan.data.prepare.options import MAX_ENLARGEMENT, ImageTransform
from gan.errors import DataError
from gan.types import Pixels

EXTENSIONS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".gif": "GIF",
}
FORMATS = tuple(sorted(set(EXTENSIONS.values())))
MIN_HASHED_SIDE = 32
# Pillow's own limit: 256 MiB as RGB.
MAX_PIXELS = 89_478_485
_RESAMPLING = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
# What Pillow's decoders raise on damaged input, found by fuzzing; none of them is an OSError of a disk, since the
# bytes are in memory.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError)
_DAMAGED_TOO = (struct.error, zlib.error, Image.DecompressionBombError, MemoryError)


class BadImageError(DataError):
    """One image can't be used; the message is the reason, without the file's name."""


class PreparedImage(NamedTuple):
    """What becomes of an image file.

    pixels: uint8 [image_size, image_size, channels] in row-major order.
    thumbnail: see `gan.data.prepare.near_duplicates.thumbnail`.
    decoded_sha256: see `decoded_sha256`; empty where it was not asked for.
    """

    pixels: bytes
    thumbnail: bytes
    decoded_sha256: str = ""


def prepare(data: bytes, name: str, frame: ImageTransform, *, with_decoded_sha256: bool = False) -> PreparedImage:
    """An image file as raw pixels.

    Args:
        data: the whole file.
        name: its name, whose extension must be that of its format.
        frame: what to make of it.
        with_decoded_sha256: whether the decoded pixels are hashed.

    Raises:
        BadImageError: it is damaged, mislabelled, too large, or does not fit the frame.
    """
    decoded = decode(data, name)
    fitted = crop_and_resize(decoded, frame)
    digest = decoded_sha256(decoded) if with_decoded_sha256 else ""
    return PreparedImage(fitted.tobytes(), thumbnail(fitted), digest)


def decoded_sha256(picture: Image.Image) -> str:
    """SHA-256 of what `decode` gives, in hexadecimal: of its width, height and RGB pixels in row-major order.

    Of a picture whose shorter side has 64 pixels or more these are the means of square blocks, at least 32 on that
    side: hashing every pixel would cost a sixth of the time. Equal pictures have equal hashes, and different ones whose
    means are all equal do no harm by sharing one. A grey picture has the hash of the same picture stored as RGB.
    """
    block = max(1, min(picture.size) // MIN_HASHED_SIDE)
    small = picture.reduce(block) if block > 1 else picture
    coloured = small if small.mode == "RGB" else small.convert("RGB")
    digest = hashlib.sha256(f"{picture.width}x{picture.height} ".encode())
    digest.update(coloured.tobytes())
    return digest.hexdigest()


def decode(data: bytes, name: str) -> Image.Image:
    """The first picture of an image file: upright, opaque, 8 bits a channel, mode L or RGB.

    EXIF orientation is applied. Transparent parts become white. 16-bit greys are scaled, palettes, CMYK and YCbCr
    are converted to RGB; embedded colour profiles are ignored, as is usual for training data.

    Raises:
        BadImageError: it is damaged, mislabelled or too large.
    """
    if not data:
        raise BadImageError("is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_header(picture, name)
        picture.load()
        # In place, because a copy of every upright picture would cost a fifth of the time.
        ImageOps.exif_transpose(picture, in_place=True)
        return _to_grey_or_rgb(picture)
    except BadImageError:
        raise
    except UnidentifiedImageError:
        raise BadImageError(f"is no image of a known format ({', '.join(FORMATS)})") from None
    except (*_DAMAGED, *_DAMAGED_TOO) as error:
        raise BadImageError(f"is damaged: {' '.join(str(error).split()) or type(error).__name__}") from None


def crop_and_resize(picture: Image.Image, frame: ImageTransform) -> Image.Image:
    """A picture of mode L or RGB, cut to the frame's window, resized with antialiasing, grey or RGB.

    Raises:
        BadImageError: it is smaller than the crop, or of another size than every original must have.
    """
    width, height = picture.size
    if frame.original_size and picture.size != frame.original_size:
        wanted = "x".join(map(str, frame.original_size))
        raise BadImageError(f"is {width}x{height} pixels; every original is {wanted}")
    side = frame.crop or min(width, height)
    if side > min(width, height):
        raise BadImageError(f"is {width}x{height} pixels, smaller than the crop of {side}")
    if frame.image_size > MAX_ENLARGEMENT * side:
        raise BadImageError(
            f"is {width}x{height} pixels, too small to be enlarged to {frame.image_size}; "
            f"at most {MAX_ENLARGEMENT} times"
        )
    mode = "L" if frame.channels == 1 else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    if picture.size != (side, side):
        left, top = frame.crop_offset or ((width - side) // 2, (height - side) // 2)
        picture = picture.crop((left, top, left + side, top + side))
    if side != frame.image_size:
        picture = picture.resize((frame.image_size, frame.image_size), _RESAMPLING[frame.resizer])
    return picture


def crop_and_resize_pixels(pixels: Pixels, frame: ImageTransform) -> bytes:
    """`crop_and_resize` for Pixels uint8 [H, W] (grey) that are decoded already."""
    if frame.channels == 1 and frame.crop is None and pixels.shape == (frame.image_size, frame.image_size):
        return pixels.tobytes()
    return crop_and_resize(Image.fromarray(pixels), frame).tobytes()


def _check_header(picture: Image.Image, name: str) -> None:
    suffix = PurePosixPath(name).suffix.lower()
    expected = EXTENSIONS.get(suffix)
    if picture.format != expected:
        raise BadImageError(f'is {picture.format} inside, though its name ends in "{suffix}"; rename it')
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise BadImageError(f"claims {width}x{height} pixels; at most {MAX_PIXELS} are decoded")


def _to_grey_or_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in ("L", "RGB") and not picture.has_transparency_data:
        return picture
    if picture.mode.startswith("I"):
        return Image.fromarray(_to_eight_bits(np.asarray(picture)))
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured).convert("RGB")
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _to_eight_bits(grey: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Pixels:
    """From [0, 65535] to [0, 255], rounded to nearest; 65535 is 255 times 257."""
    return ((np.clip(grey.astype(np.int64), 0, 65535) + 128) // 257).astype(np.uint8)
