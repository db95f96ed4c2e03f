"""The checks of the gate: from scores to checks. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gan.config import Gate, margin_of
from gan.errors import NotFoundError
from gan.metrics.identity import differences, protocol_keys
from gan.metrics.maths.difference import ScoreDifference, score_difference
from gan.metrics.registry import metric_of, score_kind
from gan.metrics.requirements import MAX_SAMPLES_PER_IMAGE
from gan.metrics.score_kind import LOWER, ScoreKind
from gan.result import plain
from gan.types import Json
from gan.util.formatting import format_score

if TYPE_CHECKING:
    from gan.metrics.maths.contributions import Contributions


LIVE, BEST = "the live generator", "the best generator that ever was live"


@dataclass(frozen=True)
class GateCheck:
    """One check: `value` must be within `allowed`; `reason` says why a failed one is not."""

    name: str
    value: float | str | None
    allowed: str
    passed: bool
    reason: str = ""

    def to_json(self) -> Json:
        """The check as recorded in a verdict."""
        tree = asdict(self)
        del tree["reason"]
        return tree


@dataclass(frozen=True)
class ScoredGenerator:
    """A generator with its final scores: the record, and the contribution of each image."""

    generator_id: str
    evaluation: Json
    contributions: Mapping[str, Contributions]


def limit_checks(options: Gate, evaluation: Json | None, run_id: str) -> list[GateCheck]:
    """Whether the scores are within the limits that are set; without scores, one failed check."""
    if evaluation is None:
        remedy = f"run: gan evaluate --run-id {run_id} --reference-id ID, then gan export --run-id {run_id}"
        return [
            GateCheck(
                "evaluation", None, "present", passed=False, reason=f"the generator was never evaluated; {remedy}"
            )
        ]
    return [
        _limit_check(score_kind(score, "gate.limits:"), evaluation, limit) for score, limit in options.limits.items()
    ]


def _limit_check(score: ScoreKind, evaluation: Json, limit: float) -> GateCheck:
    """Fails for NaN and for a score that was not measured."""
    bound = f"at {'most' if score.better == LOWER else 'least'} {limit:g}"
    if score.name not in evaluation["scores"]:
        return GateCheck(score.name, None, bound, passed=False, reason=f"{_missing_score(evaluation, score.name)}")
    value = score_value(evaluation, score.name)
    passed = score.to_minimise(value) <= score.to_minimise(limit)
    reason = f"{score.name} is {format_score(value)}, allowed is {bound} (gate.limits.{score.name})"
    return GateCheck(score.name, plain(value), bound, bool(passed), reason)


def parity_checks(options: Gate, measured: Mapping[str, Any]) -> list[GateCheck]:
    """Whether the exported generator draws the same images as its checkpoint, from its metadata's `parity`."""
    difference, limit = float(measured["largest_pixel_difference"]), options.max_pixel_difference
    bound = f"at most {limit:g}"
    checks = [
        GateCheck(
            "largest_pixel_difference",
            plain(difference),
            bound,
            difference <= limit,
            f"a pixel of the exported generator differs from its checkpoint's by {difference:.3g}, allowed is {bound} "
            "(gate.max_pixel_difference)",
        )
    ]
    if measured.get("scores_equal") is not None:
        equal = bool(measured["scores_equal"])
        reason = "the exported generator's scores are not those of its checkpoint; export the run again"
        checks.append(GateCheck("scores_equal", str(equal).lower(), "true", equal, reason))
    return checks


def rollback_check(generator_id: str, name: str) -> GateCheck:
    """The failed check of a generator that was rolled back.

    The rollback had a reason that no score shows, and a schedule would promote the same generator again.
    """
    reason = (
        f'{generator_id}, or another export of its weights, was live under "{name}" and was rolled back from; to '
        f"promote it all the same: gan promote --generator-id {generator_id} --name {name} --force REASON"
    )
    return GateCheck("rolled_back", "yes", "no", passed=False, reason=reason)


def missing_scores_check(
    who: str, generator_id: str, evaluation: Json, theirs: Json | None, name: str, score: str
) -> GateCheck | None:
    """The failed check if a generator to compare with was not measured as the new one was; else None.

    Args:
        who: its role, "the live generator".
        generator_id: its id.
        evaluation: the scores of the new generator.
        theirs: its scores, or None.
        name: the promoted name.
        score: the score that is compared.
    """
    check = f"{who.replace('the ', '').replace(' ', '_')}_measured"
    remedy = f"measure it in the same way with: {_remeasure_command(evaluation, theirs, name)}"
    if theirs is None:
        reason = (
            f"{who}, {generator_id}, was promoted without an evaluation, so nothing can be compared with it; {remedy}"
        )
        return GateCheck(check, None, "an evaluation", passed=False, reason=reason)
    differing = differences(evaluation["identity"], theirs["identity"])
    if differing:
        reason = f"{who}, {generator_id}, was measured with different {', '.join(differing)}; {remedy}"
        return GateCheck(check, None, "scores of the same identity", passed=False, reason=reason)
    if score in evaluation["scores"] and score not in theirs["scores"]:
        reason = f"{who}, {generator_id}, was measured without {score}; {remedy}"
        return GateCheck(check, None, f"a score {score}", passed=False, reason=reason)
    return None


