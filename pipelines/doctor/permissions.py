"""May we, and the pods' service account, do what they must? Kubernetes itself is asked, of each right."""

from __future__ import annotations

from dataclasses import dataclass

import kubernetes

from components.kubernetes.api import KubernetesApi
from gan.errors import ClusterError
from pipelines.doctor.checked_call import checked_call


@dataclass(frozen=True)
class Right:
    """What somebody may do to a kind of thing; `resource` may name a part of it, as in pods/log."""

    verb: str
    resource: str
    group: str = ""
    name: str = ""

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {kind}{' ' + self.name if self.name else ''}"


OURS = (
    *(Right(verb, "pods") for verb in ("list", "get", "delete")),
    Right("get", "pods/log"),
    *(Right(verb, "workflows", "argoproj.io") for verb in ("list", "patch")),
    *(Right(verb, "jobs", "batch") for verb in ("list", "delete")),
)
"""What `status`, `logs` and `cancel` ask Kubernetes for; without some of it these say and do less."""
OURS_OF_JOBSETS = tuple(Right(verb, "jobsets", "jobset.x-k8s.io") for verb in ("list", "delete"))
OURS_OF_KUEUE = (Right("list", "workloads", "kueue.x-k8s.io"),)
OF_STEPS: tuple[Right, ...] = (
    Right("create", "workflowtaskresults", "argoproj.io"),
    Right("patch", "workflowtaskresults", "argoproj.io"),
    Right("get", "configmaps", name="kfp-launcher"),
)
OF_WORKERS = (
    *(Right(verb, "jobs", "batch") for verb in ("create", "get", "list", "watch", "delete")),
    *(Right(verb, "services") for verb in ("create", "get", "delete")),
    *(Right(verb, "pods") for verb in ("get", "list", "watch")),
    Right("get", "pods/log"),
    Right("list", "events"),
)
OF_JOBSETS = tuple(Right(verb, "jobsets", "jobset.x-k8s.io") for verb in ("create", "get", "list", "watch", "delete"))


def our_rights(cluster: KubernetesApi, rights: tuple[Right, ...]) -> str:
    """What the kubeconfig's user may do in the namespace.

    Raises:
        ClusterError: a right is missing.
    """
    missing = [right for right in rights if not _mine(cluster, right)]
    if missing:
        raise ClusterError(
            f"you may not {_list(missing)} in {cluster.namespace}: `status` and `logs` will say less, and `cancel` may "
            "leave something behind; ask for a role there that lets you, or set KUBECONFIG to that of somebody who has "
            "one"
        )
    return _list(rights)


def rights_of_pods(cluster: KubernetesApi, account: str, rights: tuple[Right, ...]) -> str:
    """What the service account of a run's pods may do.

    Raises:
        ClusterError: it is missing, or a right of it is.
        NotSeenError: we may not ask.
    """
    checked_call(cluster, cluster.core.read_namespaced_service_account, account, cluster.namespace, remedy=APPLY)
    user = f"system:serviceaccount:{cluster.namespace}:{account}"
    missing = [right for right in rights if not _of(cluster, user, right)]
    if missing:
        raise ClusterError(f"{account} may not {_list(missing)} in {cluster.namespace}; {APPLY}")
    return f"{account}: {_list(rights)}"


APPLY = (
    "apply the manifests: `kubectl apply --server-side --force-conflicts --field-manager gan-pipelines "
    "-k k8s/overlays/...`"
)


def _mine(cluster: KubernetesApi, right: Right) -> bool:
    spec = kubernetes.client.V1SelfSubjectAccessReviewSpec(resource_attributes=_attributes(cluster, right))
    review = kubernetes.client.V1SelfSubjectAccessReview(spec=spec)
    service = cluster.authorization
    return bool(checked_call(cluster, service.create_self_subject_access_review, review).status.allowed)


def _of(cluster: KubernetesApi, user: str, right: Right) -> bool:
    spec = kubernetes.client.V1SubjectAccessReviewSpec(
        user=user,
        groups=["system:serviceaccounts", f"system:serviceaccounts:{cluster.namespace}", "system:authenticated"],
        resource_attributes=_attributes(cluster, right),
    )
    review = kubernetes.client.V1SubjectAccessReview(spec=spec)
    return bool(checked_call(cluster, cluster.authorization.create_subject_access_review, review).status.allowed)


def _attributes(cluster: KubernetesApi, right: Right) -> kubernetes.client.V1ResourceAttributes:
    resource, _, part = right.resource.partition("/")
    return kubernetes.client.V1ResourceAttributes(
        namespace=cluster.namespace,
        verb=right.verb,
        resource=resource,
        subresource=part or None,
        group=right.group,
        name=right.name or None,
    )


def _list(rights: tuple[Right, ...] | list[Right]) -> str:
    """The rights in few words: verbs of one kind together."""
    kinds: dict[str, list[str]] = {}
    for right in rights:
        verb, _, kind = str(right).partition(" ")
        kinds.setdefault(kind, []).append(verb)
    return ", ".join(f"{'/'.join(verbs)} {kind}" for kind, verbs in kinds.items())
