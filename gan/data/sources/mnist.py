"""MNIST: 70,000 handwritten digits, 28x28, grey, in four IDX files.

Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits". Other data sets with the same file names and
sizes (Fashion-MNIST, KMNIST) are read too; they don't match the published checksums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gan.data.source_files.download import DownloadError, download_from_mirrors
from gan.data.source_files.file_source import FLAG, source_path, unreadable_error
from gan.data.sources.idx import read_idx
from gan.data.sources.interface import ExampleRef, Listing, Source
from gan.errors import DataError
from gan.types import Pixels
from gan.util.cache_folder import cache_folder
from gan.util.ids import sha256

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SIDE = 28
CLASSES = tuple("0123456789")
SPLIT_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
# As published, and as they are after gunzip.
GZIP_MD5 = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}
PLAIN_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@dataclass(frozen=True)
class _IdxFile:
    """One of the four files, read."""

    name: str
    data: bytes
    sha256: str
    matches_published_checksums: bool


@dataclass(frozen=True)
class MnistSplit:
    """The images uint8 [N, 28, 28] and labels uint8 [N] of a split, and the name and hash of the images' file."""

    images: Pixels
    labels: Pixels
    file: str
    sha256: str


@dataclass(frozen=True)
class MnistFiles:
    """The four files, read: the splits by name, the hash of each file, and whether all are the published ones."""

    splits: Mapping[str, MnistSplit]
    fingerprint: Mapping[str, str]
    matches_published_checksums: bool


class Mnist(Source):
    """The four IDX files in a folder, gzipped or not; downloaded if no folder is given."""

    name = "mnist"
    image_size = SIDE
    channels = 1
    original_size = (SIDE, SIDE)

    def __init__(self, mirrors: Sequence[str] = MIRRORS) -> None:
        self._mirrors = mirrors

    def scan(self, where: str | None, holdout_percent: int) -> Listing:  # noqa: D102
        files = self.read_files(where)
        examples: list[ExampleRef] = []
        for name, split in files.splits.items():
            offset = len(examples)
            examples += [
                ExampleRef(
                    id=f"{name}/{index:05d}",
                    split=name,
                    file=split.file,
                    key=offset + index,
                    sha256=split.sha256,
                    label=int(label),
                )
                for index, label in enumerate(split.labels)
            ]
        pixels = np.concatenate([split.images for split in files.splits.values()])
        return Listing(
            examples=examples,
            read=lambda key: pixels[int(key)],
            fingerprint=dict(files.fingerprint),
            encoded=False,
            classes=CLASSES,
            matches_published_checksums=files.matches_published_checksums,
        )

    def read_files(self, where: str | None) -> MnistFiles:
        """The images and labels of the files in a folder, or of the downloaded ones if none is given.

        Raises:
            DataError: a file is missing or damaged, or can't be downloaded.
        """
        folder = source_path(where, _EXPECTED) if where else self._downloaded()
        files = {base: _read(folder, base) for pair in SPLIT_FILES.values() for base in pair}
        splits = {}
        for split, (images_base, labels_base) in SPLIT_FILES.items():
            images, labels = _pair(files[images_base], files[labels_base])
            splits[split] = MnistSplit(images, labels, files[images_base].name, files[images_base].sha256)
        return MnistFiles(
            splits,
            {file.name: file.sha256 for file in files.values()},
            all(file.matches_published_checksums for file in files.values()),
        )

    def _downloaded(self) -> Path:
        folder = cache_folder("mnist")
        try:
            for base, md5 in GZIP_MD5.items():
                download_from_mirrors(f"{base}.gz", md5, self._mirrors, folder)
        except DownloadError as error:
            raise DataError(
                f"MNIST could not be downloaded ({error}). On a machine without network, put these four files into "
                f"a folder and give it as {FLAG}: {', '.join(f'{base}.gz' for base in GZIP_MD5)}"
            ) from None
        return folder


_EXPECTED = f"a folder with the four MNIST files, gzipped or not: {', '.join(GZIP_MD5)}"


def _read(folder: Path, base: str) -> _IdxFile:
    """One of the four files, under any of its usual names."""
    for name in (f"{base}.gz", base, f"{base.replace('-idx', '.idx')}.gz", base.replace("-idx", ".idx")):
        path = folder / name
        if path.is_file():
            try:
                data = path.read_bytes()
            except OSError as error:
                raise unreadable_error(path, error) from None
            md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
            return _IdxFile(name, data, sha256(data), md5 in (GZIP_MD5[base], PLAIN_MD5[base]))
    raise DataError(f"no {base} or {base}.gz in {folder}; {FLAG} must be {_EXPECTED}")


def _pair(images_file: _IdxFile, labels_file: _IdxFile) -> tuple[Pixels, Pixels]:
    images = read_idx(images_file.data, images_file.name, (None, SIDE, SIDE))
    labels = read_idx(labels_file.data, labels_file.name, (None,))
    if len(images) != len(labels):
        raise DataError(
            f"{images_file.name} holds {len(images)} images but {labels_file.name} {len(labels)} labels; "
            "the numbers must be equal: download them again"
        )
    if labels.max() >= len(CLASSES):
        raise DataError(f"{labels_file.name} holds the label {labels.max()}; allowed: 0 to {len(CLASSES) - 1}")
    return images, labels
