from __future__ import annotations

import dataclasses

import pytest

from gan import config
from gan.config import Config, Evaluate
from gan.errors import ConfigError


def test_every_key_is_documented_and_its_default_is_allowed() -> None:
    for group in config.GROUPS.values():
        group()
        for field in dataclasses.fields(group):
            assert field.metadata["help"].endswith("."), f"{group.__name__}.{field.name}"


@pytest.mark.parametrize("name", ["../x", "", "a b", 7, None])
def test_a_config_checks_its_name_when_made(name: object) -> None:
    with pytest.raises(ConfigError, match="name must be 1 to 100 letters"):
        Config(name=name)  # type: ignore[arg-type]


@pytest.mark.parametrize("checkpoint", ["best", "latest", "500"])
def test_a_checkpoint_is_a_step_or_a_word_for_one(checkpoint: str) -> None:
    assert Evaluate(checkpoint=checkpoint).checkpoint == checkpoint


@pytest.mark.parametrize("checkpoint", ["bset", "-1", "1.5", ""])
def test_another_checkpoint_is_refused_when_the_config_is_made(checkpoint: str) -> None:
    with pytest.raises(ConfigError, match=f'evaluate.checkpoint must be a step, latest or best; got "{checkpoint}"'):
        Evaluate(checkpoint=checkpoint)
