"""A run that starts with the networks of another: from the step's point of view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gan.config import override
from gan.errors import NotFoundError
from gan.steps.train import plan, train
from gan.train.checkpoint import Checkpoints
from gan.train.run import read_run
from support import runs


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> runs.World:
    return runs.make(tmp_path_factory.mktemp("warm"))


def test_it_starts_where_the_other_ended(made: runs.World) -> None:
    """With a learning rate of 0 the weights stay as they began; the statistics of normalisation alone move."""
    still = ["train.generator_learning_rate=0", "train.discriminator_learning_rate=0", "train.ema_decay=0"]
    config = override(runs.config(), [*still, f"train.start_from={made.run_id}@4"])
    outcome = train(made.store, config, made.dataset_id)
    assert outcome.id != made.run_id
    assert outcome.details["resumed_from"] is None
    assert read_run(made.store, outcome.id).config.train.start_from == f"{made.run_id}@4"
    there, _ = Checkpoints(made.store, made.run_id).load(4)
    here, _ = Checkpoints(made.store, outcome.id).load(4)
    same = [name for name in here if name.startswith(("generator/", "discriminator/"))]
    equal = sum(np.array_equal(here[name], there[name]) for name in same)
    assert equal >= 0.5 * len(same), "without the warm start none of the kernels would be"
    cold = train(made.store, override(runs.config(), still), made.dataset_id)
    fresh, _ = Checkpoints(made.store, cold.id).load(4)
    kernel = next(name for name in same if there[name].ndim == 4)
    assert np.array_equal(here[kernel], there[kernel])
    assert not np.array_equal(fresh[kernel], there[kernel])


def test_it_is_found_finished_though_the_other_is_gone(made: runs.World, tmp_path: Path) -> None:
    world = runs.copy(made, tmp_path)
    config = override(runs.config(), [f"train.start_from={made.run_id}@4"])
    first = train(world.store, config, world.dataset_id)
    for item in list(world.store.list(f"runs/{made.run_id}")):
        world.store.delete(item.key)
    again = train(world.store, config, world.dataset_id)
    assert (again.id, again.skipped) == (first.id, True)


def test_an_absent_checkpoint_is_told(made: runs.World) -> None:
    config = override(runs.config(), [f"train.start_from={made.run_id}@3"])
    for attempt in (plan, train):
        with pytest.raises(NotFoundError, match=f"run {made.run_id} has no checkpoint of step 3; it has: 2, 4"):
            attempt(made.store, config, made.dataset_id)
