"""Decoding, cropping and resizing: values computed by hand, and a second implementation."""

from __future__ import annotations

import contextlib
import hashlib
import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan.data.prepare.image import (
    BadImageError,
    crop_and_resize,
    crop_and_resize_pixels,
    decode,
    decoded_sha256,
    prepare,
)
from gan.data.prepare.transform import ImageTransform
from support import bad_inputs

FRAME = ImageTransform(image_size=8, channels=3, crop=None, resizer="bicubic")


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(left: Any, right: Any, mode: str = "RGB", size: tuple[int, int] = (16, 8)) -> Image.Image:
    picture = Image.new(mode, size, left)
    picture.paste(right, (size[0] // 2, 0, size[0], size[1]))
    return picture


def test_lossless_pixels_come_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert prepare(encoded(Image.fromarray(pixels)), "a.png", FRAME).pixels == pixels.tobytes()


@pytest.mark.parametrize(("kind", "name"), [("PNG", "a.PNG"), ("BMP", "a.bmp"), ("GIF", "a.gif"), ("WEBP", "a.webp")])
def test_every_lossless_format(kind: str, name: str) -> None:
    picture = halves((255, 0, 0), (0, 0, 255))
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(np.asarray(decode(encoded(picture, kind, **options), name)), np.asarray(picture))


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "dir/a.JPG"])
def test_jpeg_is_near(name: str) -> None:
    picture = halves((200, 30, 30), (30, 30, 200))
    found = np.asarray(decode(encoded(picture, "JPEG", quality=95, subsampling=0), name), int)
    assert np.abs(found - np.asarray(picture, int)).max() < 12


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data, "a.gif").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["L", "1", "I;16"])
def test_grey_stays_one_channel(mode: str) -> None:
    grey = decode(encoded(Image.new("L", (8, 8), 255).convert(mode)), "a.png")
    assert grey.mode == "L"


def test_sixteen_bits_are_scaled() -> None:
    values = np.asarray([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    found = np.asarray(decode(encoded(Image.fromarray(values)), "a.png"))
    assert found.tolist() == [[0, 0, 1, 1, 128, 255]]


def test_cmyk() -> None:
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red = np.asarray(decode(encoded(picture, "JPEG", quality=95), "a.jpg"), int)
    assert np.abs(red - [255, 0, 0]).max() < 12


def test_transparency_becomes_white() -> None:
    picture = halves((255, 0, 0, 255), (255, 0, 0, 0), "RGBA")
    found = decode(encoded(picture), "a.png")
    assert (found.getpixel((0, 0)), found.getpixel((15, 0))) == ((255, 0, 0), (255, 255, 255))


def test_half_transparency_is_blended() -> None:
    found = decode(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 51))), "a.png")
    assert found.getpixel((0, 0)) == (204, 204, 204)


def test_transparent_palette_and_grey() -> None:
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert decode(encoded(palette), "a.png").getpixel((0, 0)) == (10, 20, 30)
    assert decode(encoded(palette, transparency=1), "a.png").getpixel((0, 0)) == (255, 255, 255)
    assert decode(encoded(Image.new("LA", (8, 8), (7, 0))), "a.png").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation: int) -> None:
    upright = halves((250, 5, 5), (5, 5, 250), size=(32, 16))
    transpose = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(transpose[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode(encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0), "a.jpg")
    assert found.size == upright.size
    assert np.abs(np.asarray(found, int) - np.asarray(upright, int)).max() < 40


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_mislabelled_is_refused(name: str) -> None:
    with pytest.raises(BadImageError, match="is JPEG inside"):
        decode(bad_inputs.picture(), name)


def test_what_no_image_is() -> None:
    with pytest.raises(BadImageError, match="no image of a known format"):
        decode(b"<html>", "a.jpg")
    with pytest.raises(BadImageError, match="is empty"):
        decode(b"", "a.jpg")


@settings(max_examples=40)
@given(st.floats(0, 0.98))
def test_every_cut_of_a_jpeg_is_refused(share: float) -> None:
    data = bad_inputs.picture()
    with pytest.raises(BadImageError):
        decode(data[: int(len(data) * share)], "a.jpg")


@settings(max_examples=200)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP"]), st.data())
def test_no_damage_escapes(kind: str, data: st.DataObject) -> None:
    """Any changed bytes give a picture or a reason, never another exception."""
    damaged = bytearray(bad_inputs.picture(size=(20, 20), kind=kind))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    name = f"a.{kind.lower()}"
    with contextlib.suppress(BadImageError):
        assert decode(bytes(damaged), name).mode in ("L", "RGB")


@pytest.mark.parametrize("side", [10_000, 30_000])
def test_a_decompression_bomb_is_not_decoded(side: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(BadImageError, match="pixels"):
        decode(bomb, "a.png")


def test_crop_is_the_centre() -> None:
    pixels = np.arange(6 * 9, dtype=np.uint8).reshape(6, 9)
    found = crop_and_resize(Image.fromarray(pixels), ImageTransform(4, 1, 4, "bicubic"))
    np.testing.assert_array_equal(np.asarray(found), pixels[1:5, 2:6])


def test_a_window_elsewhere() -> None:
    pixels = np.arange(6 * 9, dtype=np.uint8).reshape(6, 9)
    found = crop_and_resize(Image.fromarray(pixels), ImageTransform(4, 1, 4, "bicubic", crop_offset=(5, 0)))
    np.testing.assert_array_equal(np.asarray(found), pixels[0:4, 5:9])


def copies(width: int, height: int) -> dict[str, tuple[bytes, str]]:
    """One picture in every lossless encoding, with a matching file name."""
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    picture = Image.fromarray(pixels)
    noted = Image.Exif()
    noted[0x010E] = "another description"
    turned = Image.Exif()
    turned[0x0112] = 6
    grey = picture.convert("L")
    return {
        "png": (encoded(picture), "a.png"),
        "bmp": (encoded(picture, "BMP"), "a.bmp"),
        "webp": (encoded(picture, "WEBP", lossless=True, exact=True), "a.webp"),
        "metadata": (encoded(picture, exif=noted, compress_level=0), "a.png"),
        "alpha": (encoded(picture.convert("RGBA")), "a.png"),
        "turned by EXIF": (encoded(picture.transpose(Image.Transpose.ROTATE_90), exif=turned), "a.png"),
        "grey": (encoded(grey), "a.png"),
        "grey as RGB": (encoded(grey.convert("RGB")), "a.png"),
        "grey in 16 bits": (encoded(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)), "a.png"),
        "mirrored": (encoded(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)), "a.png"),
        "another shape": (encoded(Image.fromarray(pixels.reshape(width, height, 3))), "a.png"),
    }


