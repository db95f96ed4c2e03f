from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

from gan.config import Config, override
from gan.errors import ConfigError, IntegrityError, NotFoundError
from gan.optimizers import rmsprop
from gan.store import Store, layout
from gan.store.document import checksummed_json, read_checksummed, write_checksummed
from gan.train.run import (
    FORMAT,
    Run,
    config_damages,
    default_run_id,
    differences,
    extended,
    find_run,
    read_run,
    training_config,
    write_run,
)

RUN = Run("r1", "digits-1", Config(), "mixed_bfloat16", {"python": "3.11"})


def test_a_run_comes_back_as_it_was_written(store: Store) -> None:
    write_run(store, RUN)
    assert read_run(store, "r1") == RUN
    assert layout.run_ids(store) == ["r1"]


def test_a_run_begins_to_exist_with_its_last_file(store: Store) -> None:
    store.write("runs/r1/config.yaml", b"{}")
    assert find_run(store, "r1") is None
    assert layout.run_ids(store) == []


def test_an_unknown_run_lists_the_known_ones(store: Store) -> None:
    write_run(store, RUN)
    with pytest.raises(NotFoundError, match='unknown run "r2"; did you mean "r1"'):
        read_run(store, "r2")


def test_an_id_that_leaves_the_store_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="run id must be"):
        find_run(store, "../elsewhere")


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"\xff",
        checksummed_json({"format": FORMAT, "run_id": "r2"}),
    ],
)
def test_damage_is_reported(store: Store, data: bytes) -> None:
    write_run(store, RUN)
    store.write("runs/r1/run.json", data)
    with pytest.raises(IntegrityError, match=r"/runs/r1/run.json is damaged \(it .*; put the original back"):
        read_run(store, "r1")


def test_damage_to_the_copy_of_the_config_is_reported_and_harmless(store: Store) -> None:
    """A kill between the two writes of a resumed run leaves an old record and a new copy, which must be readable."""
    write_run(store, RUN)
    assert list(config_damages(store, RUN)) == []
    store.write("runs/r1/config.yaml", override(Config(), ["train.seed=5"]).to_yaml().encode())
    assert read_run(store, "r1") == RUN
    (damage,) = config_damages(store, RUN)
    assert re.search(r"config.yaml has SHA-256 \w{64}; expected \w{64}, as run.json has it", damage)
    store.delete("runs/r1/config.yaml")
    (damage,) = config_damages(store, RUN)
    assert "config.yaml is missing; expected" in damage


def test_the_default_id_names_the_config_and_depends_on_what_decides_the_weights() -> None:
    config = Config()
    made = default_run_id(config, "d1")
    assert made.startswith("digits-")
    for same in ([], ["gate.limits.fid=1"], ["evaluate.samples=9"], ["data.source=/a"], ["train.log_every_steps=1"]):
        assert default_run_id(override(config, same), "d1") == made
    for other in (
        ["train.seed=1"],
        ["train.steps=5"],
        ["data.flip=true"],
        ["generator.width=2"],
        ["regularisers.kl.weight=1"],
    ):
        assert default_run_id(override(config, other), "d1") != made
    assert default_run_id(config, "d2") != made


def test_the_config_hash_ignores_how_many_steps_there_are() -> None:
    def hash_with(*sets: str) -> str:
        return dataclasses.replace(RUN, config=override(RUN.config, sets)).config_hash

    assert hash_with("train.steps=7") == hash_with("gate.limits.fid=1") == RUN.config_hash
    assert hash_with("train.seed=7") != RUN.config_hash


def test_what_changes_no_step_may_change_and_steps_may_grow() -> None:
    free = override(RUN.config, ["train.steps=999999", "gate.limits.fid=1", "train.keep_checkpoints=1"])
    assert extended(RUN, free, "digits-1") == dataclasses.replace(RUN, config=free)
    with pytest.raises(ConfigError, match=r"train.steps \(was 2000, now 5; it may only grow\)"):
        extended(RUN, override(RUN.config, ["train.steps=5"]), "digits-1")
    with pytest.raises(ConfigError) as caught:
        extended(RUN, override(free, ["loss.name=hinge", "train.seed=4"]), "digits-2")
    message = str(caught.value)
    assert "dataset id (was digits-1, now digits-2)" in message
    assert "loss.name (was 'non_saturating', now 'hinge')" in message
    assert "train.seed (was 0, now 4)" in message
    assert "train.steps (" not in message


def test_differences_of_equal_configs_are_none() -> None:
    assert differences(training_config(Config()), Config()) == []


def edit(store: Store, change: Callable[[dict[str, Any]], None]) -> None:
    """Change run.json and its checksum."""
    record = read_checksummed(store, "runs/r1/run.json")
    change(record)
    write_checksummed(store, "runs/r1/run.json", record)


def test_a_run_of_another_format_is_refused(store: Store) -> None:
    write_run(store, RUN)
    edit(store, lambda record: record.update(format=1))
    with pytest.raises(IntegrityError, match=r"in format 1, and this version reads 3; train it again under another"):
        read_run(store, "r1")


