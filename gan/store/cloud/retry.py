"""How a bucket is asked again: one policy for every kind of storage."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from gan.errors import StoreError, UnavailableError
from gan.util.env import env_float

T = TypeVar("T")
DEADLINE = "GAN_STORE_DEADLINE_SECONDS"
DEFAULT_DEADLINE_SECONDS = 120.0
CONNECT_SECONDS, READ_SECONDS = 10, 20
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 15.0
DOUBTS = 3


class TransientError(Exception):
    """An attempt failed in a way that may pass.

    `doubtful`: it may as well be our request that is wrong (a byte that flipped on the way also makes it so).
    """

    def __init__(self, why: str, *, doubtful: bool = False) -> None:
        super().__init__(why)
        self.doubtful = doubtful


@contextmanager
def malformed_is_transient() -> Iterator[None]:
    """For what takes an answer apart: where that lacks something or holds a wrong value, it may be so for once only."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise TransientError(f"its answer makes no sense: {error!r}") from None


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter, until for `deadline_seconds` all attempts failed and none got further."""

    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[float, float], float] = random.uniform

    def call(self, what: str, attempt: Callable[[], T], *, reached: Callable[[], int] = lambda: 0) -> T:
        """What `attempt` returns, once it does so instead of raising TransientError.

        Args:
            what: for messages: what is being done, such as "read gs://b/k".
            attempt: one try.
            reached: how far the attempts have got; where it has grown, the deadline begins anew.

        Raises:
            UnavailableError: nothing got further for as long as the deadline.
            StoreError: the storage refused the request `DOUBTS` times.
        """
        began, at, failures, doubts = 0.0, -1, 0, 0
        while True:
            try:
                return attempt()
            except TransientError as error:
                now = self.clock()
                if reached() > at:
                    began, at, failures, doubts = now, reached(), 0, 0
                failures, doubts = failures + 1, doubts + error.doubtful
                if doubts == DOUBTS:
                    raise StoreError(
                        f"could not {what}: {error}; it was refused {DOUBTS} times: look whether the credentials, the "
                        "region and the endpoint are right"
                    ) from error
                longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures, 10))
                pause = self.draw(0, longest)
                if now + pause > began + self.deadline_seconds:
                    raise UnavailableError(
                        f"could not {what} for {now - began:.0f} s, {failures} attempts in a row: {error}; run the "
                        f"same command again when the storage is back, or give it longer with {DEADLINE}"
                    ) from error
                self.sleep(pause)


def from_environment(otherwise_seconds: float | None = None) -> Retry:
    """The policy with the deadline of GAN_STORE_DEADLINE_SECONDS, or `otherwise_seconds` where nobody has set that.

    Raises:
        ConfigError: that is no number above 0.
    """
    return Retry(env_float(DEADLINE, otherwise_seconds or DEFAULT_DEADLINE_SECONDS, "seconds"))
