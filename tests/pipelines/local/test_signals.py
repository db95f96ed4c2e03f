from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from gan.errors import Stopped
from pipelines.local.local_runner import Signals

SLEEPER = [sys.executable, "-IS", "-c", "import signal; print(flush=True); signal.pause()"]


def start() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(SLEEPER, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_signal_before_the_step_began_reaches_it_when_it_begins() -> None:
    with start() as process, Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.received == signal.SIGTERM
        signals.launched(process.pid)
        assert process.wait() == -signal.SIGTERM


def test_two_signals_between_steps_stop_at_once() -> None:
    with Signals():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped) as caught:
            os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.exit_code == 143


def test_a_step_that_is_gone_already_is_no_error() -> None:
    with start() as process:
        process.kill()
    with Signals() as signals:
        signals.launched(process.pid)
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.received == signal.SIGTERM


def test_a_step_that_is_over_hears_nothing() -> None:
    with start() as process:
        with Signals() as signals:
            signals.launched(process.pid)
            signals.ended()
            os.kill(os.getpid(), signal.SIGTERM)
        assert process.poll() is None
        process.kill()


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    with Signals():
        assert signal.getsignal(signal.SIGINT) != before[0]
    after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    assert after == before
