"""Nearly equal images, against a comparison of every pair, and with copies as people make them."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan.data.prepare.near_duplicates import MAX_CONTRAST_SHARE, MAX_LEVELS, NearDuplicates, thumbnail, thumbnail_of
from gan.data.spec import split_rank


def drawing(seed: int, size: int = 96) -> Image.Image:
    """A picture with large and small shapes of many colours."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8)).resize((size, size), Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.integers(0, 256, (size // 2, size // 2, 3), np.uint8)).resize((size, size))
    return Image.blend(coarse, fine, 0.2)


def saved(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def prepared(picture: Image.Image) -> bytes:
    return thumbnail(picture.resize((64, 64), Image.Resampling.BICUBIC))


def test_a_thumbnail_is_the_mean_of_blocks() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    found = np.frombuffer(thumbnail(Image.fromarray(pixels)), np.uint8).reshape(8, 8)
    assert np.abs(found - pixels.reshape(8, 8, 8, 8).mean((1, 3))).max() <= 1
    assert thumbnail_of(pixels.tobytes(), 64, 1) == found.tobytes()


def test_of_prepared_pixels_it_is_the_same_as_of_the_picture() -> None:
    picture = drawing(1, 32)
    assert thumbnail_of(picture.tobytes(), 32, 3) == thumbnail(picture)


@pytest.mark.parametrize("quality", [95, 75, 40])
def test_jpegs_of_any_quality_and_smaller_copies_are_found(quality: int) -> None:
    near = NearDuplicates()
    for seed in range(30):
        near.add(f"{seed}.png", "train", prepared(drawing(seed)))
    near.add("again.jpg", "test", prepared(saved(drawing(7), quality)))
    near.add("small.png", "test", prepared(drawing(9).resize((48, 48), Image.Resampling.BICUBIC)))
    near.add("new.png", "test", prepared(drawing(99)))
    found = near.find()
    assert (found.images, found.across_splits) == (4, 2)
    assert {pair.files for pair in found.pairs} == {("again.jpg", "7.png"), ("small.png", "9.png")}
    assert {pair.splits for pair in found.pairs} == {("test", "train")}
    assert all(pair.difference < 1.5 for pair in found.pairs)


def test_copies_within_a_split_are_found_and_many_cost_no_more_than_one() -> None:
    near = NearDuplicates()
    for index in range(20_000):
        near.add(f"{index}.png", "train", b"\x07" * 64)
    near.add("other.png", "train", prepared(drawing(1)))
    found = near.find()
    assert (found.images, found.across_splits, len(found.pairs)) == (20_000, 0, 5)
    assert all(pair.difference == 0 and pair.files[0] != pair.files[1] for pair in found.pairs)


def test_images_of_little_contrast_must_be_nearer() -> None:
    """Two clouds on a grey sky differ by few levels, and are different."""
    rng = np.random.default_rng(0)
    near = NearDuplicates()
    for name in ("a", "b"):
        near.add(name, "train", (128 + rng.integers(-1, 2, 64)).astype(np.uint8).tobytes())
    assert near.find().images == 0


def test_nothing_is_near_to_nothing() -> None:
    assert NearDuplicates().find().images == 0
    near = NearDuplicates()
    near.add("a", "train", bytes(64))
    assert (near.find().images, near.find().pairs) == (0, ())


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 12))
def test_the_counts_are_those_of_comparing_every_pair(seed: int, count: int, different: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 256, (different, 64)) * rng.choice([1.0, 0.1, 0.02], (different, 1))
    images = np.clip(
        kinds[rng.integers(0, different, count)] + rng.normal(0, rng.choice([0.2, 2, 4]), (count, 64)), 0, 255
    )
    thumbnails = np.rint(images).astype(np.uint8)
    splits = rng.choice(["train", "valid", "test"], count)
    near = NearDuplicates()
    for index in range(count):
        near.add(str(index), str(splits[index]), thumbnails[index].tobytes())
    found = near.find()
    with_one, across = set(), set()
    for one, other in itertools.permutations(range(count), 2):
        exact = thumbnails[[one, other]].astype(float)
        distance = np.sqrt(((exact[0] - exact[1]) ** 2).mean())
        later = split_rank(splits[one]) > split_rank(splits[other])
        nearest_there = [n for n in range(count) if n != one and splits[n] == splits[other]]
        assert nearest_there
        if distance <= min(MAX_LEVELS, MAX_CONTRAST_SHARE * exact[0].std()) + 1e-9:
            with_one.add(one)
            if later:
                across.add(one)
    assert found.images == len(with_one)
    assert found.across_splits == len(across)
    for pair in found.pairs:
        one, other = map(int, pair.files)
        assert pair.splits == (splits[one], splits[other])
        exact = thumbnails[[one, other]].astype(float)
        assert pair.difference == pytest.approx(np.sqrt(((exact[0] - exact[1]) ** 2).mean()), abs=1e-3)
