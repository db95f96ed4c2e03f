"""What is specific to CelebA."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.config import Data
from gan.data.source_files import download
from gan.data.sources import celeba
from gan.data.sources.celeba import CelebA, read_attributes, read_list
from gan.data.sources.interface import Listing
from gan.data.spec import load
from gan.errors import ConfigError, DataError
from gan.steps.preprocess import preprocess
from gan.store import LocalStore
from support import bad_inputs


def scan(where: Path | None) -> Listing:
    source = CelebA()
    listing = source.scan(str(where) if where else None, 20)
    listing.close()
    return listing


def extracted(path: Path) -> Path:
    bad_inputs.celeba(path)
    with zipfile.ZipFile(path / "img_align_celeba.zip") as archive:
        archive.extractall(path)
    (path / "img_align_celeba.zip").unlink()
    return path


def test_the_real_lists_and_pictures(real_data: Path) -> None:
    listing = scan(real_data / "celeba")
    assert Counter(each.split for each in listing.examples) == {"train": 8000, "valid": 1000, "test": 1000}
    assert len(listing.attributes) == 40
    assert (listing.attributes[0], listing.attributes[-1]) == ("5_o_Clock_Shadow", "Young")
    first = listing.examples[0]
    # As in the original release: 000001.jpg is identity 2880, of the training partition, smiling and young.
    assert (first.id, first.identity, first.split) == ("000001.jpg", 2880, "train")
    assert first.attributes[listing.attributes.index("Smiling")] == 1
    assert first.attributes[listing.attributes.index("Male")] == -1
    assert listing.matches_published_checksums is None
    assert listing.rejected == []


def test_zip_and_folder_give_the_same_dataset(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    zipped, folder = bad_inputs.celeba(tmp_path / "zip"), extracted(tmp_path / "folder")
    made = [preprocess(store, Data(dataset="celeba", source=str(each)), workers=1) for each in (zipped, folder)]
    assert made[0].id == made[1].id
    assert not made[1].skipped


def test_the_zip_itself_may_be_the_source(tmp_path: Path) -> None:
    folder = bad_inputs.celeba(tmp_path)
    assert scan(folder / "img_align_celeba.zip").examples == scan(folder).examples


def test_the_layout_of_the_original_release(tmp_path: Path) -> None:
    folder = bad_inputs.celeba(tmp_path / "flat")
    expected = scan(folder).examples
    for name, place in {
        "img_align_celeba.zip": "Img", "list_attr_celeba.txt": "Anno", "identity_CelebA.txt": "Anno",
        "list_eval_partition.txt": "Eval",
    }.items():  # fmt: skip
        (tmp_path / "release" / place).mkdir(parents=True, exist_ok=True)
        shutil.move(folder / name, tmp_path / "release" / place / name)
    assert scan(tmp_path / "release").examples == expected


def test_the_whole_release_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = bad_inputs.celeba(tmp_path)
    published = {path.name: download.file_md5(path) for path in folder.iterdir()}
    assert published.keys() == celeba.MD5.keys()
    monkeypatch.setattr(celeba, "MD5", published)
    assert scan(folder).matches_published_checksums is True


@pytest.mark.parametrize(
    ("crop", "top", "left"), [(178, 20, 0), (160, 29, 9), (148, 35, 15), (140, 39, 19), (128, 57, 25), (108, 55, 35)]
)
def test_crop_then_antialiased_resize(crop: int, top: int, left: int, tmp_path: Path) -> None:
    """Against numpy: the published window, then the mean of blocks where the crop is a multiple."""
    store = LocalStore(tmp_path / "store")
    source = str(bad_inputs.celeba(tmp_path / "in"))
    size = crop // 2
    result = preprocess(
        store, Data(dataset="celeba", source=source, crop=crop, image_size=size, resizer="box"), workers=1
    )
    from gan.data.load import load_split

    arrays = load_split(store, load(store, result.id), "test")
    for name, pixels in zip(arrays.ids, arrays.pixels, strict=True):
        original = np.asarray(Image.open(io.BytesIO(bad_inputs.picture(int(name[:6]) - 1))), float)
        cut = original[top : top + crop, left : left + crop]
        expected = cut.reshape(size, 2, size, 2, 3).mean((1, 3))
        assert np.abs(pixels - expected).max() <= 1


def test_grey_cmyk_and_rotated_pictures_are_converted(tmp_path: Path) -> None:
    grey = bad_inputs.picture(5, mode="L")
    upright = Image.open(io.BytesIO(bad_inputs.picture(6)))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", exif=exif, quality=95)
    pictures = {
        "img_align_celeba/000001.jpg": grey,
        "img_align_celeba/000002.jpg": bad_inputs.picture(5, mode="CMYK"),
        "img_align_celeba/000003.jpg": turned.getvalue(),
    }
    store = LocalStore(tmp_path / "store")
    source = str(bad_inputs.celeba(tmp_path / "in", pictures=pictures))
    result = preprocess(store, Data(dataset="celeba", source=source), workers=1)
    assert result.details["quarantined"] == 0
    assert result.details["examples"] == {"train": 18, "valid": 6, "test": 6}


def test_pictures_of_another_size_are_not_aligned_ones(tmp_path: Path) -> None:
    source = bad_inputs.celeba(
        tmp_path / "in", pictures={"img_align_celeba/000001.jpg": bad_inputs.picture(0, (200, 218))}
    )
    with pytest.raises(DataError, match=r"000001\.jpg is 200x218 pixels; every original is 178x218"):
        preprocess(LocalStore(tmp_path / "store"), Data(dataset="celeba", source=str(source)), workers=1)


def test_rows_and_images_must_match(tmp_path: Path) -> None:
    folder = bad_inputs.celeba(tmp_path, pictures={"img_align_celeba/999999.jpg": bad_inputs.picture()})
    partition = folder / "list_eval_partition.txt"
    partition.write_text(partition.read_text().replace("000002.jpg", "000077.jpg"))
    assert {each.file: each.reason for each in scan(folder).rejected} == {
        "000002.jpg": "is missing from list_eval_partition.txt",
        "000077.jpg": "is missing from list_attr_celeba.txt, identity_CelebA.txt, img_align_celeba.zip",
        "999999.jpg": "is missing from list_attr_celeba.txt, list_eval_partition.txt, identity_CelebA.txt",
    }
    store = LocalStore(tmp_path / "store")
    with pytest.raises(DataError, match=r"000002\.jpg is missing .* \(and 2 more such images\); .*--on-bad-image skip"):
        preprocess(store, Data(dataset="celeba", source=str(folder)), workers=1)
    result = preprocess(store, Data(dataset="celeba", source=str(folder), on_bad_image="skip"), workers=1)
    assert result.details["quarantined"] == 3
    assert sum(result.details["examples"].values()) == 29


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must start with a line that holds the number"),
        ("many\nA B\n", "must start with a line that holds the number"),
        ("1\n\n", "must start with a line that holds the number"),
        ("1\nA B\n1.jpg 1\n", "line 3 must hold an image and 2 values"),
        ("1\nA B\n1.jpg 1 0\n", "line 3 must hold"),
        ("2\nA B\n1.jpg 1 1\n1.jpg 1 1\n", "line 4 names 1.jpg a second time"),
        ("2\nA B\n1.jpg 1 1\n", "says that it has 2 rows, but has 1"),
    ],
)
def test_wrong_attribute_lists(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(text)
    with pytest.raises(DataError, match=says):
        read_attributes(tmp_path / "list")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"1.jpg\n", "line 1 must hold an image and a number"),
        (b"1.jpg x\n", "line 1 must hold"),
        (b"1.jpg 0\n1.jpg 1\n", "line 2 names 1.jpg a second time"),
        (b"\xff\xfe", "not plain text"),
    ],
)
def test_wrong_lists(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(data)
    with pytest.raises(DataError, match=says):
        read_list(tmp_path / "list")


def test_a_list_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't read"):
        read_list(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("list_eval_partition.txt", b"000001.jpg 7\n", "into partition 7; allowed: 0"),
        ("list_eval_partition.txt", b"", "list_eval_partition.txt is empty"),
        ("identity_CelebA.txt", b"", "identity_CelebA.txt is empty"),
        ("img_align_celeba.zip", b"PK\x05\x06" + bytes(18), "no .jpg images in"),
    ],
)
def test_wrong_contents(name: str, data: bytes, says: str, tmp_path: Path) -> None:
    folder = bad_inputs.celeba(tmp_path)
    (folder / name).write_bytes(data)
    with pytest.raises(DataError, match=says):
        scan(folder)


def test_one_image_in_two_folders_is_refused(tmp_path: Path) -> None:
    folder = bad_inputs.celeba(tmp_path, pictures={"other/000001.jpg": bad_inputs.picture()})
    with pytest.raises(DataError, match=r"000001\.jpg twice: img_align_celeba/000001\.jpg and other"):
        scan(folder)


@pytest.mark.parametrize("name", ["list_attr_celeba.txt", "identity_CelebA.txt", "img_align_celeba.zip"])
def test_missing_files_are_named(name: str, tmp_path: Path) -> None:
    folder = bad_inputs.celeba(tmp_path)
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"no {name}.*\\(--source\\) must be"):
        scan(folder)


def test_it_needs_a_source() -> None:
    with pytest.raises(ConfigError, match="--source"):
        scan(None)
