"""Promote a generator, roll back to the one before, or change the anchor that new ones are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from gan.config import Gate
from gan.errors import ConfigError, ConflictError, IntegrityError, NotFoundError, RefusedError
from gan.export.metadata import METADATA, was_rolled_back
from gan.lineage import require_exists
from gan.result import StepResult, Stopwatch
from gan.store import Store, alias, immutable
from gan.store.records import verdicts
from gan.types import Json
from gan.util.ids import check_id


def utc_now() -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def promote(
    store: Store, generator_id: str, name: str, *, force: str | None = None, now: Callable[[], str] = utc_now
) -> StepResult:
    """Move the alias `name` to a generator that passed the gate against the current live one.

    Args:
        store: where everything is.
        generator_id: an exported generator; all its files are verified first.
        name: the promoted name.
        force: a reason to promote without a passing verdict; it is recorded.
        now: the clock, ISO 8601.

    Raises:
        ConfigError: `force` is empty.
        NotFoundError: no such generator, or no verdict on it for this name.
        RefusedError: the verdict is a refusal, or the generator was rolled back from.
        ConflictError: the verdict is out of date (another generator went live since), or another promotion was faster.
        IntegrityError: the generator or the verdict is damaged.
    """
    watch = Stopwatch()
    if force is not None and not force.strip():
        raise ConfigError(f"--force must be a reason, which is recorded with the promotion; got {force!r}")
    live = alias.read(store, check_id(name, "--name"))
    for damage in immutable.find_damage(store, "generator", generator_id):
        raise IntegrityError(f"not promoted: {damage}; {immutable.remedy(store, 'generator', generator_id)}")
    if live.live == generator_id:
        return _result(store, live, live.live, watch, skipped=True)
    anchors = None
    if force is None:
        _require_not_rolled_back(store, generator_id, live)
        anchors = _require_verdict(store, generator_id, live)["next_anchors"]
    action = "promote" if force is None else "force"
    promotion = alias.Promotion(generator_id, action, now(), live.live, force or "", anchors=anchors)
    moved = alias.update(store, live, promotion)
    require_exists(store, "generator", generator_id)
    return _result(store, moved, live.live, watch)


def rollback(store: Store, name: str, *, now: Callable[[], str] = utc_now) -> StepResult:
    """Make the previous live generator live again; repeating it goes one promotion further back.

    Raises:
        NotFoundError: nothing is live under this name, or nothing was before it.
        ConflictError: the alias was moved meanwhile.
        IntegrityError: the generator to go back to is damaged.
    """
    watch = Stopwatch()
    live = alias.read_live(store, check_id(name, "--name"))
    before = live.previous()
    if before is None:
        raise NotFoundError(f'nothing was live under "{name}" before {live.live}; there is nothing to go back to')
    for damage in immutable.find_damage(store, "generator", before):
        raise IntegrityError(f"not rolled back: {damage}; {immutable.remedy(store, 'generator', before)}")
    moved = alias.update(store, live, alias.Promotion(before, "rollback", now(), live.live))
    return _result(store, moved, live.live, watch)


def anchor(
    store: Store, name: str, reason: str, *, generator_id: str | None = None, now: Callable[[], str] = utc_now
) -> StepResult:
    """Set the anchor, the generator that later ones are compared with in place of the best that was ever live.

    For when the best should not be compared with any more: it memorised, the data have changed, or a worse one was
    promoted on purpose.

    Args:
        store: where everything is.
        name: the promoted name.
        reason: it is recorded.
        generator_id: the anchor for every score; it must have been live under the name. None: the live one.
        now: the clock, ISO 8601.

    Raises:
        ConfigError: the reason is empty.
        NotFoundError: nothing is live under the name, or the generator never was, or it was rolled back.
        ConflictError: the alias was moved meanwhile.
    """
    watch = Stopwatch()
    if not reason.strip():
        raise ConfigError(f"--reason must say why, since it is recorded; got {reason!r}")
    live = alias.read_live(store, check_id(name, "--name"))
    chosen = generator_id or str(live.live)
    if chosen not in live.ever_live():
        known = ", ".join(live.ever_live())
        raise NotFoundError(f'{chosen} was never live under "{name}", or was rolled back from; these were: {known}')
    scores = {score for group in (Gate().anchor_margin, live.anchors) for score in group}
    anchors = dict.fromkeys(sorted(scores), chosen)
    promotion = alias.Promotion(str(live.live), "anchor", now(), live.live, reason, anchors=anchors)
    moved = alias.update(store, live, promotion)
    return _result(store, moved, live.live, watch)


def _require_not_rolled_back(store: Store, generator_id: str, live: alias.Alias) -> None:
    if was_rolled_back(store, generator_id, live):
        raise RefusedError(
            f'{generator_id}, or another export of its weights, was live under "{live.name}" and was rolled back from; '
            "promote another one, or this one all the same with --force REASON"
        )


def _require_verdict(store: Store, generator_id: str, live: alias.Alias) -> Json:
    remedy = f"run: gan gate --generator-id {generator_id} --name {live.name}"
    run_id = immutable.read_json(store, "generator", generator_id, METADATA)["run_id"]
    try:
        verdict = verdicts.read(store, run_id, live.name)
    except NotFoundError:
        raise NotFoundError(f'no verdict on {generator_id} for "{live.name}"; {remedy}') from None
    if verdict["generator_id"] != generator_id:
        raise NotFoundError(f"the verdict is on {verdict['generator_id']}, another export of the same run; {remedy}")
    if not verdict["passed"]:
        raise RefusedError(
            f"the gate refused {generator_id}: {'; '.join(verdict['reasons'])}; "
            "promote another one, or this one all the same with --force REASON"
        )
    if verdict["live_generator_id"] != live.live:
        raise ConflictError(
            f"the gate compared {generator_id} with {verdict['live_generator_id'] or 'nothing'}, but {live.live} is "
            f'live under "{live.name}" now; {remedy}'
        )
    if "next_anchors" not in verdict:
        raise ConflictError(f"the verdict on {generator_id} is by the rules of an earlier version; {remedy}")
    if verdict["anchors"] != live.anchors:
        raise ConflictError(
            f"the gate held {generator_id} to {_ids(verdict['anchors'])} as the best that ever was live, but now that "
            f"is {_ids(live.anchors)}; {remedy}"
        )
    return verdict


def _ids(anchors: Mapping[str, str]) -> str:
    return ", ".join(dict.fromkeys(anchors.values())) or "nothing"


def _result(
    store: Store, moved: alias.Alias, was: str | None, watch: Stopwatch, *, skipped: bool = False
) -> StepResult:
    details = {"name": moved.name, "was": was, "live": moved.live, "anchors": moved.anchors}
    uri = store.uri_of(alias.key_of(moved.name))
    return StepResult(str(moved.live), uri, watch.seconds(), skipped=skipped, details=details)
