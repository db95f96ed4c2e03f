"""The SavedModel: both signatures, any batch, and no `gan` needed to load it."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.errors import ConfigError
from gan.export import latents, metadata, saved_model
from gan.util.images import to_pixels
from support import generators

from .conftest import RunAlone

LATENTS = latents.draw(7, 6, 0)
LABELS = np.arange(7, dtype=np.int32) % 3


def drawn(network: keras.Model) -> np.ndarray:
    inputs = [LATENTS, LABELS] if len(network.inputs) > 1 else LATENTS
    return np.asarray(network(inputs, training=False))


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_draws_what_the_network_draws(tmp_path: Path, conditional: bool, channels: int) -> None:
    network = generators.network(conditional=conditional, channels=channels)
    saved_model.write(network, tmp_path)
    exported = saved_model.Exported(tmp_path / metadata.SAVED_MODEL)

    assert exported.conditional == conditional
    images = exported.images(LATENTS, LABELS)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, drawn(network), atol=1e-6)

    pixels = exported.pixels(LATENTS, LABELS, batch_size=3)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (7, 8, 8, channels)
    np.testing.assert_array_equal(pixels, to_pixels(images))


def test_its_signatures_take_any_number_and_name_their_tensors(tmp_path: Path) -> None:
    saved_model.write(generators.network(conditional=True), tmp_path)
    signatures = tf.saved_model.load(str(tmp_path / metadata.SAVED_MODEL)).signatures
    assert set(signatures) == {"serving_default", "pixels"}
    for signature, output, dtype in (("serving_default", "images", tf.float32), ("pixels", "pixels", tf.uint8)):
        _, given = signatures[signature].structured_input_signature
        assert {name: (spec.shape.as_list(), spec.dtype) for name, spec in given.items()} == {
            "latents": ([None, 6], tf.float32),
            "labels": ([None], tf.int32),
        }
        made = signatures[signature].structured_outputs
        assert {name: (spec.shape.as_list(), spec.dtype) for name, spec in made.items()} == {
            output: ([None, 8, 8, 1], dtype)
        }


@pytest.mark.parametrize("wrong", [-1, 3, 2**31 - 1, -(2**31)])
def test_a_label_out_of_range_is_an_error(tmp_path: Path, wrong: int) -> None:
    saved_model.write(generators.network(conditional=True), tmp_path)
    exported = saved_model.Exported(tmp_path / metadata.SAVED_MODEL)
    labels = np.asarray([0, wrong, 2])
    for draw in (exported.images, exported.pixels):
        with pytest.raises(
            ConfigError, match=rf"labels must be from 0 to 2, one of the classes; got labels from {min(0, wrong)} to "
        ):
            draw(LATENTS[:3], labels)
    bare = tf.saved_model.load(str(tmp_path / metadata.SAVED_MODEL))  # as a user has it
    for signature in ("serving_default", "pixels"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be from 0 to 2"):
            bare.signatures[signature](latents=tf.constant(LATENTS[:3]), labels=tf.constant(labels, tf.int32))


def test_labels_may_be_of_any_integer_type(tmp_path: Path) -> None:
    saved_model.write(generators.network(conditional=True), tmp_path)
    exported = saved_model.Exported(tmp_path / metadata.SAVED_MODEL)
    expected = exported.images(LATENTS, LABELS)
    for labels in (LABELS.astype(np.int64), LABELS.astype(np.uint8), LABELS.tolist()):
        np.testing.assert_array_equal(exported.images(LATENTS, labels), expected)


def test_quantising_in_the_graph_equals_quantising_in_numpy(tmp_path: Path) -> None:
    """A network that hands its input through shows every rounding: halves, ends and beyond."""
    latents_in = keras.Input([512])
    network = keras.Model(latents_in, keras.layers.Reshape([16, 32, 1])(latents_in))
    saved_model.write(network, tmp_path)
    values = np.concatenate([np.arange(511) / 255.0 - 1.0, [-9.0]]).astype(np.float32)[None]
    exported = saved_model.Exported(tmp_path / metadata.SAVED_MODEL)
    np.testing.assert_array_equal(exported.pixels(values), to_pixels(values.reshape(1, 16, 32, 1)))


def test_it_loads_where_gan_is_not_installed(tmp_path: Path, run_alone: RunAlone) -> None:
    expected = {}
    for name, conditional in (("plain", False), ("conditional", True)):
        (tmp_path / name).mkdir()
        network = generators.network(conditional=conditional)
        saved_model.write(network, tmp_path / name)
        expected[name] = drawn(network)
    np.savez(tmp_path / "inputs.npz", latents=LATENTS, labels=LABELS)
    printed = run_alone(
        """
import json, keras, numpy, tensorflow
inputs = dict(numpy.load("inputs.npz"))
drawn = {}
for name, wanted in (("plain", ["latents"]), ("conditional", ["latents", "labels"])):
    given = {key: inputs[key] for key in wanted}
    model = tensorflow.saved_model.load(f"{name}/saved_model")
    network = keras.models.load_model(f"{name}/generator.keras", safe_mode=True)
    drawn[name] = [
        model.signatures["serving_default"](**{k: tensorflow.constant(v) for k, v in given.items()})["images"].numpy(),
        numpy.asarray(network(list(given.values()) if len(given) > 1 else given["latents"], training=False)),
    ]
print(json.dumps({name: [each.tolist() for each in both] for name, both in drawn.items()}))
""",
        tmp_path,
    )
    for name, both in json.loads(printed).items():
        for images in both:
            np.testing.assert_allclose(np.asarray(images, np.float32), expected[name], atol=1e-6)
