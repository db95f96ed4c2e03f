"""The gate, as a table: what it passes, what it refuses and in which words."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gan.config import Config
from gan.errors import ConfigError, NotFoundError
from gan.metrics import evaluations
from gan.steps.gate import gate
from gan.store import Store, open_store, pointer, sealed, verdicts

IDENTITY = {"dataset_id": "digits-1", "samples": 1000, "feature_hash": "abc"}
SCORES = {
    "fid": 10.0, "kid": 0.02, "precision": 0.8, "recall": 0.6, "density": 0.9, "coverage": 0.7, "modes_found": 9,
    "mode_kl": 0.05,
}  # fmt: skip
Make = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def make(store: Store, tmp_path: Path) -> Make:
    """Publishes a generator with these scores; the FID's interval reaches 1 to each side."""

    def publish(run_id: str = "new", *, evaluated: bool = True, identity: dict | None = None,
                difference: float = 1e-5, equal: bool | None = True, **scores: float) -> str:  # fmt: skip
        folder = tmp_path / run_id
        folder.mkdir()
        facts = {
            "run_id": run_id, "step": 10, "checkpoint_sha256": "aa", "config": Config().to_dict(),
            "parity": {"largest_pixel_difference": difference, "scores_equal": equal if evaluated else None},
        }  # fmt: skip
        (folder / "generator.json").write_text(json.dumps(facts))
        if evaluated:
            values = {**SCORES, **scores}
            rows = {name: {"value": each, "low": each - 1, "high": each + 1} for name, each in values.items()}
            record = {"reference_id": "ref-2", "identity": identity or IDENTITY, "scores": rows}
            (folder / "evaluation.json").write_text(json.dumps(record))
        files = sealed.files_below(folder)
        generator_id = sealed.sums_id("gen", files)
        sealed.publish(store, "generator", generator_id, files)
        return generator_id

    return publish


