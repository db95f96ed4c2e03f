"""A reference: the feature network and what it sees in real images.

    references/<id>/reference.json         what it was made from and how good the network is
    references/<id>/features.safetensors   what the network sees in held-out and in training images
    references/<id>/network.keras          the network; the canonical one stays where it is, named by URI and hash

The images of both sets stand in random order, so that the first n of them are a random choice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan.config import Evaluate
from gan.errors import IntegrityError
from gan.metrics.identity import PROTOCOL, Identity
from gan.metrics.mode_kinds import AttributeModes, ClassModes, ClusterModes, Modes
from gan.metrics.presets import Looks
from gan.scratch import scratch_folder
from gan.store import Store, sealed
from gan.types import Json

if TYPE_CHECKING:
    from gan.metrics.features.interface import FeatureNetwork

RECORD, TENSORS, NETWORK = "reference.json", "features.safetensors", "network.keras"
FORMAT = 1


@dataclass(frozen=True)
class Reference:
    """A loaded reference.

    record: reference.json.
    network: the feature network.
    modes: what a mode is.
    real: what the network sees in the held-out images that scores compare with.
    train: what it sees in training images, for the row of real data.
    """

    record: Json
    network: FeatureNetwork
    modes: Modes
    real: Looks
    train: Looks

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the images that it can look at."""
        size = int(self.record["image_size"])
        return size, size, int(self.record["channels"])

    @property
    def label_shares(self) -> tuple[float, ...]:
        """How often each class occurs among the held-out images; empty where there are no labels."""
        return tuple(self.record["label_shares"])

    def identity(self, protocol: Evaluate, samples: int) -> Identity:
        """The identity of scores of `samples` images under this reference and protocol."""
        chosen = {name: getattr(protocol, name) for name in PROTOCOL}
        return Identity(
            **{
                name: self.record[name] for name in ("dataset_id", "split", "image_size", "channels", "crop", "resizer")
            },
            feature_network=self.network.name,
            feature_hash=self.network.hash,
            reference_images=len(self.real),
            **{**chosen, "samples": samples},
        )


def write(folder: Path, record: Mapping[str, object], modes: Modes, real: Looks, train: Looks) -> Json:
    """Write reference.json and features.safetensors into a folder; `load` reads them back.

    Returns:
        The record as written, with the modes added.
    """
    import safetensors.numpy

    tensors = {
        "real/features": real.features,
        "real/mode_probabilities": real.mode_probabilities,
        "train/features": train.features,
        "train/mode_probabilities": train.mode_probabilities,
    }
    described: Json = {"kind": modes.kind, "names": list(modes.names)}
    if isinstance(modes, AttributeModes):
        described |= {"attributes": list(modes.attributes), "chosen": list(modes.chosen)}
    if isinstance(modes, ClusterModes):
        tensors |= {"modes/centres": modes.centres, "modes/variance": modes.variance}
    described["real"] = real.mode_shares().tolist()
    safetensors.numpy.save_file({name: np.ascontiguousarray(each) for name, each in tensors.items()}, folder / TENSORS)
    whole: Json = {"format": FORMAT, **record, "modes": described}
    (folder / RECORD).write_text(json.dumps(whole, indent=2, sort_keys=True), encoding="utf-8")
    return whole


def load(store: Store, reference_id: str) -> Reference:
    """A published reference, every byte checked.

    Raises:
        NotFoundError: there is none with that id, or the canonical network is no longer where it was.
        IntegrityError: it is damaged, or the canonical network is another file now.
    """
    import safetensors.numpy

    record = sealed.read_json(store, "reference", reference_id, RECORD)
    if record.get("format") != FORMAT:
        raise IntegrityError(
            f"reference {reference_id} has format {record.get('format')!r}, this version reads {FORMAT}; "
            "make it again with: gan reference"
        )
    tensors = safetensors.numpy.load(sealed.read_file(store, "reference", reference_id, TENSORS))
    real, train = (
        Looks(tensors[f"{name}/features"], tensors[f"{name}/mode_probabilities"]) for name in ("real", "train")
    )
    return Reference(
        record, _load_network(store, reference_id, record), _load_modes(record["modes"], tensors), real, train
    )


def _load_modes(described: Json, tensors: Mapping[str, np.ndarray]) -> Modes:
    if described["kind"] == AttributeModes.kind:
        return AttributeModes(tuple(described["attributes"]), tuple(described["chosen"]))
    if described["kind"] == ClusterModes.kind:
        return ClusterModes(tensors["modes/centres"], tensors["modes/variance"])
    return ClassModes(tuple(described["names"]))


def _load_network(store: Store, reference_id: str, record: Json) -> FeatureNetwork:
    facts = record["feature_network"]
    if facts["kind"] == "inception":
        from gan.metrics.features import inception

        network: FeatureNetwork = inception.load(facts["uri"])
    else:
        from gan.metrics.features import keras_network

        with scratch_folder() as folder:
            path = sealed.fetch_file(store, "reference", reference_id, NETWORK, folder / NETWORK)
            network = keras_network.load(path, facts["name"], facts["kind"])
    if network.hash != facts["hash"]:
        raise IntegrityError(
            f"the feature network of reference {reference_id} has hash {network.hash}; expected {facts['hash']}. "
            "Put the original back, or make a new reference with: gan reference"
        )
    return network
