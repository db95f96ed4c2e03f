"""Kubernetes itself, where a kubeconfig answers: pods and why they wait, which Kubeflow's API does not tell."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import kubernetes
import urllib3
import yaml
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from kubernetes.stream import portforward
from kubernetes.stream.ws_client import PortForward

from components.runtime.pod_metadata import RUN_ID_LABEL
from gan.errors import ClusterError, NotFoundError
from pipelines.kfp.api_errors import AnswerError

TIMEOUTS_SECONDS = (10, 60)
KUBECONFIG = "KUBECONFIG"
OWN = "~/.kube/config"  # where KUBECONFIG is not set


class Cluster:
    """The Kubernetes API of one namespace. `core`, `apps`, `batch`, `custom` and `authorization` are its services."""

    def __init__(self, namespace: str, client: Any) -> None:
        self.namespace = namespace
        self.client = client
        self.core = kubernetes.client.CoreV1Api(client)
        self.apps = kubernetes.client.AppsV1Api(client)
        self.batch = kubernetes.client.BatchV1Api(client)
        self.custom = kubernetes.client.CustomObjectsApi(client)
        self.authorization = kubernetes.client.AuthorizationV1Api(client)

    def call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What a method of a service returns.

        Raises:
            NotFoundError: there is no such thing.
            AnswerError: the API refused.
            ClusterError: it can't be reached.
        """
        named.setdefault("_request_timeout", TIMEOUTS_SECONDS)
        with in_words(self.client.configuration.host):
            return method(*arguments, **named)

    def pods(self, run_id: str) -> list[Any]:
        """Every pod of a run that is still there."""
        return self.core_list(self.core.list_namespaced_pod, f"{RUN_ID_LABEL}={run_id}")

    def core_list(self, method: Callable[..., Any], selector: str) -> list[Any]:
        """The things in the namespace that a label selector finds."""
        return list(self.call(method, self.namespace, label_selector=selector).items)

    def custom_list(self, group: str, version: str, plural: str, selector: str = "") -> list[dict[str, Any]]:
        """The custom objects in the namespace that a label selector finds; none where their kind is not installed."""
        try:
            found = self.call(
                self.custom.list_namespaced_custom_object,
                group,
                version,
                self.namespace,
                plural,
                label_selector=selector,
            )
        except NotFoundError:
            return []
        return list(found["items"])

    def environment_of(self, deployment: str) -> dict[str, Any]:
        """The environment variables in the containers of a deployment, by name."""
        found = self.call(self.apps.read_namespaced_deployment, deployment, self.namespace)
        return {each.name: each for container in found.spec.template.spec.containers for each in container.env or []}

    def pod_behind(self, service: str) -> str:
        """A pod that a service leads to and that is ready.

        Raises:
            ClusterError: there is no such service, or no pod of it is ready.
        """
        try:
            selector = self.call(self.core.read_namespaced_service, service, self.namespace).spec.selector or {}
        except NotFoundError:
            raise ClusterError(
                f"there is no service {service} in the namespace {self.namespace}; give the --namespace that Kubeflow "
                "Pipelines is in"
            ) from None
        labels = ",".join(f"{name}={value}" for name, value in selector.items())
        pods = self.core_list(self.core.list_namespaced_pod, labels) if labels else []
        for pod in pods:
            conditions = pod.status.conditions or []
            if any(each.type == "Ready" and each.status == "True" for each in conditions):
                return str(pod.metadata.name)
        raise ClusterError(
            f"the service {service} in the namespace {self.namespace} has no pod that is ready; look at its pods with "
            f"`kubectl -n {self.namespace} get pods`"
        )

    def port(self, pod: str, number: int) -> tuple[PortForward, Any]:
        """A connection to a port of a pod: what keeps it open, and a socket."""
        with in_words(self.client.configuration.host):
            made = portforward(self.core.connect_get_namespaced_pod_portforward, pod, self.namespace, ports=str(number))
        return made, made.socket(number)


def reach(namespace: str) -> Cluster:
    """The cluster of the kubeconfig (KUBECONFIG, else ~/.kube/config); without either, of the pod that this runs in.

    Raises:
        ClusterError: there is none of them, or it can't be used.
    """
    settings = kubernetes.client.Configuration()
    named, own = os.environ.get(KUBECONFIG), os.path.expanduser(OWN)
    if named and not any(os.path.exists(os.path.expanduser(path)) for path in named.split(os.pathsep)):
        raise ClusterError(f"no way to Kubernetes: {KUBECONFIG} is {named}, and there is no such file; correct it")
    if named or os.path.isfile(own):  # whoever has one never gets the identity of a pod in its place
        _load(named or own, settings)
    else:
        _load_of_pod(settings)
    settings.retries = False
    return Cluster(namespace, kubernetes.client.ApiClient(settings))


def _load(paths: str, settings: Any) -> None:
    try:
        kubernetes.config.load_kube_config(paths, client_configuration=settings)
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ClusterError(
            f"no way to Kubernetes: {paths} is no kubeconfig that can be used ({_short(error)}); correct it, or set "
            f"{KUBECONFIG} to the path of another"
        ) from None


def _load_of_pod(settings: Any) -> None:
    try:
        kubernetes.config.load_incluster_config(client_configuration=settings)
    except (ConfigException, OSError) as error:
        raise ClusterError(
            f"no way to Kubernetes: {KUBECONFIG} is not set, there is no {OWN}, and this is no pod with a service "
            f"account ({_short(error)}); set {KUBECONFIG} to the path of a kubeconfig"
        ) from None


def _short(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


@contextmanager
def in_words(host: str) -> Iterator[None]:
    """Whatever goes wrong with the Kubernetes API, as an error of ours."""
    try:
        yield
    except ApiException as error:
        raise _refusal(host, error) from None
    except urllib3.exceptions.HTTPError as error:
        raise ClusterError(
            f"Kubernetes at {host} can't be reached: {' '.join(str(error).split())[:300]}; look whether KUBECONFIG "
            "names the right cluster, and whether that is up"
        ) from None


def _refusal(host: str, error: ApiException) -> AnswerError | NotFoundError:
    said, status = _said(error), int(error.status or 0)
    if status == 404:
        return NotFoundError(f"Kubernetes at {host} has no such thing: {said}")
    if status == 0:  # the client tells TLS so
        told = f"no secure connection to Kubernetes at {host}: {said}; mend the certificate authority in the kubeconfig"
    elif status == 401:
        told = f"Kubernetes at {host} does not know us: the kubeconfig's credentials are wrong or expired; renew them"
    elif status == 403:
        told = f"Kubernetes at {host} forbids it: {said}; ask for that right"
    else:
        told = f"Kubernetes at {host} refuses ({status}): {said}"
    return AnswerError(told, status)


def _said(error: ApiException) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return " ".join(str(error.reason).split())[:300]
