"""The report of a run at every stage of its life."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from gan.data import spec
from gan.errors import NotFoundError
from gan.steps.evaluate import evaluate
from gan.steps.export import export
from gan.steps.gate import gate
from gan.steps.promote import promote
from gan.steps.report import write_report
from gan.steps.reporting import pictures
from gan.store import immutable
from gan.store.records import verdicts
from support import objects, runs
from support.runs import World

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> World:
    """An unconditional run, not evaluated."""
    return runs.make(tmp_path_factory.mktemp("trained"), conditional=False)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A conditional run, evaluated."""
    made = runs.make(tmp_path_factory.mktemp("scored"))
    for step in ("2", "4"):
        runs.score(made, step)
    return made


def page(made: World) -> str:
    """The page as text, without tags."""
    result = write_report(made.store, made.run_id, now=lambda: NOON)
    assert result.uri.endswith(f"runs/{made.run_id}/report.html")
    html = made.store.read(f"runs/{made.run_id}/report.html").decode()
    words = re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    return " ".join(unescape(words).split())


def training_images(made: World) -> int:
    return spec.load(made.store, made.dataset_id).splits["train"].examples


def has(text: str, *parts: str) -> None:
    for part in parts:
        assert part in text, part


def test_before_the_first_checkpoint(trained: World, tmp_path: Path) -> None:
    made = runs.copy(trained, tmp_path)
    for folder in ("checkpoints", "metrics", "samples"):
        for item in made.store.list(f"runs/{made.run_id}/{folder}"):
            made.store.delete(item.key)
    has(
        page(made),
        "Not judged yet",
        "Training has not reached its first checkpoint.",
        "No samples yet",
        "No curves yet",
        "No interpolation yet",
        "2026-01-02 12:00 UTC",
        made.dataset_id,
        "precision float32",
    )


def test_trained_but_not_evaluated(trained: World) -> None:
    text = page(trained)
    has(
        text,
        "A dcgan generator of folder images, 8 x 8 pixels",
        "There is a checkpoint of step 4 of 4, and no exported generator yet.",
        "Drawn by the checkpoint of step 4; seed 0",
        "step 1 step 2 step 3 step 4",
        "Losses",
        "No scores yet",
        f"in pixels (Euclidean distance), out of {training_images(trained)}",
        "training, 4 steps",
        f"Checkpoint {trained.run_id}, step 4 SHA-256",
    )
    assert "Generator gen-" not in text


def test_evaluated(scored: World) -> None:
    has(
        page(scored),
        "A conditional dcgan generator",
        "One column per class.",
        "cats dogs",
        "fid[folder-cnn:",
        "Real data",
        "How often each mode appears",
        f"in the features of folder-cnn (Euclidean distance), out of {training_images(scored)}",
        "Fréchet distance by which the checkpoint was chosen",
        f"Reference {scored.reference_id}",
        "evaluation, 2 checkpoints",
    )


def test_exported_judged_promoted_and_compared_with_the_live_one(scored: World, tmp_path: Path) -> None:
    made = runs.copy(scored, tmp_path)
    first = export(made.store, made.run_id, checkpoint="2").id
    text = page(made)
    has(text, f"{first} is exported. Judge it with: gan gate --generator-id {first} --name NAME")
    has(text, f"Drawn by the exported generator {first}", f"Generator {first}")

    assert gate(made.store, first, "pets").details["passed"]
    has(page(made), "Passed the gate for “pets”", "may be promoted", "Nothing was live as “pets” when the gate judged.")

    promote(made.store, first, "pets", now=lambda: "2026-01-02T13:00:00+00:00")
    has(page(made), f"{first} is the live generator.", "Promotion pets live since 2026-01-02T13:00:00+00:00")

    second = export(made.store, made.run_id, checkpoint="4").id
    gate(made.store, second, "pets", sets=["gate.margin=0"])
    has(page(made), f"Live as “pets” when the gate judged: {first}.", "Live generator", "Checks of the gate")

    promote(made.store, second, "pets", force="a test", now=lambda: "2026-01-02T14:00:00+00:00")
    has(page(made), f"; before it: {first}")


