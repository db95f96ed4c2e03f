from __future__ import annotations

import math
from pathlib import Path

import pytest

from gan.config import from_dict
from gan.config.sweep import Sweep
from gan.errors import ConfigError, DivergedError, NotFoundError
from gan.metrics import evaluations
from gan.metrics.identity import FINAL, SELECTION
from gan.steps.sweep.experiment import Experiment, Trial
from gan.steps.sweep.points import draw
from gan.steps.sweep.rungs import run_trial, schedule_trials, select_best
from gan.store import Store
from gan.train.checkpoint.files import Checkpoints
from support import runs

RATES = [1e-4, 2e-4, 3e-4, 4e-4]
GRID = {"train.generator_learning_rate": RATES}


def experiment(store: Store, sweep: Sweep) -> Experiment:
    return Experiment(store, runs.config(), sweep, "digits-1", "reference-1")


def finish(made: Experiment, stage: int, score: object) -> list[Trial]:
    """Record a score for every trial of a stage: a function of the rate and the seed."""
    trials = [Trial(**each) for each in schedule_trials(made, stage).details["trials"]]
    for trial in trials:
        made.record_result(trial, score(trial.point["train.generator_learning_rate"], trial.seed))  # type: ignore[operator]
    return trials


def test_each_rung_takes_the_better_half_by_the_mean_over_seeds(store: Store) -> None:
    made = experiment(store, Sweep(grid=GRID, seeds=(0, 1), rungs=(2, 4, 8)))
    means = {1e-4: 5.0, 2e-4: 1.0, 3e-4: 4.0, 4e-4: 2.0}

    def score(rate: float, seed: int) -> float:
        return means[rate] + (3 if seed else -3)

    assert len(finish(made, 0, score)) == 8
    second = finish(made, 1, score)
    assert {(trial.point["train.generator_learning_rate"], trial.steps) for trial in second} == {(2e-4, 4), (4e-4, 4)}
    third = finish(made, 2, score)
    assert [(each.point["train.generator_learning_rate"], each.seed, each.steps) for each in third] == [
        (2e-4, 0, 8),
        (2e-4, 1, 8),
    ]
    best = select_best(made)
    assert best.id == made.run_id({"train.generator_learning_rate": 2e-4}, 0)
    assert (best.details["checkpoint"], best.details["seed"], best.details["score"]) == (8, 0, -2.0)
    assert [(row["steps"], row["score"]) for row in best.details["table"]] == [(8, 1.0), (4, 2.0), (2, 4.0), (2, 5.0)]


def test_a_diverged_seed_puts_its_point_out(store: Store) -> None:
    made = experiment(store, Sweep(grid={"train.generator_learning_rate": RATES[:2]}, seeds=(0, 1), rungs=(2, 4)))
    finish(made, 0, lambda rate, seed: math.inf if rate == 1e-4 and seed == 1 else rate)
    assert {trial.point["train.generator_learning_rate"] for trial in finish(made, 1, lambda rate, seed: 1.0)} == {2e-4}
    assert [row["score"] for row in select_best(made).details["table"]] == [1.0, "inf"], "JSON has no infinity"


def test_a_higher_is_better_score_ranks_descending_with_diverged_trials_last(store: Store) -> None:
    made = experiment(store, Sweep(grid=GRID, seeds=(0, 1), rungs=(2, 4), by="recall"))
    means = {1e-4: 0.2, 2e-4: 0.8, 3e-4: math.inf, 4e-4: 0.5}
    finish(made, 0, lambda rate, seed: means[rate] + seed / 100)
    assert {
        trial.point["train.generator_learning_rate"] for trial in finish(made, 1, lambda rate, seed: seed / 10)
    } == {
        2e-4,
        4e-4,
    }
    best = select_best(made)
    assert (best.details["seed"], best.details["score"], best.details["by"]) == (1, 0.1, "recall")
    assert [row["score"] for row in best.details["table"]][-2:] == [pytest.approx(0.205), "inf"]


@pytest.mark.parametrize(
    ("by", "metrics", "message"),
    [
        ("recal", ("fid", "prdc"), 'unknown sweep.by: "recal"; did you mean "recall"'),
        ("recall", ("fid", "kid"), "sweep.by: recall needs prdc in evaluate.metrics; got fid, kid"),
    ],
)
def test_a_score_that_is_not_computed_is_refused(store: Store, by: str, metrics: tuple[str, ...], message: str) -> None:
    config = from_dict({**runs.config().to_dict(), "evaluate": {"metrics": list(metrics)}})
    with pytest.raises(ConfigError, match=message):
        Experiment(store, config, Sweep(grid=GRID, by=by), "digits-1", "reference-1")


def test_where_every_point_diverged_the_sweep_says_so(store: Store) -> None:
    made = experiment(store, Sweep(grid=GRID, rungs=(2, 4)))
    finish(made, 0, lambda rate, seed: math.inf)
    with pytest.raises(DivergedError, match=r"every point of sweep tiny-.* diverged by step 2"):
        schedule_trials(made, 1)


def test_a_point_that_does_not_fit_itself_is_found_before_anything_is_trained(store: Store) -> None:
    sweep = Sweep(grid={"loss.name": ["non_saturating", "hinge"], "loss.label_smoothing": [0.1]})
    with pytest.raises(ConfigError, match=r"label_smoothing has no effect with loss\.name=hinge"):
        schedule_trials(experiment(store, sweep), 0)


def test_a_stage_waits_for_the_one_before(store: Store) -> None:
    made = experiment(store, Sweep(grid=GRID, rungs=(2, 4)))
    with pytest.raises(NotFoundError):
        schedule_trials(made, 1)
    schedule_trials(made, 0)
    with pytest.raises(NotFoundError):
        schedule_trials(made, 1)


