"""Small feature networks in every format that people may bring: 12 features and 4 classes of 8 x 8 RGB images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

SIDE, FEATURES, CLASSES = 8, 12, 4
DESCRIPTION = {
    "name": "toy",
    "input_size": [SIDE, SIDE],
    "channels": 3,
    "scale": {"offset": 127.5, "divisor": 127.5},
    "features": "features",
    "probabilities": "classes",
}


def weights() -> tuple[np.ndarray, np.ndarray]:
    """Of two layers without biases: [192, 12] and [12, 4]."""
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(SIDE * SIDE * 3, FEATURES)).astype(np.float32) / 8,
        rng.normal(size=(FEATURES, CLASSES)).astype(np.float32),
    )


def expected(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each of them gives for Pixels [N, 8, 8, 3]: features and probabilities, in float64."""
    first, second = (each.astype(np.float64) for each in weights())
    features = np.maximum((pixels.reshape(len(pixels), -1) - 127.5) / 127.5 @ first, 0)
    exponents = np.exp(features @ second)
    return features, exponents / exponents.sum(axis=1, keepdims=True)


def keras_model() -> Any:
    """The network; its layer `maps` gives feature maps [N, 8, 8, 12]."""
    import keras

    images = keras.Input((SIDE, SIDE, 3), name="images")
    flat = keras.layers.Flatten(name="flat")(images)
    features = keras.layers.Dense(FEATURES, "relu", use_bias=False, name="features")(flat)
    classes = keras.layers.Dense(CLASSES, "softmax", use_bias=False, name="classes")(features)
    model = keras.Model(images, classes)
    model.set_weights(weights())
    return model


def write_keras(folder: Path) -> Path:
    path = folder / "toy.keras"
    keras_model().save(path)
    return described(path)


def write_saved_model(folder: Path) -> Path:
    import keras
    import tensorflow as tf

    model = keras_model()
    both = keras.Model(model.inputs, {"features": model.get_layer("features").output, "classes": model.output})
    archive = keras.export.ExportArchive()
    archive.track(both)
    entry = [tf.TensorSpec([None, SIDE, SIDE, 3], tf.float32, name="images")]
    archive.add_endpoint("serving_default", lambda images: both(images, training=False), entry)
    archive.write_out(str(folder / "toy"), verbose=False)
    return described(folder / "toy")


def onnx_model(first: np.ndarray | None = None) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    own, second = weights()
    tensors = [
        numpy_helper.from_array(each, name) for name, each in (("w1", own if first is None else first), ("w2", second))
    ]
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["features"]),
        helper.make_node("MatMul", ["features", "w2"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["classes"], axis=1),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    classes = helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["batch", CLASSES])
    graph = helper.make_graph(nodes, "toy", [images], [classes], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write_onnx(folder: Path) -> Path:
    """Takes NCHW; its feature tensor is an inner one."""
    first, _ = weights()
    moved = first.reshape(SIDE, SIDE, 3, FEATURES).transpose(2, 0, 1, 3).reshape(-1, FEATURES)
    path = folder / "toy.onnx"
    path.write_bytes(onnx_model(np.ascontiguousarray(moved)).SerializeToString())
    return described(path, layout="NCHW")


def described(path: Path, *, form: str = ".yaml", **changes: object) -> Path:
    """Write the description next to a network; a change to "" leaves the key out."""
    tree = {key: value for key, value in {**DESCRIPTION, **changes}.items() if value != ""}
    text = json.dumps(tree) if form == ".json" else yaml.safe_dump(tree)
    path.with_suffix(form).write_text(text, encoding="utf-8")
    return path
