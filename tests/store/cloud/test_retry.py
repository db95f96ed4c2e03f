from __future__ import annotations

import pytest

from gan.errors import ConfigError, StoreError, UnavailableError
from gan.store.cloud.retry import MAX_AMBIGUOUS, MAX_PAUSE_SECONDS, Retry, from_environment
from gan.util.retry import TransientError, full_jitter, no_jitter
from support.clock import Clock, failing


def retry(clock: Clock, deadline_seconds: float = 100.0) -> Retry:
    return Retry(deadline_seconds, clock=clock, sleep=clock.sleep, jitter=no_jitter)


def test_what_passes_is_waited_for_with_growing_pauses() -> None:
    clock = Clock()
    attempt = failing(*(TransientError("reset") for _ in range(9)))
    assert retry(clock).call("read x", attempt) == "done"
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[:3] == [0.4, 0.8, 1.6]
    assert clock.pauses[-1] == MAX_PAUSE_SECONDS


def test_the_pauses_are_drawn_from_nothing_to_the_longest() -> None:
    drawn: list[float] = []

    def jitter(longest: float) -> float:
        drawn.append(longest)
        return 0.0

    retry = Retry(100, clock=lambda: 0.0, sleep=lambda _: None, jitter=jitter)
    retry.call("read x", failing(TransientError("a"), TransientError("b")))
    assert drawn == [0.4, 0.8]
    assert all(0 <= full_jitter(0.4) <= 0.4 for _ in range(100))


def test_after_the_deadline_it_is_unavailable() -> None:
    clock = Clock()
    with pytest.raises(
        UnavailableError,
        match=r"could not read x for \d+ s, \d+ attempts in a row: reset; .*GAN_STORE_DEADLINE_SECONDS",
    ):
        retry(clock, 60).call("read x", failing(*(TransientError("reset") for _ in range(100))))
    assert clock.now <= 60


def test_who_gets_further_may_go_on() -> None:
    clock = Clock()
    reached = 0

    def attempt() -> str:
        nonlocal reached
        reached += 1
        clock.now += 50
        if reached < 20:
            raise TransientError("broke off")
        return "done"

    assert retry(clock, 60).call("read x", attempt, reached=lambda: reached) == "done"
    assert clock.now > 900


def test_an_attempt_that_took_longer_than_the_deadline_is_followed_by_another() -> None:
    clock = Clock()
    failures = [TransientError("the connection broke")]

    def attempt() -> str:
        clock.now += 300
        if failures:
            raise failures.pop()
        return "done"

    assert retry(clock, 60).call("write x", attempt) == "done"


def test_a_refused_request_is_not_sent_for_ever() -> None:
    clock = Clock()
    error = TransientError("status 400", ambiguous=True)
    assert retry(clock).call("write x", failing(*[error] * (MAX_AMBIGUOUS - 1))) == "done"
    with pytest.raises(StoreError, match=r"could not write x: status 400; .*credentials") as caught:
        retry(clock).call("write x", failing(*[error] * MAX_AMBIGUOUS))
    assert not isinstance(caught.value, UnavailableError)


def test_other_errors_are_raised_at_once() -> None:
    clock = Clock()
    with pytest.raises(KeyError):
        retry(clock).call("read x", failing(KeyError("x")))
    assert clock.pauses == []


@pytest.mark.parametrize("text", ["0", "-1", "soon", "inf", "nan"])
def test_a_deadline_is_a_number_above_0(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GAN_STORE_DEADLINE_SECONDS", text)
    with pytest.raises(ConfigError, match=f'GAN_STORE_DEADLINE_SECONDS must be .* above 0, such as 120; got "{text}"'):
        from_environment()


def test_the_deadline_is_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_environment().deadline_seconds == 120
    assert from_environment(10).deadline_seconds == 10
    monkeypatch.setenv("GAN_STORE_DEADLINE_SECONDS", "7.5")
    assert from_environment().deadline_seconds == from_environment(10).deadline_seconds == 7.5
