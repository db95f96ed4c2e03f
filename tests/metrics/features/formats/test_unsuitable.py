"""Harmless networks that can't be used: each has its own message."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from gan.errors import ConfigError
from gan.metrics.features import feature_networks
from gan.metrics.features.formats import saved_model
from support import networks


def refused(path: Path, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        feature_networks.open(str(path))


def test_a_keras_layer_that_is_used_twice(tmp_path: Path) -> None:
    first, second = keras.Input((8, 8, 3)), keras.layers.Flatten(name="features")
    hidden = keras.layers.Reshape((8, 8, 3))(second(first))
    keras.Model(first, second(hidden)).save(tmp_path / "toy.keras")
    refused(networks.described(tmp_path / "toy.keras", probabilities=None), r"layer features is used more than once")


def test_a_keras_model_that_was_never_built(tmp_path: Path) -> None:
    keras.Sequential([keras.layers.Flatten(name="features")]).save(tmp_path / "toy.keras")
    refused(networks.described(tmp_path / "toy.keras"), r"toy\.keras has no input of a known shape")


def test_a_keras_model_of_two_inputs(tmp_path: Path) -> None:
    pair = [keras.Input((8, 8, 3), name="images"), keras.Input((8, 8, 3), name="others")]
    keras.Model(pair, keras.layers.Add(name="features")(pair)).save(tmp_path / "toy.keras")
    refused(networks.described(tmp_path / "toy.keras"), r"must take images alone; it has the inputs: images, others")


def save_module(folder: Path, kind: tf.DType) -> Path:
    module = tf.Module()
    entry = tf.TensorSpec([None, 8, 8, 3], kind, name="images")
    module.extract = tf.function(lambda images: {"features": tf.reshape(images, [-1, 192])}, [entry])
    tf.saved_model.save(module, str(folder / "toy"), signatures=module.extract)
    return networks.described(folder / "toy", probabilities=None)


def test_a_saved_model_that_takes_whole_numbers(tmp_path: Path) -> None:
    refused(save_module(tmp_path, tf.uint8), r"toy: the input images must be float32; it is uint8")


def test_a_saved_model_without_its_variables(tmp_path: Path) -> None:
    path = networks.write_saved_model(tmp_path)
    for file in (path / "variables").iterdir():
        file.unlink()
    refused(path, r"TensorFlow can't load .*toy: ")


def test_a_saved_model_without_the_signature(tmp_path: Path) -> None:
    module = tf.Module()
    module.extract = tf.function(tf.identity, [tf.TensorSpec([None, 8, 8, 3], tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "toy"), signatures={"features": module.extract})
    refused(networks.described(tmp_path / "toy"), r'unknown signature "serving_default".*Known: features')


def test_an_archive_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks.write_saved_model(tmp_path)
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "toy")
    monkeypatch.setattr(saved_model, "MAX_BYTES", 1000)
    refused(networks.described(tmp_path / "packed.zip"), r"packed\.zip unpacks to [\d,]+ bytes; at most 1,000 are read")


def test_onnx_that_takes_whole_numbers(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'gan-pipelines[onnx]'")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'gan-pipelines[onnx]'")
    model = networks.onnx_model()
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    model.graph.node.insert(0, onnx.helper.make_node("Cast", ["images"], ["cast"], to=onnx.TensorProto.FLOAT))
    model.graph.node[1].input[0] = "cast"
    (tmp_path / "toy.onnx").write_bytes(model.SerializeToString())
    path = networks.described(tmp_path / "toy.onnx", layout="NCHW")
    refused(path, r"toy\.onnx: the input images must be tensor\(float\); it is tensor\(uint8\)")
