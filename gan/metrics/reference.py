"""A reference: the feature network and its features of real images.

    references/<id>/reference.json         what it was made from, and how good the network is
    references/<id>/features.safetensors   features of held-out and of training images
    references/<id>/network.keras          a network that was trained here; others are found by URI and hash

The held-out images are divided: some choose among checkpoints, the others score the chosen one. The images of each set
are in random order, so that the first n are a random sample.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan.config import Evaluate
from gan.errors import IntegrityError, NotFoundError
from gan.metrics.feature_batch import FeatureBatch
from gan.metrics.features.mode_definitions import AttributeModes, ChannelModes, ClassModes, ClusterModes, Modes
from gan.metrics.identity import FINAL, PROTOCOL, SELECTION, Identity, sample_count
from gan.store import Store, immutable
from gan.types import Json
from gan.util.ids import canonical
from gan.util.scratch import scratch_folder

if TYPE_CHECKING:
    from gan.metrics.features.interface import FeatureNetwork
    from gan.types import Features, Floats

RECORD, TENSORS, NETWORK = "reference.json", "features.safetensors", "network.keras"
FORMAT = 2
HASHED_KEYS = ("label_shares", "batch_size", "searched_images")
"""Keys of the record that influence scores: the class shares of generated images, the network's batch size, and the
number of training images that are searched for copies."""
DATASET_KEYS = ("dataset_id", "image_size", "channels", "crop", "crop_offset", "resizer")


@dataclass(frozen=True)
class Reference:
    """A loaded reference.

    record: reference.json.
    network: the feature network.
    modes: the definition of modes.
    real: the held-out images for final scores.
    selection: the held-out images by which checkpoints are compared; disjoint from `real`.
    train: training images for the row of real data.
    training: features [T, F] of the training images that are searched for copies; it starts with those of `train`.
    copy_ratios: distance ratios of the images of `real`, float64 [M]; see `gan.metrics.scores.memorisation`.
    """

    record: Json
    network: FeatureNetwork
    modes: Modes
    real: FeatureBatch
    selection: FeatureBatch
    train: FeatureBatch
    training: Features
    copy_ratios: Floats

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the images that it accepts."""
        size = int(self.record["image_size"])
        return size, size, int(self.record["channels"])

    @property
    def label_shares(self) -> tuple[float, ...]:
        """The share of each class among the held-out images; empty without labels."""
        return tuple(self.record["label_shares"])

    def held_out(self, purpose: str) -> FeatureBatch:
        """The held-out images for a purpose."""
        return self.selection if purpose == SELECTION else self.real

    def identity(self, protocol: Evaluate, samples: int | None = None, purpose: str = FINAL) -> Identity:
        """The identity of scores under this reference and protocol; `samples` if it differs from the protocol's."""
        chosen = {name: getattr(protocol, name) for name in PROTOCOL}
        chosen["samples"] = sample_count(protocol, purpose) if samples is None else samples
        return Identity(
            purpose=purpose,
            split=self.record["splits"][purpose],
            **{name: self.record[name] for name in DATASET_KEYS},
            feature_network=self.network.name,
            feature_hash=self.network.hash,
            reference_hash=self.record["reference_hash"],
            reference_images=len(self.held_out(purpose)),
            **chosen,
        )


def write(
    folder: Path,
    record: Mapping[str, object],
    modes: Modes,
    *,
    real: FeatureBatch,
    selection: FeatureBatch,
    train: FeatureBatch,
    training: Features,
    copy_ratios: Floats,
) -> Json:
    """Write reference.json and features.safetensors into a folder; `load` reads them back.

    Returns:
        The record as written, with the modes and `reference_hash` added.
    """
    import safetensors.numpy

    tensors: dict[str, np.ndarray] = {
        "training/features": training,
        **_probabilities_to_tensors("train", train, modes),
        "real/copy_ratios": copy_ratios,
    }
    for name, batch in (("real", real), ("selection", selection)):
        tensors |= {f"{name}/features": batch.features, **_probabilities_to_tensors(name, batch, modes)}
        tensors |= {} if batch.labels is None else {f"{name}/labels": batch.labels}
    tensors |= {} if train.labels is None else {"train/labels": train.labels}
    described: Json = {"kind": modes.kind, "names": list(modes.names)}
    if isinstance(modes, AttributeModes):
        described |= {"attributes": list(modes.attributes), "chosen": list(modes.chosen)}
    if isinstance(modes, ChannelModes):
        described |= {"classes": list(modes.classes), "channels": modes.channels}
    if isinstance(modes, ClusterModes):
        tensors |= {"modes/centres": modes.centres, "modes/variance": modes.variance}
    described["real"] = real.mode_shares().tolist()
    data = safetensors.numpy.save({name: np.ascontiguousarray(each) for name, each in sorted(tensors.items())})
    (folder / TENSORS).write_bytes(data)
    decisive = canonical([described, *(record[name] for name in HASHED_KEYS), hashlib.sha256(data).hexdigest()])
    whole: Json = {
        "format": FORMAT,
        **record,
        "modes": described,
        "reference_hash": hashlib.sha256(decisive).hexdigest(),
    }
    (folder / RECORD).write_text(json.dumps(whole, indent=2, sort_keys=True), encoding="utf-8")
    return whole


