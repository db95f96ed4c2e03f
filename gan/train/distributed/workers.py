"""The processes on several machines that train one run together, read from the environment.

Either the variables that an Indexed Job of Kubernetes sets,

    GAN_WORKER_ADDRESSES    host:port of every worker, separated by commas
    JOB_COMPLETION_INDEX    the index of this process, from 0

or TF_CONFIG, as for any TensorFlow program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from gan.errors import ConfigError

ADDRESSES, INDEX, TF_CONFIG = "GAN_WORKER_ADDRESSES", "JOB_COMPLETION_INDEX", "TF_CONFIG"


@dataclass(frozen=True)
class Workers:
    """The address of each worker as host:port, and the index of this process; worker 0, the chief, publishes."""

    addresses: tuple[str, ...]
    index: int = 0

    @property
    def count(self) -> int:
        """The number of workers."""
        return len(self.addresses)

    @property
    def chief(self) -> bool:
        """Whether this process is the one that publishes."""
        return self.index == 0


SINGLE_WORKER = Workers(("",))
"""A single process, which needs no address."""


def workers_from_env(environ: Mapping[str, str]) -> Workers:
    """The workers that the environment names.

    Raises:
        ConfigError: the variables contradict each other.
    """
    if listed := environ.get(ADDRESSES):
        return _checked(tuple(listed.split(",")), environ.get(INDEX, ""), f"{ADDRESSES} and {INDEX}")
    if text := environ.get(TF_CONFIG):
        try:
            tree = json.loads(text)
            addresses, task = tuple(tree["cluster"]["worker"]), tree["task"]
            index = str(task["index"]) if task["type"] == "worker" else ""
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                f'{TF_CONFIG} must be {{"cluster": {{"worker": [addresses]}}, "task": {{"type": "worker", "index": '
                f"number}}}}; got {text}"
            ) from None
        return _checked(addresses, index, TF_CONFIG)
    return SINGLE_WORKER


def _checked(addresses: tuple[str, ...], index: str, where: str) -> Workers:
    if not index.isdecimal() or int(index) >= len(addresses) or not all(":" in each for each in addresses):
        raise ConfigError(
            f"{where} must name the workers as host:port and which of them this is, from 0 to {len(addresses) - 1}; "
            f'got {",".join(addresses)} and "{index}"'
        )
    return Workers(addresses, int(index))
