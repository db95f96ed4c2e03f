from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from gan.config import Config
from gan.errors import ConfigError, NotFoundError
from gan.store import Store
from gan.train import warm_start
from gan.train.checkpoint.files import Checkpoints
from gan.train.distributed.replicas import Replicas
from gan.train.session import training_step


@pytest.fixture
def config(toy: Any) -> Config:
    return toy.config()


def test_networks_start_as_they_were_exported_and_the_rest_is_fresh(store: Store, toy: Any, config: Config) -> None:
    source = toy.train_state(toy.config("train.seed=7"))
    source.generator_optimizer.iterations.assign(5)
    for variable in source.ema.variables:
        variable.assign(variable + 1)
    Checkpoints(store, "other").save(9, source.tensors(), {})
    state, fresh = toy.train_state(config), toy.train_state(config).tensors()
    warm_start.start(store, state, "other@9")
    there, here = source.tensors(), state.tensors()
    seen = set()
    for name, value in here.items():
        network, _, number = name.partition("/")
        origin = f"{warm_start.SOURCES[network]}/{number}" if network in warm_start.SOURCES else name
        is_weight = network in warm_start.SOURCES and value.dtype == np.float32
        seen |= {network} if is_weight else set()
        np.testing.assert_array_equal(value, there[origin] if is_weight else fresh[name], err_msg=name)
    assert seen == {"generator", "ema", "discriminator"}
    kernel = "generator/0000"
    assert not np.array_equal(here[kernel], there[kernel]), "the generator that was trained is not what was exported"


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_warm_started_average_forgets_its_start_at_its_decay_rate(toy: Any, kept: float) -> None:
    """The generator stands still at 0, so what is left of an average that starts at 1 is the share of its start."""
    config = toy.config(
        "train.generator_learning_rate=0", "train.discriminator_learning_rate=0", f"train.ema_decay={kept}"
    )
    for ramp_up, share in ((False, kept**3), (True, math.prod(min(kept, (1 + s) / (10 + s)) for s in (1, 2, 3)))):
        state = toy.train_state(config)
        state.generator.variables[0].assign(0 * state.generator.variables[0])
        state.ema.variables[0].assign(0 * state.ema.variables[0] + 1)
        take_step = training_step(state, config, Replicas(), ema_ramp_up=ramp_up)
        for step, batch in zip((1, 2, 3), toy.batches(config), strict=False):
            take_step(step, [batch])
        np.testing.assert_allclose(state.ema.variables[0], share, rtol=1e-5)


def test_other_networks_are_refused_by_name(store: Store, toy: Any, config: Config) -> None:
    Checkpoints(store, "other").save(9, toy.train_state(toy.config("generator.width=0.06")).tensors(), {})
    state = toy.train_state(config)
    before = state.tensors()
    with pytest.raises(ConfigError, match=r"checkpoint 9 of run other has other networks .*set train.start_from=null"):
        warm_start.start(store, state, "other@9")
    for name, value in state.tensors().items():
        np.testing.assert_array_equal(value, before[name])


def test_an_absent_checkpoint_is_reported(store: Store, toy: Any, config: Config) -> None:
    with pytest.raises(NotFoundError, match=re.escape("run other has no checkpoint of step 9; it has: none yet")):
        warm_start.start(store, toy.train_state(config), "other@9")
