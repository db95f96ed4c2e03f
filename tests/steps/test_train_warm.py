"""A run that starts with the networks of another: from the step's point of view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gan.config import override
from gan.errors import NotFoundError
from gan.steps.train import plan, train
from gan.store import layout as store_runs
from gan.store.document import read_checksummed, write_checksummed
from gan.train import warm_start
from gan.train.checkpoint.files import Checkpoints
from gan.train.run import read_run
from support import runs


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> runs.World:
    return runs.make(tmp_path_factory.mktemp("warm"))


STILL = ["train.generator_learning_rate=0", "train.discriminator_learning_rate=0"]


def kernels(tensors: dict[str, np.ndarray], network: str) -> dict[str, np.ndarray]:
    """The convolution kernels of a network: with a learning rate of 0 they stay as they began."""
    return {
        name.partition("/")[2]: each
        for name, each in tensors.items()
        if name.startswith(f"{network}/") and each.ndim == 4
    }


def test_it_starts_with_what_the_other_exports(made: runs.World) -> None:
    config = override(runs.config(), [*STILL, f"train.start_from={made.run_id}@4"])
    result = train(made.store, config, made.dataset_id)
    assert result.id != made.run_id
    assert result.details["resumed_from"] is None
    assert read_run(made.store, result.id).config.train.start_from == f"{made.run_id}@4"
    there, _ = Checkpoints(made.store, made.run_id).load(4)
    here, _ = Checkpoints(made.store, result.id).load(4)
    for network, origin in warm_start.SOURCES.items():
        expected = kernels(there, origin)
        assert expected
        for number, kernel in kernels(here, network).items():
            np.testing.assert_allclose(kernel, expected[number], rtol=1e-6, err_msg=f"{network}/{number}")
    cold = train(made.store, override(runs.config(), STILL), made.dataset_id)
    fresh, _ = Checkpoints(made.store, cold.id).load(4)
    (number, kernel), *_ = kernels(fresh, "generator").items()
    assert not np.allclose(kernel, kernels(there, "ema")[number])


def test_a_run_that_began_with_a_ramp_up_keeps_it(made: runs.World, tmp_path: Path) -> None:
    """Its record has no mark of a warm start; a step of it is bit for bit what it would have been."""
    world = runs.copy(made, tmp_path)
    config = override(runs.config(steps=2), [f"train.start_from={made.run_id}@4", "train.ema_decay=0.9"])
    begun = train(world.store, config, world.dataset_id, run_id="begun-earlier")
    assert not read_run(world.store, begun.id).ema_ramp_up
    key = store_runs.record(begun.id)
    record = read_checksummed(world.store, key)
    del record["decisive"]["train"]["warm_start"]
    write_checksummed(world.store, key, record)
    earlier = read_run(world.store, begun.id)
    assert earlier.ema_ramp_up
    checkpoints = Checkpoints(world.store, begun.id)
    tensors, meta = checkpoints.load(2)
    checkpoints.save(2, tensors, {**meta, "config_hash": earlier.config_hash})
    going_on = train(world.store, override(config, ["train.steps=3"]), world.dataset_id, run_id=begun.id)
    assert going_on.details["resumed_from"] == 2
    assert read_run(world.store, begun.id).ema_ramp_up
    after, _ = Checkpoints(world.store, begun.id).load(3)
    ramped = np.float32((1 + 3) / (10 + 3))
    for number, kernel in kernels(after, "ema").items():
        before, now = tensors[f"ema/{number}"], after[f"generator/{number}"]
        np.testing.assert_array_equal(kernel, ramped * before + (np.float32(1) - ramped) * now)


def test_it_is_found_finished_though_the_other_is_gone(made: runs.World, tmp_path: Path) -> None:
    world = runs.copy(made, tmp_path)
    config = override(runs.config(), [f"train.start_from={made.run_id}@4"])
    first = train(world.store, config, world.dataset_id)
    for item in list(world.store.list(f"runs/{made.run_id}")):
        world.store.delete(item.key)
    again = train(world.store, config, world.dataset_id)
    assert (again.id, again.skipped) == (first.id, True)


def test_an_absent_checkpoint_is_reported(made: runs.World) -> None:
    config = override(runs.config(), [f"train.start_from={made.run_id}@3"])
    for attempt in (plan, train):
        with pytest.raises(NotFoundError, match=f"run {made.run_id} has no checkpoint of step 3; it has: 2, 4"):
            attempt(made.store, config, made.dataset_id)
