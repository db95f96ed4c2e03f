"""A local port that leads to the API server's pod, by way of the Kubernetes API.

Each connection finds the pod anew, so that a restart of it breaks one request and not the forwarding; `kubectl
port-forward` ends there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.kfp.endpoint import Address
from pipelines.kubernetes.cluster import Cluster, reach

SERVICE, PORT = "ml-pipeline", 8888
CHUNK_BYTES = 64 * 1024


@contextmanager
def forwarded(address: Address) -> Iterator[Address]:
    """The same address with a host on this machine.

    Raises:
        ClusterError: there is no kubeconfig, or Kubernetes refuses.
    """
    cluster = reach(address.namespace)
    cluster.pod_behind(SERVICE)  # now, so that an error is told as one, and not as a broken connection
    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=_accept, args=(listener, cluster), daemon=True)
        acceptor.start()
        port = listener.getsockname()[1]
        try:
            yield dataclasses.replace(address, port_forward=False, host=f"http://127.0.0.1:{port}")
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
    acceptor.join()


def _accept(listener: socket.socket, cluster: Cluster) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(near, cluster), daemon=True).start()


def _serve(near: socket.socket, cluster: Cluster) -> None:
    """One connection, until either side ends it; where the pod can't be reached it breaks, and is asked for again."""
    with near:
        try:
            keeper, far = cluster.port(cluster.pod_behind(SERVICE), PORT)
        except Exception:  # noqa: BLE001  (whatever it was, the other side is told by the broken connection)
            return
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()
        keeper.close()


def _pump(source: Any, sink: Any) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