def test_a_scheduled_stage_is_returned_unchanged(store: Store) -> None:
    made = experiment(store, Sweep(grid=GRID, rungs=(2, 4)))
    finish(made, 0, lambda rate, seed: rate)
    first = schedule_trials(made, 1)
    made.record_result(Trial({"train.generator_learning_rate": 4e-4}, 0, 2), 0.0)  # what is found later changes nothing
    again = schedule_trials(made, 1)
    assert again.skipped
    assert again.details == first.details


def test_waves_add_up_to_the_trials_and_never_repeat_a_point(store: Store) -> None:
    search = {"train.generator_learning_rate": {"low": 1e-5, "high": 1e-2, "log": True}}
    made = experiment(store, Sweep(search=search, trials=7, waves=3, rungs=(2, 4)))
    waves = [finish(made, stage, lambda rate, seed: abs(math.log10(rate) + 3)) for stage in range(3)]
    points = [trial.point["train.generator_learning_rate"] for wave in waves for trial in wave]
    assert len(points) == len(set(points)) == 7
    assert [len(wave) for wave in waves] == [2, 2, 3]
    best = sorted(points, key=lambda rate: abs(math.log10(rate) + 3))[:4]
    assert [trial.point["train.generator_learning_rate"] for trial in finish(made, 3, lambda rate, seed: rate)] == best


def test_the_sampler_uses_the_scores() -> None:
    """With 30 points whose score is the distance to 0.8, TPE draws nearer to it than chance does."""
    sweep = Sweep(search={"optimizer.beta_1": {"low": 0.0, "high": 0.99}}, trials=50, sampler="tpe")
    known = [({"optimizer.beta_1": number / 31}, abs(number / 31 - 0.8)) for number in range(30)]
    drawn = [point["optimizer.beta_1"] for point in draw(sweep, known, 10, wave=1)]
    blind = [point["optimizer.beta_1"] for point in draw(sweep, [], 10, wave=1)]
    assert sum(abs(value - 0.8) for value in drawn) < 0.5 * sum(abs(value - 0.8) for value in blind)
    assert drawn == [point["optimizer.beta_1"] for point in draw(sweep, known, 10, wave=1)]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_every_sampler_stays_in_its_space(sampler: str) -> None:
    search = {"generator.latent_size": {"low": 8, "high": 64, "step": 8}, "loss.name": ["hinge", "minimax"]}
    diverged = [({"generator.latent_size": 8, "loss.name": "hinge"}, math.inf)]
    points = draw(Sweep(search=search, trials=50, sampler=sampler), diverged, 15)
    assert len(points) == 15  # all that is left of 16
    assert {point["generator.latent_size"] for point in points} <= set(range(8, 65, 8))
    assert diverged[0][0] not in points


def test_a_sweep_of_another_experiment_has_another_id(store: Store) -> None:
    sweep = Sweep(grid=GRID)
    other = from_dict({**runs.config().to_dict(), "gate": {"limits": {"fid": 3.0}}})
    same = Experiment(store, other, sweep, "digits-1", "reference-1")
    assert experiment(store, sweep).id == same.id
    assert experiment(store, Sweep(grid=GRID, seeds=(1,))).id != same.id


def test_the_better_ones_are_the_higher_ones_of_a_score_where_higher_is_better(store: Store) -> None:
    made = experiment(store, Sweep(grid=GRID, rungs=(2, 4), by="precision"))
    finish(made, 0, lambda rate, seed: rate)
    assert {trial.point["train.generator_learning_rate"] for trial in finish(made, 1, lambda rate, seed: rate)} == {
        3e-4, 4e-4,
    }  # fmt: skip
    assert select_best(made).details["score"] == 4e-4


def test_an_unknown_score_to_go_by_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match=r'unknown sweep.by: "precison"; did you mean "precision"'):
        experiment(store, Sweep(grid=GRID, by="precison"))


def fid_of_selection(store: Store, run_id: str, *, trial_steps: int) -> float:
    known = [each for each in evaluations.read_all(store, run_id) if each["step"] == trial_steps]
    (record,) = (each for each in known if evaluations.purpose_of(each) == SELECTION)
    return float(record["scores"]["fid"]["value"])


@pytest.mark.slow
def test_real_trials_train_on_where_the_rung_before_ended(tmp_path: Path) -> None:
    world = runs.make(tmp_path)
    sweep = Sweep(grid={"train.generator_learning_rate": [2e-4, 1.0]}, rungs=(2, 4))
    made = Experiment(world.store, runs.config(), sweep, world.dataset_id, world.reference_id)
    for stage in range(sweep.stages):
        for each in schedule_trials(made, stage).details["trials"]:
            result = run_trial(made, Trial(**each))
            assert float(result.details["score"]) == fid_of_selection(world.store, result.id, trial_steps=each["steps"])
            assert run_trial(made, Trial(**each)).skipped
    best = select_best(made)
    finals = [each for each in evaluations.read_all(world.store, best.id) if evaluations.purpose_of(each) == FINAL]
    assert [each["step"] for each in finals] == [4], "only what may be chosen is judged"
    assert best.details["score"] == fid_of_selection(world.store, best.id, trial_steps=4)
    assert best.details["score"] != finals[0]["scores"]["fid"]["value"]
    assert Checkpoints(world.store, best.id).steps()[-1] == 4
    losers = {made.run_id({"train.generator_learning_rate": rate}, 0) for rate in (2e-4, 1.0)} - {best.id}
    assert [Checkpoints(world.store, run_id).steps() for run_id in losers] == [[2]]
