"""A clock for code that waits, and attempts that fail, so that tests of retries take no time."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """Time that passes only when somebody sleeps, and then `pace` times as fast."""

    def __init__(self, pace: float = 1.0) -> None:
        self.now = 0.0
        self.pace = pace
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += self.pace * seconds


def failing(*errors: Exception) -> Callable[[], str]:
    """An attempt that raises each of the errors in turn, and then returns "done"."""
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt
