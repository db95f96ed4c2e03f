"""Checks of our permissions and those of the pods' service account, by Kubernetes' access reviews."""

from __future__ import annotations

from dataclasses import dataclass

import kubernetes

from components.kubernetes.api import KubernetesApi
from gan.errors import ClusterError
from pipelines.doctor.check import checked_call


@dataclass(frozen=True)
class Permission:
    """A verb on a kind of object; `resource` may name a subresource, as in pods/log."""

    verb: str
    resource: str
    group: str = ""
    name: str = ""

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {kind}{' ' + self.name if self.name else ''}"


OWN = (
    *(Permission(verb, "pods") for verb in ("list", "get", "delete")),
    Permission("get", "pods/log"),
    *(Permission(verb, "workflows", "argoproj.io") for verb in ("list", "patch")),
    *(Permission(verb, "jobs", "batch") for verb in ("list", "delete")),
)
"""Used by `status`, `logs` and `cancel`, which say and do less without them."""
OWN_FOR_JOBSETS = tuple(Permission(verb, "jobsets", "jobset.x-k8s.io") for verb in ("list", "delete"))
OWN_FOR_KUEUE = (Permission("list", "workloads", "kueue.x-k8s.io"),)
FOR_STEPS: tuple[Permission, ...] = (
    Permission("create", "workflowtaskresults", "argoproj.io"),
    Permission("patch", "workflowtaskresults", "argoproj.io"),
    Permission("get", "configmaps", name="kfp-launcher"),
)
FOR_WORKERS = (
    *(Permission(verb, "jobs", "batch") for verb in ("create", "get", "list", "watch", "delete")),
    *(Permission(verb, "services") for verb in ("create", "get", "delete")),
    *(Permission(verb, "pods") for verb in ("get", "list", "watch")),
    Permission("get", "pods/log"),
    Permission("list", "events"),
)
FOR_JOBSETS = tuple(
    Permission(verb, "jobsets", "jobset.x-k8s.io") for verb in ("create", "get", "list", "watch", "delete")
)


def own_permissions(cluster: KubernetesApi, permissions: tuple[Permission, ...]) -> str:
    """Check what the kubeconfig's user may do in the namespace.

    Raises:
        ClusterError: a permission is missing.
    """
    missing = [permission for permission in permissions if not _we_may(cluster, permission)]
    if missing:
        raise ClusterError(
            f"you may not {_list(missing)} in {cluster.namespace}: `status` and `logs` will say less, and `cancel` may "
            "leave something behind; ask for a role that allows it, or set KUBECONFIG to that of somebody who has "
            "it"
        )
    return _list(permissions)


def pod_permissions(cluster: KubernetesApi, account: str, permissions: tuple[Permission, ...]) -> str:
    """Check what the service account of a run's pods may do.

    Raises:
        ClusterError: it or one of its permissions is missing.
        InconclusiveError: we may not ask.
    """
    checked_call(cluster, cluster.core.read_namespaced_service_account, account, cluster.namespace, remedy=APPLY)
    user = f"system:serviceaccount:{cluster.namespace}:{account}"
    missing = [permission for permission in permissions if not _may(cluster, user, permission)]
    if missing:
        raise ClusterError(f"{account} may not {_list(missing)} in {cluster.namespace}; {APPLY}")
    return f"{account}: {_list(permissions)}"


APPLY = (
    "apply the manifests: `kubectl apply --server-side --force-conflicts --field-manager gan-pipelines "
    "-k k8s/overlays/...`"
)


def _we_may(cluster: KubernetesApi, permission: Permission) -> bool:
    spec = kubernetes.client.V1SelfSubjectAccessReviewSpec(resource_attributes=_attributes(cluster, permission))
    review = kubernetes.client.V1SelfSubjectAccessReview(spec=spec)
    service = cluster.authorization
    return bool(checked_call(cluster, service.create_self_subject_access_review, review).status.allowed)


def _may(cluster: KubernetesApi, user: str, permission: Permission) -> bool:
    spec = kubernetes.client.V1SubjectAccessReviewSpec(
        user=user,
        groups=["system:serviceaccounts", f"system:serviceaccounts:{cluster.namespace}", "system:authenticated"],
        resource_attributes=_attributes(cluster, permission),
    )
    review = kubernetes.client.V1SubjectAccessReview(spec=spec)
    return bool(checked_call(cluster, cluster.authorization.create_subject_access_review, review).status.allowed)


def _attributes(cluster: KubernetesApi, permission: Permission) -> kubernetes.client.V1ResourceAttributes:
    resource, _, part = permission.resource.partition("/")
    return kubernetes.client.V1ResourceAttributes(
        namespace=cluster.namespace,
        verb=permission.verb,
        resource=resource,
        subresource=part or None,
        group=permission.group,
        name=permission.name or None,
    )


def _list(permissions: tuple[Permission, ...] | list[Permission]) -> str:
    """The permissions, with the verbs on one kind together."""
    kinds: dict[str, list[str]] = {}
    for permission in permissions:
        verb, _, kind = str(permission).partition(" ")
        kinds.setdefault(kind, []).append(verb)
    return ", ".join(f"{'/'.join(verbs)} {kind}" for kind, verbs in kinds.items())