def test_a_newer_key_counts_as_its_default(store: Store) -> None:
    write_run(store, RUN)
    edit(store, lambda record: record["decisive"]["loss"].pop("kl_weight"))
    earlier = read_run(store, "r1")
    assert earlier == RUN
    assert earlier.config_hash != RUN.config_hash
    going_on = extended(earlier, RUN.config, "digits-1")
    assert going_on.config_hash == earlier.config_hash, "its checkpoints bear that hash"
    with pytest.raises(ConfigError, match=r"regularisers.kl.weight \(was 0.0, now 0.5\)"):
        extended(earlier, override(RUN.config, ["regularisers.kl.weight=0.5"]), "digits-1")
    write_run(store, going_on)
    assert read_run(store, "r1").config_hash == earlier.config_hash


def test_a_regulariser_that_is_turned_on_or_off_is_named() -> None:
    on = override(Config(), ["regularisers.r1.weight=2"])
    assert differences(training_config(Config()), on) == [
        "regularisers.r1.every (was not set, now 1)",
        "regularisers.r1.weight (was not set, now 2.0)",
    ]
    assert "regularisers.r1.weight (was 2.0, now not set)" in differences(training_config(on), Config())


def test_a_key_that_is_gone_is_named(store: Store) -> None:
    write_run(store, RUN)
    edit(store, lambda record: record["decisive"]["loss"].update(temperature=3.0))
    with pytest.raises(IntegrityError, match=r"loss.temperature \(was 3.0, now not set\)"):
        read_run(store, "r1")


def test_a_warm_start_decides_and_its_absence_leaves_ids_as_they_were() -> None:
    warm = override(Config(), ["train.start_from=other@9"])
    assert default_run_id(Config(), "d1") == "digits-1e6141393bdc", "ids of runs that are there already"
    assert default_run_id(warm, "d1") != default_run_id(Config(), "d1")
    assert differences(training_config(Config()), warm) == ["train.start_from (was None, now 'other@9')"]
    assert differences(training_config(warm), Config()) == ["train.start_from (was 'other@9', now None)"]


@pytest.mark.parametrize("text", ["other", "other@", "@9", "a b@9", "other@best"])
def test_a_warm_start_names_a_checkpoint(text: str) -> None:
    with pytest.raises(ConfigError, match=r"train.start_from must be RUN_ID@STEP"):
        override(Config(), [f"train.start_from={text}"])


def test_ids_of_runs_are_what_they_were(store: Store) -> None:
    """Those that Adam trains from random weights, and those of RMSprop with the rho that it had as beta_2."""
    assert default_run_id(Config(), "d1") == "digits-1e6141393bdc"
    earlier = override(Config(), ["optimizer.name=rmsprop", "optimizer.rho=0.999"])
    assert default_run_id(earlier, "d1") == "digits-02d3aed8c4c2"
    assert default_run_id(override(earlier, ["optimizer.rho=0.9"]), "d1") != default_run_id(earlier, "d1")


def test_a_warm_start_is_marked_and_has_no_ramp_up() -> None:
    config = override(Config(), ["train.start_from=r@5"])
    assert not Run("r", "d", config).ema_ramp_up
    assert Run("r", "d", Config()).ema_ramp_up
    assert training_config(config)["train"]["warm_start"] == "average"
    assert differences(training_config(config), config) == []


def rmsprop_of_old(store: Store, rho: float, beta_1: float = 0.5) -> Run:
    """A run of RMSprop, put on record when its rho was train.beta_2."""
    write_run(store, dataclasses.replace(RUN, config=override(Config(), ["optimizer.name=rmsprop"])))

    def older(record: dict[str, Any]) -> None:
        del record["config"]["optimizer"]
        record["config"]["train"]["optimizer"] = "rmsprop"
        for tree in (record["config"], record["decisive"]):
            tree["train"] |= {"beta_1": beta_1, "beta_2": rho}

    edit(store, older)
    return read_run(store, "r1")


@pytest.mark.parametrize(("rho", "beta_1"), [(0.999, 0.5), (0.95, 0.1)])
def test_a_run_of_rmsprop_keeps_the_rho_that_it_was_begun_with(store: Store, rho: float, beta_1: float) -> None:
    earlier = rmsprop_of_old(store, rho, beta_1)
    assert earlier.config.optimizer == rmsprop.Options(rho=rho)
    now = override(Config(), ["optimizer.name=rmsprop"])
    with pytest.raises(ConfigError, match=rf"begun with another configuration: optimizer.rho \(was {rho}, now 0.9\)\."):
        extended(earlier, now, "digits-1")
    going_on = extended(earlier, override(now, [f"optimizer.rho={rho}"]), "digits-1")
    assert going_on.config_hash == earlier.config_hash, "its checkpoints bear that hash"
    write_run(store, going_on)
    assert read_run(store, "r1") == going_on
