from __future__ import annotations

import os
import signal
import threading

import pytest

from gan.train.signals import StopRequest, stop_requests


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_flag_and_nothing_else(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_requests() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert stop.signal_number == number
    assert signal.getsignal(number) is before


def test_the_first_signal_counts_and_later_ones_do_no_harm() -> None:
    with stop_requests() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
        assert stop.signal_number == signal.SIGTERM


def test_handlers_come_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGINT)

    def fail() -> None:
        with stop_requests():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert signal.getsignal(signal.SIGINT) is before


def test_elsewhere_than_in_the_main_thread_no_handler_is_set() -> None:
    seen: list[StopRequest] = []

    def body() -> None:
        with stop_requests() as stop:
            seen.append(stop)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert not seen[0]
