from __future__ import annotations

import pytest

from gan.cli.output import to_output
from gan.result import StepResult

SCORES = {
    "label": "fid[cnn:1]",
    "step": 4,
    "scores": {"fid": {"value": 2.0, "low": 1.0, "high": 3.0}},
    "real": {"fid": {"value": 1.5}},
}


@pytest.mark.parametrize("step", ["preprocess", "reference", "train", "export"])
def test_the_text_of_what_is_made_is_its_id(step: str) -> None:
    made = StepResult("some-1", "/store/some-1", 1.0)
    told = to_output(step, made)
    assert (told.text, told.record, told.exit_code) == ("some-1", made.to_dict(), 0)


@pytest.mark.parametrize("step", ["report", "sample"])
def test_the_text_of_a_file_is_its_uri(step: str) -> None:
    assert to_output(step, StepResult("r1", "/store/runs/r1/report.html")).text == "/store/runs/r1/report.html"


def test_scores_are_a_table() -> None:
    lines = to_output("evaluate", StepResult("r1", "/", details=SCORES)).text.splitlines()
    assert lines[:2] == ["run r1", "fid[cnn:1] at step 4"]
    assert lines[-1].split() == ["fid", "2", "(1", "to", "3)", "1.5"]


def test_a_verdict_shows_its_reasons_and_has_its_own_exit_code() -> None:
    passed = to_output(
        "gate", StepResult("g1", "/", details={"passed": True, "name": "faces", "reasons": [], "notes": []})
    )
    assert (passed.text, passed.exit_code) == ("pass: g1 may be promoted to faces", 0)
    details = {"passed": False, "name": "faces", "reasons": ["a", "b"], "notes": ["c"]}
    refused = to_output("gate", StepResult("g1", "/", details=details))
    assert (refused.text, refused.exit_code) == ("refused: g1\n  - a\n  - b\n  note: c", 11)


@pytest.mark.parametrize("step", ["promote", "rollback"])
def test_a_promotion_shows_what_was_and_what_is_live(step: str) -> None:
    def told(was: str | None, *, skipped: bool = False) -> str:
        details = {"name": "faces", "live": "g2", "was": was}
        return to_output(step, StepResult("g2", "/", skipped=skipped, details=details)).text

    assert told("g1") == "faces: was g1, is g2"
    assert told(None) == "faces: was nothing, is g2"
    assert told("g2", skipped=True) == "faces: g2 is live already"
