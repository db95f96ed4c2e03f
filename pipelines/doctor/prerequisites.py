"""Checks that the cluster has what the pods of a run refer to."""

from __future__ import annotations

import re
from dataclasses import replace

import kubernetes

from components.kubernetes.api import KubernetesApi
from components.multi_worker.manifests import SERVICE_ACCOUNT
from components.runtime import pre_stop_hook
from gan.errors import ClusterError, ConfigError, NotFoundError
from pipelines.doctor.check import InconclusiveError, checked_call, inconclusive_if_forbidden
from pipelines.doctor.permissions import APPLY
from pipelines.kubernetes.api_groups import preferred_version
from pipelines.kubernetes.deployments import environment_of
from pipelines.kubernetes.image_reference import at, parse
from pipelines.kubernetes.image_registry import AbsentError, RegistryError, digest_of
from pipelines.profiles.resources import Resources

OLDEST = (1, 30)
GUARDED, WANTED_LEVEL = "gan-pipelines/guarded", "restricted"
ARGO = "workflow-controller"
JOBSET, KUEUE = "jobset.x-k8s.io", "kueue.x-k8s.io"
FINALIZER = "ARGO_POD_STATUS_CAPTURE_FINALIZER"
ROOTS = ("gs://", "s3://", "minio://")
UNSET_ROOT = "minio://mlpipeline/v2/artifacts"


def version(cluster: KubernetesApi) -> str:
    """The version of Kubernetes.

    Raises:
        ClusterError: it can't be reached, or is too old.
    """
    found = checked_call(cluster, kubernetes.client.VersionApi(cluster.client).get_code)
    numbers = tuple(int(re.sub(r"\D.*", "", part) or 0) for part in (found.major, found.minor))
    if numbers < OLDEST:
        raise ClusterError(f"Kubernetes {found.git_version} is too old; upgrade to {OLDEST[0]}.{OLDEST[1]} or newer")
    return f"{cluster.host}, {found.git_version}"


def namespace(cluster: KubernetesApi) -> str:
    """Check that the namespace exists.

    Raises:
        NotFoundError: it does not.
    """
    _labels(cluster)
    return cluster.namespace


def admission(cluster: KubernetesApi) -> str:
    """Check that the namespace enforces what `k8s/base` sets.

    Raises:
        ClusterError: it does not.
    """
    labels = _labels(cluster)
    level = labels.get("pod-security.kubernetes.io/enforce", "privileged")
    lacking = []
    if level != WANTED_LEVEL:
        lacking.append(f"its Pod Security is {level} and not {WANTED_LEVEL}")
    if labels.get(GUARDED) != "true":
        lacking.append(f"it lacks the label {GUARDED}=true, which the admission policies select")
    if lacking:
        raise ClusterError(f"{cluster.namespace}: {', and '.join(lacking)}; {APPLY}, also after each upgrade of KFP")
    return f"Pod Security {level}, and the admission policies"


def _labels(cluster: KubernetesApi) -> dict[str, str]:
    remedy = f"create it (`kubectl create namespace {cluster.namespace}`) or give the --namespace that runs are in"
    return dict(
        checked_call(cluster, cluster.core.read_namespace, cluster.namespace, remedy=remedy).metadata.labels or {}
    )


def launcher(cluster: KubernetesApi) -> str:
    """Where Kubeflow stores artifacts.

    Raises:
        ClusterError: at a URI that Kubeflow does not support.
    """
    try:
        found = checked_call(cluster, cluster.core.read_namespaced_config_map, "kfp-launcher", cluster.namespace)
    except NotFoundError:
        return f"no ConfigMap kfp-launcher, so {UNSET_ROOT}"
    root = (found.data or {}).get("defaultPipelineRoot") or UNSET_ROOT
    if not root.startswith(ROOTS):
        raise ClusterError(
            f'kfp-launcher has defaultPipelineRoot "{root}", but Kubeflow supports {", ".join(ROOTS)}; correct it with '
            f"`kubectl -n {cluster.namespace} edit configmap kfp-launcher`"
        )
    return root


def argo(cluster: KubernetesApi) -> str:
    """Check that Argo's controller is set up as by `k8s/workflow-controller.sh`.

    Raises:
        ClusterError: it is not.
        InconclusiveError: we may not read it, or it is installed under other names.
    """
    read_config_map = cluster.core.read_namespaced_config_map
    try:
        data = checked_call(cluster, read_config_map, f"{ARGO}-configmap", cluster.namespace).data or {}
        with inconclusive_if_forbidden():
            finalizer = environment_of(cluster, ARGO).get(FINALIZER)
    except NotFoundError as error:
        raise InconclusiveError(str(error)) from None
    lacking = []
    if pre_stop_hook.__name__ not in data.get("workflowDefaults", ""):
        lacking.append("a step has one second after SIGTERM instead of its grace")
    if finalizer is None or finalizer.value != "true":
        lacking.append("a pod that is deleted by force fails its run")
    if lacking:
        raise ClusterError(f"{', and '.join(lacking)}; run k8s/workflow-controller.sh, also after each upgrade of KFP")
    return "steps have their grace, and a pod that is deleted by force is retried"


