"""Forwards a local port to the API server's pod, through the Kubernetes API.

Each connection looks up the pod again, so its restart breaks one request and not the forwarding; `kubectl
port-forward` would end.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes.stream import portforward
from kubernetes.stream.ws_client import PortForward

from components.kubernetes.api import KubernetesApi, translated_errors
from components.kubernetes.connect import open_cluster
from gan.errors import ClusterError, NotFoundError

SERVICE, PORT = "ml-pipeline", 8888
CHUNK_BYTES = 64 * 1024


@contextmanager
def forwarded_url(namespace: str) -> Iterator[str]:
    """The URL of a port of this machine that is forwarded to the API server of a namespace.

    Raises:
        ClusterError: there is no kubeconfig, or Kubernetes refuses.
    """
    cluster = open_cluster(namespace)
    _pod_behind(cluster, SERVICE)  # now, so that an error is reported as one, and not as a broken connection
    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=_accept, args=(listener, cluster), daemon=True)
        acceptor.start()
        port = listener.getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
    acceptor.join()


def _accept(listener: socket.socket, cluster: KubernetesApi) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(near, cluster), daemon=True).start()


def _serve(near: socket.socket, cluster: KubernetesApi) -> None:
    """One connection, until either side ends it; it breaks where the pod can't be reached, and the client retries."""
    with near:
        try:
            keeper, far = _open_port(cluster, _pod_behind(cluster, SERVICE), PORT)
        except Exception:  # noqa: BLE001  (the broken connection reports it to the client)
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


def _pod_behind(cluster: KubernetesApi, service: str) -> str:
    """A ready pod of a service.

    Raises:
        ClusterError: there is no such service, or none of its pods is ready.
    """
    try:
        selector = cluster.call(cluster.core.read_namespaced_service, service, cluster.namespace).spec.selector or {}
    except NotFoundError:
        raise ClusterError(
            f"there is no service {service} in the namespace {cluster.namespace}; give the --namespace that Kubeflow "
            "Pipelines is in"
        ) from None
    labels = ",".join(f"{name}={value}" for name, value in selector.items())
    pods = cluster.list_objects(cluster.core.list_namespaced_pod, labels) if labels else []
    for pod in pods:
        if any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or []):
            return str(pod.metadata.name)
    raise ClusterError(
        f"the service {service} in the namespace {cluster.namespace} has no pod that is ready; look at its pods with "
        f"`kubectl -n {cluster.namespace} get pods`"
    )


def _open_port(cluster: KubernetesApi, pod: str, port: int) -> tuple[PortForward, Any]:
    """A connection to a port of a pod: the forwarding, which must be kept, and its socket."""
    with translated_errors(cluster.host):
        made = portforward(cluster.core.connect_get_namespaced_pod_portforward, pod, cluster.namespace, ports=str(port))
    return made, made.socket(port)
