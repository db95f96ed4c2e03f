"""Any folder or zip of images."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan.data.sources.folder import Folder
from gan.data.sources.interface import Listing
from gan.errors import ConfigError, DataError
from support import bad_inputs


def put(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bad_inputs.picture(seed, (8, 8), kind="PNG"))
    return folder


def scan(where: Path | None) -> Listing:
    source = Folder()
    listing = source.scan(str(where) if where else None, 20)
    listing.close()
    return listing


def labels(listing: Listing) -> dict[str, str]:
    return {each.id: listing.classes[each.label] for each in listing.examples}


def splits(listing: Listing) -> dict[str, str]:
    return {each.id: each.split for each in listing.examples}


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    listing = scan(put(tmp_path, "a.png", "b.PNG", "c.jpeg"))
    assert [each.id for each in listing.examples] == ["a.png", "b.PNG", "c.jpeg"]
    assert listing.classes == ()
    assert (listing.split_by_pixels, set(splits(listing).values())) == (True, {""})


def test_sub_folders_are_labels_and_deeper_ones_belong_to_them(tmp_path: Path) -> None:
    listing = scan(put(tmp_path, "dog/a.png", "cat/b.png", "cat/black/c.png", "cat/notes.txt"))
    assert listing.classes == ("cat", "dog")
    assert labels(listing) == {"dog/a.png": "dog", "cat/b.png": "cat", "cat/black/c.png": "cat"}


def test_folders_around_everything_do_not_count(tmp_path: Path) -> None:
    listing = scan(put(tmp_path, "photos/2024/dog/a.png", "photos/2024/cat/b.png"))
    assert listing.classes == ("cat", "dog")
    assert scan(put(tmp_path / "flat", "photos/a.png", "photos/b.png")).classes == ()


def test_given_splits(tmp_path: Path) -> None:
    listing = scan(put(tmp_path, "train/cat/a.png", "test/cat/b.png", "train/dog/c.png", "valid/dog/d.png"))
    assert splits(listing) == {
        "train/cat/a.png": "train", "test/cat/b.png": "test", "train/dog/c.png": "train", "valid/dog/d.png": "valid",
    }  # fmt: skip
    assert listing.classes == ("cat", "dog")
    assert not listing.split_by_pixels
    assert scan(put(tmp_path / "plain", "train/a.png", "test/b.png")).classes == ()


def test_a_lone_train_folder_is_a_folder_like_any_other(tmp_path: Path) -> None:
    listing = scan(put(tmp_path, "train/a.png", "steam/b.png"))
    assert listing.classes == ("steam", "train")
    assert listing.split_by_pixels


def test_zip_and_folder_are_the_same_source(tmp_path: Path) -> None:
    folder = put(tmp_path / "in", "cat/a.png", "dog/b.png", "dog/c.png")
    members = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}
    zipped = scan(bad_inputs.zip_of(tmp_path / "in.zip", members))
    assert zipped.examples == scan(folder).examples
    assert zipped.fingerprint == scan(folder).fingerprint


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((), "no images in"),
        (("notes.txt",), "no images in .*; their names must end in .jpg"),
        (("cat/a.png", "dog/b.png", "stray.png"), "1 images have none, such as stray.png; move"),
        (
            ("train/a.png", "test/b.png", "extra/c.png"),
            "1 images are outside the splits, such as extra/c.png; move these into one of test, train",
        ),
        (("train/a.png", "test/b.png", "c.png"), "outside the splits, such as c.png"),
        (("a.png",), "at least 2 different images"),
    ],
)
def test_folders_that_mean_nothing(names: tuple[str, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=says):
        scan(put(tmp_path, *names))


def test_it_needs_a_source() -> None:
    with pytest.raises(ConfigError, match="--source"):
        scan(None)


def test_what_can_not_be_read_is_rejected_not_fatal(tmp_path: Path) -> None:
    members = {f"{n}.png": bad_inputs.picture(n, (8, 8), kind="PNG") for n in range(4)} | {"bad.png": b"sound bytes"}
    path = bad_inputs.zip_of(tmp_path / "in.zip", members)
    path.write_bytes(path.read_bytes().replace(b"sound", b"wrong"))
    listing = scan(path)
    assert [(each.file, "Bad CRC-32" in each.reason) for each in listing.rejected] == [("bad.png", True)]
    assert len(listing.examples) == 4
