"""A feature network that is a Keras model: saving, loading and hashing."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from gan.errors import IntegrityError
from gan.metrics.features.interface import FeatureNetwork, NetworkOutput
from gan.util.ids import canonical
from gan.util.scratch import scratch_folder

if TYPE_CHECKING:
    from gan.types import Pixels

EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)


class KerasNetwork(FeatureNetwork):
    """A model from Pixels to (features, outputs); see `trained.training.build`."""

    def __init__(self, name: str, kind: str, model: keras.Model) -> None:
        self.name = name
        self.kind = kind
        self.model = model
        self.hash = model_hash(model)
        self.classes = model.outputs[1].shape[-1] if kind == "classes" else 0
        self._extract = tf.function(lambda pixels: model(pixels, training=False))

    def extract(self, pixels: Pixels) -> NetworkOutput:  # noqa: D102
        features, outputs = self._extract(tf.constant(pixels))
        return NetworkOutput(features.numpy(), outputs.numpy())


def model_hash(model: keras.Model) -> str:
    """SHA-256 of the layers' names and classes and every weight."""
    digest = hashlib.sha256(canonical([[layer.name, type(layer).__name__] for layer in model.layers]))
    for weight in model.get_weights():
        digest.update(canonical([list(weight.shape), str(weight.dtype)]))
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def save(model: keras.Model, path: Path) -> None:
    """Write a `.keras` file whose bytes depend only on the model, not on the time or on memory addresses."""
    with scratch_folder() as folder:
        raw = folder / "raw.keras"
        model.save(raw)
        with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as target:
            for name in sorted(source.namelist()):
                data = source.read(name)
                if name == "metadata.json":
                    metadata = json.loads(data)
                    metadata["date_saved"] = ""
                    data = json.dumps(metadata, sort_keys=True).encode()
                elif name == "config.json":
                    data = json.dumps(_without_addresses(json.loads(data)), sort_keys=True).encode()
                target.writestr(zipfile.ZipInfo(name, EPOCH_OF_ZIP), data)


def _without_addresses(tree: Any) -> Any:
    """A model's config without `shared_object_id`, the memory address of an object when it was saved."""
    if isinstance(tree, dict):
        return {key: _without_addresses(value) for key, value in tree.items() if key != "shared_object_id"}
    return [_without_addresses(value) for value in tree] if isinstance(tree, list) else tree


def load(path: Path, name: str, kind: str) -> KerasNetwork:
    """Read a file that `save` wrote.

    Raises:
        IntegrityError: it is not a model that can be loaded without running code in it.
    """
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, ImportError) as error:
        reason = str(error).partition("\n")[0]
        raise IntegrityError(f"the feature network {name} in {path.name} is refused: {reason}") from None
    return KerasNetwork(name, kind, model)
