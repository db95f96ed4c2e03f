"""How long and how often requests to a bucket are retried: one policy for every kind of storage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from gan.errors import StoreError, UnavailableError
from gan.util.env import env_float
from gan.util.retry import RetriesExhaustedError, RetryPolicy, TransientError, full_jitter

T = TypeVar("T")
DEADLINE = "GAN_STORE_DEADLINE_SECONDS"
DEFAULT_DEADLINE_SECONDS = 120.0
CONNECT_SECONDS, READ_SECONDS = 10, 20
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.4, 15.0
MAX_AMBIGUOUS = 3


@contextmanager
def malformed_is_transient() -> Iterator[None]:
    """For parsing an answer: where a field is missing or wrong, it may be so only this once."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise TransientError(f"its answer makes no sense: {error!r}") from None


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter, until all attempts failed for `deadline_seconds` without any progress."""

    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = full_jitter

    def call(self, what: str, attempt: Callable[[], T], *, reached: Callable[[], int] = lambda: 0) -> T:
        """What `attempt` returns, once it no longer raises TransientError.

        Args:
            what: for messages: what is being done, such as "read gs://b/k".
            attempt: one try.
            reached: how far the attempts have got; where it has grown, the deadline starts again.

        Raises:
            UnavailableError: no progress for as long as the deadline.
            StoreError: the storage refused the request `MAX_AMBIGUOUS` times.
        """
        policy = RetryPolicy(
            self.deadline_seconds,
            FIRST_PAUSE_SECONDS,
            MAX_PAUSE_SECONDS,
            max_ambiguous=MAX_AMBIGUOUS,
            jitter=self.jitter,
            clock=self.clock,
            sleep=self.sleep,
        )
        try:
            return policy.call(attempt, progress=reached)
        except RetriesExhaustedError as error:
            if error.ambiguous:
                raise StoreError(
                    f"could not {what}: {error}; it was refused {MAX_AMBIGUOUS} times: check that the credentials, the "
                    "region and the endpoint are right"
                ) from error.last
            raise UnavailableError(
                f"could not {what} for {error.seconds:.0f} s, {error.attempts} attempts in a row: {error}; run the "
                f"same command again when the storage is back, or give it longer with {DEADLINE}"
            ) from error.last


def from_environment(otherwise_seconds: float | None = None) -> Retry:
    """The policy with the deadline of GAN_STORE_DEADLINE_SECONDS, or `otherwise_seconds` where that is not set.

    Raises:
        ConfigError: it is not a number above 0.
    """
    return Retry(env_float(DEADLINE, otherwise_seconds or DEFAULT_DEADLINE_SECONDS, "seconds"))
