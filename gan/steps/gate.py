"""The gate: judges a generator by the thresholds of its config and beside the one that is live."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gan.config import Config, Gate, from_dict, override
from gan.errors import IntegrityError, NotFoundError
from gan.export import facts as facts_module
from gan.export.files import FACTS
from gan.ids import check_id
from gan.metrics import evaluations
from gan.metrics.identity import differences
from gan.steps.outcome import Outcome, Stopwatch
from gan.store import Store, pointer, runs, sealed, verdicts
from gan.types import Json

SIDES = ("most", "least")
THRESHOLDS = ("fid", "kid", "precision", "recall", "density", "coverage", "modes_found", "mode_kl")


@dataclass(frozen=True)
class Check:
    """One thing the gate looked at: `value` must be within `allowed`. `reason` says why not, where it is not."""

    name: str
    value: float | str | None
    allowed: str
    passed: bool
    reason: str = ""

    def to_json(self) -> Json:
        """As it stands in a verdict."""
        tree = asdict(self)
        del tree["reason"]
        return tree


def gate(
    store: Store,
    generator_id: str,
    name: str,
    *,
    sets: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Judge whether a generator may be promoted to a name, and write the verdict.

    A refusal is no exception: details["passed"] is False, and details["reasons"] says why in sentences.

    The live generator is held to the thresholds like any other. There is nothing to compare it with, so the verdict
    that it went live by, which compared it with its predecessor, is kept.

    Args:
        store: where the generator is.
        generator_id: the one to judge.
        name: what it would be promoted to.
        sets: overrides of the run's `gate` keys, `gate.most_fid=30`.
        now: the clock.

    Returns:
        The generator's id, the URI of the verdict; details: passed, reasons, notes, checks, live_generator_id.

    Raises:
        NotFoundError: no such generator.
        ConfigError: a wrong override or name.
        IntegrityError: a file of one of the generators is damaged.
    """
    watch = Stopwatch()
    check_id(name, "--name")
    facts = sealed.read_json(store, "generator", generator_id, FACTS)
    options = override(_config(facts), sets).gate
    live = pointer.read(store, name)
    evaluation = facts_module.read_evaluation(store, generator_id)
    checks = [*_thresholds(options, evaluation, facts["run_id"]), *_parity(options, facts["parity"])]
    if facts_module.was_rolled_back(store, generator_id, live):
        checks.append(_rolled_back(generator_id, name))
    notes = []
    if live.live == generator_id:
        notes.append(f"{generator_id} is live under {name} already: there is nothing to compare it with")
    elif live.live is None:
        notes.append(f"nothing is live under {name}: there is nothing to compare it with")
        if evaluation is not None and not _limits(options):
            notes.append(
                "no threshold is set: nothing but the export was checked. Set some of gate.least_* and gate.most_*"
            )
    elif options.against_live == "off":
        notes.append(f"not compared with the live generator {live.live}: gate.against_live is off")
    elif evaluation is not None:
        live_evaluation = _evaluation_alike(store, live.live, evaluation)
        checks.append(_beside_live(options, generator_id, evaluation, live.live, live_evaluation))
    passed = all(check.passed for check in checks)
    verdict: Json = {
        "generator_id": generator_id,
        "name": name,
        "live_generator_id": live.live,
        "live_version": live.version,
        "passed": passed,
        "reasons": [check.reason for check in checks if not check.passed],
        "notes": notes,
        "checks": [check.to_json() for check in checks],
        "options": asdict(options),
        "judged_at": now().isoformat(timespec="microseconds"),
    }
    key = runs.verdict(facts["run_id"], name)
    if live.live != generator_id or not _is_about(store, facts["run_id"], name, generator_id):
        verdicts.write(store, facts["run_id"], verdict)
    return Outcome(generator_id, store.uri_of(key), watch.seconds(), details=verdict)


def _config(facts: Json) -> Config:
    return from_dict(facts["config"], where=f"the config in {FACTS}")


def _is_about(store: Store, run_id: str, name: str, generator_id: str) -> bool:
    """Whether the run's verdict for a name is about this generator."""
    try:
        return bool(verdicts.read(store, run_id, name)["generator_id"] == generator_id)
    except (NotFoundError, IntegrityError):
        return False


def _thresholds(options: Gate, evaluation: Json | None, run_id: str) -> list[Check]:
    if evaluation is None:
        remedy = f"run: gan evaluate --run-id {run_id} --reference-id ID, then gan export --run-id {run_id}"
        return [
            Check("evaluation", None, "present", passed=False, reason=f"the generator was never evaluated; {remedy}")
        ]
    return [_limited(score, _value(evaluation, score), side, limit) for score, side, limit in _limits(options)]


def _limits(options: Gate) -> list[tuple[str, str, float]]:
    """The thresholds that are set: score, most or least, and the limit."""
    limits = [(score, side, getattr(options, f"{side}_{score}", None)) for score in THRESHOLDS for side in SIDES]
    return [(score, side, limit) for score, side, limit in limits if limit is not None]


