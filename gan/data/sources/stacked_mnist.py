"""Stacked MNIST: three digits of MNIST as the channels of one image, 28x28, RGB. Each three digits are a mode: 1,000.

Metz et al. (2017), "Unrolled Generative Adversarial Networks", arXiv:1611.02163, counted modes with it. The numbers of
images are those of Lin et al. (2018), "PacGAN", arXiv:1712.04086: 128,000 to train on, and 26,000. As there, each
channel is drawn from all images of MNIST, with replacement. The digits of MNIST are not equally frequent, so neither
are the modes; `draw: digits` makes them so. Unlike in PacGAN's code, training images are stacked from MNIST's training
images only, and test images from its test images only.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.data.sources.interface import ExampleRef, Listing, Source, SourceOptions, parse_options
from gan.data.sources.mnist import CLASSES, MIRRORS, SIDE, Mnist, MnistSplit
from gan.errors import DataError
from gan.options import key

CHANNELS = 3
IMAGES, DIGITS = "images", "digits"
STREAMS = {"train": 0, "test": 1}
"""Each split draws from a random stream of its own, so that its images don't depend on the size of another."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StackedMnistOptions(SourceOptions):
    """How many images are stacked, and from which digits."""

    train_images: int = key(128_000, "Number of training images.", min_value=1, max_value=10_000_000)
    test_images: int = key(26_000, "Number of test images.", min_value=1, max_value=10_000_000)
    seed: int = key(0, "Seed of the choice of digits.", min_value=0, max_value=2**31 - 1)
    draw: str = key(
        IMAGES,
        "images: each image of MNIST is equally likely, as published; digits: each digit is, and so each mode.",
        choices=(IMAGES, DIGITS),
    )


class StackedMnist(Source):
    """Stacked when scanned, from the files of MNIST. The label is the number of the red, green and blue digit."""

    name = "stacked-mnist"
    image_size = SIDE
    channels = CHANNELS
    channels_differ = True
    original_size = (SIDE, SIDE)
    options = StackedMnistOptions

    def __init__(self, options: StackedMnistOptions | None = None, mirrors: Sequence[str] = MIRRORS) -> None:
        self._chosen = options or StackedMnistOptions()
        self._mirrors = mirrors

    def with_options(self, tree: Mapping[str, Any]) -> StackedMnist:  # noqa: D102
        return StackedMnist(parse_options(StackedMnistOptions, tree, self.name), self._mirrors)

    def scan(self, where: str | None, holdout_percent: int) -> Listing:  # noqa: D102
        options = self._chosen
        files = Mnist(self._mirrors).read_files(where)
        counts = {"train": options.train_images, "test": options.test_images}
        examples: list[ExampleRef] = []
        stacks: list[Indices] = []
        offset = 0
        for name, split in files.splits.items():
            drawn = drawn_images(split.labels, counts[name], options.draw, seed=(options.seed, STREAMS[name]))
            examples += _examples(name, split, drawn, first_key=len(examples))
            stacks.append(offset + drawn)
            offset += len(split.images)
        pixels = np.concatenate([split.images for split in files.splits.values()])
        rows = np.concatenate(stacks)
        return Listing(
            examples=examples,
            read=lambda key: np.stack(pixels[rows[int(key)]], axis=-1),
            fingerprint={**files.fingerprint, "options": dataclasses.asdict(options)},
            encoded=False,
            classes=tuple("".join(digits) for digits in itertools.product(CLASSES, repeat=CHANNELS)),
            channel_classes=CLASSES,
            matches_published_checksums=files.matches_published_checksums,
        )


def drawn_images(labels: npt.NDArray[np.uint8], count: int, draw: str, *, seed: tuple[int, int]) -> Indices:
    """The rows of the images that are stacked, int64 [count, 3]; the first rows don't depend on `count`.

    They come straight from the bits of PCG64, which every version of NumPy keeps, unlike its distributions (NEP 19).
    The remainder of a division of 64 bits favours no image by more than one in 10^14.

    Args:
        labels: of MNIST's images [N].
        count: number of stacked images.
        draw: IMAGES or DIGITS.
        seed: of the random stream.

    Raises:
        DataError: digits are to be drawn, and one of them has no image.
    """
    bits = np.random.PCG64(np.random.SeedSequence(seed)).random_raw((count, CHANNELS, 2))
    if draw == IMAGES:
        return (bits[..., 0] % np.uint64(len(labels))).astype(np.int64)
    per_digit = np.bincount(labels, minlength=len(CLASSES))
    if not per_digit.all():
        missing = CLASSES[int(np.argmin(per_digit))]
        raise DataError(
            f"data.options.draw={DIGITS} needs an image of every digit; there is none of {missing}. "
            f"Use whole files, or data.options.draw={IMAGES}"
        )
    by_digit = np.argsort(labels, kind="stable")
    starts = np.cumsum(per_digit) - per_digit
    digits = (bits[..., 0] % np.uint64(len(CLASSES))).astype(np.int64)
    within = (bits[..., 1] % per_digit[digits].astype(np.uint64)).astype(np.int64)
    drawn: Indices = by_digit[starts[digits] + within].astype(np.int64)
    return drawn


def _examples(name: str, split: MnistSplit, drawn: Indices, *, first_key: int) -> list[ExampleRef]:
    labels = split.labels[drawn].astype(np.int64) @ np.array([100, 10, 1])
    return [
        ExampleRef(
            id=f"{name}/{index:06d}",
            split=name,
            file=split.file,
            key=first_key + index,
            sha256=split.sha256,
            label=int(label),
        )
        for index, label in enumerate(labels)
    ]