@pytest.mark.parametrize(("width", "height"), [(9, 6), (178, 218), (300, 65)])
def test_equal_pixels_have_equal_hashes_however_they_are_stored(width: int, height: int) -> None:
    hashes = {name: decoded_sha256(decode(*stored)) for name, stored in copies(width, height).items()}
    coloured, grey = hashes["png"], hashes["grey"]
    same = {name for name, value in hashes.items() if value == coloured}
    assert same == {"png", "bmp", "webp", "metadata", "alpha", "turned by EXIF"}
    assert {name for name, value in hashes.items() if value == grey} == {"grey", "grey as RGB", "grey in 16 bits"}
    assert len(set(hashes.values())) == 4


def test_the_hash_is_of_the_size_and_of_the_means_of_blocks() -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (64, 80, 3), np.uint8)
    means = np.floor(pixels.reshape(32, 2, 40, 2, 3).mean((1, 3)) + 0.5).astype(np.uint8)
    expected = hashlib.sha256(b"80x64 " + means.tobytes()).hexdigest()
    assert decoded_sha256(Image.fromarray(pixels)) == expected


def test_without_a_crop_the_largest_square_is_taken() -> None:
    pixels = np.arange(4 * 8, dtype=np.uint8).reshape(4, 8)
    np.testing.assert_array_equal(
        np.asarray(crop_and_resize(Image.fromarray(pixels), ImageTransform(4, 1, None, "box"))), pixels[:, 2:6]
    )


def test_box_is_the_mean_of_each_block() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16), np.uint8)
    expected = pixels.reshape(4, 4, 4, 4).mean((1, 3))
    found = np.asarray(crop_and_resize(Image.fromarray(pixels), ImageTransform(4, 1, None, "box")), float)
    assert np.abs(found - expected).max() <= 1.0


@pytest.mark.parametrize("resizer", ["bicubic", "bilinear", "box", "lanczos"])
def test_every_resizer_is_antialiased(resizer: str) -> None:
    """A checkerboard finer than the result turns grey; without antialiasing it would turn black or white."""
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    found = np.asarray(crop_and_resize(Image.fromarray(board), ImageTransform(8, 1, None, resizer)), int)[1:-1, 1:-1]
    assert np.abs(found - 127.5).max() < 8


def test_channels_are_converted() -> None:
    grey = Image.new("L", (8, 8), 9)
    assert crop_and_resize(grey, FRAME).getpixel((0, 0)) == (9, 9, 9)
    # ITU-R 601-2: 0.299 R + 0.587 G + 0.114 B
    assert (
        crop_and_resize(Image.new("RGB", (8, 8), (100, 0, 0)), ImageTransform(8, 1, None, "box")).getpixel((0, 0)) == 30
    )


@pytest.mark.parametrize(
    ("size", "transform", "says"),
    [
        ((10, 20), ImageTransform(8, 3, 12, "box"), "10x20 pixels, smaller than the crop of 12"),
        ((10, 20), ImageTransform(8, 3, 8, "box", (20, 10)), "every original is 20x10"),
        ((4, 4), ImageTransform(64, 3, None, "box"), "too small to be enlarged to 64"),
    ],
)
def test_what_does_not_fit(size: tuple[int, int], transform: ImageTransform, says: str) -> None:
    with pytest.raises(BadImageError, match=says):
        crop_and_resize(Image.new("RGB", size), transform)


def test_arrays_are_fitted_like_pictures() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (8, 8), np.uint8)
    assert crop_and_resize_pixels(pixels, ImageTransform(8, 1, None, "box")) == pixels.tobytes()
    assert crop_and_resize_pixels(pixels, ImageTransform(8, 3, None, "box")) == pixels.repeat(3).tobytes()
    assert len(crop_and_resize_pixels(pixels, ImageTransform(16, 1, None, "bicubic"))) == 256