def cache_claim(cluster: KubernetesApi, claim: str) -> str:
    """Check the volume of the cache.

    Raises:
        NotFoundError: there is no such claim.
        ClusterError: its volume is lost.
    """
    remedy = f"create the PersistentVolumeClaim {claim}, or take cache_claim out of the profile"
    method = cluster.core.read_namespaced_persistent_volume_claim
    found = checked_call(cluster, method, claim, cluster.namespace, remedy=remedy)
    if found.status.phase == "Lost":
        raise ClusterError(f"the volume of {claim} is lost; delete the claim and create it again")
    return f"{claim} is {found.status.phase}"


def pull_secret(cluster: KubernetesApi, secret: str) -> str:
    """Check the image pull Secret.

    Raises:
        NotFoundError: there is none.
        ClusterError: it is of another type.
    """
    remedy = f"`kubectl -n {cluster.namespace} create secret docker-registry {secret} ...` creates it"
    found = checked_call(cluster, cluster.core.read_namespaced_secret, secret, cluster.namespace, remedy=remedy)
    if found.type != "kubernetes.io/dockerconfigjson":
        raise ClusterError(f"secret {secret} is of type {found.type}, not an image pull secret; {remedy}")
    return secret


def image(cluster: KubernetesApi, name: str) -> str:
    """Check that all nodes have the image, or its registry has it.

    Raises:
        ConfigError: neither; or the registry does not resolve the tag.
        InconclusiveError: we may not list nodes; or the registry refuses us a digest that it may give to nodes.
    """
    wanted = parse(name)
    nodes = checked_call(cluster, cluster.core.list_node).items
    have = [node.metadata.name for node in nodes if any(_same(each, name) for each in _images(node))]
    if len(have) == len(nodes):
        return f"{name} is on every node"
    some = f"{len(have)} of {len(nodes)} nodes have it"
    try:
        digest = digest_of(wanted)
    except RegistryError as error:
        if wanted.digest and not isinstance(error, AbsentError):
            raise InconclusiveError(f"{some}, and whether the others can pull it is not known: {error}") from None
        lacking = ", ".join(sorted({node.metadata.name for node in nodes} - set(have))[:5])
        raise ConfigError(
            f"{lacking} has no such image, and it can't be pulled: {error}. Push it, log in with "
            "`docker login`, or load it into every node"
        ) from None
    return f"{name if wanted.digest else at(name, digest)}: its registry has it; {some}"


def _images(node: object) -> list[str]:
    status = getattr(node, "status", None)
    return [name for image in getattr(status, "images", None) or [] for name in image.names or []]


def _same(one: str, other: str) -> bool:
    """Whether two names mean one image, as `gan:1` and `docker.io/library/gan:1` do; a digest overrides the tag."""
    try:
        names = [parse(one), parse(other)]
    except ConfigError:
        return False
    a, b = (replace(name, tag="") if name.digest else name for name in names)
    return a == b


def kueue(cluster: KubernetesApi, queue: str, priority: str | None) -> str:
    """Check that Kueue can admit the pods.

    Raises:
        ClusterError, NotFoundError: it is not installed, has no such queue, or the queue is closed.
    """
    preferred = installed_version(cluster, KUEUE)
    if preferred is None:
        raise ClusterError(
            f"the profile has the queue {queue}, and Kueue is not installed: pods would start without it; install it, "
            "or give a profile without a queue"
        )
    custom = cluster.custom
    local = checked_call(
        cluster,
        custom.get_namespaced_custom_object,
        *(KUEUE, preferred, cluster.namespace, "localqueues", queue),
        remedy=f"create the LocalQueue {queue}: {APPLY} with the component kueue",
    )
    conditions = {each["type"]: each for each in local.get("status", {}).get("conditions", [])}
    active = conditions.get("Active")
    if active is not None and active["status"] != "True":
        raise ClusterError(f"LocalQueue {queue} is not active: {active['message']}; look at its ClusterQueue")
    if priority is not None:
        remedy = f"create the WorkloadPriorityClass {priority}: {APPLY} with the component kueue"
        method = custom.get_cluster_custom_object
        checked_call(cluster, method, KUEUE, preferred, "workloadpriorityclasses", priority, remedy=remedy)
    waiting = local.get("status", {}).get("pendingWorkloads", 0)
    return f"queue {queue} of {local['spec']['clusterQueue']}, {waiting} waiting" + (
        f"; {priority}" if priority else ""
    )


def jobset(cluster: KubernetesApi, resources: Resources) -> str:
    """How several workers run.

    Raises:
        NotFoundError: the service account that they run as is missing.
        InconclusiveError: we may not read it.
    """
    checked_call(
        cluster, cluster.core.read_namespaced_service_account, SERVICE_ACCOUNT, cluster.namespace, remedy=APPLY
    )
    preferred = installed_version(cluster, JOBSET)
    kind = f"a JobSet ({preferred})" if preferred else "an Indexed Job: no JobSet here"
    return f"{resources.workers} workers as {kind}"


def installed_version(cluster: KubernetesApi, group: str) -> str | None:
    """The preferred version of an API group, None where it is not installed.

    Raises:
        InconclusiveError: we may not ask.
    """
    with inconclusive_if_forbidden():
        return preferred_version(cluster, group)
