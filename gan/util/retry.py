"""The retry loop: exponential backoff until a deadline, and a small limit for failures that may be permanent."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class TransientError(Exception):
    """An attempt failed in a way that may pass; raise it `from` the error itself where there is one.

    `ambiguous`: the failure may as well be permanent, so it is retried only a few times.
    """

    def __init__(self, why: str, *, ambiguous: bool = False) -> None:
        super().__init__(why)
        self.ambiguous = ambiguous


class RetriesExhaustedError(Exception):
    """No attempt succeeded.

    `last` is the last failure, `cause` the error behind it; `seconds` is how long attempts have failed, `attempts` how
    many did; `ambiguous`: the limit of ambiguous failures was reached, not the deadline.
    """

    def __init__(self, last: TransientError, *, seconds: float, attempts: int, ambiguous: bool) -> None:
        super().__init__(str(last))
        self.last = last
        self.seconds = seconds
        self.attempts = attempts
        self.ambiguous = ambiguous

    @property
    def cause(self) -> BaseException:
        """What the last TransientError was raised from, else itself."""
        return self.last.__cause__ or self.last


def full_jitter(longest_seconds: float) -> float:
    """A pause between nothing and the longest; Brooker, "Exponential Backoff And Jitter" (AWS, 2015)."""
    return random.uniform(0, longest_seconds)  # noqa: S311 - not a secret


def equal_jitter(longest_seconds: float) -> float:
    """A pause between half the longest and the longest; see the same article."""
    return random.uniform(longest_seconds / 2, longest_seconds)  # noqa: S311 - not a secret


def no_jitter(longest_seconds: float) -> float:
    """The longest pause."""
    return longest_seconds


@dataclass(frozen=True)
class RetryPolicy:
    """How long and how often to retry.

    Args:
        deadline_seconds: no attempt begins later than this.
        first_pause_seconds: the longest pause after the first failure; each further one is twice as long.
        max_pause_seconds: where that growth ends.
        max_ambiguous: after this many ambiguous failures there is no further attempt.
        jitter: draws the pause from the longest one.
        clock: monotonic seconds.
        sleep: passes the time between two attempts.
    """

    deadline_seconds: float
    first_pause_seconds: float
    max_pause_seconds: float
    max_ambiguous: int = 3
    jitter: Callable[[float], float] = no_jitter
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep

    def call(self, attempt: Callable[[], T], *, progress: Callable[[], int] | None = None) -> T:
        """What `attempt` returns, once it no longer raises TransientError; any other error of it is raised at once.

        Args:
            attempt: one try.
            progress: how far the attempts have got; at a failure where it has grown, the deadline and all counts start
                again, so the duration of the first attempt does not count. Without it the deadline starts now.

        Raises:
            RetriesExhaustedError: the deadline passed, or there were too many ambiguous failures.
        """
        began, reached, failures, ambiguous = self.clock(), -1, 0, 0
        while True:
            try:
                return attempt()
            except TransientError as error:
                last = error
            now = self.clock()
            if progress is not None and progress() > reached:
                began, reached, failures, ambiguous = now, progress(), 0, 0
            failures, ambiguous = failures + 1, ambiguous + last.ambiguous
            pause = self.pause_seconds(failures)
            too_ambiguous = ambiguous == self.max_ambiguous
            if too_ambiguous or now + pause > began + self.deadline_seconds:
                raise RetriesExhaustedError(
                    last, seconds=now - began, attempts=failures, ambiguous=too_ambiguous
                ) from last
            self.sleep(pause)

    def pause_seconds(self, failures: int) -> float:
        """The pause after this many failures in a row, at least 1; for callers with a loop of their own."""
        return self.jitter(min(self.max_pause_seconds, self.first_pause_seconds * 2 ** min(failures - 1, 30)))
