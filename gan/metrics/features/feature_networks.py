"""Opens the feature network that `reference.feature_network` names.

imagenet                       EfficientNet-Lite0 of an installed package
NAME.keras, NAME.onnx          a file, with its description NAME.yaml or NAME.json next to it
NAME/, NAME.zip, NAME.tar.gz   a SavedModel in a folder or an archive, with its description next to it
any other file                 classify_image_graph_def.pb, the Inception network of 2015, without a description
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.metrics.features import network_file
from gan.metrics.features.network_file import Files
from gan.store import is_bucket, open_store
from gan.types import Json

if TYPE_CHECKING:
    from gan.metrics.features.formats.interface import Format
    from gan.metrics.features.interface import FeatureNetwork

IMAGENET, INCEPTION = "imagenet", "inception"
EXTERNAL_KINDS = (IMAGENET, INCEPTION, "keras", "saved_model", "onnx")
"""Kinds of networks that are not stored in a reference; `reopen` opens them at their original place."""


def check_spec(spec: str) -> str:
    """The value of `reference.feature_network`, with a local path made absolute. Nothing is read.

    Raises:
        ConfigError: it is neither the word `imagenet` nor a valid path or URI.
    """
    return spec if spec == IMAGENET else network_file.absolute(spec)


def require_exists(spec: str) -> None:
    """Check that a feature network exists, without reading it.

    Raises:
        ConfigError: see `check_spec`; or the package of the ImageNet network is not installed.
        NotFoundError: it does not exist.
        StoreError: its bucket can't be read.
    """
    place = check_spec(spec)
    if place == IMAGENET:
        from gan.metrics.features.published import imagenet

        imagenet.installed_file()
    elif not _is_folder(place):
        network_file.require_exists(place)


def open(spec: str) -> FeatureNetwork:
    """The feature network that a word, path or URI names.

    Raises:
        ConfigError: it is not a usable feature network, its description is missing or wrong, or a package is not
            installed; the message says what to do.
        IntegrityError: it has operations that are not allowed, or a file of an installed package was changed.
        NotFoundError: it does not exist.
        StoreError: its bucket can't be read.
    """
    place = check_spec(spec)
    if place == IMAGENET:
        from gan.metrics.features.published import imagenet

        return imagenet.load()
    found = _format(place)
    if found is None:
        from gan.metrics.features.published.inception import InceptionNetwork

        return InceptionNetwork(network_file.read(place), place)
    return _open_described(place, *found)


def reopen(described: Json) -> FeatureNetwork:
    """The network that `FeatureNetwork.to_json` described.

    Raises:
        IntegrityError: it was replaced by another network.
        ConfigError, NotFoundError, StoreError: see `open`.
    """
    network = open(IMAGENET if described["kind"] == IMAGENET else described["uri"])
    if network.hash != described["hash"]:
        where = described.get("uri", described.get("package"))
        raise IntegrityError(
            f"the feature network {described['name']} at {where} has hash {network.hash}; expected "
            f"{described['hash']}. Put the original back, or make a new reference with: gan reference"
        )
    return network


def _format(place: str) -> tuple[str, Format] | None:
    """The format of a file or folder by its name; None for other names."""
    from gan.metrics.features.formats import FORMATS

    for kind, each in FORMATS.items():
        if place.endswith(each.suffixes):
            return kind, each
    folders = ((kind, each) for kind, each in FORMATS.items() if each.folder)
    return next(folders) if _is_folder(place) else None


def _is_folder(place: str) -> bool:
    if not is_bucket(place):
        return Path(place).is_dir()
    above, _, name = place.rpartition("/")
    store = open_store(above, network_file.KEY)
    return not store.exists(name) and next(iter(store.list(name)), None) is not None


def _open_described(place: str, kind: str, chosen: Format) -> FeatureNetwork:
    from gan.metrics.features.formats import description
    from gan.metrics.features.formats.network import DescribedNetwork

    packed = _read_files(place, chosen)
    where, text = _read_description(place, chosen)
    wanted = description.parse(text, where)
    files = chosen.unpack(packed, place)
    return DescribedNetwork(kind, files, wanted, chosen.load(files, wanted, place), place)


def _read_files(place: str, chosen: Format) -> Files:
    """The files of a network; a single file has an empty name, so that the hash does not depend on it."""
    if chosen.folder and not place.endswith(chosen.suffixes):
        return network_file.read_folder(place)
    return {"": network_file.read(place)}


def _read_description(place: str, chosen: Format) -> tuple[str, bytes]:
    """The path or URI of the description next to a network, and its bytes.

    Raises:
        ConfigError: there is none, or more than one.
    """
    from gan.metrics.features.formats.description import SUFFIXES

    stem = next((place.removesuffix(suffix) for suffix in chosen.suffixes if place.endswith(suffix)), place)
    found = {}
    for suffix in SUFFIXES:
        try:
            found[stem + suffix] = network_file.read(stem + suffix)
        except NotFoundError:
            continue
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise ConfigError(
            f"{place} needs one description next to it, {stem}.yaml or {stem}.json; found {names}. It says the size of "
            "the images, their scale and the layer of the features; see docs/judges.md"
        )
    return next(iter(found.items()))
