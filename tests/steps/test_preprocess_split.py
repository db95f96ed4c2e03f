"""The split by decoded pixels, and the reported near duplicates, through `preprocess`."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan.config import Data
from gan.errors import DataError
from gan.result import StepResult
from gan.steps.preprocess import preprocess
from gan.store import LocalStore, immutable
from support import bad_inputs


def picture(seed: int, size: tuple[int, int] = (24, 20)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def put(folder: Path, name: str, image: Image.Image, **options: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    image.save(folder / name, **options)  # type: ignore[arg-type]


def run(store: LocalStore, source: Path, **keys: object) -> StepResult:
    return preprocess(store, Data(**{"dataset": "folder", "source": str(source), "image_size": 16, **keys}), workers=1)


def splits(result: StepResult) -> dict[str, str]:
    rows = pq.read_table(Path(result.uri) / "manifest.parquet").to_pylist()
    return {row["file"]: row["split"] for row in rows}


def test_one_picture_stored_twice_lies_on_one_side(store: LocalStore, tmp_path: Path) -> None:
    for seed in range(25):
        put(tmp_path / "in", f"{seed}.png", picture(seed))
        put(tmp_path / "in", f"{seed}.bmp", picture(seed))
    found = splits(run(store, tmp_path / "in"))
    assert len(found) == 50
    assert set(found.values()) == {"train", "test"}
    assert all(found[f"{seed}.png"] == found[f"{seed}.bmp"] for seed in range(25))


def test_an_image_keeps_its_side_whatever_its_size_and_whatever_comes(store: LocalStore, tmp_path: Path) -> None:
    for seed in range(40):
        put(tmp_path / "in", f"{seed}.png", picture(seed))
    first = splits(run(store, tmp_path / "in"))
    assert splits(run(store, tmp_path / "in", image_size=8, channels=1, crop=12)) == first
    for seed in range(40, 60):
        put(tmp_path / "in", f"{seed}.png", picture(seed))
    later = run(store, tmp_path / "in")
    assert later.details["reused"] == 40
    assert {name: split for name, split in splits(later).items() if name in first} == first


def test_the_manifest_has_the_hash_that_decided(store: LocalStore, tmp_path: Path) -> None:
    from gan.data.holdout import held_out
    from gan.data.prepare.image import decode, decoded_sha256

    bad_inputs.folder(tmp_path / "in", 30)
    rows = pq.read_table(Path(run(store, tmp_path / "in").uri) / "manifest.parquet").to_pylist()
    for row in rows:
        assert row["decoded_sha256"] == decoded_sha256(
            decode((tmp_path / "in" / row["file"]).read_bytes(), row["file"])
        )
    test = held_out([row["decoded_sha256"] for row in rows], 20)
    assert all(row["split"] == ("test" if row["decoded_sha256"] in test else "train") for row in rows)


def test_splits_of_ones_own_need_no_hash(store: LocalStore, tmp_path: Path) -> None:
    for seed in range(6):
        put(tmp_path / "in" / ("train", "test")[seed % 2], f"{seed}.png", picture(seed))
    result = run(store, tmp_path / "in")
    assert "decoded_sha256" not in pq.read_schema(Path(result.uri) / "manifest.parquet").names
    assert result.details["examples"] == {"train": 3, "test": 3}


@pytest.mark.parametrize("percent", [1, 90])
def test_of_few_images_one_is_on_each_side(percent: int, store: LocalStore, tmp_path: Path) -> None:
    for seed in range(3):
        put(tmp_path / "in", f"{seed}.png", picture(seed))
    result = run(store, tmp_path / "in", holdout_percent=percent)
    assert sorted(result.details["examples"].values()) == [1, 2]
    assert list(immutable.find_damage(store, "dataset", result.id)) == []


def test_one_picture_under_two_names_can_not_be_split(store: LocalStore, tmp_path: Path) -> None:
    put(tmp_path / "in", "a.png", picture(0))
    put(tmp_path / "in", "a.bmp", picture(0))
    with pytest.raises(DataError, match=r"at least 2 different images.*got 1"):
        run(store, tmp_path / "in")


def test_near_duplicates_are_reported(store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(12):
        put(tmp_path / "in" / "train", f"{seed}.png", picture(seed, (96, 80)))
    put(tmp_path / "in" / "test", "again.jpg", picture(3, (96, 80)), quality=80)
    put(tmp_path / "in" / "test", "new.png", picture(50))
    put(tmp_path / "in" / "train", "small.png", picture(5, (96, 80)).resize((48, 40), Image.Resampling.BICUBIC))
    details = run(store, tmp_path / "in").details
    assert (details["near_duplicates"], details["near_duplicates_across_splits"]) == (4, 1)
    across, within = details["near_duplicate_pairs"]
    assert across["files"] == ["test/again.jpg", "train/3.png"]
    assert across["splits"] == ["test", "train"]
    assert sorted(within["files"]) == ["train/5.png", "train/small.png"]
    assert "test/again.jpg (test) and train/3.png (train)" in capsys.readouterr().err


def test_celeba_reports_them_too_and_keeps_its_manifest(store: LocalStore, tmp_path: Path) -> None:
    """The first picture is of the train partition, the fifth of the test partition."""
    one = picture(1, (178, 218))
    saved = {quality: io.BytesIO() for quality in (95, 60)}
    for quality, buffer in saved.items():
        one.save(buffer, "JPEG", quality=quality)
    pictures = {
        "img_align_celeba/000001.jpg": saved[95].getvalue(),
        "img_align_celeba/000005.jpg": saved[60].getvalue(),
    }
    source = bad_inputs.celeba(tmp_path / "in", pictures=pictures)
    result = preprocess(store, Data(dataset="celeba", source=str(source)), workers=1)
    assert result.details["near_duplicates_across_splits"] == 1
    assert result.details["near_duplicate_pairs"][0]["files"] == ["000005.jpg", "000001.jpg"]
    assert "decoded_sha256" not in pq.read_schema(Path(result.uri) / "manifest.parquet").names


def test_arrays_are_not_searched(store: LocalStore) -> None:
    assert "near_duplicates" not in preprocess(store, Data(), workers=1).details
