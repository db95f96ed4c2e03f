"""Exported generators without training: what sampling, judging and reporting need of one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import keras

from gan.build import build_generator
from gan.config import Config, from_dict
from gan.data.spec import Dataset, Split
from gan.export import saved_model
from gan.export.metadata import GeneratorMetadata
from gan.store import Store, immutable

CLASSES = ("cats", "dogs", "owls")


def config(*, conditional: bool) -> Config:
    """The narrowest networks there are."""
    return from_dict(
        {
            "name": "tiny",
            "generator": {"width": 0.02, "latent_size": 6, "conditional": conditional},
            "discriminator": {"width": 0.02},
            "train": {"batch_size": 8, "steps": 4},
        }
    )


def dataset(*, channels: int = 1) -> Dataset:
    """The description of 8 x 8 images in three classes; there are no shards behind it."""
    splits = {"train": Split(40, ()), "test": Split(10, ())}
    return Dataset("folder-123", "folder", None, 8, channels, None, "bicubic", CLASSES, (), splits)


def network(*, conditional: bool, channels: int = 1, seed: int = 0) -> keras.Model:
    """A generator as `gan train` builds it, untrained."""
    keras.utils.set_random_seed(seed)
    return build_generator(config(conditional=conditional), dataset(channels=channels))


def generator_metadata(*, conditional: bool, channels: int = 1) -> GeneratorMetadata:
    """What generator.json says of `network`."""
    settings = config(conditional=conditional)
    return GeneratorMetadata(
        run_id="tiny-1",
        step=4,
        dataset_id="folder-123",
        reference_id=None,
        checkpoint_sha256="ab" * 32,
        config=settings.to_dict(),
        latent_size=settings.generator.latent_size,
        conditional=conditional,
        classes=CLASSES if conditional else (),
        image_shape=(8, 8, channels),
        parity={"images": 64, "largest_pixel_difference": 1e-7},
    )


def publish(store: Store, *, conditional: bool = True, channels: int = 1, seed: int = 0) -> str:
    """Publish `network`; returns the generator's id."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved_model.write(network(conditional=conditional, channels=channels, seed=seed), folder)
        described = generator_metadata(conditional=conditional, channels=channels).to_dict()
        (folder / "generator.json").write_text(json.dumps(described))
        files = immutable.files_below(folder)
        generator_id = immutable.sums_id("gen", files)
        immutable.publish(store, "generator", generator_id, files)
    return generator_id
