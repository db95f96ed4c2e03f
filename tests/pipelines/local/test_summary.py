from __future__ import annotations

from pathlib import Path

import pytest

from gan.result import StepResult
from pipelines.local import summary
from pipelines.local.local_runner import StepRun
from pipelines.registry import PIPELINES, PipelineSpec
from pipelines.request import RunRequest, resolve

SCORES = {
    "label": "fid[digits-cnn:1a2b3c]",
    "step": 500,
    "scores": {"fid": {"value": 3.25, "low": 3.0, "high": 3.5}},
    "real": {"fid": {"value": 0.5, "low": 0.4, "high": 0.6}},
}


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    return resolve("digits", [], store=str(tmp_path / "my store"))


def runs(*, passed: bool, was: str | None = None) -> list[StepRun]:
    reasons = [] if passed else ["fid 3.25 is above gate.limits.fid 2", "the live one is better"]
    results = {
        "preprocess": StepResult("digits-1", "/d", skipped=True),
        "reference": StepResult("ref-1", "/r"),
        "train": StepResult("run-1", "/t"),
        "evaluate": StepResult("run-1", "/e", details=SCORES),
        "export": StepResult("gen-1", "/g"),
        "gate": StepResult("gen-1", "/v", details={"passed": passed, "reasons": reasons}),
        "promote": StepResult("gen-1", "/p", details={"was": was}),
        "report": StepResult("run-1", "/store/report.html"),
    }
    return [StepRun(step, result, 1.25) for step, result in results.items() if passed or step != "promote"]


def test_a_promotion_for_people(request_: RunRequest) -> None:
    shown = summary.text(PIPELINES["training"], request_, runs(passed=True), 12.34)
    assert "preprocess      1.2 s  in the store already  digits-1" in shown
    assert "train           1.2 s  done                  run-1" in shown
    assert "altogether     12.3 s" in shown
    assert "fid[digits-cnn:1a2b3c] at step 500" in shown
    assert 'promoted: gen-1 is live under the name "digits"\n' in shown
    assert "report:  /store/report.html" in shown
    assert shown.endswith(f"sample:  gan sample --name digits --store '{request_.store.uri}' --out digits.png")


def test_what_was_live_before_is_told(request_: RunRequest) -> None:
    assert "before it: gen-0" in summary.text(PIPELINES["training"], request_, runs(passed=True, was="gen-0"), 1)
    assert "before it" not in summary.text(PIPELINES["training"], request_, runs(passed=True, was="gen-1"), 1)


def test_a_refusal_for_people(request_: RunRequest) -> None:
    shown = summary.text(PIPELINES["training"], request_, runs(passed=False), 1)
    assert "promote           -    not run: the gate refused" in shown
    assert 'refused: gen-1 was not promoted to "digits"\n  - fid 3.25 is above' in shown
    assert "  - the live one is better" in shown
    assert "gan sample --generator-id gen-1 " in shown


def test_the_same_for_programs(request_: RunRequest) -> None:
    record = summary.record(PIPELINES["training"], request_, runs(passed=True), 12.3456)
    assert (record["id"], record["uri"], record["seconds"]) == ("run-1", "/store/report.html", 12.346)
    assert (record["passed"], record["promoted"], record["generator_id"]) == (True, "digits", "gen-1")
    assert record["steps"][0] == {"step": "preprocess", "seconds": 1.25, "skipped": True, "id": "digits-1"}
    assert record["scores"]["fid"]["value"] == 3.25
    refused = summary.record(PIPELINES["training"], request_, runs(passed=False), 1)
    assert (refused["passed"], refused["promoted"], len(refused["reasons"])) == (False, None, 2)


def test_a_night_without_news(request_: RunRequest) -> None:
    quiet = [
        StepRun("preprocess", StepResult("digits-1", "/d", skipped=True), 1.0),
        StepRun("decide", StepResult("digits-1", "/p", details={"train": False, "reasons": ["nothing came"]}), 1.0),
        StepRun("notify", StepResult("nothing new", ""), 1.0),
    ]
    shown = summary.text(PIPELINES["retraining"], request_, quiet, 3)
    assert "train             -    not run: nothing new" in shown
    assert shown.endswith('nothing new: nothing was trained for "digits"\n  - nothing came')
    record = summary.record(PIPELINES["retraining"], request_, quiet, 3)
    assert (record["id"], record["trained"], record["promoted"]) == ("digits-1", False, None)
    assert [step["step"] for step in record["steps"]] == ["preprocess", "decide", "notify"]


def swept() -> list[StepRun]:
    table = [
        {"point": {"loss.name": "hinge"}, "steps": 20, "score": 1.5},
        {"point": {"loss.name": "minimax"}, "steps": 10, "score": 4.0},
    ]
    chosen = {"checkpoint": 20, "point": table[0]["point"], "seed": 7, "score": 1.5, "by": "fid", "table": table}
    results = [
        ("preprocess", StepResult("digits-1", "/d")),
        ("reference", StepResult("ref-1", "/r")),
        ("propose", StepResult("sweep-1", "/s")),
        ("trial", StepResult("run-1", "/t")),
        ("trial", StepResult("run-2", "/t")),
        ("choose", StepResult("run-1", "/s", details=chosen)),
        ("export", StepResult("gen-1", "/g")),
        ("gate", StepResult("gen-1", "/v", details={"passed": False, "reasons": ["too bad"]})),
        ("report", StepResult("run-1", "/store/report.html")),
    ]
    return [StepRun(step, result, 1.25) for step, result in results]


def test_a_sweep_tells_every_trial_and_what_each_point_reached(request_: RunRequest) -> None:
    shown = summary.text(PIPELINES["sweep"], request_, swept(), 1)
    assert (
        "trial           1.2 s  done                  run-1\ntrial           1.2 s  done                  run-2"
        in shown
    )
    assert "best: run run-1, seed 7\n" in shown
    assert '  step      20  fid 1.5        {"loss.name": "hinge"}\n' in shown
    assert "promote           -    not run: the gate refused" in shown


def test_a_sweep_for_programs(request_: RunRequest) -> None:
    record = summary.record(PIPELINES["sweep"], request_, swept(), 1)
    assert (record["id"], record["checkpoint"], record["seed"], record["score"]) == ("run-1", 20, 7, 1.5)
    assert [row["steps"] for row in record["table"]] == [20, 10]
    assert [each["step"] for each in record["steps"]].count("trial") == 2


def test_a_pipeline_without_a_generator_shows_what_its_steps_found(request_: RunRequest) -> None:
    scoring = PipelineSpec("scoring", "", ("preprocess", "evaluate"))
    done = [run for run in runs(passed=True) if run.step in scoring.steps]
    shown = summary.text(scoring, request_, done, 2)
    assert "altogether      2.0 s\n\nfid[digits-cnn:1a2b3c] at step 500" in shown
    record = summary.record(scoring, request_, done, 2)
    assert (record["id"], record["dataset_id"], record["checkpoint"]) == ("run-1", "digits-1", 500)
    assert [step["step"] for step in record["steps"]] == ["preprocess", "evaluate"]
