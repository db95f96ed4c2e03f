from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from gan.config import Config
from gan.errors import ConfigError, NotFoundError
from gan.store import Store
from gan.train import warm
from gan.train.checkpoint import Checkpoints


@pytest.fixture
def config(toy: Any) -> Config:
    return toy.config()


def test_networks_start_as_they_were_and_the_rest_is_fresh(store: Store, toy: Any, config: Config) -> None:
    source = toy.players(toy.config("train.seed=7"))
    source.generator_optimizer.iterations.assign(5)
    source.ema.variables[0].assign(source.ema.variables[0] + 1)
    Checkpoints(store, "other").save(9, source.tensors(), {})
    players, fresh = toy.players(config), toy.players(config).tensors()
    warm.start(store, players, "other@9")
    there, here = source.tensors(), players.tensors()
    weights = {name for name in there if name.partition("/")[0] in warm.NETWORKS and there[name].dtype == np.float32}
    assert len(weights) > 10
    assert any(not np.array_equal(here[name], fresh[name]) for name in weights)
    for name, value in here.items():
        np.testing.assert_array_equal(value, there[name] if name in weights else fresh[name], err_msg=name)


def test_other_networks_are_refused_by_name(store: Store, toy: Any, config: Config) -> None:
    Checkpoints(store, "other").save(9, toy.players(toy.config("generator.width=0.06")).tensors(), {})
    players = toy.players(config)
    before = players.tensors()
    with pytest.raises(
        ConfigError, match=r"checkpoint 9 of run other is of other networks .*set train.start_from=null"
    ):
        warm.start(store, players, "other@9")
    for name, value in players.tensors().items():
        np.testing.assert_array_equal(value, before[name])


def test_what_is_not_there_is_told(store: Store, toy: Any, config: Config) -> None:
    with pytest.raises(NotFoundError, match=re.escape("run other has no checkpoint of step 9; it has: none yet")):
        warm.start(store, toy.players(config), "other@9")
