"""What the gate looks at: the figures of a generator in, checks out. No store, no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gan.config import Gate
from gan.errors import NotFoundError
from gan.export.files import FACTS
from gan.metrics.identity import differences
from gan.steps.outcome import plain
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


def thresholds(options: Gate, evaluation: Json | None, run_id: str) -> list[Check]:
    """Whether the scores are within the thresholds that are set; one check that fails where there are no scores.

    Raises:
        NotFoundError: a score that has a threshold was not measured.
    """
    if evaluation is None:
        remedy = f"run: gan evaluate --run-id {run_id} --reference-id ID, then gan export --run-id {run_id}"
        return [
            Check("evaluation", None, "present", passed=False, reason=f"the generator was never evaluated; {remedy}")
        ]
    return [_limited(score, _value(evaluation, score), side, limit) for score, side, limit in limits(options)]


def limits(options: Gate) -> list[tuple[str, str, float]]:
    """The thresholds that are set: score, most or least, and the limit."""
    every = [(score, side, getattr(options, f"{side}_{score}", None)) for score in THRESHOLDS for side in SIDES]
    return [(score, side, limit) for score, side, limit in every if limit is not None]


def _limited(score: str, value: float, side: str, limit: float) -> Check:
    """A value that is not a number is within no limit."""
    passed = value <= limit if side == "most" else value >= limit
    bound = f"at {side} {limit:g}"
    reason = f"{score} is {value:.4g}, allowed is {bound} (gate.{side}_{score})"
    return Check(score, plain(value), bound, bool(passed), reason)


def parity(options: Gate, measured: Mapping[str, Any]) -> list[Check]:
    """Whether the exported generator draws what its checkpoint draws, by the `parity` of its facts."""
    difference, limit = float(measured["largest_pixel_difference"]), options.most_pixel_difference
    bound = f"at most {limit:g}"
    checks = [
        Check(
            "largest_pixel_difference",
            plain(difference),
            bound,
            difference <= limit,
            f"a pixel of the exported generator differs from its checkpoint's by {difference:.3g}, allowed is {bound} "
            "(gate.most_pixel_difference)",
        )
    ]
    if measured.get("scores_equal") is not None:
        equal = bool(measured["scores_equal"])
        reason = "the exported generator's scores are not those of its checkpoint; export the run again"
        checks.append(Check("scores_equal", str(equal).lower(), "true", equal, reason))
    return checks


def rolled_back(generator_id: str, name: str) -> Check:
    """The check that fails for a generator that was rolled back from.

    Whoever rolled back saw what no score shows, and a schedule would promote the same generator again.
    """
    reason = (
        f'{generator_id}, or another export of its weights, was live under "{name}" and was rolled back from; to '
        f"promote it all the same: gan promote --generator-id {generator_id} --name {name} --force REASON"
    )
    return Check("rolled_back", "yes", "no", passed=False, reason=reason)


def beside_live(
    options: Gate, generator_id: str, evaluation: Json, live_id: str, live_evaluation: Json | None
) -> Check:
    """Whether the FID is not worse, or better, than the live generator's, beyond the interval of the difference.

    That interval is the one of two independent estimates: both half-widths, squared, added, rooted. The generators are
    scored with the same latents and real images, so this errs on the wide side.

    Args:
        options: the thresholds.
        generator_id: the one to judge.
        evaluation: its scores.
        live_id: the live generator.
        live_evaluation: its scores; None where it has none. Of another identity than the others they fail the check.
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
    return Check(name, plain(new), bound, passed, reason)


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
