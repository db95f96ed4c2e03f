"""The gate, as a table: what it passes, what it refuses and in which words."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gan.config import Config
from gan.errors import ConfigError, NotFoundError
from gan.metrics import evaluations
from gan.metrics.maths.contributions import Contributions
from gan.metrics.registry import KINDS
from gan.steps.gate import gate
from gan.store import Store, alias, immutable, open_store
from gan.store.records import verdicts

IDENTITY = {"purpose": "final", "dataset_id": "digits-1", "samples": 1000, "feature_hash": "abc"}
SCORES = {
    "fid": 10.0, "kid": 0.02, "precision": 0.8, "recall": 0.6, "density": 0.9, "coverage": 0.7, "modes_found": 9,
    "mode_kl": 0.05,
}  # fmt: skip
IMAGES = 1000
FID_ERROR = 0.1  # of each generator, from images of its own: of a difference it is 0.141
Make = Callable[..., str]


def contributions(seed: int, scores: dict[str, float]) -> dict[str, Contributions]:
    """Contributions to an FID with the standard error FID_ERROR, and to shares of images."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=IMAGES)
    noise = (noise - noise.mean()) / noise.std() * FID_ERROR * math.sqrt(IMAGES)
    found = {"fid": Contributions(noise[None], np.zeros((1, 0)))}
    for score in scores.keys() - {"fid"}:
        if KINDS[score].share and math.isfinite(scores[score]):
            shown = np.arange(IMAGES) < round(scores[score] * IMAGES)
            found[score] = Contributions(np.zeros((1, 0)), shown[None].astype(np.float64))
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def make(store: Store, tmp_path: Path) -> Make:
    """Publishes a generator with these scores, and its record with what each image contributes."""

    def publish(run_id: str = "new", *, evaluated: bool = True, identity: dict | None = None,
                difference: float = 1e-5, equal: bool | None = True, weakness: str | None = None,
                **scores: float) -> str:  # fmt: skip
        folder = tmp_path / run_id
        folder.mkdir()
        metadata = {
            "run_id": run_id, "step": 10, "checkpoint_sha256": "aa", "config": Config().to_dict(),
            "parity": {"largest_pixel_difference": difference, "scores_equal": equal if evaluated else None},
        }  # fmt: skip
        (folder / "generator.json").write_text(json.dumps(metadata))
        if evaluated:
            record = measure(store, run_id, {**SCORES, **scores}, identity=identity, weakness=weakness)
            (folder / "evaluation.json").write_text(json.dumps(record))
        files = immutable.files_below(folder)
        generator_id = immutable.sums_id("gen", files)
        immutable.publish(store, "generator", generator_id, files)
        return generator_id

    return publish


def measure(
    store: Store,
    run_id: str,
    scores: dict[str, float],
    *,
    identity: dict | None = None,
    weakness: str | None = None,
    checkpoint: str = "aa",
    step: int = 10,
) -> dict:
    rows = {name: {"value": each, "low": each - 1, "high": each + 1} for name, each in scores.items()}
    record = {"run_id": run_id, "step": step, "reference_id": "ref-2", "checkpoint_sha256": checkpoint}
    record |= {"identity": identity or IDENTITY, "scores": rows, "weakness": weakness}
    if not all(map(math.isfinite, scores.values())):
        return record  # a record in the store holds finite numbers only
    return evaluations.write(store, record, contributions(zlib.crc32(f"{run_id} {step}".encode()), scores))


def put_live(store: Store, generator_id: str, anchors: dict | None = None) -> None:
    move = alias.Promotion(generator_id, "promote", "2026-01-01T00:00:00Z", anchors=anchors)
    alias.update(store, alias.read(store, "faces"), move)


