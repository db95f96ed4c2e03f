"""The files of a published generator, and its metadata `generator.json`: what generating and the gate need."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from gan.errors import ConfigError, IntegrityError, unknown_name
from gan.store import Store, alias, immutable
from gan.store.alias import Alias
from gan.types import Json, LabelArray

METADATA = "generator.json"
EVALUATION = "evaluation.json"  # absent if the checkpoint was not evaluated
SAVED_MODEL = "saved_model"  # a folder
KERAS = "generator.keras"
SAMPLES = "samples.png"
CARD = "card.md"


@dataclass(frozen=True)
class GeneratorMetadata:
    """The metadata of one generator.

    `checkpoint_sha256` is that of its checkpoint, `config` the whole config of the run, `image_shape` [H, W, C],
    `classes` the class names in the order of the labels, `parity` the result of `gan.export.parity`, and `exported_at`
    the time of the export, ISO 8601 in UTC (empty in exports of earlier versions).
    """

    run_id: str
    step: int
    dataset_id: str
    reference_id: str | None
    checkpoint_sha256: str
    config: Json
    latent_size: int
    conditional: bool
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    parity: Json
    exported_at: str = ""

    def to_dict(self) -> Json:
        """Plain JSON types."""
        return {
            **dataclasses.asdict(self),
            "classes": list(self.classes),
            "image_shape": list(self.image_shape),
        }

    def labels_in_turn(self, count: int, *, repeats: int = 1) -> LabelArray | None:
        """The classes in turn, each `repeats` times, int32 [count]; None for an unconditional generator."""
        import numpy as np

        if not self.conditional:
            return None
        return np.asarray(np.arange(count) // repeats % len(self.classes), np.int32)

    def label_of(self, wanted: str) -> int:
        """The label of a class, by its name or number.

        Raises:
            ConfigError: the generator takes no labels, or it has no such class.
        """
        if not self.conditional:
            raise ConfigError(
                "this generator can't draw a chosen class: it was trained with generator.conditional=false; "
                "leave out --label"
            )
        if wanted in self.classes:
            return self.classes.index(wanted)
        if wanted.isdecimal() and int(wanted) < len(self.classes):
            return int(wanted)
        numbers = f"Or give a number from 0 to {len(self.classes) - 1}"
        raise ConfigError(unknown_name("--label", wanted, self.classes, numbers))


def from_dict(tree: Any, where: str) -> GeneratorMetadata:
    """The metadata from parsed JSON.

    Raises:
        IntegrityError: a key is missing, or `tree` is not a mapping.
    """
    try:
        known = {
            item.name: tree[item.name] for item in dataclasses.fields(GeneratorMetadata) if item.name != "exported_at"
        }
        known["exported_at"] = str(tree.get("exported_at", ""))
        height, width, channels = known["image_shape"]
        return GeneratorMetadata(
            **{**known, "classes": tuple(known["classes"]), "image_shape": (height, width, channels)}
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{where} is not what `gan export` writes ({error!r}); export the run again") from None


def read(store: Store, generator_id: str) -> GeneratorMetadata:
    """The metadata of a published generator, checked against its checksum.

    Raises:
        NotFoundError: no such generator; the message lists the known ones.
        IntegrityError: the file is damaged.
    """
    tree = immutable.read_json(store, "generator", generator_id, METADATA)
    return from_dict(tree, store.uri_of(f"{immutable.prefix_of('generator', generator_id)}/{METADATA}"))


def chosen_id(store: Store, generator_id: str | None, name: str | None) -> str:
    """The id of the generator that is given by its id, or by the name under which it is live.

    Raises:
        ConfigError: both are given, or neither.
        NotFoundError: nothing is live under the name.
    """
    if (generator_id is None) == (name is None):
        raise ConfigError("give either --generator-id or --name, and not both")
    return str(alias.read_live(store, str(name)).live) if generator_id is None else generator_id


def read_evaluation(store: Store, generator_id: str) -> Json | None:
    """The evaluation that a generator was exported with; None without one.

    Raises:
        NotFoundError: no such generator.
        IntegrityError: the file is damaged.
    """
    if EVALUATION not in immutable.read_sums(store, "generator", generator_id):
        return None
    record: Json | None = immutable.read_json(store, "generator", generator_id, EVALUATION)
    return record if record and record.get("scores") else None


def was_rolled_back(store: Store, generator_id: str, live: Alias) -> bool:
    """Whether a name was rolled back from this generator, or from another export of the same weights.

    The same data, config and seed give the same weights under another run id, and every export has its own id. A rolled
    back generator that is no longer in the store is recognised by its id only.
    """
    rolled_back = live.rolled_back_from()
    if generator_id in rolled_back or not rolled_back:
        return generator_id in rolled_back
    weights = _weights(store, generator_id)
    if live.live is not None and weights == _weights(store, live.live):
        return False  # promoted again by hand
    return any(
        weights == _weights(store, each) for each in rolled_back if immutable.is_published(store, "generator", each)
    )


def _weights(store: Store, generator_id: str) -> str:
    """The SHA-256 of the checkpoint that a generator was exported from."""
    return str(immutable.read_json(store, "generator", generator_id, METADATA)["checkpoint_sha256"])