def test_the_generator_exported_or_judged_last(scored: World, tmp_path: Path) -> None:
    made = runs.copy(scored, tmp_path)
    first = export(made.store, made.run_id, checkpoint="2", now=lambda: NOON).id
    gate(made.store, first, "pets", now=lambda: NOON + timedelta(minutes=1))
    second = export(made.store, made.run_id, checkpoint="4", now=lambda: NOON + timedelta(minutes=2)).id
    text = page(made)
    has(text, f"Drawn by the exported generator {second}", f"{second} is exported. Judge it with: gan gate")
    assert "Passed the gate" not in text, "the verdict is about another generator"

    gate(made.store, first, "cats", sets=["gate.limits.fid=0"], now=lambda: NOON + timedelta(minutes=3))
    has(page(made), f"Drawn by the exported generator {first}", "Refused for “cats”")


def test_a_damaged_generator_is_passed_over(scored: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = runs.copy(scored, tmp_path)
    sound = export(made.store, made.run_id, checkpoint="2", now=lambda: NOON).id
    hurt = export(made.store, made.run_id, checkpoint="4", now=lambda: NOON + timedelta(minutes=1)).id
    made.store.write(f"generators/{hurt}/generator.json", b"damaged")
    has(page(made), f"Drawn by the exported generator {sound}")
    assert "damaged generator" in capsys.readouterr().err


def test_refused_because_measured_differently(scored: World, tmp_path: Path) -> None:
    """Such a pipeline ends green, so the page must say why nothing went live."""
    made = runs.copy(scored, tmp_path)
    promote(made.store, export(made.store, made.run_id, checkpoint="2").id, "pets", force="a test")
    evaluate(made.store, made.run_id, made.reference_id, checkpoint="4", sets=["evaluate.samples=30"])
    gate(made.store, export(made.store, made.run_id, checkpoint="4").id, "pets")
    has(page(made), "Refused for “pets”", "samples (30 and 40)", "gan remeasure --name pets")


def test_refused(scored: World, tmp_path: Path) -> None:
    made = runs.copy(scored, tmp_path)
    generator_id = export(made.store, made.run_id).id
    gate(made.store, generator_id, "pets", sets=["gate.limits.fid=0"])
    result = write_report(made.store, made.run_id)
    assert result.details == {
        "step": export(made.store, made.run_id).details["step"],
        "generator_id": generator_id,
        "passed": False,
    }
    json.dumps(result.to_dict())
    has(page(made), "Refused for “pets”", f"{generator_id} was not promoted.", "(gate.limits.fid).")


def test_a_live_generator_that_is_not_comparable(scored: World, tmp_path: Path) -> None:
    """One measured differently, one never measured, and one that is gone are named, not compared with."""
    made = runs.copy(scored, tmp_path)
    generator_id = export(made.store, made.run_id).id
    gate(made.store, generator_id, "pets")
    verdict = verdicts.read(made.store, made.run_id, "pets")
    evaluation = immutable.read_json(made.store, "generator", generator_id, "evaluation.json")
    evaluation["identity"]["samples"] = 41
    for name, files, note in (
        ("gen-other", {"evaluation.json": json.dumps(evaluation).encode()}, "was measured differently"),
        ("gen-bare", {"generator.json": b"{}"}, "has no scores"),
        ("gen-gone", None, "has no scores"),
    ):
        if files is not None:
            name = objects.publish(made.store, "generator", files)  # noqa: PLW2901
        verdicts.write(made.store, made.run_id, {**verdict, "live_generator_id": name})
        has(page(made), f"{name} {note}")


def test_without_training_images_or_reference_the_rest_is_still_shown(
    scored: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = runs.copy(scored, tmp_path)
    for item in made.store.list(f"references/{made.reference_id}"):
        made.store.delete(item.key)
    has(page(made), f"Reference {made.reference_id} no longer in this store", "in pixels (Euclidean distance)")
    for item in made.store.list(f"datasets/{made.dataset_id}"):
        if item.key.endswith(".tfrecord"):
            made.store.delete(item.key)
    has(page(made), "No comparison with training images yet", "One column per class.")
    assert "is missing" in capsys.readouterr().err


def test_a_damaged_generator_of_any_run_keeps_no_run_from_its_report(trained: World, tmp_path: Path) -> None:
    made = runs.copy(trained, tmp_path)
    made.store.write("generators/gen-000000000000/SHA256SUMS", b"damaged")
    has(page(made), "no exported generator yet")


def test_an_unknown_run(trained: World) -> None:
    with pytest.raises(NotFoundError, match=trained.run_id):
        write_report(trained.store, "tiny-unknown")


@pytest.mark.parametrize(
    ("count", "steps"), [(0, []), (1, [0]), (8, list(range(8))), (15, [0, 2, 4, 6, 8, 10, 12, 14])]
)
def test_moments_are_spread_evenly(count: int, steps: list[int]) -> None:
    assert pictures.evenly_spaced(count) == steps
