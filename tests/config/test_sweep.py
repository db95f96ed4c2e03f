from __future__ import annotations

import pytest

from gan.config import Config
from gan.config.sweep import Sweep, config_at, from_yaml
from gan.errors import ConfigError


def test_a_grid_is_the_product_of_its_values() -> None:
    sweep = Sweep(grid={"loss.name": ["hinge", "minimax"], "train.ema_decay": [0.9, 0.99]}, rungs=(2, 4))
    assert sweep.points == 4
    assert sweep.stages == 2
    assert sweep.grid_points()[1] == {"loss.name": "hinge", "train.ema_decay": 0.99}


def test_without_a_grid_or_search_only_the_seeds_differ() -> None:
    assert Sweep(seeds=(0, 1, 2)).grid_points() == [{}]


def test_a_search_has_a_stage_for_each_wave_and_each_further_rung() -> None:
    search = {"train.generator_learning_rate": {"low": "1e-5", "high": 1e-3, "log": True}}
    sweep = Sweep(search=search, trials=9, waves=3, rungs=(1, 2, 3))
    assert (sweep.points, sweep.stages) == (9, 5)
    assert sweep.search["train.generator_learning_rate"]["low"] == 1e-5


def test_yaml_gives_the_same_as_the_class() -> None:
    text = "seeds: [3]\nrungs: [10]\nsearch: {generator.latent_size: {low: 8, high: 64, step: 8}}\ntrials: 4"
    assert from_yaml(text) == Sweep(
        seeds=(3,), rungs=(10,), search={"generator.latent_size": {"low": 8, "high": 64, "step": 8}}, trials=4
    )


def test_a_point_is_put_into_the_config() -> None:
    made = config_at(Config(), {"loss.name": "hinge", "generator.conditional": True}, seed=7, steps=9)
    assert (made.loss.name, made.generator.conditional, made.train.seed, made.train.steps) == ("hinge", True, 7, 9)


def test_values_that_a_key_does_not_take_are_found_beforehand() -> None:
    with pytest.raises(ConfigError, match=r"train.ema_decay must be at least 0 and at most 0.99999; got 2"):
        Sweep(grid={"train.ema_decay": [0.9, 2]}).check(Config())
    with pytest.raises(ConfigError, match=r"train.ema_decay must be"):
        Sweep(search={"train.ema_decay": {"low": 0.5, "high": 1.5}}).check(Config())


def test_the_samples_hold_every_value_that_is_known_beforehand() -> None:
    grid = Sweep(grid={"loss.name": ["hinge", "minimax"], "train.ema_decay": [0.9, 0.5]}).sample_configs(Config())
    assert [(each.loss.name, each.train.ema_decay) for each in grid] == [
        ("hinge", 0.9),
        ("hinge", 0.5),
        ("minimax", 0.9),
        ("minimax", 0.5),
    ]
    ends = {"low": 0.25, "high": 0.75}
    search = Sweep(search={"loss.name": ["a", "b", "c"], "train.ema_decay": ends}).sample_configs(Config())
    assert {(each.loss.name, each.train.ema_decay) for each in search} == {
        (name, end) for name in ("a", "b", "c") for end in (0.25, 0.75)
    }
    assert len(search) == 6
    keys = ("generator.width", "discriminator.width", "loss.kl_weight", "train.discriminator_steps", "train.batch_size")
    many = {key: [2, 3, 4, 5] for key in keys}
    assert [each.generator.width for each in Sweep(search=many).sample_configs(Config())] == [2, 3, 4, 5], (
        "1,024 are too many"
    )
    assert [each.train.steps for each in Sweep(rungs=(5, 9)).sample_configs(Config())] == [9]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"grid": {"train.sed": [1]}}, 'unknown config key in the sweep: "train.sed"; did you mean'),
        ({"grid": {"train.seed": [1]}}, "sweep.seeds and sweep.rungs set it"),
        ({"grid": {"data.flip": [True]}}, 'unknown config key in the sweep: "data.flip"'),
        ({"grid": {"loss.name": "hinge"}}, "must list the values of loss.name; got 'hinge'"),
        (
            {"grid": {"loss.name": ["hinge"]}, "search": {"loss.name": ["hinge"]}},
            "give either sweep.grid or sweep.search",
        ),
        ({"grid": []}, "sweep.grid must map config keys"),
        ({"seeds": [1, 1]}, "sweep.seeds must list different whole numbers"),
        ({"seeds": []}, "sweep.seeds must list different whole numbers"),
        ({"rungs": [0]}, "sweep.rungs must list different whole numbers, at least 1"),
        ({"rungs": [4, 2]}, r"sweep.rungs must be ascending steps; got \[4, 2\]"),
        ({"reduction": 1}, "sweep.reduction must be at least 2"),
        (
            {"search": {"loss.name": ["a"]}, "trials": 2, "waves": 3},
            "sweep.waves must be at most sweep.trials, 2; got 3",
        ),
        ({"search": {"loss.name": {"low": 1, "high": 2}}}, "numbers low < high, or a list of choices"),
        ({"search": {"train.batch_size": {"low": 1.5, "high": 2}}}, "numbers low < high"),
        ({"search": {"train.beta_1": {"low": 0.9, "high": 0.1}}}, "numbers low < high"),
        ({"search": {"train.beta_1": {"low": 0, "high": 0.1, "log": True}}}, "log needs low above 0"),
        ({"search": {"train.beta_1": {"lowest": 0}}}, "a list of choices, or a range such as"),
        ({"seeds": list(range(1001))}, "at most 1000 runs"),
    ],
)
def test_what_is_wrong_is_reported(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Sweep(**keys)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [("grid: [", "is not valid YAML"), ("- 1", "must be a mapping"), ("gird: {}", 'did you mean "grid"')],
)
def test_yaml_that_is_not_a_sweep_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_yaml(text)
