from __future__ import annotations

import pytest

from gan.config import Config, from_dict
from gan.config.sweep import Sweep, config_at, from_yaml
from gan.errors import ConfigError
from gan.schedules import cosine
from gan.train.run import differences, training_config


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
    made = config_at(Config(), {"loss.name": "hinge", "generator.conditional": True}, seed=7, steps=9, last_rung=9)
    assert (made.loss.name, made.generator.conditional, made.train.seed, made.train.steps) == ("hinge", True, 7, 9)


def test_each_loss_of_a_grid_has_its_own_keys() -> None:
    """The point sets what its loss has; keys of the config's own loss that another one lacks are dropped."""
    smooth = from_dict({"loss": {"label_smoothing": 0.1}})
    found = Sweep(grid={"loss.name": ["minimax", "hinge"]}).sample_configs(smooth)
    assert [each.to_dict()["loss"] for each in found] == [
        {"name": "minimax", "label_smoothing": 0.1, "label_noise": 0.0},
        {"name": "hinge"},
    ]
    with pytest.raises(ConfigError, match=r"loss.clip_value has no effect with loss.name=hinge"):
        Sweep(grid={"loss.name": ["wasserstein", "hinge"], "loss.clip_value": [0.1]}).check(Config())


def test_a_schedule_has_the_length_of_the_last_rung_at_every_rung() -> None:
    fading = {"start": 1e-3, "end": 1e-4}
    fixed = {**fading, "steps": 7, "name": "linear"}
    own = from_dict({"train": {"discriminator_learning_rate": fading}, "regularisers": {"r1": {"weight": fixed}}})
    rates = [3e-4, fading, {**fading, "steps": None}]
    for point, expected in zip(
        Sweep(grid={"train.generator_learning_rate": rates}).grid_points(),
        [3e-4, cosine.Options(**fading, steps=40), cosine.Options(**fading, steps=40)],
        strict=True,
    ):
        trials = [config_at(own, point, seed=0, steps=steps, last_rung=40) for steps in (10, 40)]
        for made, steps in zip(trials, (10, 40), strict=True):
            assert made.train.steps == steps
            assert made.train.generator_learning_rate == expected
            assert made.train.discriminator_learning_rate == cosine.Options(**fading, steps=40)
            assert made.regularisers["r1"].weight.steps == 7
        assert differences(training_config(trials[0]), trials[1]) == [], "the second rung resumes the run of the first"


def test_a_grid_takes_earlier_keys_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    made = Sweep(grid={"train.beta_1": [0.0, 0.25]}).sample_configs(Config())
    assert [each.optimizer.beta_1 for each in made] == [0.0, 0.25]
    assert "train.beta_1 is now optimizer.beta_1" in capsys.readouterr().err


def test_a_scheduled_key_can_be_searched_as_a_number() -> None:
    search = {"optimizer.beta_2": {"low": 0.9, "high": 0.999}, "regularisers.r1.weight": {"low": 0.1, "high": 10}}
    found = Sweep(search=search).sample_configs(Config())
    assert {(each.optimizer.beta_2, each.regularisers["r1"].weight) for each in found} == {
        (beta, weight) for beta in (0.9, 0.999) for weight in (0.1, 10.0)
    }


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
    search = Sweep(search={"loss.name": ["hinge", "minimax", "relativistic"], "train.ema_decay": ends}).sample_configs(
        Config()
    )
    assert {(each.loss.name, each.train.ema_decay) for each in search} == {
        (name, end) for name in ("hinge", "minimax", "relativistic") for end in (0.25, 0.75)
    }
    assert len(search) == 6
    keys = (
        "generator.width",
        "discriminator.width",
        "regularisers.kl.weight",
        "train.discriminator_steps",
        "train.batch_size",
    )
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
        ({"search": {"optimizer.beta_1": {"low": 0.9, "high": 0.1}}}, "numbers low < high"),
        ({"search": {"optimizer.beta_1": {"low": 0, "high": 0.1, "log": True}}}, "log needs low above 0"),
        ({"search": {"optimizer.beta_1": {"lowest": 0}}}, "a list of choices, or a range such as"),
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
