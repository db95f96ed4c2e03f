"""Checks of the sources of the pods' environment variables: the store's Secret and the ConfigMap of settings.

Pods name every key of both as optional. Kubeflow Pipelines 2.17 respects that; 2.14 does not, and starts no pod without
each of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from components.kubernetes.api import KubernetesApi
from gan.errors import ClusterError, NotFoundError
from pipelines.doctor.check import InconclusiveError, checked_call
from pipelines.profiles.apply_profile import SETTINGS, STORE_KEYS

IGNORED_BEFORE, RESPECTED_SINCE = (2, 15), (2, 17)  # by a test of 2.14, and from the sources of 2.17
S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
IDENTITY = "none: pods have the identity of their service account"


def requires_optional(version: str | None) -> bool | None:
    """Whether a backend of this version starts no pod without optional keys; None where that is not known."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version or "")
    release = (int(numbers[1]), int(numbers[2])) if numbers else IGNORED_BEFORE
    return None if IGNORED_BEFORE <= release < RESPECTED_SINCE else release < IGNORED_BEFORE


def store_secret(cluster: KubernetesApi, secret: str | None, store: str, version: str | None) -> str:
    """Whether pods get the store's credentials.

    Raises:
        NotFoundError: the store needs the Secret, and it is missing.
        ClusterError: it lacks a key that the store or the backend needs.
        InconclusiveError: we may not read it; or it lacks what only some backends need, and this may be one of them.
    """
    on_s3 = store.startswith("s3://")
    if secret is None or (not on_s3 and requires_optional(version) is False):
        return IDENTITY
    literals = " ".join(f"--from-literal={key}=..." for key in STORE_KEYS)
    made_by = f"`kubectl -n {cluster.namespace} create secret generic {secret} {literals}`"
    create = f"{made_by} creates it; {'all but the first two' if on_s3 else 'each'} may be empty"
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
        raise ClusterError(f"secret {secret} lacks {', '.join(missing)}; create it again: {create}")
    remedy = create if on_s3 else f"give a profile with `store_secret: null`, or {create}"
    return _check_optional(f"secret {secret}", data, STORE_KEYS, version, remedy)


def settings(cluster: KubernetesApi, config_map: str | None, version: str | None) -> str:
    """Whether pods get their settings.

    Raises:
        ClusterError: something is missing, and the backend needs it.
        InconclusiveError: we may not read it; or it lacks what only some backends need, and this may be one of them.
    """
    if config_map is None:
        return "none: no metrics are pushed"
    try:
        data = checked_call(cluster, cluster.core.read_namespaced_config_map, config_map, cluster.namespace).data or {}
    except NotFoundError:
        data = None
    literals = " ".join(f"--from-literal={key}=" for key in SETTINGS)
    create = f"`kubectl -n {cluster.namespace} create configmap {config_map} {literals}` creates it"
    remedy = f"{create}, or give a profile with `settings: null`"
    return _check_optional(f"configmap {config_map}", data, SETTINGS, version, remedy)


def _check_optional(
    what: str, data: Mapping[str, str] | None, keys: Sequence[str], version: str | None, remedy: str
) -> str:
    """What an optional object has; `data` is None where it does not exist. An error where the backend needs more."""
    lacking = [key for key in keys if key not in (data or {})]
    state = f"there is no {what}" if data is None else f"{what} lacks {', '.join(lacking)}"
    if lacking and requires_optional(version):
        raise ClusterError(f"{state}, and Kubeflow Pipelines {version} starts no pod without; {remedy}")
    if lacking and requires_optional(version) is None:
        raise InconclusiveError(
            f"{state}, without which Kubeflow Pipelines 2.14 starts no pods and 2.17 does; this one is "
            f"{version or 'of an unknown version'}. To be safe: {remedy}"
        )
    return f"{state}, and none is needed" if data is None else f"{what} has {', '.join(sorted(data))}"
