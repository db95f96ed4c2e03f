"""The record of a run: its config and dataset, and the files that hold them.

runs/<run_id>/config.yaml   the whole config, for people and to resume with
runs/<run_id>/run.json      the same and more, with a checksum; a run exists for readers once this file does
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gan.config import Config, Health, Train, from_record, migrate, migrate_train_keys
from gan.config.health import ROLL_BACK
from gan.errors import ConfigError, IntegrityError, NotFoundError, unknown_name
from gan.store import Store, layout
from gan.store.document import read_checksummed, write_checksummed
from gan.types import Json
from gan.util.ids import content_hash, sha256

FORMAT = 3
KEYS_THAT_MAY_CHANGE = frozenset(
    {
        "steps",
        "checkpoint_every_steps",
        "keep_checkpoints",
        "keep_every_steps",
        "sample_every_steps",
        "log_every_steps",
    }
)
"""The `train` keys that a run may change when it is resumed, since they change no step."""

DECISIVE_GROUPS = ("generator", "discriminator", "loss", "regularisers", "augmentation")
"""The groups all of whose keys determine what a step does; `train` and `data` have some."""

DECISIVE_IF_ROLLING_BACK = frozenset({"checkpoint_every_steps", "keep_checkpoints", "keep_every_steps"})
"""The `train` keys that decide where a run with `health.policy=roll_back` returns to."""

PLANNED = ("steps", "checkpoint_every_steps", "sample_every_steps", "log_every_steps", "ema_half_life_images")
"""The `train` keys that follow from `train.budget`."""

WARM_START = "warm_start"
"""The `train` key on record of a run that starts from another's moving average, without an EMA ramp-up."""


@dataclass(frozen=True)
class Run:
    """One training run.

    `precision` is the precision it began with, `auto` resolved, so that it keeps it when resumed on another machine;
    `environment` is that in which it began (versions, devices). `original_config` is the recorded `training_config`,
    which may lack keys of later versions; None for a new run.
    """

    run_id: str
    dataset_id: str
    config: Config
    precision: str = "float32"
    environment: Json = field(default_factory=dict)
    original_config: Json | None = field(default=None, compare=False)

    @property
    def training_config(self) -> Json:
        """The keys that determine what a step does, as recorded when the run began."""
        return training_config(self.config) if self.original_config is None else self.original_config

    @property
    def ema_ramp_up(self) -> bool:
        """Whether the EMA decay ramps up: unless the run starts from the weights of another.

        Warm-started runs recorded without WARM_START, by an earlier version, began with a ramp-up and keep it.
        """
        return WARM_START not in self.training_config["train"]

    @property
    def config_hash(self) -> str:
        """The hash of `training_config`."""
        return content_hash(self.training_config)


def training_config(config: Config) -> Json:
    """The keys that determine what a step does to the weights, as nested dicts.

    Left out are the number of steps and the logging and saving intervals, which change no step; evaluation and gate,
    which change no training; and the source of the images, which the dataset id identifies.

    To keep the ids of existing runs, `train.start_from` is left out if it is null, and RMSprop's `train.rho` is
    recorded as `train.beta_2`, which RMSprop does not use.
    """
    tree = _all_keys(config)
    train = tree["train"]
    rho = train.pop("rho", None)
    if train["optimizer"] == "rmsprop":
        train["beta_2"] = rho
    if train["start_from"] is None:
        del train["start_from"]
    else:
        train[WARM_START] = "average"
    return tree


def _all_keys(config: Config) -> Json:
    """Every key that determines what a step does, by its current name; those of `health` only where it intervenes."""
    tree = config.with_schedule_lengths().to_record()
    rolls_back = config.health.policy == ROLL_BACK
    free = KEYS_THAT_MAY_CHANGE - (DECISIVE_IF_ROLLING_BACK if rolls_back else frozenset())
    return {
        **{group: tree[group] for group in DECISIVE_GROUPS if group in tree},
        "train": {key: value for key, value in tree["train"].items() if key not in free},
        "data": {"flip": tree["data"]["flip"]},
        **(
            {"health": {key: each for key, each in tree["health"].items() if key != "max_rollbacks"}}
            if rolls_back
            else {}
        ),
    }


def default_run_id(config: Config, dataset_id: str) -> str:
    """`<config.name>-<hash of what determines its weights>`: the same command finds the same run."""
    return f"{config.name}-{content_hash([training_config(config), config.train.steps, dataset_id])}"


def read_run(store: Store, run_id: str) -> Run:
    """The record of a run.

    Raises:
        NotFoundError: there is no such run; the message lists the known ones.
        IntegrityError: its record is damaged, or of another format.
    """
    run = find_run(store, run_id)
    if run is None:
        raise NotFoundError(unknown_name("run", run_id, layout.run_ids(store), "Make one with: gan train"))
    return run


