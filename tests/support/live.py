"""A generator that is live, with nothing behind it but its metadata: for what only asks what it was made from."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from gan.config import Config
from gan.store import Store, alias, immutable
from gan.train.run import default_run_id

SINCE = "2026-03-01T12:00:00+00:00"


def go_live(store: Store, config: Config, dataset_id: str, reference_id: str, *, name: str = "pets") -> str:
    """Publish a generator of the default run of a config, and make it live since SINCE; returns its id."""
    metadata = {
        "run_id": default_run_id(config, dataset_id),
        "step": 4,
        "dataset_id": dataset_id,
        "reference_id": reference_id,
        "checkpoint_sha256": "aa",
        "config": config.to_dict(),
        "latent_size": 6,
        "conditional": True,
        "classes": ["cats", "dogs"],
        "image_shape": [8, 8, 1],
        "parity": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "generator.json").write_text(json.dumps(metadata))
        files = immutable.files_below(Path(folder))
        generator_id = immutable.sums_id("gen", files)
        immutable.publish(store, "generator", generator_id, files)
    live = alias.read(store, name)
    alias.update(store, live, alias.Promotion(generator_id, "promote", SINCE, live.live))
    return generator_id
