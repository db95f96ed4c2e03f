"""How to read a score."""

from __future__ import annotations

import math
from dataclasses import dataclass

LOWER, HIGHER = "lower", "higher"


@dataclass(frozen=True)
class ScoreKind:
    """How to read a score.

    Attributes:
        name: its name in records, configs and Kubeflow.
        better: "lower" or "higher".
        low, high: the range of its values.
        title: its name for people; empty: `name` with spaces.
        meaning: one sentence for people that defines it.
        paired: whether it supports paired comparison, so that a margin can be set for it (`gate.margin`).
        share: whether it is a share of images.
        needs_confidence: whether it needs mode probabilities that express confidence, which clusters don't give.
        sides: how many sets of images it varies with (generated, real); it has contributions of one of them.
    """

    name: str
    better: str
    low: float = 0.0
    high: float = math.inf
    title: str = ""
    meaning: str = ""
    paired: bool = False
    share: bool = False
    needs_confidence: bool = False
    sides: int = 1

    @property
    def display_name(self) -> str:
        """Its name for people."""
        return self.title or self.name.replace("_", " ")

    def to_minimise(self, value: float) -> float:
        """The value, or minus the value if higher is better: lower is always better."""
        return value if self.better == LOWER else -value
