from __future__ import annotations

import json
from dataclasses import replace

import pytest

from components.multi_worker.manifests import RESOURCES
from pipelines.profiles import workers
from pipelines.profiles.profile import Profile, load_profile
from pipelines.profiles.resources import NodeTerm, Resources, Toleration
from tests.pipelines.dags.test_tasks import Compiled

WORKER = {
    "workers": 2,
    "cpu": "7",
    "memory": "28Gi",
    "accelerator": "nvidia.com/gpu",
    "accelerator_count": 4,
    "shared_memory": "8Gi",
    "node_selector": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
    "tolerations": (Toleration("nvidia.com/gpu"), Toleration("spot", "true", "NoExecute")),
    "affinity": (NodeTerm("zone", values=("a",), weight=7), NodeTerm("fast", "Exists"), NodeTerm("gen", "Gt", ("3",))),
    "retries": 10,
}


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    default = Resources(cpu="2", node_selector={"pool": "small"}, queue="gan")
    return Compiled(Profile("p", default=default, steps={"train": WORKER}))


def test_the_pod_that_makes_the_workers_is_small_and_has_no_accelerator(compiled: Compiled) -> None:
    resources = compiled.container("train")["resources"]
    assert (resources["resourceCpuRequest"], resources["resourceCpuLimit"]) == ("250m", "1")
    assert resources["resourceMemoryRequest"] == resources["resourceMemoryLimit"] == "1Gi"
    assert "accelerator" not in resources
    assert compiled.task("train")["retryPolicy"]["maxRetryCount"] == 10
    assert compiled.pod("train")["podMetadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gan"


def test_it_stands_where_steps_stand_that_the_profile_says_nothing_of(compiled: Compiled) -> None:
    pod = compiled.pod("train")
    assert pod["nodeSelector"] == compiled.pod("gate")["nodeSelector"] == {"labels": {"pool": "small"}}
    assert not {"tolerations", "nodeAffinity"} & set(pod)
    each = Resources(**WORKER)
    assert workers.coordinator(each, replace(each, workers=1)).node_selector == {}


def test_what_the_profile_says_goes_to_the_workers(compiled: Compiled) -> None:
    text = compiled.pod("train")["podMetadata"]["annotations"][RESOURCES]
    amounts = {"cpu": "7", "memory": "28Gi", "nvidia.com/gpu": "4"}
    assert json.loads(text) == {
        "resources": {"requests": amounts, "limits": amounts},
        "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
        "tolerations": [
            {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
            {"key": "spot", "operator": "Equal", "value": "true", "effect": "NoExecute"},
        ],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {"key": "fast", "operator": "Exists", "values": []},
                                {"key": "gen", "operator": "Gt", "values": ["3"]},
                            ]
                        }
                    ]
                },
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 7,
                        "preference": {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]},
                    }
                ],
            }
        },
        "sharedMemory": "8Gi",
    }
    assert "{{" not in text
    assert "}}" not in text


def test_only_a_pod_that_trains_alone_is_sized_by_the_run(compiled: Compiled) -> None:
    assert not [name for name in compiled.spec["root"]["inputDefinitions"]["parameters"] if name.startswith("train_")]


@pytest.mark.parametrize("name", ["local", "gpu-l4"])
def test_one_worker_is_the_step_itself(name: str) -> None:
    pod = Compiled(load_profile(name)).pod("train")
    assert "annotations" not in pod["podMetadata"]
