"""What the pod of one step asks of a cluster, with the keys of a profile file; checked when made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from gan.errors import ConfigError, unknown_name
from gan.options import Options, key

MAX_WAIT_SECONDS = 86400
CACHE_CLAIMS = "gan-cache"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")

_CPU = re.compile(r"[0-9]+m|[0-9]+(\.[0-9]+)?")
_BYTES = re.compile(r"([0-9]+)(?:(k|[MGTPE]|[KMGTPE]i))?")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


@dataclass(frozen=True)
class Toleration:
    """A taint that the pod tolerates: `key` with `value`, or with any value where `value` is none."""

    key: str
    value: str | None = None
    effect: str = "NoSchedule"

    def __post_init__(self) -> None:
        _check("a toleration's key", self.key, _LABEL_KEY, "a name like nvidia.com/gpu")
        if self.value is not None:
            _check("a toleration's value", self.value, _LABEL_VALUE, "a label value")
        if self.effect not in EFFECTS:
            raise ConfigError(unknown_name("toleration effect", str(self.effect), EFFECTS))


@dataclass(frozen=True)
class NodeTerm:
    """What a node's label must be, or preferably is where `weight` (1 to 100) is given."""

    key: str
    operator: str = "In"
    values: tuple[str, ...] = ()
    weight: int | None = None

    def __post_init__(self) -> None:
        _check("an affinity's key", self.key, _LABEL_KEY, "a name like topology.kubernetes.io/zone")
        if self.operator not in OPERATORS:
            raise ConfigError(unknown_name("affinity operator", str(self.operator), OPERATORS))
        if not isinstance(self.values, list | tuple):
            raise ConfigError(f"an affinity's values must be a list; got {self.values!r}")
        object.__setattr__(self, "values", tuple(str(value) for value in self.values))
        if (self.operator in ("Exists", "DoesNotExist")) == bool(self.values):
            raise ConfigError(
                f"an affinity of {self.key} with {self.operator} must have "
                f"{'no values' if self.values else 'values'}; got {list(self.values)}"
            )
        if self.weight is not None and not (isinstance(self.weight, int) and 1 <= self.weight <= 100):
            raise ConfigError(f"an affinity's weight must be between 1 and 100, or none; got {self.weight!r}")

    def expression(self) -> dict[str, Any]:
        """The term as Kubernetes writes it."""
        return {"key": self.key, "operator": self.operator, "values": list(self.values)}


