from __future__ import annotations

import signal
import threading

import pytest

from gan.errors import Stopped
from gan.util.sigterm import sigterm_as_exception


def test_sigterm_unwinds_and_clearing_up_is_not_torn_apart() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def body() -> None:
        with sigterm_as_exception():
            try:
                signal.raise_signal(signal.SIGTERM)
                seen.append("continued")
            finally:
                signal.raise_signal(signal.SIGTERM)
                seen.append("cleaned up")

    with pytest.raises(Stopped, match="run the same command to continue") as caught:
        body()
    assert caught.value.exit_code == 143
    assert seen == ["cleaned up"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_without_a_signal_nothing_happens() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with sigterm_as_exception():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_in_another_thread_no_handler_is_set() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def body() -> None:
        with sigterm_as_exception():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [before]
