"""Folder: any folder or zip of images, which is what most users bring.

    photos/a.jpg, b.png, ...                        no labels
    photos/cat/..., photos/dog/...                  the sub-folders are the classes; deeper folders belong to them
    photos/train/[cat/]..., photos/test/[cat/]...   given splits, with an optional `valid`; else a share is held out

A single folder around everything, common in zips, is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from gan.data.holdout import require_two_images
from gan.data.source_files.file_source import FileSource, FolderSource, open_file_source, source_path
from gan.data.source_files.image_formats import EXTENSIONS
from gan.data.sources.interface import ExampleRef, Listing, Rejected, Source
from gan.errors import DataError
from gan.util.ids import canonical, sha256

GIVEN_SPLITS = frozenset({"train", "test"})
SPLITS = frozenset({"train", "valid", "test"})
_READER_THREADS = 8


class Folder(Source):
    """Images of any size; 64x64 RGB unless the config says otherwise."""

    name = "folder"
    image_size = 64
    channels = 3
    needs = "a folder or zip of images"

    def scan(self, where: str | None, holdout_percent: int) -> Listing:  # noqa: D102
        files = open_file_source(source_path(where, self.needs))
        try:
            return _listing(files)
        except BaseException:
            files.close()
            raise


def _listing(files: FileSource) -> Listing:
    names = [name for name in files.names() if PurePosixPath(name).suffix.lower() in EXTENSIONS]
    if not names:
        raise DataError(f"no images in {files.path}; their names must end in {', '.join(EXTENSIONS)}")
    places = _places(names, files)
    classes = sorted({label for _, label in places.values() if label})
    digests, rejected = _digests(files, names)
    has_splits = any(split for split, _ in places.values())
    if not has_splits:
        require_two_images(len(set(digests.values())))
    return Listing(
        examples=[
            ExampleRef(
                id=name,
                split=places[name][0],
                file=name,
                key=name,
                sha256=digest,
                label=classes.index(places[name][1]) if classes else 0,
            )
            for name, digest in digests.items()
        ],
        read=lambda key: files.read(str(key)),
        fingerprint={"files": sha256(canonical([[name, digests.get(name, "")] for name in names]))},
        encoded=True,
        classes=tuple(classes),
        split_by_pixels=not has_splits,
        rejected=rejected,
        close=files.close,
    )


def _places(names: Iterable[str], files: FileSource) -> dict[str, tuple[str, str]]:
    """Split and class of each image; "" if its folder gives none."""
    folders = {name: PurePosixPath(name).parts[:-1] for name in names}
    _drop_common_folders(folders)
    has_splits = {parts[0] if parts else "" for parts in folders.values()} >= GIVEN_SPLITS
    places = {}
    if has_splits:
        misplaced = sorted(name for name, parts in folders.items() if not parts or parts[0] not in SPLITS)
        if misplaced:
            raise DataError(
                f"{files.path} has train and test, but {len(misplaced)} images are outside the splits, such as "
                f"{misplaced[0]}; move these into one of {', '.join(sorted(SPLITS))}, or out of the source"
            )
        places = {name: parts[0] for name, parts in folders.items()}
        folders = {name: parts[1:] for name, parts in folders.items()}
    labels = {name: parts[0] if parts else "" for name, parts in folders.items()}
    _check_labels(labels, files)
    return {name: (places.get(name, ""), label) for name, label in labels.items()}


def _drop_common_folders(folders: dict[str, tuple[str, ...]]) -> None:
    """Drop the leading folders that all images share."""
    while all(folders.values()) and len({parts[0] for parts in folders.values()}) == 1:
        for name, parts in folders.items():
            folders[name] = parts[1:]


def _check_labels(labels: Mapping[str, str], files: FileSource) -> None:
    misplaced = sorted(name for name, label in labels.items() if not label)
    if misplaced and len(misplaced) < len(labels):
        raise DataError(
            f"{files.path} has images in sub-folders, which are their labels, but {len(misplaced)} images have none, "
            f"such as {misplaced[0]}; move these into a sub-folder, or all images into one folder for data without "
            "labels"
        )


def _digests(files: FileSource, names: list[str]) -> tuple[dict[str, str], list[Rejected]]:
    """SHA-256 of each readable file, and the unreadable ones."""

    def digest(name: str) -> str | Rejected:
        try:
            return sha256(files.read(name))
        except DataError as error:
            return Rejected(name, str(error), id=name)

    # Only files of a folder are read in parallel; a zip is one file.
    if isinstance(files, FolderSource):
        with ThreadPoolExecutor(_READER_THREADS) as pool:
            found = dict(zip(names, pool.map(digest, names), strict=True))
    else:
        found = {name: digest(name) for name in names}
    return (
        {name: value for name, value in found.items() if isinstance(value, str)},
        [value for value in found.values() if isinstance(value, Rejected)],
    )
