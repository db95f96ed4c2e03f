"""What stands in the compiled YAML for the pod of each step."""

# ruff: noqa: S108

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from gan.errors import ConfigError
from pipelines.compiled import compile_text
from pipelines.dags.tasks import Tasks
from pipelines.profiles.apply_profile import NO_TIME_LIMIT, POD_FIELDS
from pipelines.profiles.profile import Profile, load_profile
from pipelines.profiles.resources import NodeTerm, Resources, Toleration
from pipelines.registry import PIPELINES

IMAGE = "registry.example/gan@sha256:" + "0" * 64


class Compiled:
    """The training pipeline with a profile."""

    def __init__(self, profile: Profile | None) -> None:
        documents = list(yaml.safe_load_all(compile_text("training", IMAGE, profile)))
        self.spec = documents[0]
        self.platform = documents[1]["platforms"]["kubernetes"] if len(documents) > 1 else {}

    def container(self, step: str) -> dict[str, Any]:
        made: dict[str, Any] = self.spec["deploymentSpec"]["executors"][f"exec-{step}"]["container"]
        return made

    def pod(self, step: str) -> dict[str, Any]:
        made: dict[str, Any] = self.platform["deploymentSpec"]["executors"][f"exec-{step}"]
        return made

    def task(self, step: str) -> dict[str, Any]:
        made: dict[str, Any] = self.spec["root"]["dag"]["tasks"][step]
        return made


def with_own(step: str, **overrides: Any) -> Compiled:
    return Compiled(Profile("p", default=Resources(cpu="2", memory="4Gi"), steps={step: overrides}))


def with_train(**overrides: Any) -> Compiled:
    return with_own("train", **overrides)


def test_without_a_profile_nothing_is_said_of_pods() -> None:
    made = Compiled(None)
    assert made.platform == {}
    assert not any({"resources", "env"} & set(made.container(step)) for step in PIPELINES["training"].steps)


def test_cpu_and_memory() -> None:
    made = with_own("evaluate", cpu="3500m", cpu_limit="8", memory="16Gi")
    assert made.container("evaluate")["resources"] == {
        "cpuRequest": 3.5,
        "resourceCpuRequest": "3500m",
        "cpuLimit": 8.0,
        "resourceCpuLimit": "8",
        "memoryRequest": 17.179869184,
        "resourceMemoryRequest": "16Gi",
        "memoryLimit": 17.179869184,
        "resourceMemoryLimit": "16Gi",
    }
    assert made.container("gate")["resources"]["resourceCpuLimit"] == "2"


def test_accelerators_and_where_they_are() -> None:
    made = with_own(
        "evaluate",
        accelerator="nvidia.com/gpu",
        accelerator_count=2,
        node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"},
        tolerations=[Toleration("nvidia.com/gpu"), Toleration("spot", "true", "NoExecute")],
        affinity=[
            NodeTerm("zone", values=("a", "b"), weight=7),
            NodeTerm("gpu", "Exists"),
            NodeTerm("pool", values=("x",)),
        ],
    )
    accelerator = made.container("evaluate")["resources"]["accelerator"]
    assert (accelerator["resourceType"], accelerator["resourceCount"]) == ("nvidia.com/gpu", "2")
    pod = made.pod("evaluate")
    assert pod["nodeSelector"] == {"labels": {"cloud.google.com/gke-accelerator": "nvidia-l4"}}
    assert pod["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Equal", "value": "true", "effect": "NoExecute"},
    ]
    assert pod["nodeAffinity"] == [
        {
            "matchExpressions": [
                {"key": "gpu", "operator": "Exists"},
                {"key": "pool", "operator": "In", "values": ["x"]},
            ]
        },  # one term, whose expressions must all hold; of several terms any would do
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}], "weight": 7},
    ]
    assert "accelerator" not in made.container("gate")["resources"]
    assert not {"nodeSelector", "tolerations", "nodeAffinity"} & set(made.pod("gate"))


def test_the_size_of_the_pod_that_trains_is_a_parameter_of_the_run() -> None:
    made = with_train(cpu="6", memory="24Gi", accelerator="nvidia.com/gpu", accelerator_count=2)
    inputs = made.spec["root"]["inputDefinitions"]["parameters"]
    sizes = {name: (each["parameterType"], each["defaultValue"]) for name, each in inputs.items() if "train_" in name}
    assert sizes == {
        "train_cpu": ("STRING", "6"),
        "train_memory": ("STRING", "24Gi"),
        "train_accelerators": ("STRING", "2"),
    }
    resources = made.container("train")["resources"]
    assert resources["resourceCpuRequest"] == resources["resourceCpuLimit"] == parameter("train_cpu")
    assert resources["resourceMemoryRequest"] == resources["resourceMemoryLimit"] == parameter("train_memory")
    assert resources["accelerator"]["resourceCount"] == parameter("train_accelerators")
    assert "train_accelerators" not in with_train().spec["root"]["inputDefinitions"]["parameters"]


