"""Applies a profile to a task: the settings of its pod in Kubeflow's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp import kubernetes

from components.multi_worker.manifests import RESOURCES, SHARED_MEMORY
from components.registry import STEPS, fingerprint
from components.runtime.pod_metadata import (
    BODY,
    EXECUTION,
    IMAGE,
    NAMESPACE,
    NODE,
    NODE_NAME,
    POD,
    PROFILE,
    RUN_ID_LABEL,
    STEP,
    TASK,
)
from components.runtime.webhook_address import FILE as WEBHOOK_FILE
from gan.data.shards.cache import LIMIT_VARIABLE
from gan.steps.notify import URL
from gan.train.stop_signals import GRACE
from gan.util.metrics_push import GATEWAY
from pipelines.profiles import train_size_params, workers
from pipelines.profiles.profile import Profile
from pipelines.profiles.resources import Resources, size_bytes

USER = 65532  # the image's own, by number: Kubernetes can't tell that a name is not root
STORE_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION")
SETTINGS = (GATEWAY,)
NOTIFY_FOLDER = "/etc/gan/notify"
"""Where the webhook's Secret is mounted: as a volume, which may be missing; backends before 2.17 require variables."""

CACHE_SHARE = 0.9  # the rest of the volume is for downloads and shards that are still arriving
NO_TIME_LIMIT = "31536000s"
"""KFP's backoff_max_duration becomes Argo's maxDuration, a limit on the total time over all retries (default 1 h). One
year disables it; the number of retries is the limit."""

POD_FIELDS = {
    EXECUTION: f"metadata.labels['{RUN_ID_LABEL}']",
    TASK: f"metadata.annotations['{NODE_NAME}']",
    POD: "metadata.name",
    NAMESPACE: "metadata.namespace",
    NODE: "spec.nodeName",
}
"""What a step must know of its own pod to record its attempt."""


def apply_profile(task: Any, step: str, image: str, profile: Profile, given: Mapping[str, Any] | None = None) -> Any:
    """`task` with all that `profile` says of the pod of `step`; `given` are the sizes that are parameters of the run.

    Where several pods train together, this one creates them, and they get what the profile says.
    """
    resources = profile.resources(step)
    if resources.workers > 1:
        kubernetes.add_pod_annotation(task, RESOURCES, workers.annotation(resources))
        resources = workers.coordinator(resources, profile.default)
    _size(task, resources, {**train_size_params.of_resources(resources), **(given or {})})
    _limit(task, resources)
    _place(task, resources)
    _mount(task, resources)
    _set_environment(task, step, image, resources)
    _give_secrets(task, step, profile)
    _label(task, step, profile.name, resources)
    kubernetes.set_security_context(task, run_as_user=USER, run_as_group=USER, run_as_non_root=True)
    kubernetes.set_image_pull_policy(task, "IfNotPresent")
    if profile.image_pull_secret:
        kubernetes.set_image_pull_secrets(task, [profile.image_pull_secret])
    return task


def _size(task: Any, resources: Resources, size: Mapping[str, Any]) -> None:
    task.set_cpu_request(size["cpu"]).set_cpu_limit(resources.cpu_limit or size["cpu"])
    task.set_memory_request(size["memory"]).set_memory_limit(size["memory"])
    if resources.accelerator:
        task.set_accelerator_type(resources.accelerator).set_accelerator_limit(size["accelerators"])


def _limit(task: Any, resources: Resources) -> None:
    kubernetes.set_timeout(task, resources.deadline_seconds)
    if resources.retries:
        task.set_retry(
            resources.retries,
            backoff_duration=f"{resources.backoff_seconds}s",
            backoff_factor=resources.backoff_factor,
            backoff_max_duration=NO_TIME_LIMIT,
        )


def _place(task: Any, resources: Resources) -> None:
    for label, value in resources.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for each in resources.tolerations:
        operator = "Exists" if each.value is None else "Equal"
        kubernetes.add_toleration(task, each.key, operator, each.value, each.effect)
    required = [term.expression() for term in resources.affinity if term.weight is None]
    if required:  # in one call: of the terms of several calls, any would do
        kubernetes.add_node_affinity(task, match_expressions=required)
    for term in resources.affinity:
        if term.weight is not None:
            kubernetes.add_node_affinity(task, match_expressions=[term.expression()], weight=term.weight)


def _mount(task: Any, resources: Resources) -> None:
    kubernetes.empty_dir_mount(task, "gan-scratch", "/tmp", size_limit=resources.scratch)  # noqa: S108
    if resources.cache_claim:
        kubernetes.mount_pvc(task, resources.cache_claim, "/cache")
    else:
        kubernetes.empty_dir_mount(task, "gan-cache", "/cache", size_limit=resources.cache)
    if resources.shared_memory:
        kubernetes.empty_dir_mount(task, SHARED_MEMORY, "/dev/shm", medium="Memory", size_limit=resources.shared_memory)  # noqa: S108


def _set_environment(task: Any, step: str, image: str, resources: Resources) -> None:
    values = {
        BODY: fingerprint(step),
        LIMIT_VARIABLE: f"{size_bytes(resources.cache) * CACHE_SHARE / 1e9:.3f}",
        GRACE: str(resources.grace_seconds),
        IMAGE: image,
        "HOME": "/tmp",  # noqa: S108
        "TMPDIR": "/tmp",  # noqa: S108
        "XDG_CACHE_HOME": "/cache",
    }
    for name, value in values.items():
        task.set_env_variable(name, value)
    for name, path in POD_FIELDS.items():
        kubernetes.use_field_path_as_env(task, name, path)


def _give_secrets(task: Any, step: str, profile: Profile) -> None:
    if profile.store_secret:
        kubernetes.use_secret_as_env(task, profile.store_secret, {name: name for name in STORE_KEYS}, optional=True)
    if profile.settings:
        kubernetes.use_config_map_as_env(task, profile.settings, {name: name for name in SETTINGS}, optional=True)
    if profile.notify_secret and STEPS[step].needs_webhook:
        kubernetes.use_secret_as_volume(task, profile.notify_secret, NOTIFY_FOLDER, optional=True)
        task.set_env_variable(WEBHOOK_FILE, f"{NOTIFY_FOLDER}/{URL}")


def _label(task: Any, step: str, profile: str, resources: Resources) -> None:
    labels = {
        "app.kubernetes.io/part-of": "gan-pipelines",
        STEP: step,
        PROFILE: profile,
        "kueue.x-k8s.io/queue-name": resources.queue,
        "kueue.x-k8s.io/priority-class": resources.priority,
    }
    for label, value in labels.items():
        if value is not None:
            kubernetes.add_pod_label(task, label, value)
