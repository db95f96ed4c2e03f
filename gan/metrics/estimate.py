"""A score with its interval, and how it is worked out only where somebody asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gan.types import Json

if TYPE_CHECKING:
    from gan.metrics.contributions import Contributions


@dataclass(frozen=True)
class Estimate:
    """A score with its confidence interval, where it has one, and the `floor` that a perfect sampler would score."""

    value: float
    low: float | None = None
    high: float | None = None
    floor: float | None = None

    def to_json(self) -> Json:
        """As it stands in an evaluation record: without what it does not have."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Score:
    """A score of which only the value is worked out so far.

    Attributes:
        value: the score.
        interval: gives (low, high) at a level of confidence in (0, 1); None for a score without an interval. The
            docstring of each metric says which randomness its interval is about.
        contributions: gives what each image contributes, with which two generators are compared; None for a score that
            can't be compared so.
        floor: what a perfect sampler would score, where that is not the end of the range.
    """

    value: float
    interval: Callable[[float], tuple[float, float]] | None = field(default=None, compare=False)
    contributions: Callable[[], Contributions] | None = field(default=None, compare=False)
    floor: float | None = None

    def estimate(self, confidence: float) -> Estimate:
        """The score with its interval."""
        low, high = (None, None) if self.interval is None else self.interval(confidence)
        return Estimate(self.value, low, high, self.floor)
