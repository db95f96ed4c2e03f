"""The identity of a score: what it was measured with. Only scores of equal identity can be compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gan.config import Evaluate, migrate
from gan.errors import IdentityError
from gan.types import Json

METHOD = 2  # increase it with every change of the maths that changes a score
HASH_PREFIX_LENGTH = 6

SELECTION, FINAL = "selection", "final"
"""The purpose of a score: to choose a checkpoint, or to measure the chosen one. The two share no image."""


def sample_count(protocol: Evaluate, purpose: str) -> int:
    """The number of images that are generated for a score of this purpose."""
    if purpose == SELECTION:
        return min(protocol.selection_samples, protocol.samples)
    return protocol.samples


@dataclass(frozen=True)
class Identity:
    """The protocol of an evaluation.

    The first fields describe the real data and the feature network, the others are the `evaluate` keys of the same
    names. `reference_hash` covers the features and modes of the real images, so that references with other images or
    modes differ. `samples` and `reference_images` are the numbers of images that were compared; `kid_subset_size` is
    the configured size (`gan.metrics.scores.kid.subset_size` reduces it for small sets).
    """

    purpose: str
    dataset_id: str
    split: str
    image_size: int
    channels: int
    crop: int | None
    crop_offset: list[int] | None
    resizer: str
    feature_network: str
    feature_hash: str
    reference_hash: str
    reference_images: int

    samples: int
    batch_size: int
    seed: int
    neighbours: int
    kid_subsets: int
    kid_subset_size: int
    confidence: float
    confidence_threshold: float
    method: int = METHOD

    @property
    def label(self) -> str:
        """The name of the FID of this identity: `fid[mnist-cnn:1a2b3c]`, never plain FID."""
        return f"fid[{self.feature_network}:{self.feature_hash[:HASH_PREFIX_LENGTH]}]"

    def to_json(self) -> Json:
        """The JSON of an evaluation record."""
        return migrate.recorded_names("evaluate", dataclasses.asdict(self))


PROTOCOL = tuple(
    item.name
    for item in dataclasses.fields(Evaluate)
    if item.name in {each.name for each in dataclasses.fields(Identity)}
)
"""The `evaluate` keys that are part of an identity.

The others decide which checkpoint is scored, how it is chosen, and which scores are computed; none changes a score.
"""


def protocol_keys(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The `evaluate` keys of an identity (as JSON), by their present names; those that it lacks are left out."""
    keys = migrate.present_names("evaluate", identity)
    return {name: keys[name] for name in PROTOCOL if name in keys}


def is_final_under(identity: Mapping[str, Any], protocol: Evaluate) -> bool:
    """Whether an identity (as JSON) belongs to final scores under a protocol."""
    of_protocol = protocol_keys(identity) == {name: getattr(protocol, name) for name in PROTOCOL}
    return of_protocol and identity.get("purpose") == FINAL


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The fields in which two identities (as JSON) differ, each with both values; a missing field counts."""
    first, second = (migrate.present_names("evaluate", each) for each in (first, second))
    fields = dict.fromkeys([*first, *second])
    absent = "nothing"
    return [
        f"{name} ({first.get(name, absent)!r} and {second.get(name, absent)!r})"
        for name in fields
        if first.get(name, absent) != second.get(name, absent)
    ]


def require_same(first: Mapping[str, Any], second: Mapping[str, Any], what: str, remedy: str) -> None:
    """Refuse to compare scores of different identity.

    Args:
        first: an identity as JSON.
        second: another one.
        what: what is to be compared, as the start of a sentence.
        remedy: what to do about it.

    Raises:
        IdentityError: they differ; the message names each field.
    """
    found = differences(first, second)
    if found:
        raise IdentityError(f"{what} can't be compared: measured with different {', '.join(found)}; {remedy}")
