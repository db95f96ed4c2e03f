"""Folder: any folder or zip of images, which is what most users bring.

    photos/a.jpg, b.png, ...                        no labels
    photos/cat/..., photos/dog/...                  the sub-folders are the classes; deeper folders belong to them
    photos/train/[cat/]..., photos/test/[cat/]...   the split is given; else a share is held out by decoded pixels

A lone folder around everything, as zips tend to have, does not count. `valid` may stand beside `train` and `test`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from gan.data.prepare.file_source import FileSource, FolderSource, open_file_source, source_path
from gan.data.prepare.holdout import require_two_images
from gan.data.prepare.image import EXTENSIONS
from gan.data.prepare.options import Options
from gan.data.sources.interface import ExampleRef, Listing, Rejected, Source
from gan.errors import DataError
from gan.util.ids import canonical, sha256

GIVEN_SPLITS = frozenset({"train", "test"})
SPLITS = frozenset({"train", "valid", "test"})
_READER_THREADS = 8


class Folder(Source):
    """Images of any size, made 64x64 and RGB unless the config says otherwise."""

    name = "folder"
    image_size = 64
    channels = 3
    needs = "a folder or zip of images"

    def scan(self, where: str | None, options: Options) -> Listing:  # noqa: D102
        origin = open_file_source(source_path(where, self.needs))
        try:
            return _listing(origin)
        except BaseException:
            origin.close()
            raise


def _listing(origin: FileSource) -> Listing:
    names = [name for name in origin.names() if PurePosixPath(name).suffix.lower() in EXTENSIONS]
    if not names:
        raise DataError(f"no images in {origin.path}; their names must end in {', '.join(EXTENSIONS)}")
    places = _places(names, origin)
    classes = sorted({label for _, label in places.values() if label})
    digests, rejected = _digests(origin, names)
    given = any(split for split, _ in places.values())
    if not given:
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
        read=lambda key: origin.read(str(key)),
        fingerprint={"files": sha256(canonical([[name, digests.get(name, "")] for name in names]))},
        encoded=True,
        classes=tuple(classes),
        split_by_pixels=not given,
        rejected=rejected,
        close=origin.close,
    )


def _places(names: Iterable[str], origin: FileSource) -> dict[str, tuple[str, str]]:
    """Split and class of each image, "" where its folder gives none."""
    folders = {name: PurePosixPath(name).parts[:-1] for name in names}
    _drop_common_folders(folders)
    given = {parts[0] if parts else "" for parts in folders.values()} >= GIVEN_SPLITS
    places = {}
    if given:
        strays = sorted(name for name, parts in folders.items() if not parts or parts[0] not in SPLITS)
        if strays:
            raise DataError(
                f"{origin.path} has train and test, and beside them {strays[0]} ({len(strays)} images in all); "
                f"move these into one of {', '.join(sorted(SPLITS))}, or out of the source"
            )
        places = {name: parts[0] for name, parts in folders.items()}
        folders = {name: parts[1:] for name, parts in folders.items()}
    labels = {name: parts[0] if parts else "" for name, parts in folders.items()}
    _check_labels(labels, origin)
    return {name: (places.get(name, ""), label) for name, label in labels.items()}


def _drop_common_folders(folders: dict[str, tuple[str, ...]]) -> None:
    """Takes away the folders that stand around every image."""
    while all(folders.values()) and len({parts[0] for parts in folders.values()}) == 1:
        for name, parts in folders.items():
            folders[name] = parts[1:]


def _check_labels(labels: Mapping[str, str], origin: FileSource) -> None:
    strays = sorted(name for name, label in labels.items() if not label)
    if strays and len(strays) < len(labels):
        raise DataError(
            f"{origin.path} has images in sub-folders, which are their labels, and {len(strays)} beside them, such as "
            f"{strays[0]}; move these into a sub-folder, or all images into one folder for data without labels"
        )


def _digests(origin: FileSource, names: list[str]) -> tuple[dict[str, str], list[Rejected]]:
    """SHA-256 of each file that can be read, and those that can't."""

    def digest(name: str) -> str | Rejected:
        try:
            return sha256(origin.read(name))
        except DataError as error:
            return Rejected(name, str(error), id=name)

    # Files of a folder are read in parallel, since a disk serves many readers; a zip is one file.
    if isinstance(origin, FolderSource):
        with ThreadPoolExecutor(_READER_THREADS) as pool:
            found = dict(zip(names, pool.map(digest, names), strict=True))
    else:
        found = {name: digest(name) for name in names}
    return (
        {name: value for name, value in found.items() if isinstance(value, str)},
        [value for value in found.values() if isinstance(value, Rejected)],
    )
