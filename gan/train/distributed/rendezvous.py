"""Several workers meet before TensorFlow makes them one.

Who joins others through TensorFlow waits inside it for as long as it takes, holding Python's lock and SIGTERM's handler
(2.21): a pod whose partner never comes could only be killed. So they wait here first. Worker 0 listens where TensorFlow
will, the others call it, and once it has heard all of them it lets them go, to join within a second or two.
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
from gan.util.log import say

LOOK_EVERY_SECONDS = 0.2
CALL_SECONDS = 10.0
GO = b"!"


def rendezvous(workers: Workers, stop: StopRequest) -> None:
    """Wait until all workers are there.

    Raises:
        ConfigError: worker 0 can't listen at its address.
        WorkerLostError: one went away at the last moment.
        Stopped: SIGTERM or Ctrl-C came first.
    """
    say(f"worker {workers.index} of {workers.count} waits for the others", address=workers.addresses[workers.index])
    (_accept_workers if workers.chief else _connect_to_chief)(workers, lambda: _raise_if_stopped(stop))


def _raise_if_stopped(stop: StopRequest) -> None:
    if stop:
        advice = "Not all workers were there and nothing was trained; the same command on all of them goes on"
        raise Stopped(stop.signal_number or 0, advice)


def _accept_workers(workers: Workers, heed: Callable[[], None]) -> None:
    """As worker 0: who calls says its number, and is there as long as it stays on the line."""
    lines: dict[socket.socket, int | None] = {}
    with _listening(workers.addresses[0]) as door, ExitStack() as hanging_up:
        while len(set(lines.values()) - {None}) < workers.count - 1:
            heed()
            ready, _, _ = select.select([door, *lines], [], [], LOOK_EVERY_SECONDS)
            for line in ready:
                if line is door:
                    lines[hanging_up.enter_context(door.accept()[0])] = None
                elif (number := _number(line, workers.count)) is not None:
                    lines[line] = number
                else:
                    del lines[line]
                    line.close()
        for line in lines:
            _release(line)


def _number(line: socket.socket, count: int) -> int | None:
    """The number that a worker says; None where it hung up, or it is no worker."""
    try:
        said = line.recv(16)
    except OSError:
        return None
    text = said.decode("ascii", "replace")
    return int(text) if text.endswith("\n") and text[:-1].isdecimal() and 0 < int(text) < count else None


def _release(line: socket.socket) -> None:
    try:
        line.sendall(GO)
    except OSError:
        raise WorkerLostError(
            "a worker went away just when all of them were there; the same command on all of them goes on"
        ) from None


def _connect_to_chief(workers: Workers, heed: Callable[[], None]) -> None:
    """As another worker: call until worker 0 is there, and stay on the line until it lets go."""
    host, _, port = workers.addresses[0].rpartition(":")
    while True:
        heed()
        with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=CALL_SECONDS) as line:
            line.sendall(f"{workers.index}\n".encode())
            while not select.select([line], [], [], LOOK_EVERY_SECONDS)[0]:
                heed()
            if line.recv(len(GO)) == GO:
                return
        time.sleep(LOOK_EVERY_SECONDS)  # it is not there yet, or its name is not, or it went away again


def _listening(address: str) -> socket.socket:
    port = int(address.rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            ("", port), family=socket.AF_INET6 if both else socket.AF_INET, dualstack_ipv6=both, backlog=256
        )
    except OSError as error:
        raise ConfigError(
            f"worker 0 can't listen at its address {address}: {error.strerror}; give one that is free"
        ) from None
