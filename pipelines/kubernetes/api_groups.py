"""Which API groups a cluster has: those of JobSet and Kueue may not be installed."""

from __future__ import annotations

import kubernetes

from components.kubernetes.api import KubernetesApi


def preferred_version(cluster: KubernetesApi, group: str) -> str | None:
    """The preferred version of an API group, None where it is not installed.

    Raises:
        ClusterError: Kubernetes can't be reached, or refuses.
    """
    groups = cluster.call(kubernetes.client.ApisApi(cluster.client).get_api_versions).groups
    return next((str(each.preferred_version.version) for each in groups if each.name == group), None)