def comparison_checks(
    options: Gate, new: ScoredGenerator, live: ScoredGenerator | None, anchors: Mapping[str, ScoredGenerator]
) -> list[GateCheck]:
    """Whether a generator is proven not to be worse than the live one and the best that were ever live.

    Args:
        options: the gate's keys.
        new: the generator to judge.
        live: the live generator, measured in the same way; None for no comparison.
        anchors: by score the best generator that was ever live, measured in the same way.

    Raises:
        NotFoundError: a score that has a margin was not measured.
    """
    against = [("margin", LIVE, score, live) for score in options.margin if live is not None]
    against += [("anchor_margin", BEST, score, anchors[score]) for score in options.anchor_margin if score in anchors]
    return [
        non_inferiority_check(options, score, who, key, new, other)
        for key, who, score, other in against
        if other is not None and getattr(options, key)[score] is not None
    ]


def next_anchors(new: ScoredGenerator, anchors: Mapping[str, ScoredGenerator]) -> dict[str, str]:
    """By score the best generator that was ever live, counting the new one, by the values of the final scores."""
    return {
        score: new.generator_id if _is_better(score, new.evaluation, anchor.evaluation) else anchor.generator_id
        for score, anchor in anchors.items()
    }


def _is_better(score: str, first: Json, second: Json) -> bool:
    to_minimise = score_kind(score, "gate.anchor_margin:").to_minimise
    return to_minimise(score_value(first, score)) < to_minimise(score_value(second, score))


def _remeasure_command(evaluation: Json, theirs: Json | None, name: str) -> str:
    """The command that measures a generator in the same way as the new one."""
    own: Json = {} if theirs is None else protocol_keys(theirs["identity"])
    wanted = protocol_keys(evaluation["identity"])
    sets = [f" --set evaluate.{key}={value}" for key, value in wanted.items() if own.get(key) != value]
    if theirs is not None and (lacking := set(evaluation.get("metrics", ())) - set(theirs.get("metrics", ()))):
        sets.append(f" --set evaluate.metrics={','.join([*theirs.get('metrics', ()), *sorted(lacking)])}")
    return f"gan remeasure --name {name} --reference-id {evaluation.get('reference_id', 'ID')}{''.join(sets)}"


def non_inferiority_check(
    options: Gate, score: str, who: str, key: str, new: ScoredGenerator, other: ScoredGenerator
) -> GateCheck:
    """Whether a score is proven to be worse than another generator's by at most the margin: a non-inferiority test.

    Args:
        options: the gate's keys.
        score: the score.
        who: the role of the other generator, "the live generator".
        key: the key of `gate` that holds the margin.
        new: the generator to judge.
        other: the generator to compare with, measured in the same way.

    Raises:
        NotFoundError: the score was not measured.
    """
    of = score_kind(score, f"gate.{key}:")
    mine, theirs = (score_value(each.evaluation, score) for each in (new, other))
    margin = margin_of(getattr(options, key)[score], theirs)
    found = score_difference(
        of,
        (mine, score_contributions(new, score)),
        (theirs, score_contributions(other, score)),
        margin=margin,
        confidence=options.confidence,
    )
    values = f"{score} is {format_score(mine)}, that of {who} {other.generator_id} is {format_score(theirs)}"
    change = f"{abs(found.worse):.3g} {'worse' if found.worse > 0 else 'better'}"
    bound = f"at most {found.upper:.3g} worse at {options.confidence:.4g} confidence"
    if not found.worse <= margin:  # also if one is NaN
        reason = f"{values}: {change}, and gate.{key}.{score} allows {margin:.3g}"
    else:
        reason = (
            f"not enough samples to tell whether {score} is worse than that of {who}: {values}, {change}, {bound}, and "
            f"gate.{key}.{score} allows {margin:.3g}; {_images_needed(found, key, score, new.evaluation)}"
        )
    name = f"{score}_against_{'live' if key == 'margin' else 'best'}"
    return GateCheck(name, plain(found.upper), f"at most {margin:.3g} worse", bool(found.upper <= margin), reason)


def _images_needed(found: ScoreDifference, key: str, score: str, evaluation: Json) -> str:
    """How many images would be enough, if that is known."""
    samples, real = found.samples_needed, found.images_needed
    if metric_of(score) == "prdc":  # compares equal numbers on both sides
        samples = real = samples or real
    identity = evaluation["identity"]
    needed = []
    if samples is not None and samples > identity.get("samples", 0):
        needed.append(f"{samples:,} samples (evaluate.samples)")
    if real is not None and real > identity.get("reference_images", 0):
        needed.append(f"{real:,} held-out images (data.holdout_percent)")
    held_out = real or identity.get("reference_images", 0)
    or_allow = f"or allow more with gate.{key}.{score}"
    if not needed:
        return f"no number of images would do, as the difference is too close to the margin: train better, {or_allow}"
    if samples is not None and held_out and samples > MAX_SAMPLES_PER_IMAGE * held_out:
        return f"with {held_out:,} held-out images no number of samples would do: hold out more, {or_allow}"
    return f"about {' and '.join(needed)} would do, {or_allow}"


def score_value(evaluation: Json, score: str) -> float:
    """The value of a score.

    Raises:
        NotFoundError: it was not measured.
    """
    try:
        return float(evaluation["scores"][score]["value"])
    except KeyError:
        raise _missing_score(evaluation, score) from None


def score_contributions(measured: ScoredGenerator, score: str) -> Contributions:
    """The contribution of each image to a score.

    Raises:
        NotFoundError: the score was not measured, or can't be compared image by image.
    """
    if score not in measured.contributions:
        raise _missing_score(measured.evaluation, score)
    return measured.contributions[score]


def _missing_score(evaluation: Json, score: str) -> NotFoundError:
    known = ", ".join(evaluation["scores"])
    return NotFoundError(
        f"the evaluation has no score {score}; it has: {known}. Evaluate and export again with evaluate.metrics that "
        f"hold {score}, or leave it out of the gate's keys (null)"
    )