@dataclass(frozen=True)
class Resources(Options):
    """What the pod of one step gets, and how often it is retried."""

    cpu: str = key("1", "CPU cores the pod reserves, such as 2 or 500m.")
    cpu_limit: str | None = key(None, "CPU cores it may use at most; none: what it reserves.")
    memory: str = key("2Gi", "Memory it reserves and may use at most, shared_memory included.")
    accelerator: str | None = key(None, "The resource name of its accelerators, such as nvidia.com/gpu.")
    accelerator_count: int = key(1, "Accelerators in the pod, where `accelerator` is given.", min_value=1, max_value=16)
    workers: int = key(
        1, "Pods that train together, each with all of this; only for the step train.", min_value=1, max_value=256
    )
    shared_memory: str | None = key(None, "Size of /dev/shm; none: the container runtime's own, often 64 MiB.")
    scratch: str = key("10Gi", "Size limit of /tmp.")
    cache: str = key("20Gi", "Size limit of /cache: shards and downloads.")
    cache_claim: str | None = key(
        None, "PersistentVolumeClaim for /cache, whose name begins with gan-cache; none: it is empty at each attempt."
    )
    deadline_seconds: int = key(
        86400, "An attempt that takes longer is stopped, and counts as an attempt.", min_value=60
    )
    grace_seconds: int = key(
        25,
        "Time from SIGTERM to SIGKILL for its last checkpoint; a spot node of GKE gives 15.",
        min_value=1,
        max_value=55,
    )
    retries: int = key(3, "Attempts after the first.", min_value=0, max_value=100)
    backoff_seconds: int = key(30, "The wait before the first retry.", min_value=0, max_value=86400)
    backoff_factor: int = key(
        1, "Each further wait is longer by this factor, a whole number.", min_value=1, max_value=10
    )
    queue: str | None = key(None, "Kueue's LocalQueue that admits the pod; none: it starts without Kueue.")
    priority: str | None = key(None, "Kueue's WorkloadPriorityClass of the pod; needs `queue`.")
    tolerations: tuple[Toleration, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    affinity: tuple[NodeTerm, ...] = ()

    def __post_init__(self, where: str | None) -> None:
        for name in ("cpu", "cpu_limit", "memory"):
            value = getattr(self, name)  # YAML reads `cpu: 2` as a number
            if isinstance(value, int | float) and not isinstance(value, bool):
                object.__setattr__(self, name, str(value))
        super().__post_init__(where)
        for name in ("cpu", "cpu_limit"):
            _check(name, getattr(self, name), _CPU, "a number of cores such as 2 or 500m")
        if self.cpu_limit is not None and _cores(self.cpu) > _cores(self.cpu_limit):
            raise ConfigError(
                f"cpu {self.cpu} is more than cpu_limit {self.cpu_limit}, and no pod can reserve more than it may use; "
                "give less cpu, or a higher cpu_limit"
            )
        for name in ("memory", "shared_memory", "scratch", "cache"):
            _check(name, getattr(self, name), _BYTES, "a size such as 512Mi or 8Gi")
        if self.shared_memory is not None and size_bytes(self.shared_memory) >= size_bytes(self.memory):
            raise ConfigError(
                f"shared_memory {self.shared_memory} counts as memory of the pod and must be below it; "
                f"memory is {self.memory}"
            )
        if self.cache_claim is not None and not self.cache_claim.startswith(CACHE_CLAIMS):
            raise ConfigError(
                f'cache_claim must begin with "{CACHE_CLAIMS}", since the admission policies let workers mount no '
                f'other claim; got "{self.cache_claim}"'
            )
        wait = self.longest_wait_seconds()
        if wait > MAX_WAIT_SECONDS:
            raise ConfigError(
                f"before the last of {self.retries} retries there would be a wait of {wait} seconds, and "
                f"{MAX_WAIT_SECONDS} (a day) are allowed; give backoff_factor 1, or fewer retries"
            )
        if self.priority is not None and self.queue is None:
            raise ConfigError(
                f'priority "{self.priority}" needs a queue: Kueue is what reads it; give queue, or no priority'
            )
        object.__setattr__(self, "tolerations", _made("tolerations", Toleration, self.tolerations))
        object.__setattr__(self, "affinity", _made("affinity", NodeTerm, self.affinity))
        object.__setattr__(self, "node_selector", _labels("node_selector", self.node_selector))

    def longest_wait_seconds(self) -> int:
        """The wait before the last retry: Kubeflow has no upper limit of a wait."""
        return self.backoff_seconds * int(self.backoff_factor ** max(self.retries - 1, 0))


def _cores(text: str) -> Decimal:
    return Decimal(text.removesuffix("m")) / (1000 if text.endswith("m") else 1)


def size_bytes(text: str) -> int:
    """The bytes of a size as Kubernetes writes it: 1500, 2M (million) or 2Mi (2^21).

    Raises:
        ConfigError: it is not a size.
    """
    found = _BYTES.fullmatch(text)
    if found is None:
        raise ConfigError(f"a size must be a number of bytes such as 512Mi or 8Gi; got {text!r}")
    number, unit = found[1], found[2] or ""
    power = " KMGTPE".index(unit[:1].upper() or " ")
    unit_bytes: int = (1024 if unit.endswith("i") else 1000) ** power
    return int(number) * unit_bytes


def _made(name: str, kind: type[Any], values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise ConfigError(f"{name} must be a list; got {values!r}")
    return tuple(value if isinstance(value, kind) else _from_dict(name, kind, value) for value in values)


def _from_dict(name: str, kind: type[Any], tree: Any) -> Any:
    known = [item.name for item in fields(kind)]
    if not isinstance(tree, Mapping) or "key" not in tree:
        raise ConfigError(f"each of {name} must be a mapping with a key, and may have {known[1:]}; got {tree!r}")
    for given in tree:
        if given not in known:
            raise ConfigError(unknown_name(f"key in {name}:", str(given), known))
    return kind(**tree)


def _labels(name: str, labels: Any) -> dict[str, str]:
    if not isinstance(labels, Mapping):
        raise ConfigError(f"{name} must be a mapping of label to value; got {labels!r}")
    for label, value in labels.items():
        _check(f"a label in {name}", label, _LABEL_KEY, "a name like cloud.google.com/gke-accelerator")
        if not isinstance(value, str):
            raise ConfigError(f"{name}: the value of {label} must be text, in quotes if need be; got {value!r}")
        _check(f"{name}: the value of {label}", value, _LABEL_VALUE, "a label value")
    return dict(labels)


def _check(name: str, value: Any, pattern: re.Pattern[str], allowed: str) -> None:
    if value is not None and not (isinstance(value, str) and pattern.fullmatch(value)):
        raise ConfigError(f"{name} must be {allowed}; got {value!r}")
