"""Stacked MNIST: what is stacked, from which digits, and that it never changes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan.config import Data
from gan.data.load import load_split
from gan.data.sources import SOURCES, Listing
from gan.data.sources.mnist import Mnist
from gan.data.sources.stacked_mnist import DIGITS, IMAGES, drawn_images
from gan.data.spec import load
from gan.errors import ConfigError, DataError
from gan.steps.preprocess import preprocess
from gan.store import LocalStore
from support import bad_inputs

SMALL = {"train_images": 200, "test_images": 50}


def scan(where: Path, **options: Any) -> Listing:
    return SOURCES["stacked-mnist"].with_options({**SMALL, **options}).scan(str(where), 20)


def labels(listing: Listing, split: str) -> list[int]:
    return [each.label for each in listing.examples if each.split == split]


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """30 images a split, three of each digit; the images of the two splits differ."""
    path = bad_inputs.mnist(tmp_path / "in")
    pixels = np.random.default_rng(1).integers(0, 256, (30, 28, 28), np.uint8).tobytes()
    bad_inputs.put_idx(path, "t10k-images-idx3-ubyte", bad_inputs.idx(2051, (30, 28, 28), pixels))
    return path


def test_the_published_numbers_of_images_are_the_default(mnist: Path) -> None:
    listing = SOURCES["stacked-mnist"].scan(str(mnist), 20)
    assert Counter(each.split for each in listing.examples) == {"train": 128_000, "test": 26_000}
    assert len(listing.classes) == 1000
    assert (listing.classes[0], listing.classes[7], listing.classes[123]) == ("000", "007", "123")
    assert listing.channel_classes == tuple("0123456789")


def test_the_channels_are_digits_of_the_same_split_and_the_label_is_their_number(mnist: Path) -> None:
    sources = Mnist().read_files(str(mnist)).splits
    listing = scan(mnist)
    for each in listing.examples:
        image = np.asarray(listing.read(each.key))
        assert image.shape == (28, 28, 3)
        images, digits = sources[each.split].images, sources[each.split].labels
        rows = [int(np.flatnonzero((images == image[..., channel]).all(axis=(1, 2)))[0]) for channel in range(3)]
        assert listing.classes[each.label] == "".join(str(digits[row]) for row in rows)


def test_the_draw_never_changes() -> None:
    """Recorded: a dataset's id follows from it, on every machine and with every version of NumPy."""
    of_60_000 = drawn_images(np.zeros(60_000, np.uint8), 3, IMAGES, seed=(0, 0))
    assert of_60_000.tolist() == [[34271, 56024, 34971], [42207, 16863, 50060], [11632, 8793, 9294]]
    balanced = drawn_images(np.arange(1000, dtype=np.uint8) % 10, 3, DIGITS, seed=(0, 0))
    assert balanced.tolist() == [[959, 556, 809], [669, 203, 632], [152, 645, 470]]


def test_the_first_images_do_not_depend_on_how_many_are_stacked(mnist: Path) -> None:
    few, many = scan(mnist, train_images=20), scan(mnist, train_images=90)
    assert labels(few, "train") == labels(many, "train")[:20]
    assert labels(few, "test") == labels(many, "test")


def test_another_seed_stacks_other_digits(mnist: Path) -> None:
    first, second = scan(mnist), scan(mnist, seed=1)
    assert labels(first, "train") != labels(second, "train")
    assert first.fingerprint != second.fingerprint
    assert labels(first, "train")[:50] != labels(first, "test"), "each split has a random stream of its own"


def test_every_image_and_every_digit_is_equally_likely() -> None:
    """Chi-squared is K - 1 on average, give or take sqrt(2 K). Nine of ten images are zeros."""
    unequal = np.where(np.arange(100) < 90, 0, np.arange(100) - 90).astype(np.uint8)
    by_image = np.bincount(drawn_images(unequal, 100_000, IMAGES, seed=(3, 0)).ravel(), minlength=100)
    assert abs(np.sum((by_image - 3000) ** 2 / 3000) - 99) < 4 * np.sqrt(2 * 99)
    by_digit = np.bincount(unequal[drawn_images(unequal, 100_000, DIGITS, seed=(3, 0)).ravel()], minlength=10)
    assert abs(np.sum((by_digit - 30_000) ** 2 / 30_000) - 9) < 4 * np.sqrt(2 * 9)


def test_digits_can_be_drawn_only_if_there_are_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="draw=digits needs an image of every digit; there is none of 3"):
        scan(bad_inputs.mnist(tmp_path, images=3), draw="digits")
    assert len(scan(tmp_path, draw="images").examples) == 250


def test_the_same_id_each_time_and_another_for_other_options(mnist: Path, tmp_path: Path) -> None:
    data = Data(dataset="stacked-mnist", source=str(mnist), options=SMALL)
    made = [preprocess(LocalStore(tmp_path / name), data, workers=1) for name in ("a", "b")]
    assert made[0].id == made[1].id
    store = LocalStore(tmp_path / "a")
    assert preprocess(store, data, workers=1).skipped
    other = preprocess(store, Data(dataset="stacked-mnist", source=str(mnist), options={**SMALL, "seed": 1}), workers=1)
    assert other.id != made[0].id
    dataset = load(store, made[0].id)
    assert dataset.image_shape == (28, 28, 3)
    assert dataset.channel_classes == tuple("0123456789")
    assert {name: split.examples for name, split in dataset.splits.items()} == {"train": 200, "test": 50}
    arrays = load_split(store, dataset, "test")
    assert Counter(arrays.labels.tolist()) == Counter(labels(scan(mnist), "test"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"train_images": 0}, r"data\.options\.train_images must be at least 1"),
        ({"draw": "all"}, r'unknown data\.options\.draw "all".*digits, images'),
        ({"seed": "x"}, r"data\.options\.seed must be a whole number; got 'x'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        SOURCES["stacked-mnist"].with_options(options)


def test_the_published_files(real_data: Path) -> None:
    listing = SOURCES["stacked-mnist"].scan(str(real_data / "mnist"), 20)
    assert listing.matches_published_checksums is True
    for split in ("train", "test"):
        assert len(set(labels(listing, split))) == 1000, "every mode is there"
