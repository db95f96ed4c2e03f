"""New images among old ones: only the new ones are decoded, and the dataset is the same as if all were."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan.config import Data
from gan.data.prepare import decode
from gan.data.prepare.image import PreparedImage
from gan.data.prepare.transform import ImageTransform
from gan.result import StepResult
from gan.steps.preprocess import preprocess
from gan.store import LocalStore, immutable, open_store
from support import bad_inputs


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return bad_inputs.folder(tmp_path / "pictures", 30)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the images that were decoded."""
    names: list[str] = []
    genuine = decode.prepare

    def noting(data: bytes, name: str, transform: ImageTransform, *, with_decoded_sha256: bool) -> PreparedImage:
        names.append(name)
        return genuine(data, name, transform, with_decoded_sha256=with_decoded_sha256)

    monkeypatch.setattr(decode, "prepare", noting)
    return names


def run(store: LocalStore, pictures: Path, **keys: object) -> StepResult:
    data = Data(**{"dataset": "folder", "source": str(pictures), "image_size": 8, "channels": 1, **keys})
    return preprocess(store, data, workers=1)


def add(pictures: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (pictures / name).write_bytes(bad_inputs.picture(500 + seed, (16, 16), kind="PNG"))


def test_only_new_images_are_decoded_and_the_result_is_the_same(
    tmp_path: Path, store: LocalStore, pictures: Path, decoded: list[str]
) -> None:
    assert run(store, pictures).details["reused"] == 0
    assert len(decoded) == 30
    decoded.clear()
    add(pictures, "cats/900.png", "dogs/901.png")
    (pictures / "cats" / "002.png").rename(pictures / "dogs" / "renamed.png")
    (pictures / "dogs" / "003.png").unlink()
    again = run(store, pictures)
    assert sorted(decoded) == ["cats/900.png", "dogs/901.png"]
    assert again.details["reused"] == 29
    assert sum(again.details["examples"].values()) == 31
    afresh = run(open_store(str(tmp_path / "other")), pictures)
    assert afresh.details["reused"] == 0
    assert afresh.id == again.id, "the id is a hash of every shard and every row of the manifest"
    assert list(immutable.find_damage(store, "dataset", again.id)) == []


@pytest.mark.parametrize("keys", [{"image_size": 16}, {"channels": 3}, {"crop": 10}, {"resizer": "box"}])
def test_other_frames_have_other_pixels(
    store: LocalStore, pictures: Path, decoded: list[str], keys: dict[str, object]
) -> None:
    run(store, pictures)
    decoded.clear()
    assert run(store, pictures, **keys).details["reused"] == 0
    assert len(decoded) == 30


def test_other_splits_and_shards_have_the_same_pixels(store: LocalStore, pictures: Path, decoded: list[str]) -> None:
    run(store, pictures)
    decoded.clear()
    assert run(store, pictures, holdout_percent=50, shard_mib=0.01).details["reused"] == 30
    assert decoded == []


def test_the_ending_of_a_name_says_how_an_image_is_read(store: LocalStore, pictures: Path, decoded: list[str]) -> None:
    """A PNG that is called .jpg is refused when it is decoded, so it must not pass for the PNG that it was."""
    run(store, pictures)
    decoded.clear()
    (pictures / "cats" / "002.png").rename(pictures / "cats" / "002.jpg")
    made = run(store, pictures, on_bad_image="skip")
    assert decoded == ["cats/002.jpg"]
    assert (made.details["quarantined"], made.details["reused"]) == (1, 29)


@pytest.mark.parametrize("name", ["manifest.parquet", "train-00000.tfrecord"])
def test_a_damaged_dataset_is_ignored(
    store: LocalStore, pictures: Path, decoded: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(store, pictures)
    decoded.clear()
    (store.root / "datasets" / first.id / name).write_bytes(b"damaged")
    add(pictures, "cats/900.png")
    assert run(store, pictures).details["reused"] == 0
    assert len(decoded) == 31
    assert "an earlier dataset can't be used again" in capsys.readouterr().err


def test_one_that_was_deleted_is_passed_over(store: LocalStore, pictures: Path, decoded: list[str]) -> None:
    first = run(store, pictures)
    add(pictures, "cats/900.png")
    second = run(store, pictures)
    decoded.clear()
    store.delete(f"{immutable.prefix_of('dataset', second.id)}/{immutable.SUMS_FILE}")
    add(pictures, "dogs/901.png")
    assert run(store, pictures).details["reused"] == 30
    assert second.id != first.id
