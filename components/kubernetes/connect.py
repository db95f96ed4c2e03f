"""Ways to the Kubernetes API: a kubeconfig, or the service account of the pod that this runs in."""

from __future__ import annotations

import os
from typing import Any

import kubernetes
import yaml
from kubernetes.config import ConfigException

from components.kubernetes.api import KubernetesApi
from gan.errors import ClusterError

KUBECONFIG = "KUBECONFIG"
DEFAULT_PATH = "~/.kube/config"  # where KUBECONFIG is not set


def open_cluster(namespace: str) -> KubernetesApi:
    """The cluster of the kubeconfig (KUBECONFIG, else ~/.kube/config); without either, of the pod that this runs in.

    Raises:
        ClusterError: there is none of them, or it can't be used.
    """
    named, default = os.environ.get(KUBECONFIG), os.path.expanduser(DEFAULT_PATH)
    if named and not any(os.path.exists(os.path.expanduser(path)) for path in named.split(os.pathsep)):
        raise ClusterError(f"no way to Kubernetes: {KUBECONFIG} is {named}, and there is no such file; correct it")
    if named or os.path.isfile(default):  # a user with a kubeconfig never gets the identity of a pod instead
        settings = _of_kubeconfig(named or default)
    else:
        try:
            settings = _of_pod()
        except (ConfigException, OSError) as error:
            raise ClusterError(
                f"no way to Kubernetes: {KUBECONFIG} is not set, there is no {DEFAULT_PATH}, and this is not a pod "
                f"with a service account ({_short(error)}); set {KUBECONFIG} to the path of a kubeconfig"
            ) from None
    return KubernetesApi(_client(settings), namespace)


def open_cluster_as_pod(namespace: str, *, max_outage_seconds: float) -> KubernetesApi:
    """The cluster of the pod that this runs in, with its service account; see KubernetesApi.

    Raises:
        ClusterError: this is not a pod, or it has no service account's token.
    """
    try:
        settings = _of_pod()
    except ConfigException as error:
        raise ClusterError(
            f"several workers train in pods, and this process has no way to Kubernetes ({error}); train with "
            "workers 1, or let the pod's service account mount its token"
        ) from None
    return KubernetesApi(_client(settings), namespace, max_outage_seconds=max_outage_seconds)


def _client(settings: Any) -> Any:
    settings.retries = False  # urllib3's own would also repeat what creates objects
    return kubernetes.client.ApiClient(settings)


def _of_pod() -> Any:
    settings = kubernetes.client.Configuration()
    kubernetes.config.load_incluster_config(client_configuration=settings)
    return settings


def _of_kubeconfig(paths: str) -> Any:
    settings = kubernetes.client.Configuration()
    try:
        kubernetes.config.load_kube_config(paths, client_configuration=settings)
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ClusterError(
            f"no way to Kubernetes: {paths} is not a usable kubeconfig ({_short(error)}); correct it, or set "
            f"{KUBECONFIG} to the path of another"
        ) from None
    return settings


def _short(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
