"""Decodes, crops and resizes one image file."""

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
from gan.data.prepare.transform import MAX_ENLARGEMENT, ImageTransform
from gan.data.source_files.image_formats import EXTENSIONS, FORMATS
from gan.errors import DataError
from gan.types import Pixels

MIN_HASHED_SIDE = 32
# Pillow's own limit: 256 MiB as RGB.
MAX_PIXELS = 89_478_485
_RESAMPLING = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
# What Pillow's decoders raise on damaged input, found by fuzzing. The bytes are in memory, so an OSError is not a
# disk error.
_DECODING_ERRORS = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError),
    *(struct.error, zlib.error, Image.DecompressionBombError, MemoryError),
)


class BadImageError(DataError):
    """An image is unusable; the message is the reason, without the file's name.

    The manifest stores the reason, and the dataset's id depends on it: a changed message changes ids.
    """


class PreparedImage(NamedTuple):
    """A decoded, cropped and resized image.

    pixels: uint8 [image_size, image_size, channels] in row-major order.
    thumbnail: see `gan.data.prepare.near_duplicates.thumbnail`.
    decoded_sha256: see `decoded_sha256`; empty unless requested.
    """

    pixels: bytes
    thumbnail: bytes
    decoded_sha256: str = ""


def prepare(data: bytes, name: str, transform: ImageTransform, *, with_decoded_sha256: bool = False) -> PreparedImage:
    """An image file as raw pixels.

    Args:
        data: the whole file.
        name: its name, whose extension must be that of its format.
        transform: how to crop and resize it.
        with_decoded_sha256: whether the decoded pixels are hashed.

    Raises:
        BadImageError: it is damaged, mislabelled, too large, or does not fit the transform.
    """
    decoded = decode(data, name)
    fitted = crop_and_resize(decoded, transform)
    digest = decoded_sha256(decoded) if with_decoded_sha256 else ""
    return PreparedImage(fitted.tobytes(), thumbnail(fitted), digest)


def decoded_sha256(picture: Image.Image) -> str:
    """SHA-256 of a decoded image, in hexadecimal: of its width, height and RGB pixels in row-major order.

    If the shorter side has 64 pixels or more, the means of square blocks are hashed, at least 32 along that side:
    hashing every pixel would take a sixth of the time. Equal images have equal hashes; different images whose block
    means are all equal may share one without harm. A grey image has the hash of the same image stored as RGB.
    """
    block = max(1, min(picture.size) // MIN_HASHED_SIDE)
    small = picture.reduce(block) if block > 1 else picture
    coloured = small if small.mode == "RGB" else small.convert("RGB")
    digest = hashlib.sha256(f"{picture.width}x{picture.height} ".encode())
    digest.update(coloured.tobytes())
    return digest.hexdigest()


def decode(data: bytes, name: str) -> Image.Image:
    """The first image of a file: upright, opaque, 8 bits per channel, mode L or RGB.

    EXIF orientation is applied. Transparent parts become white. 16-bit greys are scaled; palettes, CMYK and YCbCr are
    converted to RGB; embedded colour profiles are ignored, as is usual for training data.

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
        # In place: copying every upright image would take a fifth of the time.
        ImageOps.exif_transpose(picture, in_place=True)
        return _to_grey_or_rgb(picture)
    except BadImageError:
        raise
    except UnidentifiedImageError:
        raise BadImageError(f"is no image of a known format ({', '.join(FORMATS)})") from None
    except _DECODING_ERRORS as error:
        raise BadImageError(f"is damaged: {' '.join(str(error).split()) or type(error).__name__}") from None


def crop_and_resize(picture: Image.Image, transform: ImageTransform) -> Image.Image:
    """A picture of mode L or RGB, cropped and resized with antialiasing, grey or RGB.

    Raises:
        BadImageError: it is smaller than the crop, or of another size than every original must have.
    """
    width, height = picture.size
    if transform.original_size and picture.size != transform.original_size:
        wanted = "x".join(map(str, transform.original_size))
        raise BadImageError(f"is {width}x{height} pixels; every original is {wanted}")
    side = transform.crop or min(width, height)
    if side > min(width, height):
        raise BadImageError(f"is {width}x{height} pixels, smaller than the crop of {side}")
    if transform.image_size > MAX_ENLARGEMENT * side:
        raise BadImageError(
            f"is {width}x{height} pixels, too small to be enlarged to {transform.image_size}; "
            f"at most {MAX_ENLARGEMENT} times"
        )
    mode = "L" if transform.channels == 1 else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    if picture.size != (side, side):
        left, top = transform.crop_offset or ((width - side) // 2, (height - side) // 2)
        picture = picture.crop((left, top, left + side, top + side))
    if side != transform.image_size:
        picture = picture.resize((transform.image_size, transform.image_size), _RESAMPLING[transform.resizer])
    return picture


def crop_and_resize_pixels(pixels: Pixels, transform: ImageTransform) -> bytes:
    """`crop_and_resize` for decoded grey Pixels uint8 [H, W]."""
    if (
        transform.channels == 1
        and transform.crop is None
        and pixels.shape == (transform.image_size, transform.image_size)
    ):
        return pixels.tobytes()
    return crop_and_resize(Image.fromarray(pixels), transform).tobytes()


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
