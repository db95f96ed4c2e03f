"""The gate: judges a generator by its config's limits, and against the live one and the best that ever was live."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from gan import build
from gan.config import Config, Gate, from_record, override
from gan.errors import IntegrityError, NotFoundError
from gan.export import metadata as facts_module
from gan.export.files import FACTS
from gan.metrics import evaluations
from gan.metrics.registry import score_kind
from gan.result import StepResult, Stopwatch
from gan.steps.gate_checks import (
    BEST,
    LIVE,
    GateCheck,
    Measured,
    comparisons,
    limits,
    next_anchors,
    parity,
    rolled_back,
    unmeasured,
    value_of,
)
from gan.store import Store, alias, immutable, layout
from gan.store.alias import Alias
from gan.store.records import verdicts
from gan.types import Json
from gan.util.ids import check_id

KEYS = ("margin", "anchor_margin")


@dataclass
class Findings:
    """What the comparisons found: checks, notes, and what later generators are held to if this one is promoted."""

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
    the live generator and than the best that was ever live under the name. Too little evidence is a refusal with a
    reason of its own. A refusal is no exception: details["passed"] is False, and details["reasons"] says why.

    The live generator is held to the limits like any other. There is nothing to compare it with, so the verdict that it
    was promoted with is kept.

    Args:
        store: where the generator is.
        generator_id: the one to judge.
        name: what it would be promoted to.
        sets: overrides of the run's `gate` keys, `gate.limits.fid=30`.
        now: the clock.

    Returns:
        The generator's id, the URI of the verdict; details: passed, reasons, notes, checks, live_generator_id, anchors
        and next_anchors (for each score the best generator that ever was live, now and if this one is promoted).

    Raises:
        NotFoundError: no such generator, or a score that the gate's keys name was not measured.
        ConfigError: a wrong override or name.
        IntegrityError: a file of one of the generators is damaged.
    """
    watch = Stopwatch()
    check_id(name, "--name")
    facts = immutable.read_json(store, "generator", generator_id, FACTS)
    options = override(_config(facts), sets).gate
    build.check_gate(options)
    live = alias.read(store, name)
    evaluation = facts_module.read_evaluation(store, generator_id)
    checks = [*limits(options, evaluation, facts["run_id"]), *parity(options, facts["parity"])]
    if facts_module.was_rolled_back(store, generator_id, live):
        checks.append(rolled_back(generator_id, name))
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
        "options": asdict(options),
        "judged_at": now().isoformat(timespec="microseconds"),
    }
    key = layout.verdict(facts["run_id"], name)
    if live.live != generator_id or not _is_about(store, facts["run_id"], name, generator_id):
        verdicts.write(store, facts["run_id"], verdict)
    return StepResult(generator_id, store.uri_of(key), watch.seconds(), details=verdict)


def _compared(store: Store, options: Gate, generator_id: str, evaluation: Json | None, live: Alias) -> Findings:
    """The comparisons with the live generator and with the best that were ever live, or notes on why there are none."""
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
    scores = {key: [score for score, margin in getattr(options, key).items() if margin is not None] for key in KEYS}
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
    others = _Others(store, live.name, evaluation, found)
    new = Measured(generator_id, evaluation, evaluations.read_contributions(store, evaluation))
    of_live = [others.required(str(live.live), LIVE, score) for score in scores["margin"]]
    live_one = of_live[0] if of_live and None not in of_live else None
    anchors = {
        score: _anchor(live, score, others, required=score in scores["anchor_margin"])
        for score in {**options.anchor_margin, **live.anchors}
    }
    known = {score: anchor for score, anchor in anchors.items() if anchor is not None}
    found.checks += comparisons(options, new, live_one, known)
    found.next_anchors = {**live.anchors, **next_anchors(new, known)}


def _anchor(live: Alias, score: str, others: _Others, *, required: bool) -> Measured | None:
    """The best generator that ever was live by a score; None where one of the candidates was not measured alike.

    That fails a check where the score is `required`, because it has a margin.

    That is the better one of the anchor on record and the live generator, as both are measured anew with each new
    reference. Without an anchor for the score it is the best of the other anchors and the live one; in a history
    without any, the best of all that were ever live.
    """
    on_record = [live.anchors[score]] if score in live.anchors else live.anchors.values()
    candidates = dict.fromkeys([*(on_record or live.ever_live()), str(live.live)])
    if required:
        found = [others.required(each, LIVE if each == live.live else BEST, score) for each in candidates]
    else:
        found = [others.measured(each, score) for each in candidates]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    return min(
        known, key=lambda each: score_kind(score, "gate.anchor_margin:").to_minimise(value_of(each.evaluation, score))
    )


class _Others:
    """The generators that a new one is compared with, each read once."""

    def __init__(self, store: Store, name: str, evaluation: Json, found: Findings) -> None:
        self._store, self._name, self._evaluation, self._found = store, name, evaluation, found
        self._records: dict[str, Json | None] = {}
        self._measured: dict[str, Measured] = {}

    def measured(self, generator_id: str, score: str) -> Measured | None:
        """A generator with its scores; None where this one was not measured as the new generator's was."""
        if self._unmeasured(generator_id, "", score) is not None:
            return None
        if generator_id not in self._measured:
            record = self._records[generator_id] or {}
            contributions = evaluations.read_contributions(self._store, record)
            self._measured[generator_id] = Measured(generator_id, record, contributions)
        return self._measured[generator_id]

    def required(self, generator_id: str, who: str, score: str) -> Measured | None:
        """The same, but for a check that fails, once for each reason, where it was not measured so."""
        check = self._unmeasured(generator_id, who, score)
        if check is not None and check not in self._found.checks:
            self._found.checks.append(check)
        return self.measured(generator_id, score)

    def _unmeasured(self, generator_id: str, who: str, score: str) -> GateCheck | None:
        if generator_id not in self._records:
            self._records[generator_id] = _evaluation_alike(self._store, generator_id, self._evaluation)
        return unmeasured(who, generator_id, self._evaluation, self._records[generator_id], self._name, score)


def _notes(evaluation: Json | None) -> list[str]:
    """What a reader of the verdict has to know of the feature network."""
    weakness = None if evaluation is None else evaluation.get("weakness")
    return [str(weakness)] if weakness else []


def _config(facts: Json) -> Config:
    return from_record(facts["config"], where=f"the config in {FACTS}")


def _is_about(store: Store, run_id: str, name: str, generator_id: str) -> bool:
    """Whether the run's verdict for a name is about this generator."""
    try:
        return bool(verdicts.read(store, run_id, name)["generator_id"] == generator_id)
    except (NotFoundError, IntegrityError):
        return False


def _evaluation_alike(store: Store, generator_id: str, evaluation: Json) -> Json | None:
    """A generator's final scores: those of the new generator's identity where its checkpoint has them, as the step
    remeasure leaves them behind, else those that it was exported with; None where it has none.
    """
    own = facts_module.read_evaluation(store, generator_id)
    facts = immutable.read_json(store, "generator", generator_id, FACTS)
    found = None
    if "reference_id" in evaluation:
        place = (facts["run_id"], int(facts["step"]), evaluation["reference_id"])
        found = evaluations.read(store, *place, evaluation["identity"])
    alike = found is not None and found.get("checkpoint_sha256") == facts.get("checkpoint_sha256")
    return found if alike else own
