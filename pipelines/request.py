"""What a user asks a pipeline to do.

Flags, keys and ranges are checked here. The names of losses and networks, which need TensorFlow, are checked before a
run is submitted (on one machine by the first step), and what must fit the data once these are prepared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from gan import config as configs
from gan.config import Config
from gan.config.sweep import Sweep
from gan.config.sweep import load as load_sweep
from gan.errors import ConfigError, unknown_name
from gan.metrics.features.feature_networks import IMAGENET
from gan.metrics.registry import require_computed
from gan.store import Store, local_path, open_store, store_uri
from gan.util.ids import check_id
from pipelines.registry import PIPELINES, PipelineSpec

PLACEHOLDER = "{{$"
NAME_FLAG = "name (--name; promote_as of a schedule)"


@dataclass(frozen=True)
class RunRequest:
    """The parameters of a run of a pipeline.

    `config` is the whole resolved config; `store_uri` is where everything lives; `name` is what is promoted to;
    `run_id` is empty for a hash of the config and the dataset; `sweep` is what the sweep pipeline tries.
    """

    config: Config
    store_uri: str
    name: str
    run_id: str = ""
    sweep: Sweep | None = None

    @cached_property
    def store(self) -> Store:
        """The store, opened when first used: a user who submits to a cluster may have no credentials for it.

        Raises:
            StoreError: there are no credentials.
        """
        return open_store(self.store_uri)

    def configs(self) -> list[Config]:
        """The configs that will be trained, as far as they are known beforehand."""
        return self.sweep.sample_configs(self.config) if self.sweep else [self.config]

    def parameters(self) -> dict[str, str]:
        """The parameters as the strings that Kubeflow passes to the steps.

        Raises:
            ConfigError: one of them would be read as a placeholder by Kubeflow.
        """
        made = {
            "config": self.config.to_yaml(),
            "store": self.store_uri,
            "name": self.name,
            "run_id": self.run_id,
            **({"sweep": self.sweep.to_yaml()} if self.sweep else {}),
        }
        for parameter, text in made.items():
            if PLACEHOLDER in text:
                raise ConfigError(
                    f'{parameter} must not contain "{PLACEHOLDER}", which Kubeflow would replace by a value of its own'
                )
        return made


def resolve(
    name_or_file: str,
    sets: Iterable[str],
    *,
    store: str,
    name: str | None = None,
    run_id: str | None = None,
    sweep: str | None = None,
) -> RunRequest:
    """A checked request from a command line; every path in it is absolute. `sweep` is a YAML file.

    Raises:
        ConfigError: a key, value or name is wrong.
        NotFoundError: there is no such config, or no such file.
    """
    config = _with_absolute_paths(configs.load(name_or_file, sets))
    loaded = load_sweep(sweep) if sweep else None
    if loaded is not None:
        loaded.check(config)
        require_computed(loaded.by, "sweep.by:", config.evaluate.metrics)
    return RunRequest(
        config=config,
        store_uri=store_uri(store),
        name=check_id(name or config.name, NAME_FLAG),
        run_id=check_id(run_id, "--run-id") if run_id else "",
        sweep=loaded,
    )


def check_pipeline(
    pipeline: str, *, sweep: str | None = None, run_id: str | None = None, only: str | None = None
) -> PipelineSpec:
    """The pipeline of a name, which is given what it needs and nothing that it would ignore.

    Raises:
        ConfigError: there is no such pipeline, or a flag is missing or useless.
    """
    if pipeline not in PIPELINES:
        raise ConfigError(unknown_name("pipeline", pipeline, PIPELINES))
    spec = PIPELINES[pipeline]
    if spec.takes_sweep and sweep is None:
        raise ConfigError(f"--pipeline {pipeline} needs to know what to try: give --sweep FILE.yaml (see docs/runs.md)")
    if not spec.takes_sweep and sweep is not None:
        takes = " or ".join(name for name, other in PIPELINES.items() if other.takes_sweep)
        raise ConfigError(
            f"--sweep {sweep} is of no use with --pipeline {pipeline}; leave it out, or give --pipeline {takes}"
        )
    if not spec.takes_run_id and run_id is not None:
        raise ConfigError(
            f"--run-id is of no use with --pipeline {pipeline}, which names its runs itself; got {run_id}. Leave it out"
        )
    if not spec.single_steps and only is not None:
        raise ConfigError(f"--only is of no use with --pipeline {pipeline}; got {only}. Leave it out")
    return spec


def _with_absolute_paths(config: Config) -> Config:
    """With paths that mean the same in whatever folder a step or a later command runs."""
    data, reference = config.data, config.reference
    return dataclasses.replace(
        config,
        data=dataclasses.replace(data, source=_absolute(data.source, "data.source")),
        reference=dataclasses.replace(
            reference, feature_network=_absolute(reference.feature_network, "reference.feature_network")
        ),
    )


def _absolute(uri: str | None, key: str) -> str | None:
    """A local path made absolute; None, a packaged network's name and the URI of a bucket unchanged."""
    path = local_path(uri, key) if uri and uri != IMAGENET else None
    return uri if path is None else str(path.absolute())