def _limited(score: str, value: float, side: str, limit: float) -> Check:
    """A value that is not a number is within no limit."""
    passed = value <= limit if side == "most" else value >= limit
    bound = f"at {side} {limit:g}"
    reason = f"{score} is {value:.4g}, allowed is {bound} (gate.{side}_{score})"
    return Check(score, _plain(value), bound, bool(passed), reason)


def _parity(options: Gate, parity: Mapping[str, Any]) -> list[Check]:
    difference, limit = float(parity["largest_pixel_difference"]), options.most_pixel_difference
    bound = f"at most {limit:g}"
    checks = [
        Check(
            "largest_pixel_difference",
            _plain(difference),
            bound,
            difference <= limit,
            f"a pixel of the exported generator differs from its checkpoint's by {difference:.3g}, allowed is {bound} "
            "(gate.most_pixel_difference)",
        )
    ]
    if parity.get("scores_equal") is not None:
        equal = bool(parity["scores_equal"])
        reason = "the exported generator's scores are not those of its checkpoint; export the run again"
        checks.append(Check("scores_equal", str(equal).lower(), "true", equal, reason))
    return checks


def _rolled_back(generator_id: str, name: str) -> Check:
    """Whoever rolled back saw what no score shows, and a schedule would promote the same generator again."""
    reason = (
        f'{generator_id}, or another export of its weights, was live under "{name}" and was rolled back from; to '
        f"promote it all the same: gan promote --generator-id {generator_id} --name {name} --force REASON"
    )
    return Check("rolled_back", "yes", "no", passed=False, reason=reason)


def _beside_live(
    options: Gate, generator_id: str, evaluation: Json, live_id: str, live_evaluation: Json | None
) -> Check:
    """Compares FID. The interval of the difference is that of two independent estimates: both half-widths, squared,
    added, rooted. The generators are scored with the same latents and real images, so this errs on the wide side.
    """
    name = f"fid_{options.against_live}"
    if live_evaluation is None:
        reason = (
            f"the live generator {live_id} was promoted without an evaluation, so nothing can be compared with it; "
            "to judge by the thresholds alone: --set gate.against_live=off"
        )
        return Check(name, None, "an evaluation of the live generator", passed=False, reason=reason)
    differing = differences(evaluation["identity"], live_evaluation["identity"])
    if differing:
        reason = (
            f"the scores of {generator_id} and of the live {live_id} can't be compared: measured with different "
            f"{', '.join(differing)}; measure the live one alike with gan evaluate (its run and step are in its "
            f"{FACTS}) --reference-id {evaluation.get('reference_id', 'ID')} and the same evaluate keys; or judge this "
            "one by the thresholds alone, so that later ones have something to "
            "be compared with: --set gate.against_live=off, once"
        )
        return Check(name, None, "scores of the same identity", passed=False, reason=reason)
    new, old = _value(evaluation, "fid"), _value(live_evaluation, "fid")
    interval = math.hypot(_half_width(evaluation), _half_width(live_evaluation))
    if options.against_live == "better":
        limit, must = old - interval, "better than"
        passed = new < limit
        bound = f"below {limit:.4g}"
    else:
        limit, must = old + interval, "not worse than"
        passed = new <= limit
        bound = f"at most {limit:.4g}"
    reason = (
        f"fid is {new:.4g}, the live generator {live_id} has {old:.4g}; to be {must} that beyond the interval of the "
        f"difference, +-{interval:.3g}, it must be {bound} (gate.against_live={options.against_live})"
    )
    return Check(name, _plain(new), bound, passed, reason)


def _evaluation_alike(store: Store, live_id: str, evaluation: Json) -> Json | None:
    """The live generator's scores: those of the other generator's identity where its checkpoint has them, as `gan
    remeasure` leaves them behind, else those that it was exported with; None where it has none.
    """
    own = facts_module.read_evaluation(store, live_id)
    if own is not None and own["identity"] == evaluation["identity"]:
        return own
    facts = sealed.read_json(store, "generator", live_id, FACTS)
    found = None
    if "reference_id" in evaluation:
        place = (facts["run_id"], int(facts["step"]), evaluation["reference_id"])
        found = evaluations.read(store, *place, evaluation["identity"])
    alike = found is not None and found.get("checkpoint_sha256") == facts.get("checkpoint_sha256")
    return found if alike else own


def _half_width(evaluation: Json) -> float:
    """Of the FID's interval; its lower end may have been cut at 0, its upper end never is."""
    score = evaluation["scores"]["fid"]
    return float(score["high"]) - float(score["value"])


def _value(evaluation: Json, score: str) -> float:
    try:
        return float(evaluation["scores"][score]["value"])
    except KeyError:
        raise NotFoundError(
            f"the evaluation has no score {score}; it has: {', '.join(evaluation['scores'])}. "
            "Evaluate and export again, or leave that threshold out"
        ) from None


def _plain(value: float) -> float | str:
    """JSON has no word for what is not finite."""
    return value if math.isfinite(value) else str(value)
