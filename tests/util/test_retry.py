from __future__ import annotations

from collections.abc import Callable

import pytest

from gan.util.retry import RetriesExhaustedError, RetryPolicy, TransientError


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def policy(self, deadline_seconds: float = 60.0) -> RetryPolicy:
        return RetryPolicy(deadline_seconds, 1.0, 4.0, clock=lambda: self.now, sleep=self.sleep)


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


def test_pauses_double_up_to_the_longest() -> None:
    time = Time()
    assert time.policy().call(failing(*[TransientError("busy")] * 5)) == "done"
    assert time.pauses == [1, 2, 4, 4, 4]


def test_the_deadline_ends_it_before_a_pause_would_pass_it() -> None:
    time = Time()
    with pytest.raises(RetriesExhaustedError, match="busy") as caught:
        time.policy(10).call(failing(*[TransientError("busy")] * 9))
    assert (time.pauses, caught.value.seconds, caught.value.attempts) == ([1, 2, 4], 7, 4)
    assert not caught.value.ambiguous


def test_a_deadline_of_zero_means_one_attempt() -> None:
    time = Time()
    with pytest.raises(RetriesExhaustedError):
        time.policy(0).call(failing(TransientError("busy")))
    assert time.pauses == []


def test_ambiguous_failures_have_a_limit_of_their_own() -> None:
    time = Time()
    with pytest.raises(RetriesExhaustedError) as caught:
        time.policy().call(failing(*[TransientError("500", ambiguous=True)] * 3))
    assert (caught.value.attempts, caught.value.ambiguous) == (3, True)


def test_progress_starts_the_deadline_and_the_counts_again() -> None:
    time, steps = Time(), iter([1, 1, 2, 2, 3, 3])
    reached = 0

    def attempt() -> str:
        nonlocal reached
        time.now += 9
        if (step := next(steps, None)) is None:
            return "done"
        reached = step
        raise TransientError("broke off", ambiguous=True)

    assert time.policy(20).call(attempt, progress=lambda: reached) == "done"
    assert time.pauses == [1, 2, 1, 2, 1, 2]


def test_the_error_behind_a_transient_one_is_kept() -> None:
    def attempt() -> None:
        raise TransientError("away") from OSError("no route")

    with pytest.raises(RetriesExhaustedError) as caught:
        Time().policy(0).call(attempt)
    assert isinstance(caught.value.cause, OSError)
    with pytest.raises(KeyError):
        Time().policy().call(failing(KeyError("x")))