def load(store: Store, reference_id: str) -> Reference:
    """A published reference; every byte is verified.

    Raises:
        NotFoundError: there is none with that id, another version wrote it, or its feature network was moved or
            deleted.
        IntegrityError: it is damaged, or its feature network was replaced.
    """
    import safetensors.numpy

    record = immutable.read_json(store, "reference", reference_id, RECORD)
    if record.get("format") != FORMAT:
        raise NotFoundError(
            f"reference {reference_id} has the format {record.get('format')!r} of another version; this version reads "
            f"{FORMAT}. Make it again with: gan reference"
        )
    tensors = safetensors.numpy.load(immutable.read_file(store, "reference", reference_id, TENSORS))
    modes = _load_modes(record["modes"], tensors)
    tensors["train/features"] = tensors["training/features"][: record["train_images"]]
    batches = {name: _batch(tensors, name, modes) for name in ("real", "selection", "train")}
    network = _load_network(store, reference_id, record)
    training = tensors["training/features"][: record["searched_images"]]
    return Reference(record, network, modes, **batches, training=training, copy_ratios=tensors["real/copy_ratios"])


def _probabilities_to_tensors(name: str, batch: FeatureBatch, modes: Modes) -> dict[str, np.ndarray]:
    """The mode probabilities of a batch; of channels those of their classes, a small part of the size."""
    if isinstance(modes, ChannelModes):
        return {f"{name}/channel_probabilities": modes.of_channels(batch.mode_probabilities)}
    return {f"{name}/mode_probabilities": batch.mode_probabilities}


def _batch(tensors: Mapping[str, np.ndarray], name: str, modes: Modes) -> FeatureBatch:
    features = tensors[f"{name}/features"]
    if isinstance(modes, ChannelModes):
        probabilities = modes.probabilities(features, tensors[f"{name}/channel_probabilities"])
    else:
        probabilities = tensors[f"{name}/mode_probabilities"]
    classes = probabilities if isinstance(modes, ClassModes) else None
    return FeatureBatch(features, probabilities, tensors.get(f"{name}/labels"), classes)


def _load_modes(described: Json, tensors: Mapping[str, np.ndarray]) -> Modes:
    if described["kind"] == AttributeModes.kind:
        return AttributeModes(tuple(described["attributes"]), tuple(described["chosen"]))
    if described["kind"] == ChannelModes.kind:
        return ChannelModes(tuple(described["classes"]), described["channels"])
    if described["kind"] == ClusterModes.kind:
        return ClusterModes(tensors["modes/centres"], tensors["modes/variance"])
    return ClassModes(tuple(described["names"]))


def _load_network(store: Store, reference_id: str, record: Json) -> FeatureNetwork:
    from gan.metrics.features import feature_networks

    described = record["feature_network"]
    if described["kind"] in feature_networks.EXTERNAL_KINDS:
        return feature_networks.reopen(described)
    from gan.metrics.features import keras_network

    with scratch_folder() as folder:
        path = immutable.fetch_file(store, "reference", reference_id, NETWORK, folder / NETWORK)
        network = keras_network.load(path, described["name"], described["kind"])
    if network.hash != described["hash"]:
        raise IntegrityError(
            f"the feature network of reference {reference_id} has hash {network.hash}; expected {described['hash']}; "
            "make a new reference with: gan reference"
        )
    return network
