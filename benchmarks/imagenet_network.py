"""The ImageNet network compared with the PyTorch code of its checkpoint, and its speed.

PyTorch is not in `.venv`: it runs in a separate environment, as a second process on the same input.

    python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch efficientnet-lite-pytorch==0.1.0 pillow
    .venv/bin/python benchmarks/imagenet_network.py --torch /tmp/torch/bin/python --celeba /data/celeba
"""

from __future__ import annotations

import argparse
import io
import resource
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from gan.metrics.features.published import efficientnet_lite, imagenet, torch_file
from gan.metrics.features.resizing import resizer

TOLERANCE, FACES, BATCH, ROUNDS = 1e-4, 62, 250, 3
BASELINE = """
import sys, numpy, torch
from efficientnet_lite_pytorch import EfficientNet
network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=sys.argv[1]).eval()
images = torch.from_numpy((numpy.load(sys.argv[2]).transpose(0, 3, 1, 2) - 127) / 128)
with torch.no_grad():
    numpy.savez(sys.argv[3], features=network.extract_features(images).mean((2, 3)), logits=network(images))
"""


def main() -> None:
    """Compare, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", help="the Python of an environment with torch and efficientnet-lite-pytorch")
    parser.add_argument("--celeba", type=Path, help="a folder with img_align_celeba.zip: its first faces too")
    arguments = parser.parse_args()
    path = imagenet.installed_file()
    if arguments.torch:
        _compare(arguments.torch, path, _pictures(arguments.celeba))
    _measure()


def _pictures(celeba: Path | None) -> np.ndarray:
    """Float32 [N, 224, 224, 3] in [0, 255]: the middle squares of photographs."""
    pictures = list(load_sample_images().images)
    pictures += [] if celeba is None else _faces(celeba / "img_align_celeba.zip")
    return np.concatenate([_resized(each) for each in pictures])


def _faces(archive: Path) -> list[np.ndarray]:
    with zipfile.ZipFile(archive) as file:
        names = [name for name in sorted(file.namelist()) if name.endswith(".jpg")][:FACES]
        return [np.asarray(Image.open(io.BytesIO(file.read(name)))) for name in names]


def _resized(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[None, top : top + side, left : left + side].astype(np.float32)
    wanted = (efficientnet_lite.SIDE, efficientnet_lite.SIDE)
    resized: np.ndarray = resizer((side, side), wanted, imagenet.KERNEL)(square).numpy()
    return resized


def _compare(python: str, path: Path, images: np.ndarray) -> None:
    network = efficientnet_lite.build(torch_file.read(path.read_bytes(), str(path)), str(path))
    own = dict(zip(("features", "logits"), (each.numpy() for each in network(images)), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "images.npy", Path(folder) / "result.npz"
        np.save(given, images)
        subprocess.run([python, "-c", BASELINE, str(path), str(given), str(result)], check=True)  # noqa: S603
        expected = dict(np.load(result))
    for name, values in expected.items():
        gap = float(np.abs(own[name] - values).max())
        print(f"{name} of {len(images)} pictures: largest difference {gap:.1e} of values up to {values.max():.2f}")
        if gap > TOLERANCE:
            raise SystemExit(f"more than {TOLERANCE}")
    print("classes of the first two:", own["logits"][:2].argmax(axis=1), "and", expected["logits"][:2].argmax(axis=1))


def _measure() -> None:
    network = imagenet.load()
    rng = np.random.default_rng(0)
    for side in (28, 64, 256):
        pixels = rng.integers(0, 256, (BATCH, side, side, 3), np.uint8)
        network.extract(pixels[:1])
        for _ in range(ROUNDS):
            began = time.perf_counter()
            network.extract(pixels)
            speed = BATCH / (time.perf_counter() - began)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            print(f"{side} pixels a side: {speed:.1f} images/s, peak memory {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
