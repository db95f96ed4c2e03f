"""What every step returns."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gan.types import Json


@dataclass(frozen=True)
class StepResult:
    """What a step made or judged.

    `id` names it, `uri` is its place, `seconds` is how long the step took, `skipped` says that it was in the store
    already, and `details` holds the step's own results (JSON types only).
    """

    id: str
    uri: str
    seconds: float = 0.0
    skipped: bool = False
    details: Json = field(default_factory=dict)

    def to_dict(self) -> Json:
        """One flat JSON object: id, uri, seconds, skipped and the details."""
        tree = dataclasses.asdict(self)
        details = tree.pop("details")
        return {**tree, **details}


def plain(value: float) -> float | str:
    """A number for a result; text if it is not finite, because JSON has no such numbers."""
    return value if math.isfinite(value) else str(value)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()

    def seconds(self) -> float:
        """Elapsed seconds, to the millisecond."""
        return round(self._clock() - self._began, 3)
