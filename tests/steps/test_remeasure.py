"""Remeasuring what new generators are held to, with small real runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gan.config import Reference, override
from gan.result import StepResult
from gan.steps.evaluate import evaluate
from gan.steps.export import export
from gan.steps.gate import gate
from gan.steps.promote import promote
from gan.steps.reference import make_reference
from gan.steps.remeasure import remeasure
from gan.steps.train import train
from gan.store import alias
from support import runs
from support.runs import World

WIDE = [f"gate.{key}.{score}=1e9" for key in ("margin", "anchor_margin") for score in ("fid", "coverage", "recall")]
NOW = "2026-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A run with both its checkpoints, 2 and 4, scored and exported, and a new one scored against another reference."""
    made = runs.make(tmp_path_factory.mktemp("remeasure"))
    for step in ("2", "4"):
        runs.score(made, step)
        export(made.store, made.run_id, checkpoint=step)
    other = make_reference(made.store, made.dataset_id, Reference(epochs=1, seed=1)).id
    new = train(made.store, override(runs.config(), ["train.seed=1"]), made.dataset_id).id
    evaluate(made.store, new, other, checkpoint="4")
    export(made.store, new, checkpoint="4")
    return replace(made, reference_id=other, run_id=new)


@pytest.fixture
def made(template: World, tmp_path: Path) -> World:
    """`run_id` is the run of the new generator, `reference_id` what it is scored against."""
    return runs.copy(template, tmp_path)


def old_run(made: World) -> str:
    (found,) = {item.key.split("/")[1] for item in made.store.list("runs")} - {made.run_id}
    return found


def generator(made: World, run_id: str, step: int) -> str:
    """A generator that is in the store."""
    return export(made.store, run_id, checkpoint=str(step)).id


def run_gate(made: World) -> StepResult:
    """The gate's verdict on the new generator, with margins that any one is within."""
    return gate(made.store, generator(made, made.run_id, 4), "pets", sets=WIDE)


def go_live(made: World, *steps: int) -> list[str]:
    """Make generators of the old run live, one after the other: the first by the gate, the others by force."""
    found = [generator(made, old_run(made), step) for step in steps]
    gate(made.store, found[0], "pets", sets=WIDE)
    for number, each in enumerate(found):
        promote(made.store, each, "pets", force="a test" if number else None, now=lambda: NOW)
    return found


def test_the_gate_passes_once_live_and_anchors_have_the_same_identity(made: World) -> None:
    first, live = go_live(made, 2, 4)
    assert set(alias.read(made.store, "pets").anchors.values()) == {first}
    refused = run_gate(made).details
    assert not refused["passed"]
    command = f"gan remeasure --name pets --reference-id {made.reference_id}"
    assert all("was measured with different" in each and command in each for each in refused["reasons"])
    assert {each.split(", ")[1] for each in refused["reasons"]} == {first, live}

    result = remeasure(made.store, "pets", made.reference_id)
    assert (result.id, result.details["measured"]) == (live, [live, first])
    assert (result.details["why_not"], result.details["not_measured"]) == (None, {})
    assert (result.details["reference_id"], result.details["step"]) == (made.reference_id, 4)

    passed = run_gate(made).details
    assert passed["passed"], passed["reasons"]
    names = {each["name"] for each in passed["checks"]}
    assert {"fid_against_live", "recall_against_live", "fid_against_best", "coverage_against_best"} <= names

    again = remeasure(made.store, "pets", made.reference_id)
    assert again.skipped
    assert again.uri == result.uri


def test_the_keys_of_the_evaluation_can_be_those_of_the_new_one(made: World) -> None:
    go_live(made, 4)
    result = remeasure(made.store, "pets", made.reference_id, sets=["evaluate.samples=30"])
    assert result.details["identity"]["samples"] == 30
    assert not run_gate(made).details["passed"], "the new one was scored with 40"


def test_without_anchors_on_record_all_that_were_ever_live_are_measured(made: World) -> None:
    """A history of an earlier version does not say which of them was the best; the gate finds it by their scores."""
    ids = [generator(made, old_run(made), step) for step in (2, 4)]
    for each in ids:
        before = alias.read(made.store, "pets")
        alias.update(made.store, before, alias.Promotion(each, "promote", NOW, before.live))
    assert alias.read(made.store, "pets").anchors == {}
    result = remeasure(made.store, "pets", made.reference_id)
    assert result.details["measured"] == [ids[1], ids[0]], "the live one first"
    verdict = run_gate(made).details
    assert verdict["passed"], verdict["reasons"]
    assert set(verdict["next_anchors"]) == {"fid", "coverage", "recall"}


def test_a_rolled_back_generator_is_not_measured(made: World) -> None:
    ids = [generator(made, old_run(made), step) for step in (2, 4)]
    for each, action in ((ids[0], "promote"), (ids[1], "promote"), (ids[0], "rollback")):
        before = alias.read(made.store, "pets")
        alias.update(made.store, before, alias.Promotion(each, action, NOW, before.live))
    assert remeasure(made.store, "pets", made.reference_id).details["measured"] == [ids[0]]


def test_one_that_cannot_be_scored_is_named_and_the_gate_refuses(made: World) -> None:
    first, live = go_live(made, 2, 4)
    for item in list(made.store.list(f"runs/{old_run(made)}/checkpoints/00000002-1")):
        made.store.delete(item.key)
    result = remeasure(made.store, "pets", made.reference_id)
    assert (result.id, result.details["measured"], result.details["why_not"]) == (live, [live], None)
    assert list(result.details["not_measured"]) == [first]
    assert "no checkpoint of step 2" in result.details["not_measured"][first]
    verdict = run_gate(made).details
    assert not verdict["passed"]
    assert all(first in each for each in verdict["reasons"])


def test_a_live_one_that_cannot_be_scored_is_reported(made: World) -> None:
    (live,) = go_live(made, 4)
    for item in list(made.store.list(f"runs/{old_run(made)}/checkpoints")):
        made.store.delete(item.key)
    result = remeasure(made.store, "pets", made.reference_id)
    assert (result.id, result.details["measured"], result.skipped) == (live, [], False)
    assert result.uri == made.store.uri_of(alias.key_of("pets"))
    assert "has no checkpoint of step 4; it has: none yet" in result.details["why_not"]


def test_without_a_live_generator_nothing_is_measured(made: World) -> None:
    result = remeasure(made.store, "pets", made.reference_id)
    assert result.id == "nothing"
    assert result.details == {"why_not": "nothing is live under pets"}
