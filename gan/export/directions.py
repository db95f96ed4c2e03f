"""The named directions in the latent space of a generator, found once and kept: `directions/<generator id>.json`.

A name is a class or an attribute that the feature network of a reference predicts. The record is not part of the
generator, which is immutable; `gan gc` deletes it after the generator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan.errors import ConfigError, IntegrityError, NotFoundError, unknown_name
from gan.store import Store
from gan.store.document import read_checksummed, write_checksummed
from gan.types import Json
from gan.util.ids import check_id, is_id

if TYPE_CHECKING:
    from gan.export.probes import Probe
    from gan.types import Floats

FOLDER = "directions"
METHOD = 1  # increase it with every change of how directions are found
KEYS = ("generator_id", "method", "reference_id", "feature_network", "samples", "directions")
REMEDY = "delete it, and the next gan directions finds them again"
MIN_NETWORK_ACCURACY = 0.75
"""Below, a direction is usable with a warning: the feature network hardly recognises what it names. For an attribute
it is the accuracy from which `gan.metrics.features.trained.quality` does not call a network weak."""
MIN_AUC = 0.7
"""Below, the position along a direction hardly tells what it is named after, and moving along it changes other things.
0.7 is where Hosmer, Lemeshow and Sturdivant 2013, "Applied Logistic Regression", section 5.2.4, begin to call a
discrimination acceptable. If a normal variable decides which half of the images shows something, the position has a
correlation of 0.44 with that variable: the AUC is 1/2 + 2 / pi asin(correlation / sqrt(2))."""


@dataclass(frozen=True)
class Direction:
    """One direction: `vector` float64 [Z] of length 1; for `auc` and `share` see `gan.export.probes.Probe`.

    `network_accuracy` is the balanced accuracy with which the feature network recognises the attribute in held-out real
    images; None for classes, whose accuracy is known for all together.
    """

    vector: Floats
    auc: float | None
    share: float
    network_accuracy: float | None = None

    @property
    def is_usable(self) -> bool:
        """Whether its probe predicts well enough."""
        return self.auc is not None and self.auc >= MIN_AUC

    @property
    def is_doubtful(self) -> bool:
        """Whether the feature network hardly recognises it in real images."""
        return self.network_accuracy is not None and self.network_accuracy < MIN_NETWORK_ACCURACY

    def problem(self) -> str:
        """Why it is not usable."""
        if self.auc is None:
            few = "few" if self.share < 0.5 else "many"
            return f"{self.share:.2%} of the generated images show it, too {few} to measure its direction"
        return (
            f"its direction predicts it with an AUC of {self.auc:.2f} on held-out images, and needs at least "
            f"{MIN_AUC:.2f} (0.5 is chance): moving along it would change other things"
        )

    def summary(self) -> Json:
        """Plain JSON types, without the vector."""
        return {
            "share": self.share,
            "network_accuracy": self.network_accuracy,
            "auc": self.auc,
            "usable": self.is_usable,
            "doubtful": self.is_doubtful,
        }


@dataclass(frozen=True)
class Directions:
    """The directions of a generator by name.

    `reference_id` is the reference whose feature network names them, `feature_network` the network's name and hash, and
    `samples` the number of generated images that they were found and measured with.
    """

    generator_id: str
    reference_id: str
    feature_network: str
    samples: int
    by_name: Mapping[str, Direction]

    def usable(self, flag: str, name: str) -> Direction:
        """The direction of a name.

        Raises:
            ConfigError: there is none, or its probe predicts poorly.
        """
        check_names([(flag, name)], self.by_name)
        if not self.by_name[name].is_usable:
            usable = ", ".join(each for each in self.by_name if self.by_name[each].is_usable) or "none"
            raise ConfigError(f"{flag} {name}: {self.by_name[name].problem()}. Usable: {usable}")
        return self.by_name[name]

    def to_json(self) -> Json:
        """The record in the store."""
        return {
            "generator_id": self.generator_id,
            "method": METHOD,
            "reference_id": self.reference_id,
            "feature_network": self.feature_network,
            "samples": self.samples,
            "directions": {
                name: {
                    "auc": each.auc,
                    "share": each.share,
                    "network_accuracy": each.network_accuracy,
                    "vector": each.vector.tolist(),
                }
                for name, each in self.by_name.items()
            },
        }


def named(
    probes: Iterable[Probe], names: Iterable[str], network_accuracies: Mapping[str, float]
) -> dict[str, Direction]:
    """The directions of probes, in the order of the names."""
    return {
        name: Direction(probe.direction.round(6), probe.auc, probe.share, network_accuracies.get(name))
        for name, probe in zip(names, probes, strict=True)
    }


def check_names(wanted: Iterable[tuple[str, str]], known: Collection[str]) -> None:
    """Raise ConfigError for a wanted name, given with its flag, that is not known."""
    for flag, name in wanted:
        if name not in known:
            raise ConfigError(unknown_name(flag, name, known))


def key_of(generator_id: str) -> str:
    """The key of the record of a generator's directions."""
    return f"{FOLDER}/{check_id(generator_id, 'generator id')}.json"


def generator_of(key: str) -> str | None:
    """The generator that the record under a key is about; None for another file."""
    generator_id = key.removeprefix(f"{FOLDER}/").removesuffix(".json")
    return generator_id if is_id(generator_id) and key == key_of(generator_id) else None


def write(store: Store, directions: Directions) -> None:
    """Create or replace the record of a generator's directions."""
    write_checksummed(store, key_of(directions.generator_id), directions.to_json())


def read(store: Store, generator_id: str) -> Directions | None:
    """The directions of a generator; None if they were not found yet, or in another way than this version's.

    Raises:
        IntegrityError: the record is damaged.
    """
    import numpy as np

    key = key_of(generator_id)
    try:
        tree = read_checksummed(store, key, keys=KEYS, remedy=REMEDY)
    except NotFoundError:
        return None
    if tree["generator_id"] != generator_id:
        raise IntegrityError(f"{store.uri_of(key)} is damaged (it is of {tree['generator_id']}); {REMEDY}")
    if tree["method"] != METHOD:
        return None
    by_name = {
        name: Direction(np.asarray(each["vector"], np.float64), each["auc"], each["share"], each["network_accuracy"])
        for name, each in tree["directions"].items()
    }
    return Directions(generator_id, tree["reference_id"], tree["feature_network"], tree["samples"], by_name)


def damages(store: Store, generator_id: str) -> Iterator[str]:
    """A sentence if the record of a generator's directions is damaged."""
    try:
        read_checksummed(store, key_of(generator_id), keys=KEYS, remedy=REMEDY)
    except NotFoundError:
        return
    except IntegrityError as error:
        yield str(error)
