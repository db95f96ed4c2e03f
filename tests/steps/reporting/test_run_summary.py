from __future__ import annotations

import pytest

from gan.result import StepResult
from gan.steps.reporting.run_summary import Failure, from_attempts, notification
from gan.store.records.executions import ExecutionAttempt

DECIDED = StepResult("night-1", "/p", details={"train": True, "reasons": ["3 images came"]})
SCORED = {"label": "fid[x:1]", "scores": {"fid": {"value": 2.5}}}
BEFORE = {"label": "fid[x:1]", "scores": {"fid": {"value": 3.5}}, "why_not": None}
TRAINED = {
    "preprocess": StepResult("folder-1", "/d"),
    "decide": DECIDED,
    "train": StepResult("night-1", "/t"),
    "evaluate": StepResult("night-1", "/e", details=SCORED),
    "remeasure": StepResult("gen-0", "/e", details=BEFORE),
    "export": StepResult("gen-1", "/g"),
}
PASSED = StepResult("gen-1", "/v", details={"passed": True, "reasons": []})
REFUSED = StepResult("gen-1", "/v", details={"passed": False, "reasons": ["fid is 9"]})
PROMOTED = StepResult("gen-1", "/p", details={"was": "gen-0", "live": "gen-1"})
REPORT = StepResult("night-1", "/store/report.html")


@pytest.mark.parametrize(
    ("results", "failure", "event", "reasons"),
    [
        ({**TRAINED, "gate": PASSED, "promote": PROMOTED, "report": REPORT}, None, "promoted", ["3 images came"]),
        ({**TRAINED, "gate": REFUSED, "report": REPORT}, None, "refused", ["fid is 9"]),
        (TRAINED, Failure("export", "it differs", 10), "failed", ["it differs"]),
        ({**TRAINED, "gate": PASSED}, Failure("promote", "a race was lost", 6), "failed", ["a race was lost"]),
        ({}, Failure("preprocess", "no such folder", 3), "failed", ["no such folder"]),
        (
            {**TRAINED, "gate": REFUSED, "report": REPORT},
            Failure("train", "stopped, and made good by a retry", 143),
            "refused",
            ["fid is 9"],
        ),
    ],
)
def test_event_and_reasons(results: dict, failure: Failure | None, event: str, reasons: list[str]) -> None:
    message = notification("faces", "/store", "ex-1", results, failure, "gen-0")
    assert (message.event, list(message.reasons), message.live) == (event, reasons, "gen-0")
    failed = failure if event == "failed" else None
    assert message.step == (failed.step if failed else "")
    assert message.exit_code == (failed.exit_code if failed else None)
    if "export" in results:
        assert (message.run_id, message.generator_id) == ("night-1", "gen-1")
        assert (message.label, message.fid, message.live_fid) == ("fid[x:1]", 2.5, 3.5)


def test_what_was_wrong_with_the_training_is_told() -> None:
    ill = StepResult("night-1", "/t", details={"problems": ["slow at step 50: it is"], "rollbacks": 2})
    message = notification("faces", "/store", "ex-1", {**TRAINED, "train": ill, "report": REPORT}, None, None)
    assert message.health == ("slow at step 50: it is", "returned to a healthy checkpoint 2 times")
    assert notification("faces", "/store", "ex-1", TRAINED, None, None).health == ()


def test_a_step_that_never_began_is_located_by_the_one_before() -> None:
    message = notification(
        "faces", "/store", "ex-1", {"preprocess": TRAINED["preprocess"]}, None, None, "ImagePullBackOff"
    )
    assert message.event == "failed"
    assert message.reasons == (
        "it ended after preprocess, and no step says why: ImagePullBackOff; see gan-pipelines status",
    )
    none = notification("faces", "/store", "ex-1", {}, None, None)
    assert none.reasons == ("it ended before any step began, and no step says why; see gan-pipelines status",)


def test_nothing_new() -> None:
    quiet = StepResult("folder-1", "/p", skipped=True, details={"train": False, "reasons": ["the data are the same"]})
    message = notification("faces", "/store", "", {"preprocess": TRAINED["preprocess"], "decide": quiet}, None, "gen-0")
    assert (message.event, message.reasons, message.run_id, message.fid) == (
        "nothing new",
        ("the data are the same",),
        "",
        None,
    )


def attempt(step: str, number: int, state: str, **rest: object) -> ExecutionAttempt:
    began = f"2026-03-01T00:00:0{number}Z"
    return ExecutionAttempt(step, f"{step}-task", number, began, state=state, ended_at=began, **rest)  # type: ignore[arg-type]


def test_a_failure_is_cleared_by_a_successful_retry() -> None:
    made = {"id": "folder-1", "uri": "/d", "seconds": 1.0, "skipped": False, "details": {}}
    attempts = [
        attempt("preprocess", 1, "failed", error="storage down", exit_code=14),
        attempt("preprocess", 2, "done", outcome=made),
        attempt("notify", 3, "running"),
    ]
    results, failure = from_attempts(attempts, but="notify")
    assert (results, failure) == ({"preprocess": StepResult(**made)}, None)


def test_the_last_failure_is_reported() -> None:
    attempts = [
        attempt("preprocess", 1, "failed", error="storage down", exit_code=14),
        attempt("preprocess", 2, "failed", error="no such folder", exit_code=3),
    ]
    assert from_attempts(attempts, but="notify") == ({}, Failure("preprocess", "no such folder", 3))


def test_an_attempt_without_a_result_is_reported_as_killed() -> None:
    results, failure = from_attempts([attempt("train", 1, "running")], but="notify")
    assert results == {}
    assert failure is not None
    assert failure.step == "train"
    assert "killed outright: out of memory" in failure.error
