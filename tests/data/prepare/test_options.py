"""How options are completed with a source's defaults."""

from __future__ import annotations

import pytest

from gan.config import Data
from gan.data.prepare.options import Options, resolve
from gan.data.sources import SOURCES
from gan.errors import ConfigError


def settled(**keys: object) -> Options:
    data = Data(**keys)  # type: ignore[arg-type]
    return resolve(SOURCES[data.dataset], data)


@pytest.mark.parametrize(
    ("dataset", "size", "channels", "crop"),
    [
        ("mnist", 28, 1, None),
        ("stacked-mnist", 28, 3, None),
        ("digits", 8, 1, None),
        ("celeba", 64, 3, 148),
        ("folder", 64, 3, None),
    ],
)
def test_each_source_has_its_own(dataset: str, size: int, channels: int, crop: int | None) -> None:
    transform = settled(dataset=dataset).transform
    assert (transform.image_size, transform.channels, transform.crop) == (size, channels, crop)


def test_what_is_given_wins() -> None:
    options = settled(
        dataset="mnist", image_size=32, channels=3, crop=20, resizer="lanczos", shard_mib=1.0, on_bad_image="skip"
    )
    assert options.to_json() == {
        "image_size": 32,
        "channels": 3,
        "crop": 20,
        "resizer": "lanczos",
        "holdout_percent": 20,
        "shard_bytes": 2**20,
        "skip_bad_images": True,
    }


@pytest.mark.parametrize("crop", [178, 160, 148, 140, 108])
def test_the_centred_crops_of_published_work(crop: int) -> None:
    options = settled(dataset="celeba", crop=crop)
    assert (options.transform.crop, options.transform.crop_offset) == (crop, None)
    assert "crop_offset" not in options.to_json(), "what was prepared before is found again"


def test_the_crop_of_128_is_where_progan_and_ddim_have_it() -> None:
    """`img[cy - 64 : cy + 64, cx - 64 : cx + 64]` with cx=89, cy=121."""
    options = settled(dataset="celeba", crop=128)
    assert options.transform.crop_offset == (89 - 64, 121 - 64)
    assert options.to_json()["crop_offset"] == [25, 57]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"dataset": "celeba", "crop": 200}, "--crop.* 178, 160, 148, 140, 128, 108 for celeba; got 200"),
        ({"dataset": "mnist", "crop": 30}, "--crop.* at most 28 for mnist; got 30"),
        ({"dataset": "stacked-mnist", "channels": 1}, "--channels.* must be 3 for stacked-mnist, whose .*; got 1"),
        ({"dataset": "digits", "image_size": 65}, "--image-size.* at most 64 for digits.* got 65"),
        ({"dataset": "folder", "crop": 8, "image_size": 65}, "at most 64"),
        ({"dataset": "folder", "image_size": 256, "shard_mib": 0.1}, r"--shard-mib.* at least 0\.188.*; got 0\.1"),
    ],
)
def test_what_can_not_work(keys: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        settled(**keys)
