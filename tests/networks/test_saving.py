"""A saved network needs only Keras: it loads in safe mode where `gan` can't be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from gan.networks import DISCRIMINATORS, GENERATORS

LOADER = """
import sys
sys.modules["gan"] = None  # any import of it fails
import keras, numpy as np
folder = sys.argv[1]
for name in sys.argv[2:]:
    network = keras.models.load_model(f"{folder}/{name}.keras", safe_mode=True, compile=False)
    with np.load(f"{folder}/{name}.npz") as given:
        inputs = [given[f"in_{index}"] for index in range(len(network.inputs))]
        wanted = [given[key] for key in given if key.startswith("out_")]
    found = network(inputs[0] if len(inputs) == 1 else inputs, training=False)
    found = found if isinstance(found, (list, tuple)) else [found]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=2e-2 if "bfloat16" in name else 1e-6)
    print("same", name)
"""


def save(folder: Path, name: str, network: keras.Model, inputs: list[np.ndarray]) -> None:
    found = network(inputs[0] if len(inputs) == 1 else inputs, training=False)
    outputs = found if isinstance(found, list | tuple) else [found]
    network.save(folder / f"{name}.keras")
    arrays = {f"in_{index}": each for index, each in enumerate(inputs)}
    arrays |= {f"out_{index}": np.asarray(each) for index, each in enumerate(outputs)}
    np.savez(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_with_layers_of_this_package_loads_with_it(name: str, tmp_path: Path) -> None:
    entry = DISCRIMINATORS[name]
    network = entry.make(entry.options(width=0.1, spectral_norm=True, minibatch_std=2), (8, 8, 1), None)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 1)).astype(np.float32)
    network(images, training=True)
    network.save(tmp_path / "discriminator.keras")
    loaded = keras.models.load_model(tmp_path / "discriminator.keras", safe_mode=True, compile=False)
    for one, other in zip(loaded(images), network(images), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_every_network_loads_without_this_package(tmp_path: Path, dtype_policy) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    shape, labels = (8, 8, 1), np.array([0, 2], np.int32)
    latents = rng.normal(size=(2, 100)).astype(np.float32)
    images = rng.uniform(-1, 1, (2, *shape)).astype(np.float32)
    names = []
    for policy in ("float32", "mixed_bfloat16"):
        dtype_policy(policy)
        for classes in (None, 3):
            extra = [] if classes is None else [labels]
            for name, entry in GENERATORS.items():
                names.append(f"generator-{name}-{policy}-{classes}")
                save(tmp_path, names[-1], entry.make(entry.options(width=0.1), shape, classes), [latents, *extra])
            for name, entry in DISCRIMINATORS.items():
                names.append(f"discriminator-{name}-{policy}-{classes}")
                network = entry.make(entry.options(width=0.1), shape, classes)
                save(tmp_path, names[-1], network, [images, *extra])
    done = subprocess.run(
        [sys.executable, "-c", LOADER, str(tmp_path), *names], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"same {name}" for name in names]
