"""The gate: compares a generator with its config's limits, the live generator and the best that was ever live."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gan import build
from gan.config import Gate, from_record, override
from gan.errors import IntegrityError, NotFoundError
from gan.export import metadata as generator_metadata
from gan.export.metadata import METADATA
from gan.metrics import evaluations
from gan.metrics.registry import score_kind
from gan.result import StepResult, Stopwatch
from gan.steps.gate_checks import (
    BEST,
    LIVE,
    GateCheck,
    ScoredGenerator,
    comparison_checks,
    limit_checks,
    missing_scores_check,
    next_anchors,
    parity_checks,
    rollback_check,
    score_value,
)
from gan.store import Store, alias, immutable, layout
from gan.store.alias import Alias
from gan.store.records import verdicts
from gan.types import Json
from gan.util.ids import check_id

MARGIN_KEYS = ("margin", "anchor_margin")


@dataclass
class Findings:
    """The results of the comparisons: checks, notes, and the anchors if this generator is promoted."""

    checks: list[GateCheck] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    next_anchors: dict[str, str] = field(default_factory=dict)


def gate(
    store: Store,
    generator_id: str,
    name: str,
    *,
    sets: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> StepResult:
    """Judge whether a generator may be promoted to a name, and write the verdict.

    It passes if its scores are within the limits, and if it is proven not to be worse, by more than the margins, than
    the live generator and the best that was ever live under the name. Too little evidence is a refusal with its own
    reason. A refusal raises nothing: details["passed"] is False, and details["reasons"] says why.

    The live generator itself is only checked against the limits, and the verdict that it was promoted with is kept.

    Args:
        store: where the generator is.
        generator_id: the generator to judge.
        name: the name that it would be promoted to.
        sets: overrides of the run's `gate` keys, `gate.limits.fid=30`.
        now: the clock.

    Returns:
        The generator's id, the URI of the verdict; details: passed, reasons, notes, checks, live_generator_id, anchors
        and next_anchors (by score the best generator that was ever live, now and if this one is promoted).

    Raises:
        NotFoundError: no such generator, or a score in the gate's keys was not measured.
        ConfigError: a wrong override or name.
        IntegrityError: a file of one of the generators is damaged.
    """
    watch = Stopwatch()
    check_id(name, "--name")
    metadata = immutable.read_json(store, "generator", generator_id, METADATA)
    config = from_record(metadata["config"], where=f"the config in {METADATA}")
    options = override(config, sets).gate
    build.check_gate(options)
    live = alias.read(store, name)
    evaluation = generator_metadata.read_evaluation(store, generator_id)
    checks = [*limit_checks(options, evaluation, metadata["run_id"]), *parity_checks(options, metadata["parity"])]
    if generator_metadata.was_rolled_back(store, generator_id, live):
        checks.append(rollback_check(generator_id, name))
    found = _compared(store, options, generator_id, evaluation, live)
    checks += found.checks
    passed = all(check.passed for check in checks)
    verdict: Json = {
        "generator_id": generator_id,
        "name": name,
        "live_generator_id": live.live,
        "live_version": live.version,
        "anchors": live.anchors,
        "next_anchors": found.next_anchors,
        "passed": passed,
        "reasons": [check.reason for check in checks if not check.passed],
        "notes": [*_notes(evaluation), *found.notes],
        "checks": [check.to_json() for check in checks],
        "options": options.to_record(),
        "judged_at": now().isoformat(timespec="microseconds"),
    }
    key = layout.verdict(metadata["run_id"], name)
    if live.live != generator_id or not _is_about(store, metadata["run_id"], name, generator_id):
        verdicts.write(store, metadata["run_id"], verdict)
    return StepResult(generator_id, store.uri_of(key), watch.seconds(), details=verdict)


def _compared(store: Store, options: Gate, generator_id: str, evaluation: Json | None, live: Alias) -> Findings:
    """Compare with the live generator and the best that were ever live, or note why that is not done."""
    found = Findings(next_anchors=live.anchors)
    if live.live == generator_id:
        found.notes.append(f"{generator_id} is live under {live.name} already: there is nothing to compare it with")
        return found
    if evaluation is None:
        return found
    if live.live is None:
        found.notes.append(f"nothing is live under {live.name}: there is nothing to compare it with")
        if not options.limits:
            found.notes.append("no limit is set: nothing but the export was checked. Set some of gate.limits")
        found.next_anchors = dict.fromkeys(options.anchor_margin, generator_id)
        return found
    scores = {
        key: [score for score, margin in getattr(options, key).items() if margin is not None] for key in MARGIN_KEYS
    }
    if not scores["margin"]:
        found.notes.append(f"not compared with the live generator {live.live}: gate.margin is null")
    if not scores["anchor_margin"]:
        found.notes.append("not compared with the best generator that ever was live: gate.anchor_margin is null")
    _compare(store, options, generator_id, evaluation, live, scores, found)
    return found


def _compare(
    store: Store,
    options: Gate,
    generator_id: str,
    evaluation: Json,
    live: Alias,
    scores: Mapping[str, Sequence[str]],
    found: Findings,
) -> None:
    others = _ComparedGenerators(store, live.name, evaluation, found)
    new = ScoredGenerator(generator_id, evaluation, evaluations.read_contributions(store, evaluation))
    by_score = [others.required(str(live.live), LIVE, score) for score in scores["margin"]]
    live_generator = by_score[0] if by_score and None not in by_score else None
    anchors = {
        score: _anchor(live, score, others, required=score in scores["anchor_margin"])
        for score in {**options.anchor_margin, **live.anchors}
    }
    comparable = {score: anchor for score, anchor in anchors.items() if anchor is not None}
    found.checks += comparison_checks(options, new, live_generator, comparable)
    found.next_anchors = {**live.anchors, **next_anchors(new, comparable)}


def _anchor(live: Alias, score: str, others: _ComparedGenerators, *, required: bool) -> ScoredGenerator | None:
    """The best generator that was ever live, by a score; None if a candidate was not measured in the same way.

    The latter fails a check if the score is `required`, because it has a margin.

    The best is the better of the recorded anchor and the live generator, since each new reference measures both again.
    Without an anchor for the score it is the best of the other anchors and the live generator; in a history without
    anchors, the best of all that were ever live.
    """
    recorded = [live.anchors[score]] if score in live.anchors else live.anchors.values()
    candidates = dict.fromkeys([*(recorded or live.ever_live()), str(live.live)])
    if required:
        found = [others.required(each, LIVE if each == live.live else BEST, score) for each in candidates]
    else:
        found = [others.measured(each, score) for each in candidates]
    measured = [each for each in found if each is not None]
    if len(measured) < len(found):
        return None
    return min(
        measured,
        key=lambda each: score_kind(score, "gate.anchor_margin:").to_minimise(score_value(each.evaluation, score)),
    )


class _ComparedGenerators:
    """The generators that the new one is compared with, each read once."""

    def __init__(self, store: Store, name: str, evaluation: Json, found: Findings) -> None:
        self._store, self._name, self._evaluation, self._found = store, name, evaluation, found
        self._records: dict[str, Json | None] = {}
        self._measured: dict[str, ScoredGenerator] = {}

    def measured(self, generator_id: str, score: str) -> ScoredGenerator | None:
        """A generator with its scores; None if this score was not measured as the new generator's was."""
        if self._missing_check(generator_id, "", score) is not None:
            return None
        if generator_id not in self._measured:
            record = self._records[generator_id] or {}
            contributions = evaluations.read_contributions(self._store, record)
            self._measured[generator_id] = ScoredGenerator(generator_id, record, contributions)
        return self._measured[generator_id]

    def required(self, generator_id: str, who: str, score: str) -> ScoredGenerator | None:
        """The same, and a failed check, once per reason, if it is None."""
        check = self._missing_check(generator_id, who, score)
        if check is not None and check not in self._found.checks:
            self._found.checks.append(check)
        return self.measured(generator_id, score)

    def _missing_check(self, generator_id: str, who: str, score: str) -> GateCheck | None:
        if generator_id not in self._records:
            self._records[generator_id] = _comparable_evaluation(self._store, generator_id, self._evaluation)
        return missing_scores_check(who, generator_id, self._evaluation, self._records[generator_id], self._name, score)


def _notes(evaluation: Json | None) -> list[str]:
    """The weakness of the feature network, if it has one."""
    weakness = None if evaluation is None else evaluation.get("weakness")
    return [str(weakness)] if weakness else []


def _is_about(store: Store, run_id: str, name: str, generator_id: str) -> bool:
    """Whether the run's verdict for a name is about this generator."""
    try:
        return bool(verdicts.read(store, run_id, name)["generator_id"] == generator_id)
    except (NotFoundError, IntegrityError):
        return False


def _comparable_evaluation(store: Store, generator_id: str, evaluation: Json) -> Json | None:
    """A generator's final scores: with the identity of `evaluation` if the remeasure step wrote them, else those that
    it was exported with; None without either.
    """
    exported = generator_metadata.read_evaluation(store, generator_id)
    metadata = immutable.read_json(store, "generator", generator_id, METADATA)
    found = None
    if "reference_id" in evaluation:
        checkpoint = (metadata["run_id"], int(metadata["step"]), evaluation["reference_id"])
        found = evaluations.read(store, *checkpoint, evaluation["identity"])
    same_weights = found is not None and found.get("checkpoint_sha256") == metadata.get("checkpoint_sha256")
    return found if same_weights else exported
