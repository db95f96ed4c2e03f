"""Is there what the variables of the pods come from: the store's Secret, and the ConfigMap of settings?

Pods name every key of both as optional, which Kubeflow Pipelines 2.17 heeds and 2.14 leaves out: there, without one of
them no pod starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from components.kubernetes.api import KubernetesApi
from gan.errors import ClusterError, NotFoundError
from pipelines.doctor.check import InconclusiveError
from pipelines.doctor.checked_call import checked_call
from pipelines.profiles.apply_profile import SETTINGS, STORE_KEYS

IGNORED_BEFORE, HEEDED_SINCE = (2, 15), (2, 17)  # 2.14 was tried, of 2.17 the sources were read
S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
IDENTITY = "none: pods have the identity of their service account"


def insists(version: str | None) -> bool | None:
    """Whether a backend of this version starts no pod without what is optional; None where that is not known."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version or "")
    told = (int(numbers[1]), int(numbers[2])) if numbers else IGNORED_BEFORE
    return None if IGNORED_BEFORE <= told < HEEDED_SINCE else told < IGNORED_BEFORE


def store_secret(cluster: KubernetesApi, secret: str | None, store: str, version: str | None) -> str:
    """Whether pods get the store's credentials.

    Raises:
        NotFoundError: the store needs the Secret, and it is missing.
        ClusterError: it lacks a key that the store or the backend needs.
        NotSeenError: we may not look at it; or it lacks what only some backends need, and this may be one of them.
    """
    on_s3 = store.startswith("s3://")
    if secret is None or (not on_s3 and insists(version) is False):
        return IDENTITY
    literals = " ".join(f"--from-literal={key}=..." for key in STORE_KEYS)
    made_by = f"`kubectl -n {cluster.namespace} create secret generic {secret} {literals}`"
    create = f"{made_by} makes it; {'all but the first two' if on_s3 else 'each'} may be empty"
    try:
        data = (
            checked_call(cluster, cluster.core.read_namespaced_secret, secret, cluster.namespace, remedy=create).data
            or {}
        )
    except NotFoundError:
        if on_s3:
            raise
        data = None
    missing = [key for key in S3_KEYS if on_s3 and not (data or {}).get(key)]
    if missing:
        raise ClusterError(f"secret {secret} lacks {', '.join(missing)}; make it anew: {create}")
    remedy = create if on_s3 else f"give a profile with `store_secret: null`, or {create}"
    return _judged(f"secret {secret}", data, STORE_KEYS, version, remedy)


def settings(cluster: KubernetesApi, config_map: str | None, version: str | None) -> str:
    """Whether pods get their settings.

    Raises:
        ClusterError: something is missing, and the backend needs it.
        NotSeenError: we may not look; or it lacks what only some backends need, and this may be one of them.
    """
    if config_map is None:
        return "none: no metrics are pushed"
    try:
        data = checked_call(cluster, cluster.core.read_namespaced_config_map, config_map, cluster.namespace).data or {}
    except NotFoundError:
        data = None
    literals = " ".join(f"--from-literal={key}=" for key in SETTINGS)
    create = f"`kubectl -n {cluster.namespace} create configmap {config_map} {literals}` makes it"
    remedy = f"{create}, or give a profile with `settings: null`"
    return _judged(f"configmap {config_map}", data, SETTINGS, version, remedy)


def _judged(what: str, data: Mapping[str, str] | None, keys: Sequence[str], version: str | None, remedy: str) -> str:
    """What there is of something optional (None: it is not there at all), where the backend can do with that."""
    lacking = [key for key in keys if key not in (data or {})]
    told = f"there is no {what}" if data is None else f"{what} lacks {', '.join(lacking)}"
    if lacking and insists(version):
        raise ClusterError(f"{told}, and Kubeflow Pipelines {version} starts no pod without; {remedy}")
    if lacking and insists(version) is None:
        raise InconclusiveError(
            f"whether pods start: {told}, without which Kubeflow Pipelines 2.14 starts none and 2.17 does; this one is "
            f"{version or 'of an unknown version'}. To be safe: {remedy}"
        )
    return f"{told}, and none is needed" if data is None else f"{what} has {', '.join(sorted(data))}"