@pytest.mark.parametrize(
    ("sets", "made", "reason"),
    [
        (["gate.limits.fid=10"], {}, None),
        (["gate.limits.fid=9.5"], {}, "fid is 10, allowed is at most 9.5 (gate.limits.fid)"),
        (["gate.limits.kid=0.02"], {}, None),
        (["gate.limits.kid=0.01"], {}, "kid is 0.02, allowed is at most 0.01 (gate.limits.kid)"),
        (["gate.limits.precision=0.8"], {}, None),
        (["gate.limits.precision=0.9"], {}, "precision is 0.8, allowed is at least 0.9 (gate.limits.precision)"),
        (["gate.limits.recall=0.7"], {}, "recall is 0.6, allowed is at least 0.7 (gate.limits.recall)"),
        (["gate.limits.density=1"], {}, "density is 0.9, allowed is at least 1 (gate.limits.density)"),
        (["gate.limits.coverage=0.75"], {}, "coverage is 0.7, allowed is at least 0.75 (gate.limits.coverage)"),
        (["gate.limits.modes_found=9"], {}, None),
        (["gate.limits.modes_found=10"], {}, "modes_found is 9, allowed is at least 10 (gate.limits.modes_found)"),
        (["gate.limits.mode_kl=0.01"], {}, "mode_kl is 0.05, allowed is at most 0.01 (gate.limits.mode_kl)"),
        ([], {"difference": 0.01}, "a pixel of the exported generator differs from its checkpoint's by 0.01"),
        (["gate.max_pixel_difference=0.02"], {"difference": 0.01}, None),
        ([], {"equal": False}, "the exported generator's scores are not those of its checkpoint"),
        ([], {"equal": None}, None),
        ([], {"evaluated": False}, "the generator was never evaluated; run: gan evaluate --run-id new"),
        (["gate.limits.fid=5"], {"fid": float("nan")}, "fid is nan, allowed is at most 5"),
        (["gate.limits.precision=0.1"], {"precision": float("nan")}, "precision is nan"),
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
    ("sets", "live", "new", "passed"),
    [
        # the standard error of the difference is about 0.141, so that its upper end lies about 0.233 above it
        ([], {"fid": 10.0}, {"fid": 9.0}, True),
        ([], {"fid": 10.0}, {"fid": 10.25}, True),
        ([], {"fid": 10.0}, {"fid": 10.29}, False),
        (["gate.margin.fid=1"], {"fid": 10.0}, {"fid": 10.7}, True),
        (["gate.margin=1"], {"fid": 10.0}, {"fid": 10.7}, True),
        (["gate.margin=0"], {"fid": 10.0}, {"fid": 9.8}, False),
        (["gate.margin=0"], {"fid": 10.0}, {"fid": 9.7}, True),
        (["gate.margin=0.24", "gate.confidence=0.9"], {"fid": 10.0}, {"fid": 10.05}, True),
        (["gate.margin=0.24", "gate.confidence=0.99"], {"fid": 10.0}, {"fid": 10.05}, False),
        ([], {"coverage": 0.7}, {"coverage": 0.69}, True),
        ([], {"coverage": 0.7}, {"coverage": 0.5}, False),
        ([], {"recall": 0.6}, {"recall": 0.4, "fid": 5.0}, False),
        (["gate.margin.recall=null", "gate.anchor_margin.recall=null"], {"recall": 0.6}, {"recall": 0.4}, True),
        (["gate.margin=null", "gate.anchor_margin=null"], {"fid": 10.0}, {"fid": 99.0}, True),
    ],
)
def test_compared_with_the_live_one(
    store: Store, make: Make, sets: list[str], live: dict, new: dict, passed: bool
) -> None:
    live_id = make("live", **live)
    put_live(store, live_id)
    found = gate(store, make(**new), "faces", sets=sets).details
    assert found["passed"] is passed, found["reasons"]
    assert found["live_generator_id"] == live_id
    if "gate.margin=null" in sets:
        assert found["notes"] == [
            f"not compared with the live generator {live_id}: gate.margin is null",
            "not compared with the best generator that ever was live: gate.anchor_margin is null",
        ]


def test_worse_and_not_known_are_two_reasons(store: Store, make: Make) -> None:
    live = make("live")
    put_live(store, live)
    worse = gate(store, make("worse", fid=10.7), "faces").details["reasons"]
    assert worse == [
        f"fid is 10.7, that of the live generator {live} is 10: 0.7 worse, and gate.margin.fid allows 0.5",
    ]
    unknown = gate(store, make("unknown", fid=10.3), "faces").details["reasons"]
    assert len(unknown) == 1
    assert unknown[0].startswith("not enough samples to tell whether fid is worse than that of the live generator: fid")
    bound = r", 0.3 worse, at most 0.5\d+ worse at 0.95 confidence, and gate.margin.fid allows 0.5; about [\d,]+ "
    assert re.search(bound, unknown[0]), unknown
    assert unknown[0].endswith("samples (evaluate.samples) would do, or allow more with gate.margin.fid")


def test_a_gradual_decline_of_the_live_generator_is_compared_with_the_best(store: Store, make: Make) -> None:
    """Each is within the margin of the one before; the third is not within that of the first."""
    first = make("first", fid=10.0)
    put_live(store, first, anchors=gate(store, first, "faces").details["next_anchors"])
    second = make("second", fid=10.2)
    verdict = gate(store, second, "faces").details
    assert verdict["passed"], verdict["reasons"]
    assert verdict["anchors"] == verdict["next_anchors"] == dict.fromkeys(["fid", "coverage", "recall"], first)
    put_live(store, second, anchors=verdict["next_anchors"])
    sets = ["gate.anchor_margin.fid=0.5"]
    (reason,) = gate(store, make("third", fid=10.4), "faces", sets=sets).details["reasons"]
    assert f"that of the best generator that ever was live {first} is 10, 0.4 worse" in reason
    assert "gate.anchor_margin.fid allows 0.5" in reason


def test_each_score_has_the_best_of_its_own(store: Store, make: Make) -> None:
    first = make("first", fid=10.0, recall=0.6)
    put_live(store, first, anchors=gate(store, first, "faces").details["next_anchors"])
    second = make("second", fid=9.0, recall=0.59)
    assert gate(store, second, "faces").details["next_anchors"] == {"fid": second, "coverage": first, "recall": first}


def test_a_history_without_anchors_uses_the_best_with_the_same_identity(store: Store, make: Make) -> None:
    best, live = make("best", fid=8.0), make("live", fid=10.0)
    for each in (best, live):
        put_live(store, each)
    found = gate(store, make(fid=10.0), "faces").details
    (reason,) = found["reasons"]
    assert f"that of the best generator that ever was live {best} is 8: 2 worse" in reason
    assert found["next_anchors"]["fid"] == best


def test_a_history_without_anchors_must_have_the_same_identity_throughout(store: Store, make: Make) -> None:
    unlike, live = make("unlike", identity={**IDENTITY, "samples": 500}), make("live")
    for each in (unlike, live):
        put_live(store, each)
    found = gate(store, make(), "faces").details
    (reason,) = found["reasons"]
    assert (
        f"the best generator that ever was live, {unlike}, was measured with different samples (1000 and 500)" in reason
    )
    assert reason.endswith("gan remeasure --name faces --reference-id ref-2 --set evaluate.samples=1000")
    assert found["next_anchors"] == {}


def test_a_yardstick_without_the_score_fails_a_check(store: Store, make: Make) -> None:
    """It was measured before the score got a margin; without a margin it is not asked for."""
    live = make("live")
    put_live(store, live)
    new = make(memorised=0.2)
    for key in ("margin", "anchor_margin"):
        found = gate(store, new, "faces", sets=[f"gate.{key}.memorised=0.1"]).details
        (reason,) = found["reasons"]
        assert reason.startswith(
            f"the live generator, {live}, was measured without memorised; measure it in the same way with:"
        )
    assert gate(store, new, "faces").details["passed"]


def test_an_unmeasured_anchor_is_not_required_without_a_margin(store: Store, make: Make) -> None:
    old = make("old", identity={**IDENTITY, "samples": 500})
    put_live(store, old, anchors={"fid": old})
    sets = ["gate.margin=null", "gate.anchor_margin=null"]
    assert gate(store, make(), "faces", sets=sets).details["passed"]


def test_a_better_live_one_is_the_yardstick_whatever_is_on_record(store: Store, make: Make) -> None:
    """Under a new reference the generator on record may no longer be the best of those that are measured."""
    old = make("old", fid=12.0)
    put_live(store, old, anchors=dict.fromkeys(["fid", "coverage", "recall"], old))
    live = make("live", fid=10.0)
    put_live(store, live, anchors=dict.fromkeys(["fid", "coverage", "recall"], old))
    sets = ["gate.margin=null", "gate.anchor_margin.fid=0.5"]
    (reason,) = gate(store, make(fid=11.0), "faces", sets=sets).details["reasons"]
    assert f"that of the best generator that ever was live {live} is 10: 1 worse" in reason


def test_a_rolled_back_generator_is_not_an_anchor(store: Store, make: Make) -> None:
    first = make("first", fid=10.0)
    put_live(store, first, anchors=gate(store, first, "faces").details["next_anchors"])
    fake = make("fake", fid=2.0)
    put_live(store, fake, anchors=gate(store, fake, "faces").details["next_anchors"])
    live = alias.read(store, "faces")
    assert live.anchors["fid"] == fake
    alias.update(store, live, alias.Promotion(first, "rollback", "2026-01-02T00:00:00Z", fake))
    assert gate(store, make(fid=10.0), "faces").details["passed"]


def test_a_weak_feature_network_is_named_in_the_verdict(store: Store, make: Make) -> None:
    found = gate(store, make(weakness="the feature network knows nothing"), "faces").details
    assert found["notes"][0] == "the feature network knows nothing"


def test_every_reason_is_reported(store: Store, make: Make) -> None:
    put_live(store, make("live", fid=2.0))
    found = gate(store, make(difference=0.5), "faces", sets=["gate.limits.fid=1", "gate.limits.recall=0.9"]).details
    assert len(found["reasons"]) == 5
    assert {check["name"]: check["passed"] for check in found["checks"]} == {
        "fid": False, "recall": False, "largest_pixel_difference": False, "scores_equal": True,
        "fid_against_live": False, "coverage_against_live": True, "recall_against_live": True,
        "fid_against_best": False, "coverage_against_best": True, "recall_against_best": True,
    }  # fmt: skip


def test_the_live_generator_is_checked_against_the_limits_with_a_note(store: Store, make: Make) -> None:
    live = make("live")
    put_live(store, live)
    found = gate(store, live, "faces").details
    assert found["passed"] is True
    assert found["reasons"] == []
    assert "is live under faces already" in found["notes"][0]
    strict = gate(store, live, "faces", sets=["gate.limits.fid=1"]).details
    assert strict["passed"] is False
    assert strict["reasons"] == ["fid is 10, allowed is at most 1 (gate.limits.fid)"]


def test_the_verdict_that_a_generator_went_live_by_is_kept(store: Store, make: Make) -> None:
    before, new = make("before", fid=11.0), make()
    put_live(store, before)
    gate(store, new, "faces")
    put_live(store, new)
    kept = store.read("runs/new/verdicts/faces.json")
    assert json.loads(kept)["live_generator_id"] == before
    gate(store, new, "faces", sets=["gate.limits.fid=1"])
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
    assert "gan remeasure --name faces --reference-id ref-2" in reason
    assert found["checks"][-1]["name"] == "live_generator_measured"
    assert verdicts.read(store, "new", "faces") == found


def test_a_live_one_without_scores_cannot_be_compared_with(store: Store, make: Make) -> None:
    live = make("live", evaluated=False)
    put_live(store, live)
    found = gate(store, make(), "faces").details
    assert not found["passed"]
    assert f"{live}, was promoted without an evaluation" in found["reasons"][0]


def test_the_verdict_is_written_with_the_pointers_version(store: Store, make: Make) -> None:
    live, new = make("live"), make()
    put_live(store, live)
    result = gate(store, new, "faces")
    verdict = verdicts.read(store, "new", "faces")
    assert result.id == new
    assert result.uri == store.uri_of("runs/new/verdicts/faces.json")
    assert verdict == result.details
    assert verdict["live_version"] == alias.read(store, "faces").version
    assert verdict["generator_id"] == new
    assert verdict["name"] == "faces"


def test_values_that_are_not_finite_are_json(store: Store, make: Make) -> None:
    gate(store, make(fid=float("inf")), "faces", sets=["gate.limits.fid=5"])

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    json.loads(store.read("runs/new/verdicts/faces.json"), parse_constant=refuse)


def test_unknown_generators_and_wrong_names_are_refused(store: Store, make: Make) -> None:
    with pytest.raises(NotFoundError, match="no generator"):
        gate(store, "gen-absent", "faces")
    with pytest.raises(ConfigError, match="--name must be"):
        gate(store, make(), "../faces")
    with pytest.raises(ConfigError, match=r'unknown gate\.limits: "fidd"; did you mean "fid"'):
        gate(store, make("other"), "faces", sets=["gate.limits.fidd=3"])


def test_a_score_that_was_not_measured_is_within_no_limit(store: Store, make: Make) -> None:
    found = gate(store, make(), "faces", sets=["gate.limits.memorised=0.5"]).details
    assert found["reasons"] == [
        "the evaluation has no score memorised; it has: fid, kid, precision, recall, density, coverage, modes_found, "
        "mode_kl. Evaluate and export again with evaluate.metrics that hold memorised, or leave it out of the gate's "
        "keys (null)"
    ]
    assert {"name": "memorised", "value": None, "allowed": "at most 0.5", "passed": False} in found["checks"]


def test_what_was_rolled_back_from_is_refused(store: Store, make: Make) -> None:
    first, second = make("first"), make("second", fid=9.5)
    put_live(store, first)
    put_live(store, second)
    live = alias.read(store, "faces")
    alias.update(store, live, alias.Promotion(first, "rollback", "2026-01-02T00:00:00Z", second))
    found = gate(store, second, "faces").details
    assert found["passed"] is False
    (reason,) = found["reasons"]
    assert f'{second}, or another export of its weights, was live under "faces" and was rolled back from' in reason
    assert f"gan promote --generator-id {second} --name faces --force REASON" in reason
    assert gate(store, second, "pets").details["passed"], "under another name nobody rolled back"


def test_the_live_generator_is_compared_by_scores_of_the_same_identity(store: Store, make: Make) -> None:
    """A new reference: the live generator was exported with scores of another identity, and scored again since."""
    live = make("live", fid=3.0, identity={**IDENTITY, "dataset_id": "digits-0"})
    put_live(store, live)
    new = make("new", fid=10.0)

    def again(fid: float, **changes: object) -> None:
        measure(store, "live", {**SCORES, "fid": fid}, **changes)

    assert "was measured with different dataset_id" in gate(store, new, "faces").details["reasons"][0]
    again(12.0, checkpoint="trained anew since")
    again(12.0, step=20)
    assert "was measured with different dataset_id" in gate(store, new, "faces").details["reasons"][0]
    again(12.0)
    assert gate(store, new, "faces").details["passed"]
    again(8.0)
    reason = gate(store, new, "faces").details["reasons"][0]
    assert f"fid is 10, that of the live generator {live} is 8: 2 worse" in reason
