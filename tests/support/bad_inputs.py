"""Makes the small, wrong and dangerous inputs that test_bad_input.py feeds to the command line."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

ATTRIBUTES = ["Smiling", "Male", "Young"]
MNIST_FILES = {
    "train-images-idx3-ubyte": 3,
    "train-labels-idx1-ubyte": 1,
    "t10k-images-idx3-ubyte": 3,
    "t10k-labels-idx1-ubyte": 1,
}


def picture(seed: int = 0, size: tuple[int, int] = (178, 218), mode: str = "RGB", kind: str = "JPEG") -> bytes:
    """The bytes of a picture of coloured noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def folder(path: Path, count: int = 40) -> Path:
    """A folder of sound pictures under two labels."""
    for index in range(count):
        file = path / ("cats", "dogs")[index % 2] / f"{index:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture(index, (16, 16), kind="PNG"))
    return path


def idx(magic: int, dimensions: tuple[int, ...], payload: bytes) -> bytes:
    """An IDX file."""
    return struct.pack(f">{1 + len(dimensions)}I", magic, *dimensions) + payload


def mnist(path: Path, images: int = 30) -> Path:
    """The four files of MNIST, sound but for what a case changes afterwards."""
    path.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (images, 28, 28), np.uint8).tobytes()
    labels = bytes(index % 10 for index in range(images))
    for name, dimensions in MNIST_FILES.items():
        sound = idx(2051, (images, 28, 28), pixels) if dimensions == 3 else idx(2049, (images,), labels)
        (path / f"{name}.gz").write_bytes(gzip.compress(sound, mtime=0))
    return path


def put_idx(path: Path, name: str, data: bytes) -> None:
    """Replace one file of a made MNIST by an uncompressed one."""
    (path / f"{name}.gz").unlink()
    (path / name).write_bytes(data)


def celeba(path: Path, count: int = 30, pictures: dict[str, bytes] | None = None) -> Path:
    """A small CelebA: the zip and the three lists; `pictures` replaces or adds members of the zip."""
    path.mkdir(parents=True, exist_ok=True)
    names = [f"{index + 1:06}.jpg" for index in range(count)]
    members = {f"img_align_celeba/{name}": picture(index) for index, name in enumerate(names)}
    members.update(pictures or {})
    with zipfile.ZipFile(path / "img_align_celeba.zip", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    write_lists(path, names)
    return path


def write_lists(path: Path, names: list[str]) -> None:
    """The attribute, partition and identity lists of a small CelebA."""
    rows = [
        f"{name} {' '.join('1' if (index + k) % 2 else '-1' for k in range(3))}" for index, name in enumerate(names)
    ]
    (path / "list_attr_celeba.txt").write_text(f"{len(names)}\n{' '.join(ATTRIBUTES)}\n" + "\n".join(rows) + "\n")
    parts = [f"{name} {(0, 0, 0, 1, 2)[index % 5]}" for index, name in enumerate(names)]
    (path / "list_eval_partition.txt").write_text("\n".join(parts) + "\n")
    (path / "identity_CelebA.txt").write_text("\n".join(f"{name} {index}" for index, name in enumerate(names)) + "\n")


def drop_line(file: Path, number: int) -> None:
    """Remove one line of a text file."""
    lines = file.read_text().splitlines()
    del lines[number]
    file.write_text("\n".join(lines) + "\n")


def zip_of(path: Path, members: dict[str, bytes], *, compressed: bool = False) -> Path:
    """A zip with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path
