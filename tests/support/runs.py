"""A small real run: pictures prepared, a generator trained for a few steps, and if wished scored."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from gan.config import Config, Data, from_dict
from gan.steps.evaluate import evaluate
from gan.steps.preprocess import preprocess
from gan.steps.reference import make_reference
from gan.steps.train import train
from gan.store import Store, open_store
from support import bad_inputs


@dataclass(frozen=True)
class World:
    """A store with a dataset of 8 x 8 grey pictures of cats and dogs, its reference, and a run of four steps."""

    store: Store
    dataset_id: str
    reference_id: str
    run_id: str


def config(*, conditional: bool = True, steps: int = 4) -> Config:
    """Everything as small as it goes."""
    return from_dict(
        {
            "name": "tiny",
            "data": {"dataset": "folder", "image_size": 8, "channels": 1},
            "generator": {"width": 0.02, "latent_size": 6, "conditional": conditional},
            "discriminator": {"width": 0.05},
            "train": {
                "steps": steps,
                "batch_size": 8,
                "checkpoint_every_steps": 2,
                "sample_every_steps": 1,
                "log_every_steps": 1,
                "ema_decay": 0.5,
            },
            "reference": {"epochs": 1},
            "evaluate": {"samples": 40, "batch_size": 16, "kid_subsets": 5, "kid_subset_size": 10},
        }
    )


def make(folder: Path, *, conditional: bool = True) -> World:
    """The world, below `folder`."""
    store = open_store(str(folder / "store"))
    settings = config(conditional=conditional)
    source = bad_inputs.folder(folder / "pictures", 80)
    data = Data(dataset="folder", source=str(source), image_size=8, channels=1)
    dataset_id = preprocess(store, data, workers=1).id
    reference_id = make_reference(store, dataset_id, settings.reference).id
    return World(store, dataset_id, reference_id, train(store, settings, dataset_id).id)


def score(made: World, checkpoint: str) -> None:
    """Evaluate a checkpoint of the run."""
    evaluate(made.store, made.run_id, made.reference_id, checkpoint=checkpoint)


def copy(made: World, folder: Path) -> World:
    """The same world in a store of its own, to be damaged or added to."""
    shutil.copytree(made.store.uri, folder / "store")
    return replace(made, store=open_store(str(folder / "store")))
