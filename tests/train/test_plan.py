from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gan.config import override, parse_budget
from gan.config.budget import Budget
from gan.errors import ConfigError
from gan.train import plan
from gan.train.run import Run, default_run_id, differences, training_config, with_plan_of
from gan.train.speed import seconds_per_step

CLOCK_STEP = 0.5


class SteadyClock:
    """Half a second later at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += CLOCK_STEP
        return self.now


def not_measured(precision: str) -> float:
    raise AssertionError(f"{precision} was measured")


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("10m", Budget(seconds=600.0)),
        ("1.5h", Budget(seconds=5400.0)),
        ("2500images", Budget(images=2500)),
        ("500k-images", Budget(images=500_000)),
        ("1.25M images", Budget(images=1_250_000)),
    ],
)
def test_budgets_are_times_or_numbers_of_images(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["10", "fast", "-5m", "10 minutes", "5Kimages", "", "9s", "999images", "0"])
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ConfigError, match=r"train\.budget must be .*(10m or 2h.*|at least 10s or 1000images); got"):
        parse_budget(text)


def test_a_budget_of_images_decides_steps_and_what_depends_on_them(toy: Any) -> None:
    config = toy.config("train.budget=2000images", "train.ema_half_life_images=18")
    made = plan.planned(Run("toy", "toy-1", config), not_measured).config
    assert made.train.steps == 2000 // 4
    assert made.train.checkpoint_every_steps == -(-500 // plan.SAVED)
    assert made.train.ema_half_life_images == 18 * 500 / 9
    assert made.train.log_every_steps == 2  # as the config has it
    assert made.train.budget == "2000images"


def test_a_budget_of_time_is_measured_on_this_machine(toy: Any) -> None:
    """The clock moves half a second at each look, so that each step takes half a second."""
    config = toy.config("train.budget=10m")
    run = Run("toy", "toy-1", config)
    made = plan.planned(run, lambda precision: seconds_per_step(run, toy.dataset, SteadyClock())).config
    assert made.train.steps == 600 / CLOCK_STEP


def test_a_run_without_a_budget_stays_as_it_is(toy: Any) -> None:
    run = Run("toy", "toy-1", toy.config())
    assert plan.planned(run, not_measured) is run


def test_resuming_keeps_the_plan_that_the_run_was_begun_with(toy: Any) -> None:
    config = toy.config("train.budget=2000images")
    begun = plan.planned(Run("toy", "toy-1", config), not_measured)
    assert with_plan_of(config, begun) == begun.config
    assert not differences(training_config(begun.config), with_plan_of(config, begun))
    other = override(config, ["train.budget=3000images"])
    assert with_plan_of(other, begun) == other
    assert any("train.budget" in each for each in differences(training_config(begun.config), other))


def test_the_run_id_depends_on_the_budget_and_not_on_its_plan(toy: Any) -> None:
    config = toy.config("train.budget=2000images")
    assert default_run_id(config, "d") != default_run_id(toy.config(), "d")
    none = dataclasses.replace(config, train=dataclasses.replace(config.train, budget=None))
    assert default_run_id(none, "d") == default_run_id(toy.config(), "d")
