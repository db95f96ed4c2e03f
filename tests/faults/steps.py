"""The steps of a pipeline as commands, on real digits with the narrowest networks: each takes a second or two."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from faults.forkserver import Task

STEPS = ("preprocess", "reference", "train", "evaluate", "export", "gate", "promote")
NAME = "tiny"
CONFIG = {
    "name": NAME,
    "data": {"dataset": "digits", "image_size": 8},
    "generator": {"width": 0.05, "conditional": True, "latent_size": 8},
    "discriminator": {"width": 0.05, "dropout": 0.1},
    "train": {
        "steps": 40,
        "batch_size": 16,
        "checkpoint_every_steps": 10,
        "sample_every_steps": 20,
        "log_every_steps": 5,
        "keep_checkpoints": 3,
    },
    "reference": {"epochs": 1, "batch_size": 64, "max_images": 200, "training_images": 400},
    "evaluate": {
        "samples": 100,
        "batch_size": 50,
        "kid_subsets": 3,
        "kid_subset_size": 50,
        "checkpoint": "latest",
    },
}
PREPROCESS = ("--dataset", "digits", "--image-size", "8", "--shard-mib", "0.05", "--workers", "1")


@dataclass
class Pipeline:
    """Commands on one store; remembers the ids that they print.

    `folder` is for the config, the logs and temporary files; `environment` is what a step finds in its own.
    """

    store: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def task(self, step: str, *more: str) -> Task:
        """The process of a step; `more` are flags."""
        self.folder.mkdir(parents=True, exist_ok=True)
        arguments = [step, *self._flags(step), "--store", self.store, "--json", *more]
        environment = {"TMPDIR": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache"), **self.environment}
        return Task(arguments, str(self.folder / step), environment, watched=self.store)

    def note(self, step: str) -> None:
        """Take the id from what a step printed."""
        self.ids[step] = json.loads((self.folder / f"{step}.out").read_text())["id"]

    def _flags(self, step: str) -> list[str]:
        if step == "preprocess":
            return list(PREPROCESS)
        if step == "gc":
            return ["--delete", "--grace", "0"]
        if step in ("reference", "train"):
            return ["--dataset-id", self.ids["preprocess"], "--config", self._config()]
        if step == "evaluate":
            return ["--run-id", self.ids["train"], "--reference-id", self.ids["reference"]]
        if step == "export":
            return ["--run-id", self.ids["train"]]
        return ["--generator-id", self.ids["export"], "--name", NAME]

    def _config(self) -> str:
        path = self.folder / f"{NAME}.yaml"
        path.write_text(yaml.safe_dump(CONFIG))
        return str(path)
