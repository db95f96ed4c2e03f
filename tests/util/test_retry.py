from __future__ import annotations

import pytest

from gan.util.retry import RetriesExhaustedError, RetryPolicy, TransientError, equal_jitter
from support.clock import Clock, failing


def policy(clock: Clock, deadline_seconds: float = 60.0) -> RetryPolicy:
    return RetryPolicy(deadline_seconds, 1.0, 4.0, clock=clock, sleep=clock.sleep)


def test_pauses_double_up_to_the_longest() -> None:
    clock = Clock()
    assert policy(clock).call(failing(*[TransientError("busy")] * 5)) == "done"
    assert clock.pauses == [1, 2, 4, 4, 4]


def test_the_pause_of_a_loop_outside_is_the_same_and_equal_jitter_draws_from_its_upper_half() -> None:
    assert [policy(Clock()).pause_seconds(failures) for failures in (1, 2, 3, 4, 99)] == [1, 2, 4, 4, 4]
    assert all(0.2 <= equal_jitter(0.4) <= 0.4 for _ in range(100))


def test_the_deadline_ends_it_before_a_pause_would_pass_it() -> None:
    clock = Clock()
    with pytest.raises(RetriesExhaustedError, match="busy") as caught:
        policy(clock, 10).call(failing(*[TransientError("busy")] * 9))
    assert (clock.pauses, caught.value.seconds, caught.value.attempts) == ([1, 2, 4], 7, 4)
    assert not caught.value.ambiguous


def test_a_deadline_of_zero_means_one_attempt() -> None:
    clock = Clock()
    with pytest.raises(RetriesExhaustedError):
        policy(clock, 0).call(failing(TransientError("busy")))
    assert clock.pauses == []


def test_ambiguous_failures_have_a_limit_of_their_own() -> None:
    clock = Clock()
    with pytest.raises(RetriesExhaustedError) as caught:
        policy(clock).call(failing(*[TransientError("500", ambiguous=True)] * 3))
    assert (caught.value.attempts, caught.value.ambiguous) == (3, True)


def test_progress_starts_the_deadline_and_the_counts_again() -> None:
    clock, steps = Clock(), iter([1, 1, 2, 2, 3, 3])
    reached = 0

    def attempt() -> str:
        nonlocal reached
        clock.now += 9
        if (step := next(steps, None)) is None:
            return "done"
        reached = step
        raise TransientError("broke off", ambiguous=True)

    assert policy(clock, 20).call(attempt, progress=lambda: reached) == "done"
    assert clock.pauses == [1, 2, 1, 2, 1, 2]


def test_the_error_behind_a_transient_one_is_kept() -> None:
    def attempt() -> None:
        raise TransientError("away") from OSError("no route")

    with pytest.raises(RetriesExhaustedError) as caught:
        policy(Clock(), 0).call(attempt)
    assert isinstance(caught.value.cause, OSError)
    with pytest.raises(KeyError):
        policy(Clock()).call(failing(KeyError("x")))
