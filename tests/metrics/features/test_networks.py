"""The trained feature networks: what they learn, and reproducibility."""

from __future__ import annotations

import gzip
import itertools
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gan.config import Reference
from gan.metrics.features import keras_network
from gan.metrics.features.interface import extract_all
from gan.metrics.features.keras_network import KerasNetwork
from gan.metrics.features.trained import training
from gan.metrics.features.trained.channels import per_channel, single_channels
from gan.metrics.features.trained.tasks import TASKS, Examples, mirror, task_for, turn_at_random

OPTIONS = Reference(epochs=6, batch_size=32, seed=3)


def stripes(count: int, seed: int) -> Examples:
    """8 x 8 images of a bright row or column, the class and first attribute, on dark or grey ground, the second."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count).astype(np.int32)
    places = rng.integers(0, 8, count)
    grey = rng.integers(0, 2, count)
    pixels = (rng.integers(0, 60, (count, 8, 8, 1)) + 90 * grey[:, None, None, None]).astype(np.uint8)
    for image, label, place in zip(pixels, labels, places, strict=True):
        (image if label else image.transpose(1, 0, 2))[place] = 255
    attributes = np.stack([np.where(labels, 1, -1), np.where(grey, 1, -1)], axis=1).astype(np.int8)
    return Examples(pixels, labels, attributes, ("column", "row"), ("Row", "Grey"))


def without(examples: Examples, *, classes: bool = False, attributes: bool = False) -> Examples:
    return Examples(
        examples.pixels,
        examples.labels,
        examples.attributes[:, :0] if attributes else examples.attributes,
        () if classes else examples.classes,
        () if attributes else examples.attribute_names,
    )


def stacked(count: int, seed: int) -> Examples:
    """Three images of `stripes` as the channels of one: 8 classes."""
    parts = [stripes(count, 10 * seed + channel) for channel in range(3)]
    labels = sum(part.labels * 2 ** (2 - channel) for channel, part in enumerate(parts))
    return Examples(
        np.concatenate([part.pixels for part in parts], axis=-1),
        np.asarray(labels, np.int32),
        np.zeros((count, 0), np.int8),
        tuple("".join(each) for each in itertools.product("cr", repeat=3)),
        (),
        ("c", "r"),
    )


EXAMPLES = {
    "channels": lambda seed: stacked(400, seed),
    "classes": lambda seed: without(stripes(400, seed), attributes=True),
    "attributes": lambda seed: stripes(400, seed),
    "rotation": lambda seed: without(arrows(400, seed), classes=True, attributes=True),
}


def arrows(count: int, seed: int) -> Examples:
    """Bright at the top, so that rotations can be recognised."""
    examples = stripes(count, seed)
    pixels = examples.pixels.copy()
    pixels[:, :3] = np.maximum(pixels[:, :3], 200)
    return Examples(pixels, examples.labels, examples.attributes, examples.classes, examples.attribute_names)


every_task = pytest.mark.parametrize("kind", sorted(TASKS))


def test_the_task_follows_from_what_is_known() -> None:
    assert {kind: task_for(make(0)).kind for kind, make in EXAMPLES.items()} == {kind: kind for kind in TASKS}


def test_one_class_is_no_class() -> None:
    examples = stripes(10, 0)
    lone = Examples(examples.pixels, examples.labels * 0, examples.attributes[:, :0], ("all",), ())
    assert task_for(lone).kind == "rotation"


@every_task
def test_learns_what_it_is_taught(kind: str) -> None:
    task, held_out = TASKS[kind], EXAMPLES[kind](1)
    network = KerasNetwork(f"toy-{task.suffix}", kind, task.train(EXAMPLES[kind](0), OPTIONS))
    output = extract_all(network, held_out.pixels, 64)
    result = task.evaluate(network, held_out, output, OPTIONS)
    assert result["accuracy"] > 0.9
    assert output.features.shape == (400, training.FEATURES * (3 if kind == "channels" else 1))
    assert output.features.dtype == np.float32
    modes = task.modes(held_out, output, OPTIONS)
    assert modes.kind == {"rotation": "clusters"}.get(kind, kind)
    probabilities = modes.probabilities(output.features, output.outputs)
    assert probabilities.shape == (400, len(modes.names))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-4)


@every_task
def test_the_same_seed_gives_the_same_weights(kind: str) -> None:
    options = Reference(epochs=1, batch_size=50, seed=5)
    first, second = (keras_network.model_hash(TASKS[kind].train(EXAMPLES[kind](0), options)) for _ in range(2))
    assert first == second
    other = TASKS[kind].train(EXAMPLES[kind](0), Reference(epochs=1, batch_size=50, seed=6))
    assert keras_network.model_hash(other) != first


def test_each_channel_is_seen_by_the_same_classifier_and_by_no_other() -> None:
    """The features and outputs of a stack are those of its channels side by side, also from the file."""
    examples = stacked(6, 0)
    classifier = training.build((8, 8, 1), 2, "softmax")
    network = KerasNetwork("toy-cnn", "channels", per_channel(classifier, 3))
    alone = KerasNetwork("toy-cnn", "classes", classifier)
    together = network.extract(examples.pixels)
    for index in range(3):
        features, outputs = alone.extract(examples.pixels[..., index : index + 1])
        np.testing.assert_allclose(together.features[:, 64 * index : 64 * (index + 1)], features, atol=1e-6)
        np.testing.assert_allclose(together.outputs[:, 2 * index : 2 * (index + 1)], outputs, atol=1e-6)
    assert network.classes == 0, "its outputs are no probabilities of the modes"


def test_the_network_of_channels_loads_from_its_file(tmp_path: Path) -> None:
    network = KerasNetwork("toy-cnn", "channels", per_channel(training.build((8, 8, 1), 2, "softmax"), 3))
    keras_network.save(network.model, tmp_path / "network.keras")
    loaded = keras_network.load(tmp_path / "network.keras", "toy-cnn", "channels")
    assert loaded.hash == network.hash
    pixels = stacked(6, 0).pixels
    for before, after in zip(network.extract(pixels), loaded.extract(pixels), strict=True):
        np.testing.assert_array_equal(before, after)


def test_single_channels_have_the_classes_of_their_channel() -> None:
    examples = stacked(20, 0)
    pixels, labels = single_channels(examples)
    assert pixels.shape == (60, 8, 8, 1)
    for index in range(60):
        image, channel = divmod(index, 3)
        np.testing.assert_array_equal(pixels[index, ..., 0], examples.pixels[image, ..., channel])
        assert "cr"[labels[index]] == examples.classes[examples.labels[image]][channel]


def test_attributes_record_each_balanced_accuracy() -> None:
    held_out = stripes(200, 1)
    network = KerasNetwork("toy-cnn", "attributes", TASKS["attributes"].train(stripes(400, 0), OPTIONS))
    output = extract_all(network, held_out.pixels, 64)
    result = TASKS["attributes"].evaluate(network, held_out, output, OPTIONS)
    assert set(result["balanced_accuracies"]) == {"Row", "Grey"}
    assert result["balanced_accuracies"]["Row"] > 0.9


def test_the_file_depends_on_the_network_alone_and_loads_to_the_same_network(tmp_path: Path) -> None:
    model = training.build((8, 8, 3), 4, "softmax")
    twin = training.build((8, 8, 3), 4, "softmax")  # elsewhere in memory
    twin.set_weights(model.get_weights())
    for name, each in (("one.keras", model), ("two.keras", twin)):
        keras_network.save(each, tmp_path / name)
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.keras") as file:
        assert {info.date_time for info in file.infolist()} == {keras_network.EPOCH_OF_ZIP}
    loaded = keras_network.load(tmp_path / "one.keras", "toy-cnn", "classes")
    assert loaded.hash == keras_network.model_hash(model)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)).astype(np.uint8)
    for before, after in zip(
        KerasNetwork("toy-cnn", "classes", model).extract(pixels), loaded.extract(pixels), strict=True
    ):
        np.testing.assert_array_equal(before, after)


def test_the_hash_changes_with_any_weight() -> None:
    model = training.build((8, 8, 1), 2, "softmax")
    before = keras_network.model_hash(model)
    weights = model.get_weights()
    weights[-1][0] += 1e-6
    model.set_weights(weights)
    assert keras_network.model_hash(model) != before


@pytest.mark.parametrize("shape", [(4, 4, 1), (16, 16, 3), (28, 28, 1), (64, 64, 3), (45, 45, 3)])
def test_images_of_any_size_build(shape: tuple[int, int, int]) -> None:
    model = training.build(shape, 3, "sigmoid")
    features, outputs = model(np.zeros((2, *shape), np.uint8), training=False)
    assert features.shape == (2, training.FEATURES)
    assert outputs.shape == (2, 3)


def test_the_last_batch_is_filled_up() -> None:
    network = KerasNetwork("toy-cnn", "classes", training.build((8, 8, 1), 2, "softmax"))
    pixels = np.random.default_rng(0).integers(0, 256, (13, 8, 8, 1)).astype(np.uint8)
    output = extract_all(network, pixels, 5)
    assert output.outputs.shape == (13, 2)
    np.testing.assert_allclose(output.features, network.extract(pixels).features, rtol=1e-4, atol=1e-5)


def test_mirror_flips_left_to_right() -> None:
    pixels = np.arange(2 * 2 * 3).reshape(2, 2, 3, 1).astype(np.uint8)
    pixels = np.repeat(pixels, 50, axis=0)
    wanted = np.arange(100)
    mirrored, same = mirror(pixels, wanted, np.random.default_rng(0))
    flipped = (mirrored != pixels).any(axis=(1, 2, 3))
    assert 30 < flipped.sum() < 70
    np.testing.assert_array_equal(mirrored[flipped], pixels[flipped][:, :, ::-1])
    assert same is wanted


def test_turns_are_quarter_turns() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 5, 5, 3)).astype(np.uint8)
    turned, turns = turn_at_random(pixels, np.zeros(40), np.random.default_rng(1))
    assert set(turns.tolist()) == {0, 1, 2, 3}
    for before, after, count in zip(pixels, turned, turns, strict=True):
        np.testing.assert_array_equal(after, np.rot90(before, count))


@pytest.mark.slow
def test_real_digits_are_recognised(real_data: Path) -> None:
    """A tenth of MNIST for three epochs; with all of it, 99 % (see docs)."""

    def read(name: str, offset: int, count: int) -> np.ndarray:
        with gzip.open(real_data / "mnist" / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)[:count]

    def examples(part: str, count: int) -> Examples:
        pixels = read(f"{part}-images-idx3-ubyte.gz", 16, count * 784).reshape(count, 28, 28, 1)
        labels = read(f"{part}-labels-idx1-ubyte.gz", 8, count).astype(np.int32)
        return Examples(pixels, labels, np.zeros((count, 0), np.int8), tuple("0123456789"), ())

    task, held_out = TASKS["classes"], examples("t10k", 2000)
    network = KerasNetwork("mnist-cnn", task.kind, task.train(examples("train", 6000), Reference(epochs=3)))
    result = task.evaluate(network, held_out, extract_all(network, held_out.pixels, 250), Reference())
    assert result["accuracy"] > 0.95
