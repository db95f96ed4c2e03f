"""CelebA, aligned and cropped: 202,599 faces, 178x218, RGB, with 40 attributes, identity and partition.

Z. Liu, P. Luo, X. Wang, X. Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015. Non-commercial research only.

The crop is part of the identity of every score. Crops in published work, rows and columns half-open:

| crop | rows      | columns   | published in |
| ---- | --------- | --------- | ------------ |
| 108  | 55 to 163 | 35 to 143 | DCGAN (Radford et al., 2016): centred |
| 128  | 57 to 185 | 25 to 153 | ProGAN (Karras et al., 2018) and DDIM (Song et al., 2021): centre x=89, y=121 |
| 140  | 39 to 179 | 19 to 159 | score_sde (Song et al., 2021) and WAE (Tolstikhin et al., 2018): centred |
| 148  | 35 to 183 | 15 to 163 | VAEs since Hou et al., 2017: centred |
| 160  | 29 to 189 | 9 to 169  | centred |
| 178  | 20 to 198 | 0 to 178  | StarGAN (Choi et al., 2018): centred, the full width |

The default is 148: whole faces, hardly any background.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from gan.data.source_files.download import file_md5
from gan.data.source_files.file_source import (
    FLAG,
    FileSource,
    ZipSource,
    open_file_source,
    source_path,
    unreadable_error,
)
from gan.data.sources.interface import ExampleRef, Listing, Rejected, Source
from gan.errors import DataError
from gan.util.ids import file_sha256, sha256

IMAGES = "img_align_celeba"
ATTRIBUTES, PARTITION, IDENTITY = "list_attr_celeba.txt", "list_eval_partition.txt", "identity_CelebA.txt"
PARTITIONS = {"0": "train", "1": "valid", "2": "test"}
# In a flat folder, and in the folders of the original release.
SUBFOLDERS = (".", "Img", "Anno", "Eval")
MD5 = {
    f"{IMAGES}.zip": "00d2c5bc6d35e252742224ab0c1e8fcb",
    ATTRIBUTES: "75e246fa4810816ffd6ee81facbd244c",
    PARTITION: "d32c9cbf5e040fd4025c592c306e6668",
    IDENTITY: "32bd1bd63d3c78cd57e08160ec5ed1e2",
}
_EXPECTED = f"a folder with {IMAGES}.zip or {IMAGES}/, {ATTRIBUTES}, {PARTITION} and {IDENTITY}"


class CelebA(Source):
    """The zip read in place, or the extracted folder, and the three lists."""

    name = "celeba"
    image_size = 64
    channels = 3
    crop = 148
    crops = (178, 160, 148, 140, 128, 108)
    crop_offsets: ClassVar = {128: (25, 57)}
    original_size = (178, 218)
    needs = _EXPECTED

    def scan(self, where: str | None, holdout_percent: int) -> Listing:  # noqa: D102
        path = source_path(where, self.needs)
        folder = path.parent if path.is_file() else path
        lists = _ListFiles(_find(folder, ATTRIBUTES), _find(folder, PARTITION), _find(folder, IDENTITY))
        files = open_file_source(path if path.is_file() else _find_images(folder))
        try:
            return _listing(files, lists)
        except BaseException:
            files.close()
            raise


@dataclass(frozen=True)
class _ListFiles:
    """The paths of the three lists."""

    attributes: Path
    partition: Path
    identity: Path

    def paths(self) -> tuple[Path, ...]:
        return self.attributes, self.partition, self.identity


def _find(folder: Path, name: str) -> Path:
    for place in SUBFOLDERS:
        if (folder / place / name).is_file():
            return folder / place / name
    raise DataError(f"no {name} in {folder}; {FLAG} must be {_EXPECTED}")


def _find_images(folder: Path) -> Path:
    for name in (f"{IMAGES}.zip", IMAGES):
        for place in SUBFOLDERS:
            if (folder / place / name).exists():
                return folder / place / name
    raise DataError(f"no {IMAGES}.zip or {IMAGES} in {folder}; {FLAG} must be {_EXPECTED}")


def _listing(files: FileSource, lists: _ListFiles) -> Listing:
    names, attributes = read_attributes(lists.attributes)
    partition, identity = read_list(lists.partition), read_list(lists.identity)
    _check_values(lists, partition, identity)
    members = _members(files)
    tables: dict[str, Mapping[str, object]] = {ATTRIBUTES: attributes, PARTITION: partition, IDENTITY: identity}
    rejected = _mismatches(files, members, tables)
    unusable = {each.file for each in rejected}
    digest = _fingerprint(files, members)
    return Listing(
        examples=[
            ExampleRef(
                id=image,
                split=PARTITIONS[partition[image]],
                file=image,
                key=members[image],
                attributes=attributes[image],
                identity=int(identity[image]),
            )
            for image in sorted(members)
            if image not in unusable
        ],
        read=lambda key: files.read(str(key)),
        fingerprint={"images": digest} | {path.name: _sha256(path) for path in lists.paths()},
        encoded=True,
        attributes=names,
        matches_published_checksums=_matches_published_checksums(files, lists),
        rejected=rejected,
        close=files.close,
    )


def read_attributes(path: Path) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    """The attribute names, and the values -1 or 1 of each image.

    Raises:
        DataError: rows are missing, truncated, duplicated, or hold other values.
    """
    lines = _lines(path)
    names = tuple(lines[1].split()) if len(lines) > 1 else ()
    if not names or not lines[0].strip().isdecimal():
        raise DataError(
            f"{path} must start with a line that holds the number of images and one that holds the attributes' names"
        )
    rows: dict[str, tuple[int, ...]] = {}
    values = {"-1": -1, "1": 1}
    for number, line in enumerate(lines[2:], start=3):
        image, *marks = line.split()
        if len(marks) != len(names) or not values.keys() >= set(marks):
            raise DataError(
                f"{path} line {number} must hold an image and {len(names)} values of -1 or 1; got {line.strip()[:80]!r}"
            )
        _check_new(image, rows, path, number)
        rows[image] = tuple(values[mark] for mark in marks)
    if len(rows) != int(lines[0]):
        raise DataError(f"{path} says that it has {lines[0].strip()} rows, but has {len(rows)}; download it again")
    return names, rows


def read_list(path: Path) -> dict[str, str]:
    """The value of each image.

    Raises:
        DataError: a row does not hold an image and a number, or is duplicated.
    """
    rows: dict[str, str] = {}
    for number, line in enumerate(_lines(path), start=1):
        parts = line.split()
        if len(parts) != 2 or not parts[1].isdecimal():
            raise DataError(f"{path} line {number} must hold an image and a number; got {line.strip()[:80]!r}")
        _check_new(parts[0], rows, path, number)
        rows[parts[0]] = parts[1]
    return rows


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").rstrip().splitlines()
    except OSError as error:
        raise unreadable_error(path, error) from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not plain text; download it again") from None


def _members(files: FileSource) -> dict[str, str]:
    """From the names in the lists, without folders, to the names in the source."""
    members: dict[str, str] = {}
    for name in files.names():
        image = PurePosixPath(name).name
        if not image.endswith(".jpg"):
            continue
        if image in members:
            raise DataError(f"{files.path} holds {image} twice: {members[image]} and {name}; remove one of them")
        members[image] = name
    if not members:
        raise DataError(f"no .jpg images in {files.path}; {FLAG} must be {_EXPECTED}")
    return members


def _check_new(image: str, rows: Mapping[str, object], path: Path, number: int) -> None:
    if image in rows:
        raise DataError(f"{path} line {number} names {image} a second time; download it again")


def _check_values(lists: _ListFiles, partition: Mapping[str, str], identity: Mapping[str, str]) -> None:
    for image, value in partition.items():
        if value not in PARTITIONS:
            raise DataError(
                f"{lists.partition} puts {image} into partition {value}; allowed: 0 (train), 1 (valid), 2 (test)"
            )
    if not partition or not identity:
        empty = lists.identity if partition else lists.partition
        raise DataError(f"{empty} is empty; download it again")


def _mismatches(
    files: FileSource, members: Mapping[str, str], tables: Mapping[str, Mapping[str, object]]
) -> list[Rejected]:
    """Images without a row in every list, and rows without an image."""
    found = []
    for image in sorted(members.keys() | {image for rows in tables.values() for image in rows}):
        missing = [name for name, rows in tables.items() if image not in rows]
        if image not in members:
            missing.append(files.path.name)
        if missing:
            split = PARTITIONS.get(str(tables[PARTITION].get(image)))
            found.append(Rejected(image, f"is missing from {', '.join(missing)}", id=image, split=split))
    return found


def _fingerprint(files: FileSource, members: Mapping[str, str]) -> str:
    """SHA-256 of the zip, or of the names and hashes of all images of a folder."""
    if isinstance(files, ZipSource):
        return _sha256(files.path)
    whole = hashlib.sha256()
    for image, name in sorted(members.items()):
        whole.update(f"{image} {sha256(files.read(name))}\n".encode())
    return whole.hexdigest()


def _matches_published_checksums(files: FileSource, lists: _ListFiles) -> bool | None:
    """True for the whole release; None for anything else, such as a part of it or an extracted folder."""
    if not isinstance(files, ZipSource):
        return None
    # The lists come first: the large zip is read only if they match.
    return True if all(file_md5(path) == MD5.get(path.name) for path in (*lists.paths(), files.path)) else None


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise unreadable_error(path, error) from None
