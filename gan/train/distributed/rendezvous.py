"""Wait for all workers before TensorFlow connects them.

TensorFlow (2.21) blocks inside its own connect call, holding the GIL and SIGTERM's handler: a pod whose partner never
starts could only be killed. So the workers wait here first. Worker 0 listens at the address that TensorFlow will use
and the others connect to it. Once all of them have, it releases them, and TensorFlow connects them within a second or
two.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from gan.errors import ConfigError, Stopped, WorkerLostError
from gan.train.distributed.workers import Workers
from gan.train.stop_signals import StopRequest
from gan.util import log

POLL_INTERVAL_SECONDS = 0.2
CONNECT_TIMEOUT_SECONDS = 10.0
RELEASE = b"!"


def rendezvous(workers: Workers, stop: StopRequest) -> None:
    """Wait until all workers are connected.

    Raises:
        ConfigError: worker 0 can't listen at its address.
        WorkerLostError: a worker disconnected at the last moment.
        Stopped: SIGTERM or Ctrl-C came first.
    """
    log.info(
        f"worker {workers.index} of {workers.count} waits for the others", address=workers.addresses[workers.index]
    )
    (_accept_workers if workers.chief else _connect_to_chief)(workers, lambda: _raise_if_stopped(stop))


def _raise_if_stopped(stop: StopRequest) -> None:
    if stop:
        advice = "Not all workers were there and nothing was trained; run the same command on all of them again"
        raise Stopped(stop.signal_number or 0, advice)


def _accept_workers(workers: Workers, raise_if_stopped: Callable[[], None]) -> None:
    """On worker 0: each worker sends its index, and counts as present while its connection is open."""
    connections: dict[socket.socket, int | None] = {}
    with _listen(workers.addresses[0]) as listener, ExitStack() as stack:
        while len(set(connections.values()) - {None}) < workers.count - 1:
            raise_if_stopped()
            ready, _, _ = select.select([listener, *connections], [], [], POLL_INTERVAL_SECONDS)
            for connection in ready:
                if connection is listener:
                    connections[stack.enter_context(listener.accept()[0])] = None
                elif (index := _read_index(connection, workers.count)) is not None:
                    connections[connection] = index
                else:
                    del connections[connection]
                    connection.close()
        for connection in connections:
            _release(connection)


def _read_index(connection: socket.socket, count: int) -> int | None:
    """The index that a worker sent; None if it disconnected or is not a worker."""
    try:
        data = connection.recv(16)
    except OSError:
        return None
    text = data.decode("ascii", "replace")
    return int(text) if text.endswith("\n") and text[:-1].isdecimal() and 0 < int(text) < count else None


def _release(connection: socket.socket) -> None:
    try:
        connection.sendall(RELEASE)
    except OSError:
        raise WorkerLostError(
            "a worker disconnected just when all of them were there; run the same command on all of them again"
        ) from None


def _connect_to_chief(workers: Workers, raise_if_stopped: Callable[[], None]) -> None:
    """On the other workers: connect to worker 0, retrying until it listens, and wait for its release."""
    host, _, port = workers.addresses[0].rpartition(":")
    address = (host.strip("[]"), int(port))
    while True:
        raise_if_stopped()
        with suppress(OSError), socket.create_connection(address, timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            connection.sendall(f"{workers.index}\n".encode())
            while not select.select([connection], [], [], POLL_INTERVAL_SECONDS)[0]:
                raise_if_stopped()
            if connection.recv(len(RELEASE)) == RELEASE:
                return
        time.sleep(POLL_INTERVAL_SECONDS)  # worker 0 or its DNS name does not exist yet, or it disconnected


def _listen(address: str) -> socket.socket:
    port = int(address.rpartition(":")[2])
    dual_stack = socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            ("", port),
            family=socket.AF_INET6 if dual_stack else socket.AF_INET,
            dualstack_ipv6=dual_stack,
            backlog=256,
        )
    except OSError as error:
        raise ConfigError(
            f"worker 0 can't listen at its address {address}: {error.strerror}; give one that is free"
        ) from None
