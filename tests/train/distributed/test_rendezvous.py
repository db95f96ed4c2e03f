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


class Rendezvous:
    """Workers that join a rendezvous, each in its own thread."""

    def __init__(self, count: int, threads: ThreadPoolExecutor) -> None:
        self.addresses = tuple(f"localhost:{free_port()}" for _ in range(count))
        self.stop = StopRequest()
        self._threads = threads

    def start(self, index: int) -> Future[None]:
        return self._threads.submit(rendezvous, Workers(self.addresses, index), self.stop)

    def connect(self) -> socket.socket:
        """A connection to worker 0, as soon as it listens."""
        host, _, port = self.addresses[0].rpartition(":")
        while True:
            try:
                return socket.create_connection((host, int(port)))
            except ConnectionRefusedError:
                continue


@contextmanager
def rendezvous_of(count: int) -> Iterator[Rendezvous]:
    with ThreadPoolExecutor(count) as threads:
        made = Rendezvous(count, threads)
        try:
            yield made
        finally:
            made.stop.ask(signal.SIGTERM)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_all_are_released_when_the_last_one_connects(order: tuple[int, ...]) -> None:
    with rendezvous_of(3) as made:
        first, second = made.start(order[0]), made.start(order[1])
        assert not first.done()
        assert not second.done()
        last = made.start(order[2])
        for each in (first, second, last):
            each.result(timeout=60)


def test_a_connection_that_closes_or_is_not_a_worker_does_not_count() -> None:
    with rendezvous_of(3) as made:
        chief = made.start(0)
        for data in (b"GET / HTTP/1.1\r\n", b"3\n", b"0\n", b"\xff\n"):
            with made.connect() as connection:
                connection.sendall(data)
                assert connection.recv(1) == b""  # it disconnects
        with made.connect() as connection:
            connection.sendall(b"2\n")
        other = made.start(1)
        with made.connect() as connection:  # once this one is closed, worker 0 has read the others
            connection.sendall(b"no worker\n")
            assert connection.recv(1) == b""
        assert not chief.done()
        assert not other.done()
        made.start(2).result(timeout=60)
        chief.result(timeout=60)
        other.result(timeout=60)


@pytest.mark.parametrize("index", [0, 1])
def test_a_signal_ends_the_wait(index: int) -> None:
    with rendezvous_of(2) as made:
        waits = made.start(index)
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