def test_a_limit_above_what_is_reserved_stays_and_no_run_can_reserve_more() -> None:
    made = with_train(cpu="100m", cpu_limit="2")
    resources = made.container("train")["resources"]
    assert (resources["resourceCpuRequest"], resources["resourceCpuLimit"]) == ("100m", "2")
    assert "train_cpu" not in made.spec["root"]["inputDefinitions"]["parameters"]


def parameter(name: str) -> str:
    return f"{{{{$.inputs.parameters['pipelinechannel--{name}']}}}}"


def test_a_step_is_retried_as_often_as_the_profile_says_and_no_clock_ends_that() -> None:
    made = with_train(retries=4, backoff_seconds=15, backoff_factor=2, deadline_seconds=7200)
    assert made.task("train")["retryPolicy"] == {
        "maxRetryCount": 4,
        "backoffDuration": "15s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": NO_TIME_LIMIT,
    }
    assert made.pod("train")["activeDeadlineSeconds"] == "7200"
    assert "retryPolicy" not in with_train(retries=0).task("train")


def test_folders_that_may_be_written() -> None:
    made = with_train(scratch="5Gi", cache="40Gi", shared_memory="2Gi")
    assert made.pod("train")["emptyDirMounts"] == [
        {"volumeName": "gan-scratch", "mountPath": "/tmp", "sizeLimit": "5Gi"},
        {"volumeName": "gan-cache", "mountPath": "/cache", "sizeLimit": "40Gi"},
        {"volumeName": "gan-shm", "mountPath": "/dev/shm", "medium": "Memory", "sizeLimit": "2Gi"},
    ]
    assert env(made, "train")["GAN_CACHE_GB"] == "38.655"  # 90 % of 40 x 2^30 bytes


def test_a_cache_that_outlives_the_pod() -> None:
    pod = with_train(cache_claim="gan-cache").pod("train")
    assert [(mount["pvcNameParameter"]["runtimeValue"], mount["mountPath"]) for mount in pod["pvcMount"]] == [
        ({"constant": "gan-cache"}, "/cache")
    ]
    assert [mount["mountPath"] for mount in pod["emptyDirMounts"]] == ["/tmp"]


def test_spot_nodes_give_little_grace() -> None:
    made = Compiled(load_profile("gpu-a100-spot"))
    assert env(made, "train")["GAN_GRACE_SECONDS"] == "10"
    assert env(made, "gate")["GAN_GRACE_SECONDS"] == "25"


def test_the_environment() -> None:
    made = Compiled(load_profile("local"))
    for step in PIPELINES["training"].steps:
        values = env(made, step)
        assert values["GAN_IMAGE"] == IMAGE
        assert values["GAN_GRACE_SECONDS"] == "25"
        assert (values["HOME"], values["TMPDIR"], values["XDG_CACHE_HOME"]) == ("/tmp", "/tmp", "/cache")
        pod = made.pod(step)
        assert {each["name"]: each["fieldPath"] for each in pod["fieldPathAsEnv"]} == POD_FIELDS
        assert [(secret["secretName"], secret["optional"]) for secret in pod["secretAsEnv"]] == [("gan-store", True)]
        assert [(each["configMapName"], each["optional"]) for each in pod["configMapAsEnv"]] == [("gan-settings", True)]
        assert pod["securityContext"] == {"runAsUser": "65532", "runAsGroup": "65532", "runAsNonRoot": True}
        assert pod["imagePullPolicy"] == "IfNotPresent"


def test_no_secret_where_the_cluster_has_none() -> None:
    profile = replace(load_profile("local"), store_secret=None, settings=None, image_pull_secret="registry")  # noqa: S106
    pod = Compiled(profile).pod("train")
    assert not {"secretAsEnv", "configMapAsEnv"} & set(pod)
    assert [each["secretName"] for each in pod["imagePullSecret"]] == ["registry"]


def test_labels() -> None:
    labels = with_train(queue="gan", priority="gan-retraining").pod("train")["podMetadata"]["labels"]
    assert labels == {
        "app.kubernetes.io/part-of": "gan-pipelines",
        "gan-pipelines/step": "train",
        "gan-pipelines/profile": "p",
        "kueue.x-k8s.io/queue-name": "gan",
        "kueue.x-k8s.io/priority-class": "gan-retraining",
    }
    assert "kueue.x-k8s.io/queue-name" not in with_train().pod("train")["podMetadata"]["labels"]


def test_an_unknown_step_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match='unknown step "trainn"; did you mean "train"'):
        Tasks(IMAGE, None)("trainn")


def env(made: Compiled, step: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in made.container(step)["env"]}
