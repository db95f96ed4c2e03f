from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading

import pytest

from gan.errors import ConfigError
from gan.train.stop_signals import StopRequest, stop_requests


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


def test_other_threads_set_no_handler() -> None:
    seen: list[StopRequest] = []

    def body() -> None:
        with stop_requests() as stop:
            seen.append(stop)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert not seen[0]


def test_the_grace_period_runs_from_the_first_signal() -> None:
    now = [100.0]
    stop = StopRequest(25, clock=lambda: now[0])
    assert stop.seconds_left() == math.inf
    stop.ask(signal.SIGTERM)
    now[0] = 110.0
    stop.ask(signal.SIGINT)
    assert stop.signal_number == signal.SIGTERM
    assert stop.seconds_left() == 15
    now[0] = 130.0
    assert stop.seconds_left() < 0


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_grace_period_that_is_not_positive_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_GRACE_SECONDS", text)
    with pytest.raises(ConfigError, match=f'GAN_GRACE_SECONDS must be a number of seconds, above 0, .* got "{text}"'):
        stop_requests().__enter__()


HANGING = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from gan.train import stop_signals
stop_signals.MARGIN_SECONDS = 0.0
with stop_signals.stop_requests() as stop:
    stop.advice = lambda: "Step 4 is saved."
    stop.can_exit = sys.argv[1] == "can_exit"
    if sys.argv[1] == "exit":
        ThreadPoolExecutor().submit(threading.Event().wait)
    print("ready", flush=True)
    while not stop or sys.argv[1] == "body":
        threading.Event().wait(0.01)
raise SystemExit(7)
"""


@pytest.mark.parametrize(("hanging", "code"), [("body", 143), ("exit", 143), ("can_exit", 7)])
def test_whatever_hangs_the_process_exits_after_the_grace_period(hanging: str, code: int) -> None:
    """A body that never ends; threads that the interpreter joins at its exit; and nothing at all."""
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, hanging],
        env={**os.environ, "GAN_GRACE_SECONDS": "0.5"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert ("Step 4 is saved." in errors) == (code == 143)
