"""What a user asks a pipeline to do, checked as a whole before any step begins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gan import config as configs
from gan.config import Config
from gan.errors import ConfigError
from gan.ids import check_id
from gan.store import Store, open_store

PLACEHOLDER = "{{$"


@dataclass(frozen=True)
class Request:
    """The parameters of a run of the training pipeline.

    `config` is the whole resolved config; `store` is opened; `name` is what is promoted to; `run_id` is empty for a
    hash of the config and the dataset.
    """

    config: Config
    store: Store
    name: str
    run_id: str = ""

    def parameters(self) -> dict[str, str]:
        """The same as the strings that Kubeflow passes to the steps.

        Raises:
            ConfigError: one of them would be read as a placeholder by Kubeflow.
        """
        made = {
            "config": self.config.to_yaml(),
            "store": self.store.uri,
            "name": self.name,
            "run_id": self.run_id,
        }
        for parameter, text in made.items():
            if PLACEHOLDER in text:
                raise ConfigError(
                    f'{parameter} must not contain "{PLACEHOLDER}", which Kubeflow replaces by values of its own'
                )
        return made


def resolve(
    name_or_file: str, sets: Iterable[str], *, store: str, name: str | None = None, run_id: str | None = None
) -> Request:
    """A checked request from what stands on a command line.

    Raises:
        ConfigError: a key, value or name is wrong.
        NotFoundError: there is no such config.
    """
    config = configs.load(name_or_file, sets)
    return Request(
        config=config,
        store=open_store(store),
        name=check_id(name or config.name, "--name"),
        run_id=check_id(run_id, "--run-id") if run_id else "",
    )
