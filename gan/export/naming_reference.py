"""Chooses the reference whose feature network names the directions of a generator: one of classes or attributes."""

from __future__ import annotations

from collections.abc import Iterator

from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.export.metadata import GeneratorMetadata
from gan.metrics.features.mode_definitions import AttributeModes, ClassModes
from gan.metrics.reference import FORMAT, RECORD
from gan.store import Store, immutable
from gan.types import Json

DATASET = "dataset.json"


def choose(store: Store, generator_id: str, metadata: GeneratorMetadata, wanted: str | None) -> tuple[str, list[str]]:
    """The id of a reference, and the names that its feature network predicts, in the order of its outputs.

    Args:
        store: where references are.
        generator_id: the generator.
        metadata: of the generator.
        wanted: a reference; None: that of the generator's scores if it predicts names, else the only other one of the
            same dataset that does.

    Raises:
        NotFoundError: no such reference, or none that predicts names.
        ConfigError: the wanted reference predicts no names, or images of another shape; more than one could be meant;
            or the names are the classes that the generator takes as labels.
    """
    if wanted is None:
        reference_id = _default(store, generator_id, metadata)
    else:
        _check(_record(store, wanted), wanted, metadata)
        reference_id = wanted
    record = _record(store, reference_id)
    if metadata.conditional and record["modes"]["kind"] == ClassModes.kind:
        raise ConfigError(
            f"{generator_id} takes the class as a label, so no direction leads to a class; choose the class with "
            f"gan sample --label, one of: {', '.join(metadata.classes)}. Directions need a generator that was trained "
            "with generator.conditional=false, or a reference that predicts attributes (--reference-id)"
        )
    return reference_id, _names(record)


def _default(store: Store, generator_id: str, metadata: GeneratorMetadata) -> str:
    own = metadata.reference_id
    if own is not None and immutable.is_published(store, "reference", own) and _names(_record(store, own)):
        return own
    others = list(_others(store, metadata))
    if len(others) > 1:
        raise ConfigError(
            f"{_why(store, generator_id, own)}; {len(others)} others of its dataset can: {', '.join(others)}. "
            f"Choose one with: gan directions --generator-id {generator_id} --reference-id ID"
        )
    if not others:
        raise NotFoundError(f"{_why(store, generator_id, own)}. {_remedy(store, metadata.dataset_id)}")
    return others[0]


def _others(store: Store, metadata: GeneratorMetadata) -> Iterator[str]:
    for reference_id in immutable.ids(store, "reference"):
        try:
            record = _record(store, reference_id)
        except (IntegrityError, NotFoundError):
            continue  # `gan verify` reports it; another one may do
        if record.get("dataset_id") == metadata.dataset_id and _names(record):
            yield reference_id


def _record(store: Store, reference_id: str) -> Json:
    return immutable.read_json(store, "reference", reference_id, RECORD)


def _names(record: Json) -> list[str]:
    """The classes or attributes that the feature network of a reference predicts; empty for another network."""
    modes = record.get("modes", {})
    if record.get("format") != FORMAT or modes.get("kind") not in (ClassModes.kind, AttributeModes.kind):
        return []
    return list(modes["attributes" if modes["kind"] == AttributeModes.kind else "names"])


def _check(record: Json, reference_id: str, metadata: GeneratorMetadata) -> None:
    if not _names(record):
        network = record.get("feature_network", {}).get("name")
        raise ConfigError(
            f"the feature network {network} of --reference-id {reference_id} predicts no classes or attributes that "
            "could name directions; give a reference whose network was trained on a dataset that has them"
        )
    height, width, channels = metadata.image_shape
    found = [record["image_size"], record["image_size"], record["channels"]]
    if found != [height, width, channels]:
        raise ConfigError(
            f"--reference-id {reference_id} is of images of shape {found}, and the generator draws "
            f"{[height, width, channels]}; give a reference of a dataset with that shape"
        )


def _why(store: Store, generator_id: str, own: str | None) -> str:
    """Why the reference of the generator's scores can't be used."""
    if own is None:
        return f"{generator_id} was exported without scores, so it has no reference that names directions"
    if not immutable.is_published(store, "reference", own):
        return f"the reference {own} of {generator_id} is not in the store {store.uri}, so nothing names directions"
    network = _record(store, own).get("feature_network", {}).get("name")
    return (
        f"the feature network {network} of {own}, the reference of {generator_id}, predicts no classes or attributes "
        "that could name directions"
    )


def _remedy(store: Store, dataset_id: str) -> str:
    if not immutable.is_published(store, "dataset", dataset_id):
        return (
            f"Its dataset {dataset_id} is not in the store either: copy it from the store that has it with "
            f"gan store copy SRC {store.uri} {dataset_id}, make a reference with gan reference --dataset-id "
            f"{dataset_id}, then run this again"
        )
    described = immutable.read_json(store, "dataset", dataset_id, DATASET)
    if not described["attributes"] and len(described["classes"]) < 2:
        return (
            f"Its dataset {dataset_id} has neither attributes nor two classes to learn names from: prepare the images "
            "again with a sub-folder for each class, and train on that"
        )
    return f"Make one that names them with gan reference --dataset-id {dataset_id}, then run this again"
