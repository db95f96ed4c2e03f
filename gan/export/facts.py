"""What `generator.json` tells of a published generator: all that drawing with it and judging it needs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from gan.errors import ConfigError, IntegrityError, unknown_name
from gan.store import Store, sealed
from gan.types import Json

FILE = "generator.json"


@dataclass(frozen=True)
class Facts:
    """One generator.

    `checkpoint_sha256` is that of the checkpoint it came from, `config` the whole config of the run, `image_shape`
    [H, W, C], `classes` the names behind the labels, and `parity` what `gan.export.parity` measured.
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

    def to_dict(self) -> Json:
        """Plain JSON types."""
        return {
            **dataclasses.asdict(self),
            "classes": list(self.classes),
            "image_shape": list(self.image_shape),
        }

    def label_of(self, wanted: str) -> int:
        """The label that a class's name or number stands for.

        Raises:
            ConfigError: the generator takes no labels, or it has no such class.
        """
        if not self.conditional:
            raise ConfigError(
                "this generator draws no class on request: it was trained with generator.conditional=false; "
                "leave out --label"
            )
        if wanted in self.classes:
            return self.classes.index(wanted)
        if wanted.isdecimal() and int(wanted) < len(self.classes):
            return int(wanted)
        numbers = f"Or give a number from 0 to {len(self.classes) - 1}"
        raise ConfigError(unknown_name("--label", wanted, self.classes, numbers))


def from_dict(tree: Any, where: str) -> Facts:
    """The facts from parsed JSON.

    Raises:
        IntegrityError: a key is missing, or `tree` is no mapping.
    """
    try:
        known = {item.name: tree[item.name] for item in dataclasses.fields(Facts)}
        height, width, channels = known["image_shape"]
        return Facts(**{**known, "classes": tuple(known["classes"]), "image_shape": (height, width, channels)})
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{where} is not what `gan export` writes ({error!r}); export the run again") from None


def read(store: Store, generator_id: str) -> Facts:
    """The facts of a published generator, checked against its checksum.

    Raises:
        NotFoundError: no such generator; the message lists those that there are.
        IntegrityError: the file is damaged.
    """
    tree = sealed.read_json(store, "generator", generator_id, FILE)
    return from_dict(tree, store.uri_of(f"generators/{generator_id}/{FILE}"))
