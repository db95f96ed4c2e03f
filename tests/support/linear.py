"""A generator that is linear in its latents, and a feature network whose outputs are known functions of them.

So the direction of every attribute is known in closed form.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gan.export import saved_model
from gan.metrics import reference as references
from gan.metrics.feature_batch import FeatureBatch
from gan.metrics.features import keras_network
from gan.metrics.features.mode_definitions import AttributeModes, ClassModes, ClusterModes, Modes
from gan.store import Store, immutable
from support import generators

Z, SIDE = 6, 8
ATTRIBUTES = ("Smiling", "Male", "Extreme", "Bald")
CLASSES = ("cats", "dogs", "owls")
DIRECTIONS = {
    "Smiling": np.array([3, 4, 0, 0, 0, 0]) / 5,
    "Male": np.array([0, 3, 4, 0, 0, 0]) / 5,
    "Extreme": np.array([0, 0, 0, 0, 1, 0]),  # shown where the position is far out on either side: no direction at all
    "Bald": np.array([0, 0, 0, 0, 0, 1]),  # never shown
}
STEEPNESS = 3.0


def basis() -> np.ndarray:
    """The image of each latent value: orthonormal [Z, SIDE * SIDE]."""
    return np.linalg.qr(np.random.default_rng(0).standard_normal((SIDE * SIDE, Z)))[0].T


def generator() -> keras.Model:
    latents = keras.Input((Z,))
    dense = keras.layers.Dense(SIDE * SIDE, use_bias=False)
    images = keras.layers.Reshape((SIDE, SIDE, 1))(dense(latents))
    dense.set_weights([basis()])
    return keras.Model(latents, images)


def publish_generator(store: Store, *, reference_id: str | None = None, **changes: Any) -> str:
    """Publish `generator`, exported with scores against a reference; returns its id."""
    described = dataclasses.replace(
        generators.generator_metadata(conditional=False), reference_id=reference_id, latent_size=Z, **changes
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved_model.write(generator(), folder)
        (folder / "generator.json").write_text(json.dumps(described.to_dict()))
        files = immutable.files_below(folder)
        generator_id = immutable.sums_id("gen", files)
        immutable.publish(store, "generator", generator_id, files)
    return generator_id


def attribute_network() -> keras.Model:
    """Attribute probabilities: the sigmoid of first * second + third, each linear in the latents."""
    towards = np.stack(list(DIRECTIONS.values()), axis=1)  # [Z, 4]
    none = np.zeros_like(towards)
    first = none + STEEPNESS * towards * [1, 1, 1, 0]
    second = towards * [0, 0, 1, 0]
    return _network([(first, [0, 0, 0, 0]), (second, [1, 1, 0, 0]), (none, [0, 0, -STEEPNESS, -9])], "sigmoid")


def class_network() -> keras.Model:
    """Class probabilities: the softmax of the position along one latent value for each class."""
    towards = STEEPNESS * np.eye(Z)[:, :3]
    return _network([(towards, [0, 0, 0]), (0 * towards, [1, 1, 1]), (0 * towards, [0, 0, 0])], "softmax")


def _network(parts: list[tuple[np.ndarray, list[float]]], activation: str) -> keras.Model:
    pixels = keras.Input((SIDE, SIDE, 1))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pixels))
    made = []
    for index, (weights, bias) in enumerate(parts):
        dense = keras.layers.Dense(weights.shape[1], name=f"part_{index}")
        made.append(dense(flat))
        dense.set_weights([basis().T @ weights, np.asarray(bias, np.float32)])
    logits = keras.layers.Add()([keras.layers.Multiply()(made[:2]), made[2]])
    return keras.Model(pixels, [flat, keras.layers.Activation(activation)(logits)])


def recognised(kind: str) -> dict[str, Any]:
    accuracies = dict.fromkeys(ATTRIBUTES, 0.9) | {"Male": 0.6}
    return {"balanced_accuracies": accuracies} if kind == "attributes" else {}


def publish_reference(
    store: Store, kind: str = "attributes", *, dataset_id: str = "folder-123", size: int = SIDE, accuracy: float = 0.9
) -> str:
    """Publish a reference with one of the networks; the kind "clusters" names no outputs. Returns its id."""
    model = class_network() if kind == "classes" else attribute_network()
    modes: dict[str, Modes] = {
        "attributes": AttributeModes(ATTRIBUTES, (0, 1)),
        "classes": ClassModes(CLASSES),
        "clusters": ClusterModes(np.zeros((2, SIDE * SIDE)), np.ones(1)),
    }
    network = keras_network.KerasNetwork(f"linear-{kind}", kind, model)
    images = FeatureBatch(
        np.zeros((4, SIDE * SIDE), np.float32), np.full((4, len(modes[kind].names)), 0.25, np.float32)
    )
    record = {
        "dataset_id": dataset_id,
        "image_size": size,
        "channels": 1,
        "feature_network": {
            **network.to_json(),
            "accuracy": accuracy,
            "chance": 0.5,
            "judged_on": 4,
            **recognised(kind),
        },
        "batch_size": 64,
        "label_shares": [],
        "train_images": 4,
        "searched_images": 4,
        "splits": {"final": "test"},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keras_network.save(model, folder / references.NETWORK)
        batches = {"real": images, "selection": images, "train": images}
        references.write(folder, record, modes[kind], **batches, training=images.features, copy_ratios=np.zeros(4))
        files = immutable.files_below(folder)
        reference_id = immutable.sums_id("ref", files)
        immutable.publish(store, "reference", reference_id, files)
    return reference_id
