"""A `.keras` file: layers and weights. It is checked before Keras reads it.

Keras's safe mode stops Python code in a file, but not Keras objects that read files or open connections. So only layers
that calculate are allowed, and only weights inside the file.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import tensorflow as tf

from gan.errors import ConfigError, IntegrityError
from gan.metrics.features.formats.description import Description
from gan.metrics.features.formats.interface import Array, Format, Loaded, check_tensor, only, only_input
from gan.metrics.features.network_file import Files
from gan.util.scratch import scratch_folder

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
LAYERS = tuple(
    f"keras.src.layers.{part}."
    for part in (
        *("activations", "attention", "convolutional", "core", "merging", "normalization", "pooling"),
        *("regularization", "reshaping"),
    )
)
OTHER_LAYERS = ("Rescaling", "Normalization", "Resizing", "CenterCrop")
REFUSED_LAYERS = ("Lambda",)
MODELS = ("Functional", "Sequential")
PARTS = ("keras.initializers", "keras.regularizers", "keras.constraints", "keras.dtype_policies")
OPERATIONS = ("keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math")
PLAIN = ("__keras_tensor__", "__tuple__")


class KerasFile(Format):
    """Loads a `.keras` file; `features` and `probabilities` are names of layers."""

    suffixes = (".keras",)

    def load(self, files: Files, description: Description, where: str) -> Loaded:  # noqa: D102
        model = _checked_model(only(files), where)
        only_input(description.input, [each.name for each in model.inputs], where)
        names = [layer.name for layer in model.layers]
        wanted = {"features": description.features, "probabilities": description.probabilities}
        outputs = {
            key: _output(model, check_tensor(key, name, names, where), where)
            for key, name in wanted.items()
            if name is not None
        }
        part = keras.Model(model.inputs, outputs)
        run = tf.function(lambda images: part(images, training=False), autograph=False)

        def calculate(images: Array) -> tuple[Array, Array | None]:
            made = {key: each.numpy() for key, each in run(tf.constant(images)).items()}
            return made["features"], made.get("probabilities")

        return Loaded(calculate, tuple(model.inputs[0].shape), (ValueError, TypeError, tf.errors.OpError))


def _output(model: keras.Model, name: str, where: str) -> Any:
    output = model.get_layer(name).output
    uses = [len(each.get("inbound_nodes", ())) for each in model.get_config()["layers"] if each.get("name") == name]
    if not isinstance(output, keras.KerasTensor) or max(uses, default=0) > 1:
        raise ConfigError(
            f"{where}: the layer {name} is used more than once or has several outputs; name another layer"
        )
    return output


def _checked_model(data: bytes, where: str) -> keras.Model:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            _check_members(file, where)
            config = json.loads(file.read(CONFIG))
            weights = file.read(WEIGHTS)
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise ConfigError(f"{where} is not a .keras file ({error})") from None
    refused = sorted(set(_disallowed(config)))
    if refused:
        raise IntegrityError(
            f"{where} holds what may do more than calculate: {', '.join(refused)}; it is not loaded. Replace it by "
            "Keras layers that only calculate, or export the network as a SavedModel"
        )
    _check_weights(weights, where)
    with scratch_folder() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(data)
        return _load_model(path, where)


def _load_model(path: Path, where: str) -> keras.Model:
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, ImportError, KeyError, AttributeError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"Keras {keras.__version__} can't load {where}: {reason}") from None
    if not getattr(model, "inputs", None):
        raise ConfigError(
            f"{where} has no input of a known shape; save a functional or sequential model that was built"
        )
    return model


def _check_members(file: zipfile.ZipFile, where: str) -> None:
    others = sorted(set(file.namelist()) - {CONFIG, WEIGHTS, METADATA})
    if others:
        raise IntegrityError(f"{where} holds files that no network of numbers needs: {', '.join(others[:5])}")


def _disallowed(tree: Any) -> Iterator[str]:
    """The classes in a model's config that are not allowed."""
    if isinstance(tree, dict):
        if "class_name" in tree and not _is_allowed(tree):
            yield f"{tree.get('module')}.{tree['class_name']}"
        for key, value in tree.items():
            if key != "compile_config":  # it is never read
                yield from _disallowed(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _disallowed(value)


def _is_allowed(tree: dict[str, Any]) -> bool:
    module, name = str(tree.get("module")), str(tree["class_name"])
    if name in PLAIN:
        return True
    if module == "keras.layers":
        return _is_layer(name)
    if module in ("keras", "keras.models", "keras.src.models.functional", "keras.src.models.sequential"):
        return name in MODELS or (module == "keras" and name == "DTypePolicy")
    return module in PARTS or module in OPERATIONS


def _is_layer(name: str) -> bool:
    home = getattr(getattr(keras.layers, name, None), "__module__", "")
    return name not in REFUSED_LAYERS and (home.startswith(LAYERS) or name in OTHER_LAYERS)


def _check_weights(data: bytes, where: str) -> None:
    """Refuse HDF5 that refers to other files by links, external datasets or virtual datasets.

    Raises:
        IntegrityError: it does.
        ConfigError: it is not HDF5.
    """
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            elsewhere = list(_external_data(file))
    except OSError as error:
        raise ConfigError(f"the weights of {where} can't be read ({error})") from None
    if elsewhere:
        raise IntegrityError(f"the weights of {where} lie in other files: {', '.join(elsewhere[:5])}; it is not loaded")


def _external_data(group: h5py.Group) -> Iterator[str]:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield f"{group.name}/{name}"
            continue
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _external_data(item)
        elif item.external or item.is_virtual:
            yield item.name
