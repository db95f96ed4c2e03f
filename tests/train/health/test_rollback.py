from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gan.config import Config, from_dict, override
from gan.errors import ConfigError, IntegrityError
from gan.store import Store, layout, open_store
from gan.train.checkpoint.files import Checkpoints
from gan.train.health import rollback
from gan.train.run import training_config

ROLLS_BACK = {"policy": "roll_back", "learning_rate_factor": 0.5, "penalty_factor": 2.0}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def config(**groups: Any) -> Config:
    return from_dict({"health": ROLLS_BACK, **groups})


def planned(settings: Config, before: tuple[rollback.Rollback, ...] = (), to_step: int = 4) -> rollback.Rollback:
    return rollback.planned(settings, before, at_step=8, to_step=to_step, verdict="collapsed", reason="it did")


def test_rollbacks_are_read_as_they_were_written(store: Store) -> None:
    assert rollback.read(store, "r") == ()
    first = planned(config())
    second = planned(config(), (first,))
    rollback.write(store, "r", (first, second))
    assert rollback.read(store, "r") == (first, second)


def test_a_damaged_record_is_found(store: Store) -> None:
    rollback.write(store, "r", (planned(config()),))
    store.write(layout.rollbacks("r"), store.read(layout.rollbacks("r")).replace(b"collapsed", b"collapsen"))
    with pytest.raises(IntegrityError, match=r"rollbacks\.json"):
        rollback.read(store, "r")


def test_each_rollback_has_another_data_order_and_stronger_factors() -> None:
    first = planned(config())
    second = planned(config(), (first,))
    assert (first.learning_rate_factor, first.penalty_factor) == (0.5, 2.0)
    assert (second.learning_rate_factor, second.penalty_factor) == (0.25, 4.0)
    assert len({0, first.data_seed, second.data_seed}) == 3
    assert first == planned(config())


def test_learning_rates_and_penalties_are_scaled_schedules_included() -> None:
    schedule = {"name": "linear", "start": 4e-4, "end": 2e-4}
    before = config(
        loss={"name": "wgan_gp"},
        regularisers={"kl": {"weight": 3.0}},
        train={"generator_learning_rate": schedule, "discriminator_learning_rate": 1e-4},
    )
    after: Any = rollback.changed(before, (planned(before),))
    assert after.train.discriminator_learning_rate == pytest.approx(5e-5)
    assert (after.train.generator_learning_rate.start, after.train.generator_learning_rate.end) == (2e-4, 1e-4)
    assert after.loss.gradient_penalty == 20.0
    assert after.regularisers["kl"].weight == 6.0
    assert rollback.changed(before, ()) is before


def test_the_run_returns_to_a_regular_checkpoint_that_a_healthy_check_followed(store: Store) -> None:
    checkpoints = Checkpoints(store, "r")
    assert rollback.healthy_step(checkpoints, 100) == 0
    for step, regular in ((4, True), (6, False), (8, True)):
        checkpoints.save(step, {}, {"on_schedule": regular})
    assert [rollback.healthy_step(checkpoints, last) for last in (3, 4, 7, 8, 9)] == [0, 4, 4, 8, 8]


def test_only_checkpoints_after_the_last_rollback_or_before_its_start_may_be_resumed_from() -> None:
    last = (planned(config(), to_step=4),)
    assert rollback.may_start_from((), 8, {})
    assert rollback.may_start_from(last, 4, {})
    assert not rollback.may_start_from(last, 8, {})
    assert rollback.may_start_from(last, 8, {rollback.COUNT: 1})


def test_the_policy_is_part_of_what_defines_a_run_and_the_default_is_not() -> None:
    plain = Config()
    assert training_config(override(plain, ["health.every_steps=7"])) == training_config(plain)
    assert "health" not in plain.to_record()
    kept = training_config(config())
    assert kept["health"] == {"policy": "roll_back", "penalty_factor": 2.0}
    assert "checkpoint_every_steps" in kept["train"]
    assert training_config(override(config(), ["health.max_rollbacks=9"])) == kept


def test_rolling_back_needs_checks() -> None:
    with pytest.raises(ConfigError, match="needs checks"):
        config(health={"policy": "roll_back", "every_steps": None})