def find_run(store: Store, run_id: str) -> Run | None:
    """The record of a run, or None if there is none; see `read_run`."""
    uri, remedy = store.uri_of(layout.record(run_id)), _remedy(store, run_id)
    try:
        record = read_checksummed(store, layout.record(run_id), keys=("format",), remedy=remedy)
    except NotFoundError:
        return None
    if record["format"] != FORMAT:
        raise IntegrityError(
            f"run {run_id} is recorded in format {record['format']}, and this version reads {FORMAT}; train it "
            "again under another --run-id, or use the version that it was trained with"
        )
    if record["run_id"] != run_id:
        raise IntegrityError(f"{uri} is damaged (it is the record of run {record['run_id']}); {remedy}")
    try:
        config = from_record(record["config"], where=uri)
    except ConfigError as error:
        raise IntegrityError(f"{uri} holds a config that this version does not know ({error}); {remedy}") from None
    run = Run(
        record["run_id"],
        record["dataset_id"],
        config,
        precision=record["precision"],
        environment=record["environment"],
        original_config=record["decisive"],
    )
    if changed := differences(run.training_config, run.config):
        raise IntegrityError(f"{uri} contradicts itself: {'; '.join(changed)}; {remedy}")
    return run


def config_damages(store: Store, run: Run) -> Iterator[str]:
    """What is wrong with config.yaml, the copy of a run's config for people."""
    uri = store.uri_of(layout.config(run.run_id))
    expected = run.config.to_yaml().encode()
    try:
        text = store.read(layout.config(run.run_id))
    except NotFoundError:
        found = "is missing"
    else:
        if text == expected or _is_of_earlier_version(text, run.config):
            return
        found = f"has SHA-256 {sha256(text)}"
    yield f"{uri} {found}; expected {sha256(expected)}, as {layout.RECORD} has it. Train the run again to rewrite it"


def _is_of_earlier_version(text: bytes, now: Config) -> bool:
    """Whether `text` is, to the byte, what an earlier version wrote for a config, with its keys of that time."""
    import yaml

    try:
        tree = yaml.safe_load(text)
        return from_record(tree, where="config.yaml") == now and yaml.safe_dump(tree, sort_keys=False).encode() == text
    except (ConfigError, UnicodeDecodeError, yaml.YAMLError):
        return False


def write_run(store: Store, run: Run) -> None:
    """Write the record of a run, `run.json` last."""
    store.write(layout.config(run.run_id), run.config.to_yaml().encode())
    record = {
        "format": FORMAT,
        "run_id": run.run_id,
        "dataset_id": run.dataset_id,
        "config_hash": run.config_hash,
        "config": run.config.to_dict(),
        "decisive": run.training_config,
        "precision": run.precision,
        "environment": run.environment,
    }
    write_checksummed(store, layout.record(run.run_id), record)


def extended(run: Run, config: Config, dataset_id: str) -> Run:
    """A run resumed with another config, which may differ in logging, saving, evaluation and gate, and ask for more
    steps.

    Raises:
        ConfigError: the dataset, or a key that determines what a step does, differs; the message names each.
    """
    changed = differences(run.training_config, config)
    if dataset_id != run.dataset_id:
        changed.insert(0, f"dataset id (was {run.dataset_id}, now {dataset_id})")
    if config.train.steps < run.config.train.steps:
        changed.append(f"train.steps (was {run.config.train.steps}, now {config.train.steps}; it may only grow)")
    if changed:
        raise ConfigError(
            f"run {run.run_id} was begun with another configuration: {'; '.join(changed)}. "
            "Give another --run-id, or the configuration it was begun with"
        )
    return dataclasses.replace(run, config=config)


def with_plan_of(config: Config, existing: Run) -> Config:
    """`config` with the plan that a run was begun with, if it has the same `train.budget`; see `gan.train.plan`."""
    then = existing.config
    if config.train.budget is None or then.train.budget != config.train.budget:
        return config
    planned = {name: getattr(then.train, name) for name in PLANNED}
    return dataclasses.replace(config, train=dataclasses.replace(config.train, **planned))


def differences(original_config: Mapping[str, Any], now: Config) -> list[str]:
    """The keys of `training_config` in which a config differs from a record, each with both values.

    A key missing from the record is newer than it, and counts as its default; but see `gan.config.migrate_train_keys`.
    One that only some losses or regularisers have, or that is not known any more, may be "not set".
    """
    train = {key: value for key, value in migrate_train_keys(original_config["train"]).items() if key != WARM_START}
    old, new = _flat({**original_config, "train": train}), _flat(_all_keys(now))
    groups = {"train.": Train(), "health.": Health()}
    defaults = _flat(Config().to_record())
    for prefix, group in groups.items():
        defaults |= _flat(dataclasses.asdict(group), prefix)
    before, after = ({key: each.get(key, defaults.get(key, _NOT_SET)) for key in old | new} for each in (old, new))
    return [
        f"{migrate.present_path(key)} (was {before[key]!r}, now {after[key]!r})"
        for key in sorted(before)
        if before[key] != after[key]
    ]


class _NotSet:
    def __repr__(self) -> str:
        return "not set"


_NOT_SET = _NotSet()


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value})
    return flat


def _remedy(store: Store, run_id: str) -> str:
    where = store.uri_of(layout.folder(run_id))
    return f"put the original back, or train under another --run-id (this one is in {where})"
