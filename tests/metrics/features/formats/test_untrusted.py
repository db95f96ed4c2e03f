"""Malicious networks of each format: refused before any of their code runs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.errors import ConfigError, IntegrityError
from gan.metrics.features import feature_networks
from support import networks


def refused(path: Path, message: str, error: type[Exception] = IntegrityError) -> None:
    with pytest.raises(error, match=message):
        feature_networks.open(str(path))


def changed(path: Path, member: str, data: bytes) -> Path:
    """A .keras file with another member."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, each in {**members, member: data}.items():
            file.writestr(name, each)
    return path


def with_layer(path: Path, **layer: object) -> Path:
    """A .keras file whose config names another class as its second layer."""
    with zipfile.ZipFile(path) as file:
        config = json.loads(file.read("config.json"))
    config["config"]["layers"][1].update(layer)
    return changed(path, "config.json", json.dumps(config).encode())


def test_keras_with_a_lambda_layer(tmp_path: Path) -> None:
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, keras.layers.Lambda(lambda each: each * 2, name="features")(images))
    model.save(tmp_path / "toy.keras")
    refused(networks.described(tmp_path / "toy.keras"), r"toy\.keras holds what may do more .*keras\.layers\.Lambda")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.layers", "StringLookup"),
        ("keras.layers", "TFSMLayer"),
        ("keras.layers", "TorchModuleWrapper"),
        ("keras.utils", "get_file"),
        ("builtins", "function"),
        ("os", "system"),
        (None, "Dense"),
        ("my_package", "Layer"),
    ],
)
def test_keras_that_names_anything_else(tmp_path: Path, module: str | None, name: str) -> None:
    path = with_layer(networks.write_keras(tmp_path), module=module, class_name=name)
    refused(path, rf"holds what may do more than calculate: {module}\.{name}; it is not loaded")


def test_keras_with_files_of_its_own(tmp_path: Path) -> None:
    path = changed(networks.write_keras(tmp_path), "assets/vocabulary.txt", b"secret")
    refused(path, r"holds files that no network of numbers needs: assets/vocabulary\.txt")


@pytest.mark.parametrize("where", ["link", "dataset"])
def test_keras_weights_in_other_files(tmp_path: Path, where: str) -> None:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        if where == "link":
            file["layers"] = h5py.ExternalLink("/etc/secret.h5", "/")
        else:
            file.create_group("layers").create_dataset("0", (4,), "u1", external=[("/etc/passwd", 0, 4)])
    path = changed(networks.write_keras(tmp_path), "model.weights.h5", buffer.getvalue())
    refused(path, r"the weights of .* lie in other files: .*layers")


def test_keras_weights_that_are_no_weights(tmp_path: Path) -> None:
    path = changed(networks.write_keras(tmp_path), "model.weights.h5", b"nothing")
    refused(path, r"the weights of .* can't be read", ConfigError)


def test_keras_that_keras_can_not_load(tmp_path: Path) -> None:
    path = with_layer(networks.write_keras(tmp_path), class_name="Dense")
    refused(path, r"Keras .* can't load .*toy\.keras", ConfigError)


class Spy(tf.Module):
    """A SavedModel that reads a file, or calls back into Python, for each batch."""

    def __init__(self, how: str) -> None:
        self._how = how

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name="images")])
    def extract(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        if self._how == "ReadFile":
            extra = tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)
        else:
            extra = tf.py_function(lambda: 1.0, [], tf.float32)
        return {"features": tf.reshape(images, [-1, 192]) + extra}


@pytest.mark.parametrize(("how", "operation"), [("ReadFile", "ReadFile"), ("py_function", "EagerPyFunc")])
def test_a_saved_model_that_does_more_than_calculate(tmp_path: Path, how: str, operation: str) -> None:
    module = Spy(how)
    tf.saved_model.save(module, str(tmp_path / "toy"), signatures=module.extract)
    path = networks.described(tmp_path / "toy", probabilities=None)
    refused(path, rf"saved_model\.pb of {path} holds operations that may do more than calculate: .*{operation}")


def write_onnx(tmp_path: Path, model: object) -> Path:
    (tmp_path / "toy.onnx").write_bytes(model.SerializeToString())
    return networks.described(tmp_path / "toy.onnx", layout="NCHW")


def test_onnx_with_an_operator_of_another_domain(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'gan-pipelines[onnx]'")
    model = networks.onnx_model()
    model.graph.node[2].domain = "com.example"
    refused(write_onnx(tmp_path, model), r"operators beyond the standard ones of ONNX: com\.example\.Relu")


def test_onnx_with_such_an_operator_in_a_branch(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'gan-pipelines[onnx]'")
    helper = onnx.helper
    inner = helper.make_node("Spy", [], ["out"], domain="com.example")
    branch = helper.make_graph([inner], "branch", [], [helper.make_empty_tensor_value_info("out")])
    model = networks.onnx_model()
    model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch))
    refused(write_onnx(tmp_path, model), r"com\.example\.Spy")


@pytest.mark.parametrize("place", ["initializer", "constant"])
def test_onnx_with_numbers_in_other_files(tmp_path: Path, place: str) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'gan-pipelines[onnx]'")
    model = networks.onnx_model()
    if place == "constant":
        value = onnx.numpy_helper.from_array(np.zeros(3, np.float32), "secret")
        model.graph.node.append(onnx.helper.make_node("Constant", [], ["c"], value=value))
        tensor = model.graph.node[-1].attribute[0].t
    else:
        tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    refused(write_onnx(tmp_path, model), r"keeps weights in other files \((w1|secret)\); it is not loaded")


def test_what_is_no_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'gan-pipelines[onnx]'")
    path = networks.described(tmp_path / "toy.onnx")
    for data in (b"\xff\xff nothing", b""):
        path.write_bytes(data)
        refused(path, r"toy\.onnx is not an ONNX file", ConfigError)


def test_onnx_that_onnxruntime_can_not_load(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'gan-pipelines[onnx]'")
    model = networks.onnx_model()
    model.graph.node[2].op_type = "NoSuchOperator"
    refused(write_onnx(tmp_path, model), r"onnxruntime .* can't load .*toy\.onnx", ConfigError)


def test_onnx_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    (tmp_path / "toy.onnx").write_bytes(b"anything")
    path = networks.described(tmp_path / "toy.onnx")
    refused(path, r"needs the package onnx, .* pip install 'gan-pipelines\[onnx\]'", ConfigError)
