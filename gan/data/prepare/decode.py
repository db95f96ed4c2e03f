"""Decodes listed examples to pixels, in order, in parallel processes if there are many."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gan.data.prepare.image import BadImageError, crop_and_resize_pixels, prepare
from gan.data.prepare.near_duplicates import thumbnail_of
from gan.data.prepare.process_pool import ordered_map
from gan.data.prepare.transform import ImageTransform
from gan.data.sources.interface import ExampleRef, Listing
from gan.errors import DataError

if TYPE_CHECKING:
    from gan.data.prepare.pixel_cache import PixelCache

CHUNK_IMAGES = 64
CHUNK_BYTES = 4 << 20
# Starting processes takes longer than decoding fewer images.
MIN_IMAGES_FOR_PROCESSES = 512


class DecodedExample(NamedTuple):
    """An example with its pixels, or with the reason why it has none.

    Attributes:
        example: as listed.
        pixels: uint8 [image_size, image_size, channels] in row-major order; empty if the image is unusable.
        sha256: SHA-256 of the original file; empty if it could not be read.
        reason: why the image is unusable; empty if it is usable.
        thumbnail: see `gan.data.prepare.near_duplicates.thumbnail`; empty for pixels that did not come from an image
            file.
        decoded_sha256: see `gan.data.prepare.image.decoded_sha256`; only if the source is split by pixels.
    """

    example: ExampleRef
    pixels: bytes
    sha256: str
    reason: str = ""
    thumbnail: bytes = b""
    decoded_sha256: str = ""


class _DecodeResult(NamedTuple):
    """The result of a worker process for one image."""

    pixels: bytes
    sha256: str
    reason: str
    thumbnail: bytes = b""
    decoded_sha256: str = ""


class _ImageFile(NamedTuple):
    """The input of a worker process for one image; `data` is text if the file could not be read: the reason."""

    name: str
    data: bytes | str


def decode_examples(
    listing: Listing,
    examples: Sequence[ExampleRef],
    transform: ImageTransform,
    *,
    workers: int,
    pixel_cache: PixelCache | None = None,
) -> Iterator[DecodedExample]:
    """Every example, in the given order, with its pixels or the reason why it is unusable.

    Args:
        listing: the source.
        examples: examples of the listing.
        transform: how to crop and resize them.
        workers: number of decoding processes.
        pixel_cache: pixels that an earlier dataset prepared with the same transform.

    Raises:
        DataError: a file changed since it was listed.
    """
    if not listing.encoded:
        yield from _from_arrays(listing, examples, transform)
        return
    if pixel_cache is None:
        yield from _decode_files(listing, examples, transform, workers)
        return
    fresh = _decode_files(listing, [each for each in examples if not pixel_cache.has(each)], transform, workers)
    for example in examples:
        yield _from_cache(example, pixel_cache, transform) if pixel_cache.has(example) else next(fresh)


def _from_cache(example: ExampleRef, pixel_cache: PixelCache, transform: ImageTransform) -> DecodedExample:
    pixels = pixel_cache.pixels(example)
    thumbnail = thumbnail_of(pixels, transform.image_size, transform.channels)
    return DecodedExample(example, pixels, example.sha256, "", thumbnail, pixel_cache.decoded_sha256(example))


def _decode_files(
    listing: Listing, examples: Sequence[ExampleRef], transform: ImageTransform, workers: int
) -> Iterator[DecodedExample]:
    chunks = _chunks(listing, examples)
    decode = partial(decode_chunk, transform, listing.split_by_pixels)
    in_processes = workers > 1 and len(examples) >= MIN_IMAGES_FOR_PROCESSES
    decoded_chunks = ordered_map(decode, chunks, workers) if in_processes else map(decode, chunks)
    position = 0
    for chunk in decoded_chunks:
        for decoded in chunk:
            example = examples[position]
            position += 1
            _check_unchanged(example, decoded.sha256)
            yield DecodedExample(example, *decoded)


def decode_chunk(
    transform: ImageTransform, with_decoded_sha256: bool, files: Iterable[_ImageFile]
) -> list[_DecodeResult]:
    """Decode some image files, with the hash of their decoded pixels where `with_decoded_sha256`; runs in a worker."""
    return [_decode_file(transform, with_decoded_sha256, file) for file in files]


def _decode_file(transform: ImageTransform, with_decoded_sha256: bool, file: _ImageFile) -> _DecodeResult:
    if isinstance(file.data, str):
        return _DecodeResult(b"", "", file.data)
    digest = hashlib.sha256(file.data).hexdigest()
    try:
        image = prepare(file.data, file.name, transform, with_decoded_sha256=with_decoded_sha256)
        return _DecodeResult(image.pixels, digest, "", image.thumbnail, image.decoded_sha256)
    except BadImageError as bad:
        return _DecodeResult(b"", digest, str(bad))


def _chunks(listing: Listing, examples: Iterable[ExampleRef]) -> Iterator[list[_ImageFile]]:
    """Image files in groups that are cheap to send to a worker and limited in bytes."""
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


def _from_arrays(
    listing: Listing, examples: Iterable[ExampleRef], transform: ImageTransform
) -> Iterator[DecodedExample]:
    for example in examples:
        pixels = np.asarray(listing.read(example.key))
        yield DecodedExample(example, crop_and_resize_pixels(pixels, transform), example.sha256)


def _check_unchanged(example: ExampleRef, sha256: str) -> None:
    if example.sha256 and sha256 and sha256 != example.sha256:
        raise DataError(f"{example.file} changed while it was being read; run the same command again")
