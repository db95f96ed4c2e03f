"""Deployments, such as those of Kubeflow's and Argo's controllers."""

from __future__ import annotations

from typing import Any

from components.kubernetes.api import KubernetesApi


def environment_of(cluster: KubernetesApi, deployment: str) -> dict[str, Any]:
    """The environment variables in the containers of a deployment, by name.

    Raises:
        NotFoundError: there is no such deployment.
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    found = cluster.call(cluster.apps.read_namespaced_deployment, deployment, cluster.namespace)
    return {each.name: each for container in found.spec.template.spec.containers for each in container.env or []}
