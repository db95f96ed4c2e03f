"""New images in a dataset, whatever their name, split and encoding."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from gan.config import Data
from gan.data.changes import new_images, preparation_differences
from gan.data.load import load_images, load_split
from gan.data.spec import Dataset, load
from gan.steps.preprocess import preprocess
from gan.store import LocalStore
from support import bad_inputs


def prepared(store: LocalStore, source: Path, **keys: object) -> Dataset:
    data = Data(**{"dataset": "folder", "source": str(source), "image_size": 8, "shard_mib": 0.01, **keys})  # type: ignore[arg-type]
    return load(store, preprocess(store, data, workers=1).id)


def names(store: LocalStore, dataset: Dataset, found: dict[str, list[int]]) -> set[str]:
    return {name for split, numbers in found.items() for name in load_images(store, dataset, split, numbers).ids}


def test_only_new_pictures_count_and_each_once(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    folder = bad_inputs.folder(tmp_path / "in", 40)
    before = prepared(store, folder)
    for seed in range(900, 920):
        (folder / "cats" / f"{seed}.png").write_bytes(bad_inputs.picture(seed, (16, 16), kind="PNG"))
    (folder / "dogs" / "again.png").write_bytes((folder / "cats" / "905.png").read_bytes())
    Image.open(folder / "cats" / "906.png").save(folder / "dogs" / "again.bmp")
    Image.open(folder / "cats" / "002.png").save(folder / "dogs" / "old.bmp")
    (folder / "cats" / "004.png").rename(folder / "dogs" / "renamed.png")
    now = prepared(store, folder)
    found = new_images(store, before, now, "test")
    assert set(found) == {"train", "test"}
    assert all(numbers == sorted(set(numbers)) for numbers in found.values())
    assert len(names(store, now, found)) == 20
    pixels = {name: image for split in now.splits for name, image in _pixels(store, now, split).items()}
    expected = {pixels[f"cats/{seed}.png"] for seed in range(900, 920)}
    assert {pixels[name] for name in names(store, now, found)} == expected
    assert new_images(store, now, now, "test") == {}


def _pixels(store: LocalStore, dataset: Dataset, split: str) -> dict[str, bytes]:
    arrays = load_split(store, dataset, split)
    return dict(zip(arrays.ids, (image.tobytes() for image in arrays.pixels), strict=True))


def test_of_given_splits_only_the_held_out_one_counts(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    for seed in range(12):
        path = tmp_path / "in" / ("train", "test")[seed % 2] / f"{seed}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bad_inputs.picture(seed, (16, 16), kind="PNG"))
    before = prepared(store, tmp_path / "in")
    for name in ("train/50.png", "test/51.png"):
        (tmp_path / "in" / name).write_bytes(bad_inputs.picture(int(name[-6:-4]), (16, 16), kind="PNG"))
    now = prepared(store, tmp_path / "in")
    assert names(store, now, new_images(store, before, now, "test")) == {"test/51.png"}


def test_images_of_one_file_are_all_new_where_it_changed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    before = prepared(store, bad_inputs.mnist(tmp_path / "a", 20), dataset="mnist")
    now = prepared(store, bad_inputs.mnist(tmp_path / "b", 21), dataset="mnist")
    assert new_images(store, before, now, "test") == {"test": list(range(21))}


def test_another_window_is_another_preparation(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    source = bad_inputs.celeba(tmp_path / "in")
    wide, published = (prepared(store, source, dataset="celeba", shard_mib=1.0, crop=crop) for crop in (140, 128))
    assert published.crop_offset == (25, 57)
    assert preparation_differences(wide, published) == [
        "crop (was 140, now 128)",
        "crop_offset (was None, now 25, 57)",
    ]
