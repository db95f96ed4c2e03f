from __future__ import annotations

from typing import Any

import pytest

from gan.errors import ConfigError
from pipelines.profiles.resources import NodeTerm, Resources, Toleration, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1500", 1500),
        ("500000k", 500_000_000),
        ("2M", 2_000_000),
        ("1Ki", 1024),
        ("2Mi", 2_097_152),
        ("1Ti", 1_099_511_627_776),
    ],
)
def test_sizes_are_kubernetes_own(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "2 Gi", "1.5Gi", "2gb", "-1", "Gi", "500000K", "1ki"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ConfigError, match="a size must be"):
        size_bytes(text)


def test_what_yaml_reads_as_numbers_and_mappings_is_taken() -> None:
    made = Resources(
        cpu=2,  # type: ignore[arg-type]
        memory=4294967296,  # type: ignore[arg-type]
        tolerations=[{"key": "nvidia.com/gpu"}, {"key": "spot", "value": "true", "effect": "NoExecute"}],  # type: ignore[arg-type]
        affinity=[{"key": "zone", "values": ["a", "b"], "weight": 10}, {"key": "gpu", "operator": "Exists"}],  # type: ignore[arg-type]
    )
    assert (made.cpu, made.memory) == ("2", "4294967296")
    assert made.tolerations == (Toleration("nvidia.com/gpu"), Toleration("spot", "true", "NoExecute"))
    assert made.affinity == (NodeTerm("zone", values=("a", "b"), weight=10), NodeTerm("gpu", "Exists"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cpu": "two"}, "cpu must be a number of cores such as 2 or 500m; got 'two'"),
        ({"cpu_limit": "1,5"}, "cpu_limit must be a number of cores"),
        ({"cache_claim": "mysql-pv-claim"}, 'cache_claim must begin with "gan-cache"'),
        ({"cpu": 4, "cpu_limit": "2"}, "cpu 4 is more than cpu_limit 2"),
        ({"cpu": "1.5", "cpu_limit": "1400m"}, "cpu 1.5 is more than cpu_limit 1400m"),
        ({"memory": "4GB"}, "memory must be a size such as 512Mi or 8Gi; got '4GB'"),
        ({"memory": "2Gi", "shared_memory": "2048Mi"}, "must be below it; memory is 2Gi"),
        ({"accelerator_count": 0}, "resources.accelerator_count must be at least 1"),
        ({"workers": 1.5}, "resources.workers must be a whole number; got 1.5"),
        ({"retries": -1}, "resources.retries must be at least 0"),
        ({"backoff_factor": 1.5}, "resources.backoff_factor must be a whole number; got 1.5"),
        ({"backoff_factor": 2, "retries": 30}, "a wait of 16106127360 seconds, and 86400 (a day) are allowed"),
        ({"deadline_seconds": 5}, "resources.deadline_seconds must be at least 60"),
        ({"priority": "high"}, "needs a queue"),
        ({"tolerations": {"key": "a"}}, "tolerations must be a list"),
        ({"tolerations": ["nvidia.com/gpu"]}, "each of tolerations must be a mapping with a key"),
        ({"tolerations": [{"key": "a", "efect": "NoExecute"}]}, 'did you mean "effect"?'),
        ({"tolerations": [{"key": "a", "effect": "NoExecut"}]}, 'did you mean "NoExecute"?'),
        ({"tolerations": [{"key": "a b"}]}, "a toleration's key must be"),
        ({"tolerations": [{"key": "a", "value": True}]}, "a toleration's value must be"),
        ({"node_selector": ["a"]}, "node_selector must be a mapping"),
        ({"node_selector": {"cloud.google.com/gke-spot": True}}, "must be text, in quotes"),
        ({"node_selector": {"a/b/c": "x"}}, "a label in node_selector must be"),
        ({"affinity": [{"key": "a", "operator": "in", "values": ["b"]}]}, 'did you mean "In"?'),
        ({"affinity": [{"key": "a"}]}, "an affinity of a with In must have values"),
        ({"affinity": [{"key": "a", "operator": "Exists", "values": ["b"]}]}, "must have no values; got ['b']"),
        ({"affinity": [{"key": "a", "values": "b"}]}, "an affinity's values must be a list"),
        ({"affinity": [{"key": "a", "values": ["b"], "weight": 0}]}, "weight must be between 1 and 100"),
    ],
)
def test_what_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Resources(**wrong)
    assert message in str(caught.value)


def test_waits_grow_by_the_factor() -> None:
    assert Resources(retries=4, backoff_seconds=30, backoff_factor=2).longest_wait_seconds() == 240
    assert Resources(retries=100, backoff_seconds=30).longest_wait_seconds() == 30
    assert Resources(retries=0, backoff_seconds=30, backoff_factor=2).longest_wait_seconds() == 30
