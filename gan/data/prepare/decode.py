"""From listed examples to pixels, in order, in parallel where that pays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gan.data.prepare.image import BadImageError, crop_and_resize_pixels, prepare
from gan.data.prepare.near_duplicates import thumbnail_of
from gan.data.prepare.options import ImageTransform
from gan.data.prepare.process_pool import ordered_map
from gan.data.sources.interface import ExampleRef, Listing
from gan.errors import DataError

if TYPE_CHECKING:
    from gan.data.prepare.pixel_cache import PixelCache

CHUNK_IMAGES = 64
CHUNK_BYTES = 4 << 20
# Starting processes takes longer than decoding so few images.
MIN_IMAGES_FOR_PROCESSES = 512


class DecodedExample(NamedTuple):
    """An example with its pixels, or with the reason why it has none.

    Attributes:
        example: as listed.
        pixels: uint8 [image_size, image_size, channels] in row-major order; empty where there is a reason.
        sha256: SHA-256 of the original file; empty where it could not be read.
        reason: why the image can't be used; empty where it can.
        thumbnail: see `gan.data.prepare.near_duplicates.thumbnail`; empty for pixels that were never in an image file.
        decoded_sha256: see `gan.data.prepare.image.decoded_sha256`; only where the source is split by pixels.
    """

    example: ExampleRef
    pixels: bytes
    sha256: str
    reason: str = ""
    thumbnail: bytes = b""
    decoded_sha256: str = ""


class _DecodeResult(NamedTuple):
    """What comes back from a worker for one image."""

    pixels: bytes
    sha256: str
    reason: str
    thumbnail: bytes = b""
    decoded_sha256: str = ""


class _ImageFile(NamedTuple):
    """What goes to a worker for one image; `data` is the reason why it could not be read, where that is text."""

    name: str
    data: bytes | str


def decode_examples(
    listing: Listing,
    examples: Sequence[ExampleRef],
    frame: ImageTransform,
    *,
    workers: int,
    known: PixelCache | None = None,
) -> Iterator[DecodedExample]:
    """Every example, in the order given, with its pixels or the reason against it.

    Args:
        listing: the source.
        examples: of the listing.
        frame: what to make of them.
        workers: processes that decode.
        known: pixels that need not be made again, in this very frame.

    Raises:
        DataError: a file's bytes changed since they were listed.
    """
    if not listing.encoded:
        yield from _from_arrays(listing, examples, frame)
        return
    if known is None:
        yield from _decode_files(listing, examples, frame, workers)
        return
    fresh = _decode_files(listing, [each for each in examples if not known.has(each)], frame, workers)
    for example in examples:
        yield _from_cache(example, known, frame) if known.has(example) else next(fresh)


def _from_cache(example: ExampleRef, known: PixelCache, frame: ImageTransform) -> DecodedExample:
    pixels = known.pixels(example)
    small = thumbnail_of(pixels, frame.image_size, frame.channels)
    return DecodedExample(example, pixels, example.sha256, "", small, known.decoded_sha256(example))


def _decode_files(
    listing: Listing, examples: Sequence[ExampleRef], frame: ImageTransform, workers: int
) -> Iterator[DecodedExample]:
    chunks = _chunks(listing, examples)
    decode = partial(decode_chunk, frame, listing.split_by_pixels)
    in_processes = workers > 1 and len(examples) >= MIN_IMAGES_FOR_PROCESSES
    outcomes = ordered_map(decode, chunks, workers) if in_processes else map(decode, chunks)
    position = 0
    for chunk in outcomes:
        for outcome in chunk:
            example = examples[position]
            position += 1
            _check_unchanged(example, outcome.sha256)
            yield DecodedExample(example, *outcome)


def decode_chunk(frame: ImageTransform, hashed: bool, files: Iterable[_ImageFile]) -> list[_DecodeResult]:
    """Decode some image files, with the hash of their decoded pixels where `hashed`; runs in a worker."""
    return [_decode_file(frame, hashed, file) for file in files]


def _decode_file(frame: ImageTransform, hashed: bool, file: _ImageFile) -> _DecodeResult:
    if isinstance(file.data, str):
        return _DecodeResult(b"", "", file.data)
    digest = hashlib.sha256(file.data).hexdigest()
    try:
        made = prepare(file.data, file.name, frame, with_decoded_sha256=hashed)
        return _DecodeResult(made.pixels, digest, "", made.thumbnail, made.decoded_sha256)
    except BadImageError as bad:
        return _DecodeResult(b"", digest, str(bad))


def _chunks(listing: Listing, examples: Iterable[ExampleRef]) -> Iterator[list[_ImageFile]]:
    """Image files in groups that are cheap to send and bounded in bytes."""
    chunk: list[_ImageFile] = []
    size = 0
    for example in examples:
        file = _read(listing, example)
        chunk.append(file)
        size += len(file.data)
        if len(chunk) == CHUNK_IMAGES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _read(listing: Listing, example: ExampleRef) -> _ImageFile:
    try:
        data = listing.read(example.key)
    except DataError as error:
        return _ImageFile(example.file, str(error))
    return _ImageFile(example.file, data if isinstance(data, bytes) else data.tobytes())


def _from_arrays(listing: Listing, examples: Iterable[ExampleRef], frame: ImageTransform) -> Iterator[DecodedExample]:
    for example in examples:
        pixels = np.asarray(listing.read(example.key))
        yield DecodedExample(example, crop_and_resize_pixels(pixels, frame), example.sha256)


def _check_unchanged(example: ExampleRef, sha256: str) -> None:
    if example.sha256 and sha256 and sha256 != example.sha256:
        raise DataError(f"{example.file} changed while it was being read; run the same command again")