def put_live(store: Store, generator_id: str) -> None:
    pointer.move(store, pointer.read(store, "faces"), pointer.Move(generator_id, "promote", "2026-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("sets", "made", "reason"),
    [
        (["gate.most_fid=10"], {}, None),
        (["gate.most_fid=9.5"], {}, "fid is 10, allowed is at most 9.5 (gate.most_fid)"),
        (["gate.most_kid=0.02"], {}, None),
        (["gate.most_kid=0.01"], {}, "kid is 0.02, allowed is at most 0.01 (gate.most_kid)"),
        (["gate.least_precision=0.8"], {}, None),
        (["gate.least_precision=0.9"], {}, "precision is 0.8, allowed is at least 0.9 (gate.least_precision)"),
        (["gate.least_recall=0.7"], {}, "recall is 0.6, allowed is at least 0.7 (gate.least_recall)"),
        (["gate.least_density=1"], {}, "density is 0.9, allowed is at least 1 (gate.least_density)"),
        (["gate.least_coverage=0.75"], {}, "coverage is 0.7, allowed is at least 0.75 (gate.least_coverage)"),
        (["gate.least_modes_found=9"], {}, None),
        (["gate.least_modes_found=10"], {}, "modes_found is 9, allowed is at least 10 (gate.least_modes_found)"),
        (["gate.most_mode_kl=0.01"], {}, "mode_kl is 0.05, allowed is at most 0.01 (gate.most_mode_kl)"),
        ([], {"difference": 0.01}, "a pixel of the exported generator differs from its checkpoint's by 0.01"),
        (["gate.most_pixel_difference=0.02"], {"difference": 0.01}, None),
        ([], {"equal": False}, "the exported generator's scores are not those of its checkpoint"),
        ([], {"equal": None}, None),
        ([], {"evaluated": False}, "the generator was never evaluated; run: gan evaluate --run-id new"),
        (["gate.most_fid=5"], {"fid": float("nan")}, "fid is nan, allowed is at most 5"),
        (["gate.least_precision=0.1"], {"precision": float("nan")}, "precision is nan"),
    ],
)
def test_thresholds_and_parity(store: Store, make: Make, sets: list[str], made: dict, reason: str | None) -> None:
    found = gate(store, make(**made), "faces", sets=sets).details
    assert found["passed"] is (reason is None)
    if reason is None:
        assert found["reasons"] == []
        assert "nothing is live under faces" in found["notes"][0]
    else:
        assert len(found["reasons"]) == 1
        assert reason in found["reasons"][0]


@pytest.mark.parametrize(
    ("against", "live_fid", "fid", "passed"),
    [
        # both intervals reach 1 to each side, so that of the difference reaches 1.414
        ("not_worse", 10.0, 9.0, True),
        ("not_worse", 10.0, 11.4, True),
        ("not_worse", 10.0, 11.5, False),
        ("better", 10.0, 8.5, True),
        ("better", 10.0, 8.6, False),
        ("better", 10.0, 10.0, False),
        ("not_worse", 10.0, float("nan"), False),
        ("off", 10.0, 99.0, True),
    ],
)
def test_beside_the_live_one(store: Store, make: Make, against: str, live_fid: float, fid: float, passed: bool) -> None:
    live = make("live", fid=live_fid)
    put_live(store, live)
    found = gate(store, make(fid=fid), "faces", sets=[f"gate.against_live={against}"]).details
    assert found["passed"] is passed
    assert found["live_generator_id"] == live
    if not passed:
        assert f"the live generator {live} has 10" in found["reasons"][0]
        assert ("+-1.41" in found["reasons"][0]) is math.isfinite(fid)
    if against == "off":
        assert found["notes"] == [f"not compared with the live generator {live}: gate.against_live is off"]


def test_every_reason_is_told(store: Store, make: Make) -> None:
    put_live(store, make("live", fid=2.0))
    found = gate(store, make(difference=0.5), "faces", sets=["gate.most_fid=1", "gate.least_recall=0.9"]).details
    assert len(found["reasons"]) == 4
    assert [check["name"] for check in found["checks"]] == [
        "fid", "recall", "largest_pixel_difference", "scores_equal", "fid_not_worse",
    ]  # fmt: skip
    assert [check["passed"] for check in found["checks"]] == [False, False, False, True, False]


def test_the_live_one_itself_is_held_to_the_thresholds_with_a_note(store: Store, make: Make) -> None:
    live = make("live")
    put_live(store, live)
    found = gate(store, live, "faces").details
    assert found["passed"] is True
    assert found["reasons"] == []
    assert "is live under faces already" in found["notes"][0]
    strict = gate(store, live, "faces", sets=["gate.most_fid=1"]).details
    assert strict["passed"] is False
    assert strict["reasons"] == ["fid is 10, allowed is at most 1 (gate.most_fid)"]


def test_the_verdict_that_a_generator_went_live_by_is_kept(store: Store, make: Make) -> None:
    before, new = make("before", fid=11.0), make()
    put_live(store, before)
    gate(store, new, "faces")
    put_live(store, new)
    kept = store.read("runs/new/verdicts/faces.json")
    assert json.loads(kept)["live_generator_id"] == before
    gate(store, new, "faces", sets=["gate.most_fid=1"])
    assert store.read("runs/new/verdicts/faces.json") == kept


@pytest.mark.parametrize("earlier", [b"damaged", b'{"generator_id": "gen-other"}'])
def test_another_verdict_gives_way_to_that_on_the_live_one(store: Store, make: Make, earlier: bytes) -> None:
    live = make("live")
    put_live(store, live)
    store.write("runs/live/verdicts/faces.json", earlier)
    gate(store, live, "faces", now=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    found = json.loads(store.read("runs/live/verdicts/faces.json"))
    assert (found["generator_id"], found["judged_at"]) == (live, "2026-01-02T00:00:00.000000+00:00")


def test_another_identity_is_refused_naming_the_fields(store: Store, make: Make) -> None:
    put_live(store, make("live", identity={**IDENTITY, "samples": 500, "feature_hash": "xyz"}))
    found = gate(store, make(), "faces").details
    assert found["passed"] is False
    (reason,) = found["reasons"]
    assert "samples (1000 and 500), feature_hash ('abc' and 'xyz')" in reason
    assert "--set gate.against_live=off" in reason
    assert found["checks"][-1]["name"] == "fid_not_worse"
    assert verdicts.read(store, "new", "faces") == found
    assert gate(store, make("again"), "faces", sets=["gate.against_live=off"]).details["passed"]


def test_a_live_one_without_scores_cannot_be_compared_with(store: Store, make: Make) -> None:
    live = make("live", evaluated=False)
    put_live(store, live)
    found = gate(store, make(), "faces").details
    assert not found["passed"]
    assert f"{live} was promoted without an evaluation" in found["reasons"][0]


def test_the_verdict_is_written_with_the_pointers_version(store: Store, make: Make) -> None:
    live, new = make("live"), make()
    put_live(store, live)
    outcome = gate(store, new, "faces")
    verdict = verdicts.read(store, "new", "faces")
    assert outcome.id == new
    assert outcome.uri == store.uri_of("runs/new/verdicts/faces.json")
    assert verdict == outcome.details
    assert verdict["live_version"] == pointer.read(store, "faces").version
    assert verdict["generator_id"] == new
    assert verdict["name"] == "faces"


def test_values_that_are_not_finite_are_json(store: Store, make: Make) -> None:
    gate(store, make(fid=float("inf")), "faces", sets=["gate.most_fid=5"])

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    json.loads(store.read("runs/new/verdicts/faces.json"), parse_constant=refuse)


def test_unknown_generators_and_wrong_names_are_refused(store: Store, make: Make) -> None:
    with pytest.raises(NotFoundError, match="no generator"):
        gate(store, "gen-absent", "faces")
    with pytest.raises(ConfigError, match="--name must be"):
        gate(store, make(), "../faces")
    with pytest.raises(ConfigError, match=r"gate\.most_fidd"):
        gate(store, make("other"), "faces", sets=["gate.most_fidd=3"])


def test_a_score_that_was_not_measured_is_told(store: Store, tmp_path: Path, make: Make) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    facts = {"run_id": "bare", "config": Config().to_dict(), "parity": {"largest_pixel_difference": 0.0}}
    (folder / "generator.json").write_text(json.dumps(facts))
    (folder / "evaluation.json").write_text(json.dumps({"identity": IDENTITY, "scores": {"fid": {"value": 1}}}))
    files = sealed.files_below(folder)
    sealed.publish(store, "generator", sealed.sums_id("gen", files), files)
    with pytest.raises(NotFoundError, match="the evaluation has no score recall; it has: fid"):
        gate(store, sealed.sums_id("gen", files), "faces", sets=["gate.least_recall=0.1"])


def test_what_was_rolled_back_from_is_refused(store: Store, make: Make) -> None:
    first, second = make("first"), make("second", fid=9.5)
    put_live(store, first)
    put_live(store, second)
    live = pointer.read(store, "faces")
    pointer.move(store, live, pointer.Move(first, "rollback", "2026-01-02T00:00:00Z", second))
    found = gate(store, second, "faces").details
    assert found["passed"] is False
    (reason,) = found["reasons"]
    assert f'{second}, or another export of its weights, was live under "faces" and was rolled back from' in reason
    assert f"gan promote --generator-id {second} --name faces --force REASON" in reason
    assert gate(store, second, "pets").details["passed"], "under another name nobody rolled back"


def test_the_live_one_is_compared_by_the_scores_that_were_measured_alike(store: Store, make: Make) -> None:
    """A new reference: the live generator was exported with scores of another identity, and scored again since."""
    live = make("live", fid=3.0, identity={**IDENTITY, "dataset_id": "digits-0"})
    put_live(store, live)
    new = make("new", fid=10.0)

    def again(run_id: str, fid: float, *, checkpoint: str = "aa", step: int = 10) -> None:
        scores = {"fid": {"value": fid, "low": fid - 1, "high": fid + 1}}
        record = {"run_id": run_id, "step": step, "reference_id": "ref-2", "checkpoint_sha256": checkpoint}
        evaluations.write(store, {**record, "identity": IDENTITY, "scores": scores})

    assert "can't be compared" in gate(store, new, "faces").details["reasons"][0]
    again("live", 12.0, checkpoint="trained anew since")
    again("live", 12.0, step=20)
    assert "can't be compared" in gate(store, new, "faces").details["reasons"][0]
    again("live", 12.0)
    assert gate(store, new, "faces").details["passed"]
    again("live", 8.0)
    (reason,) = gate(store, new, "faces").details["reasons"]
    assert f"fid is 10, the live generator {live} has 8" in reason
