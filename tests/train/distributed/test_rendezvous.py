from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from gan.errors import ConfigError, Stopped
from gan.train.distributed.rendezvous import rendezvous
from gan.train.distributed.workers import Workers
from gan.train.stop_signals import StopRequest
from tests.support.servers import free_port


class Meeting:
    """Workers that come to a meeting, each in a thread of its own."""

    def __init__(self, count: int, threads: ThreadPoolExecutor) -> None:
        self.addresses = tuple(f"localhost:{free_port()}" for _ in range(count))
        self.stop = StopRequest()
        self._threads = threads

    def comes(self, index: int) -> Future[None]:
        return self._threads.submit(rendezvous, Workers(self.addresses, index), self.stop)

    def called(self) -> socket.socket:
        """A line to worker 0, as soon as it listens."""
        host, _, port = self.addresses[0].rpartition(":")
        while True:
            try:
                return socket.create_connection((host, int(port)))
            except ConnectionRefusedError:
                continue


@contextmanager
def meeting(count: int) -> Iterator[Meeting]:
    with ThreadPoolExecutor(count) as threads:
        made = Meeting(count, threads)
        try:
            yield made
        finally:
            made.stop.ask(signal.SIGTERM)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_all_go_when_the_last_one_is_there(order: tuple[int, ...]) -> None:
    with meeting(3) as made:
        first, second = made.comes(order[0]), made.comes(order[1])
        assert not first.done()
        assert not second.done()
        last = made.comes(order[2])
        for each in (first, second, last):
            each.result(timeout=60)


def test_who_hangs_up_or_is_no_worker_is_not_there() -> None:
    with meeting(3) as made:
        chief = made.comes(0)
        for words in (b"GET / HTTP/1.1\r\n", b"3\n", b"0\n", b"\xff\n"):
            with made.called() as line:
                line.sendall(words)
                assert line.recv(1) == b""  # it hangs up
        with made.called() as line:
            line.sendall(b"2\n")
        other = made.comes(1)
        with made.called() as line:  # by the time that this line is hung up, it has looked at the others
            line.sendall(b"no worker\n")
            assert line.recv(1) == b""
        assert not chief.done()
        assert not other.done()
        made.comes(2).result(timeout=60)
        chief.result(timeout=60)
        other.result(timeout=60)


@pytest.mark.parametrize("index", [0, 1])
def test_a_signal_ends_the_wait(index: int) -> None:
    with meeting(2) as made:
        waits = made.comes(index)
        made.stop.ask(signal.SIGTERM)
        with pytest.raises(Stopped, match="Not all workers were there") as stopped:
            waits.result(timeout=60)
    assert stopped.value.exit_code == 143


def test_an_address_that_is_taken_is_named() -> None:
    with socket.create_server(("", 0)) as taken:
        address = f"localhost:{taken.getsockname()[1]}"
        with pytest.raises(
            ConfigError, match=f"worker 0 can't listen at its address {address}: Address already in use"
        ):
            rendezvous(Workers((address, "localhost:1"), 0), StopRequest())
