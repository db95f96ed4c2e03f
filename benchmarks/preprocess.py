"""Images per second into TFRecord shards: `gan preprocess` and a plain Pillow loop over the same CelebA zip."""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
import zipfile
from pathlib import Path

import tensorflow as tf
from PIL import Image

from gan.config import Data
from gan.steps.preprocess import preprocess
from gan.store import open_store

CROP, SIDE = 148, 64


def run_gan(celeba: Path) -> float:
    """The whole step: lists, hashes, decoding, packing, manifest, checksums."""
    with tempfile.TemporaryDirectory() as folder:
        data = Data(dataset="celeba", source=str(celeba), crop=CROP, image_size=SIDE)
        began = time.perf_counter()
        outcome = preprocess(open_store(folder), data)
        return sum(outcome.details["examples"].values()) / (time.perf_counter() - began)


def run_baseline(celeba: Path) -> float:
    """Decode, crop, resize, write: no lists, no hashes, no manifest."""
    left, top = (178 - CROP) // 2, (218 - CROP) // 2
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(celeba / "img_align_celeba.zip") as archive,
        tf.io.TFRecordWriter(f"{folder}/all.tfrecord") as writer,
    ):
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        began = time.perf_counter()
        for name in names:
            image = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            image = image.crop((left, top, left + CROP, top + CROP)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()]))
            writer.write(tf.train.Example(features=tf.train.Features(feature={"image": value})).SerializeToString())
        return len(names) / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--celeba", type=Path, required=True, help="folder of the original release")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rates: dict[str, list[float]] = {"gan": [], "baseline": []}
    for _ in range(arguments.rounds):
        for name, measure in (("gan", run_gan), ("baseline", run_baseline)):
            rates[name].append(measure(arguments.celeba))
            print(f"{name}: {rates[name][-1]:.0f} images/s", flush=True)
    ratio = statistics.median(rates["gan"]) / statistics.median(rates["baseline"])
    print(f"gan / baseline, medians of {arguments.rounds} rounds: {ratio:.2f}")


if __name__ == "__main__":
    main()
