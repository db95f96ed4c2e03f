from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gan.errors import ConfigError, ConflictError, IntegrityError, NotFoundError, RefusedError
from gan.steps.promote import anchor, promote, rollback
from gan.store import Store, alias
from gan.store.records import verdicts


def test_the_first_promotion_and_the_next(store: Store, make_generator: Callable[..., str]) -> None:
    first = make_generator("r1", verdict=True)
    result = promote(store, first, "faces", now=lambda: "2026-01-01T00:00:00+00:00")
    assert (result.details["was"], result.details["live"]) == (None, first)
    second = make_generator("r2", verdict=True, against=first)
    result = promote(store, second, "faces")
    assert (result.details["was"], result.details["live"]) == (first, second)
    assert alias.read(store, "faces").history[0].at == "2026-01-01T00:00:00+00:00"


def test_promoting_the_live_one_again_does_nothing(store: Store, make_generator: Callable[..., str]) -> None:
    first = make_generator("r1", verdict=True)
    promote(store, first, "faces")
    assert promote(store, first, "faces").skipped
    assert len(alias.read(store, "faces").history) == 1


def test_no_verdict_no_promotion(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1")
    with pytest.raises(NotFoundError, match=rf"no verdict on {generator}.*run: gan gate --generator-id {generator}"):
        promote(store, generator, "faces")


def test_a_refused_generator_is_not_promoted(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1", verdict=False)
    with pytest.raises(RefusedError, match=r"the gate refused .*: fid 9 is above 5; promote another .*--force REASON"):
        promote(store, generator, "faces")
    assert alias.read(store, "faces").live is None


def test_a_verdict_against_another_live_one_is_out_of_date(store: Store, make_generator: Callable[..., str]) -> None:
    first, second = make_generator("r1", verdict=True), make_generator("r2", verdict=True)
    promote(store, first, "faces")
    with pytest.raises(ConflictError, match=f"compared {second} with nothing, but {first} is live"):
        promote(store, second, "faces")


def test_a_verdict_on_another_export_does_not_count(store: Store, make_generator: Callable[..., str]) -> None:
    first = make_generator("r1", verdict=True)
    verdicts.write(store, "r1", {**verdicts.read(store, "r1", "faces"), "generator_id": "gen-other"})
    with pytest.raises(NotFoundError, match="the verdict is on gen-other, another export"):
        promote(store, first, "faces")


def test_force_promotes_and_is_recorded(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1", verdict=False)
    promote(store, generator, "faces", force="the demo is tonight")
    (move,) = alias.read(store, "faces").history
    assert (move.action, move.reason) == ("force", "the demo is tonight")


def test_a_damaged_generator_is_never_live(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1", verdict=True)
    store.write(f"generators/{generator}/weights", b"other")
    with pytest.raises(IntegrityError, match=r"not promoted: .*weights has SHA-256 .*; delete .*gan store copy"):
        promote(store, generator, "faces")


def test_unknown_generator(store: Store) -> None:
    with pytest.raises(NotFoundError, match='no generator "gen-x"'):
        promote(store, "gen-x", "faces")


def test_of_racing_promotions_one_wins(store: Store, make_generator: Callable[..., str]) -> None:
    generators = [make_generator(f"r{number}", verdict=True) for number in range(8)]

    def attempt(generator: str) -> bool:
        try:
            promote(store, generator, "faces")
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, generators))
    assert won.count(True) == 1
    assert alias.read(store, "faces").live == generators[won.index(True)]


def test_rollback_and_its_ends(store: Store, make_generator: Callable[..., str]) -> None:
    with pytest.raises(NotFoundError, match='nothing was ever promoted to "faces"; names with a live generator: none'):
        rollback(store, "faces")
    first = make_generator("r1", verdict=True)
    promote(store, first, "faces")
    with pytest.raises(NotFoundError, match=f'nothing was live under "faces" before {first}'):
        rollback(store, "faces")
    second = make_generator("r2", verdict=True, against=first)
    promote(store, second, "faces")
    result = rollback(store, "faces")
    assert (result.details["was"], result.details["live"]) == (second, first)
    assert alias.read(store, "faces").live == first


def test_rollback_refuses_a_damaged_generator(store: Store, make_generator: Callable[..., str]) -> None:
    first = make_generator("r1", verdict=True)
    promote(store, first, "faces")
    second = make_generator("r2", verdict=True, against=first)
    promote(store, second, "faces")
    store.delete(f"generators/{first}/weights")
    with pytest.raises(IntegrityError, match=r"not rolled back: .*weights is missing; .*; delete .*gan store copy"):
        rollback(store, "faces")
    assert alias.read(store, "faces").live == second


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_to_force_must_say_something(store: Store, make_generator: Callable[..., str], reason: str) -> None:
    generator = make_generator("r1", verdict=False)
    with pytest.raises(ConfigError, match="--force must be a reason"):
        promote(store, generator, "faces", force=reason)
    assert alias.read(store, "faces").live is None


def test_a_rolled_back_generator_is_not_promoted_again(store: Store, make_generator: Callable[..., str]) -> None:
    first = make_generator("r1", verdict=True)
    promote(store, first, "faces")
    second = make_generator("r2", verdict=True, against=first)
    promote(store, second, "faces")
    rollback(store, "faces")
    with pytest.raises(
        RefusedError,
        match=rf'{second}, or another .* weights, was live under "faces" and was rolled back from.*--force REASON',
    ):
        promote(store, second, "faces")
    assert promote(store, second, "faces", force="it was the camera").details["live"] == second


@pytest.mark.parametrize("verdict", [b"{", b"[]", b'{"passed": true}', b"\xff"])
def test_a_damaged_verdict_is_reported(store: Store, make_generator: Callable[..., str], verdict: bytes) -> None:
    generator = make_generator("r1", verdict=True)
    store.write("runs/r1/verdicts/faces.json", verdict)
    with pytest.raises(IntegrityError, match=r"verdicts/faces.json is damaged .*judge again with: gan gate"):
        promote(store, generator, "faces")


@pytest.mark.parametrize("force", [None, "now"])
def test_a_generator_whose_seal_lost_a_line_is_never_live(
    store: Store, make_generator: Callable[..., str], force: str | None
) -> None:
    generator = make_generator("r1", verdict=True)
    key = f"generators/{generator}/SHA256SUMS"
    for lines in (1, 0):
        store.write(key, b"".join(store.read(key).splitlines(keepends=True)[:lines]))
        with pytest.raises(IntegrityError, match=r"not promoted: .*SHA256SUMS is damaged"):
            promote(store, generator, "faces", force=force)


def test_another_export_of_weights_that_were_rolled_back_from_is_refused_too(
    store: Store, make_generator: Callable[..., str]
) -> None:
    first = make_generator("r1", verdict=True)
    promote(store, first, "faces")
    second = make_generator("r2", verdict=True, against=first)
    promote(store, second, "faces")
    rollback(store, "faces")
    again = make_generator("r3", verdict=True, against=first, weights="r2")
    with pytest.raises(RefusedError, match=r"or another export of its weights, was live under .* rolled back from"):
        promote(store, again, "faces")
    other = make_generator("r4", verdict=True, against=first)
    assert promote(store, other, "faces").details["live"] == other
    promote(store, again, "faces", force="seen by two people")
    assert promote(store, again, "faces").skipped


def test_a_promotion_puts_the_anchors_of_its_verdict_on_record(
    store: Store, make_generator: Callable[..., str]
) -> None:
    first = make_generator("r1", verdict=True)
    assert promote(store, first, "faces").details["anchors"] == {"fid": first}
    second = make_generator("r2", verdict=True, against=first, anchors={"fid": first}, next_anchors={"fid": first})
    assert promote(store, second, "faces").details["anchors"] == {"fid": first}


def test_a_verdict_against_other_anchors_is_out_of_date(store: Store, make_generator: Callable[..., str]) -> None:
    first = make_generator("r1", verdict=True)
    promote(store, first, "faces")
    second = make_generator("r2", verdict=True, against=first, anchors={"fid": first})
    anchor(store, "faces", "a new yardstick")
    with pytest.raises(ConflictError, match=rf"held {second} to {first} as the best that ever was live.*gan gate"):
        promote(store, second, "faces")


def test_a_verdict_by_the_rules_of_an_earlier_version_does_not_count(
    store: Store, make_generator: Callable[..., str]
) -> None:
    first = make_generator("r1", verdict=True)
    old = verdicts.read(store, "r1", "faces")
    verdicts.write(store, "r1", {name: old[name] for name in old.keys() - {"anchors", "next_anchors"}})
    with pytest.raises(ConflictError, match=r"by the rules of an earlier version; run: gan gate"):
        promote(store, first, "faces")


def test_force_leaves_the_anchors_as_they_are(store: Store, make_generator: Callable[..., str]) -> None:
    first, second = make_generator("r1", verdict=True), make_generator("r2", verdict=False)
    promote(store, first, "faces")
    assert promote(store, second, "faces", force="the demo is tonight").details["anchors"] == {"fid": first}


def test_anchoring_is_deliberate_and_on_record(store: Store, make_generator: Callable[..., str]) -> None:
    first, second = make_generator("r1", verdict=True), make_generator("r2", verdict=False)
    promote(store, first, "faces")
    promote(store, second, "faces", force="other data")
    result = anchor(store, "faces", "the data have changed", now=lambda: "2026-02-01T00:00:00+00:00")
    assert result.details["live"] == second
    assert set(result.details["anchors"].values()) == {second}
    assert {"fid", "coverage", "recall"} <= result.details["anchors"].keys()
    move = alias.read(store, "faces").history[-1]
    assert (move.action, move.reason, move.generator_id) == ("anchor", "the data have changed", second)
    assert set(anchor(store, "faces", "back", generator_id=first).details["anchors"].values()) == {first}


def test_anchoring_needs_a_reason_and_a_generator_that_was_live(
    store: Store, make_generator: Callable[..., str]
) -> None:
    with pytest.raises(NotFoundError, match="nothing was ever promoted"):
        anchor(store, "faces", "why not")
    first, second = make_generator("r1", verdict=True), make_generator("r2", verdict=True, against=None)
    promote(store, first, "faces")
    with pytest.raises(ConfigError, match="--reason must say why"):
        anchor(store, "faces", " ")
    with pytest.raises(NotFoundError, match=f"{second} was never live under .*; these were: {first}"):
        anchor(store, "faces", "because", generator_id=second)
