"""The record of a run: what it trains on, with which config, and where that stands in the store.

runs/<run_id>/config.yaml   the whole config, for people and to go on with
runs/<run_id>/run.json      the same and more, sealed; a run exists for readers exactly when this file does
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gan.config import Config, from_record, migrate_train_keys
from gan.errors import ConfigError, IntegrityError, NotFoundError, unknown_name
from gan.store import Store, layout
from gan.store.document import read_checksummed, write_checksummed
from gan.types import Json
from gan.util.ids import content_hash, sha256

FORMAT = 3
FREE_TRAIN_KEYS = frozenset(
    {
        "steps",
        "checkpoint_every_steps",
        "keep_checkpoints",
        "keep_every_steps",
        "sample_every_steps",
        "log_every_steps",
    }
)
WARM_START = "warm_start"
"""Stands among the decisive `train` keys of a run that starts with the moving average of another and keeps it."""


@dataclass(frozen=True)
class Run:
    """One training run.

    `precision` is the arithmetic it was begun with, `auto` resolved, so that it goes on in the same one on another
    machine; `environment` is where it was begun (versions, device). `begun_with` is what `training_config` gave when it
    was begun, None for a run that begins: a later version may know more keys.
    """

    run_id: str
    dataset_id: str
    config: Config
    precision: str = "float32"
    environment: Json = field(default_factory=dict)
    begun_with: Json | None = field(default=None, compare=False)

    @property
    def decisive(self) -> Json:
        """The keys that decide what a step does, as they are on record."""
        return training_config(self.config) if self.begun_with is None else self.begun_with

    @property
    def ema_ramp_up(self) -> bool:
        """Whether the decay of its moving average ramps up: unless it starts with the weights of another run.

        A run that did so before there was a mark of it was begun with a ramp-up, and goes on with one.
        """
        return WARM_START not in self.decisive["train"]

    @property
    def config_hash(self) -> str:
        """The hash of the keys that decide what a step does."""
        return content_hash(self.decisive)


def training_config(config: Config) -> Json:
    """The keys that decide what a step does to the weights, as nested dicts.

    How many steps there are, and when one is logged or saved, changes no step; how a run is scored and judged changes
    no training; and which images it sees is told by the dataset's id, wherever they were read from.

    Ids of runs are what they were before some keys were known: `train.start_from` is left out where it is none, and
    `train.rho` always. RMSprop's rho stands in the place of `train.beta_2`, where it always was: RMSprop reads no beta.
    """
    tree = _decisive(config)
    train = tree["train"]
    rho = train.pop("rho")
    if train["optimizer"] == "rmsprop":
        train["beta_2"] = rho
    if train["start_from"] is None:
        del train["start_from"]
    else:
        train[WARM_START] = "average"
    return tree


def _decisive(config: Config) -> Json:
    """Every decisive key."""
    tree = config.to_dict()
    return {
        **{group: tree[group] for group in ("generator", "discriminator", "loss")},
        "train": {key: value for key, value in tree["train"].items() if key not in FREE_TRAIN_KEYS},
        "data": {"flip": tree["data"]["flip"]},
    }


def default_run_id(config: Config, dataset_id: str) -> str:
    """`<config.name>-<hash of what decides its weights>`: the same command finds the same run."""
    return f"{config.name}-{content_hash([training_config(config), config.train.steps, dataset_id])}"


def read_run(store: Store, run_id: str) -> Run:
    """The record of a run.

    Raises:
        NotFoundError: there is no such run; the message lists those that there are.
        IntegrityError: its record is damaged, or of another format.
    """
    run = find_run(store, run_id)
    if run is None:
        raise NotFoundError(unknown_name("run", run_id, layout.run_ids(store), "Make one with: gan train"))
    return run


def find_run(store: Store, run_id: str) -> Run | None:
    """The record of a run, or None where there is none; see `read_run`."""
    uri, remedy = store.uri_of(layout.record(run_id)), _remedy(store, run_id)
    try:
        record = read_checksummed(store, layout.record(run_id), keys=("format",), remedy=remedy)
    except NotFoundError:
        return None
    if record["format"] != FORMAT:
        raise IntegrityError(
            f"run {run_id} is on record in format {record['format']}, and this version reads {FORMAT}; train it "
            "again under another --run-id, or use the version that it was trained with"
        )
    if record["run_id"] != run_id:
        raise IntegrityError(f"{uri} is damaged (it is the record of run {record['run_id']}); {remedy}")
    try:
        config = from_record(record["config"], where=uri)
    except ConfigError as error:
        raise IntegrityError(f"{uri} holds a config that this version does not know ({error}); {remedy}") from None
    made = (record["precision"], record["environment"], record["decisive"])
    run = Run(record["run_id"], record["dataset_id"], config, *made)
    if changed := differences(run.decisive, run.config):
        raise IntegrityError(f"{uri} contradicts itself: {'; '.join(changed)}; {remedy}")
    return run


def config_damages(store: Store, run: Run) -> Iterator[str]:
    """What is wrong with the copy of a run's config that is there for people."""
    uri = store.uri_of(layout.config(run.run_id))
    expected = sha256(run.config.to_yaml().encode())
    try:
        found = f"has SHA-256 {sha256(store.read(layout.config(run.run_id)))}"
    except NotFoundError:
        found = "is missing"
    if found != f"has SHA-256 {expected}":
        yield f"{uri} {found}; expected {expected}, as {layout.RECORD} has it. Train the run again to write it anew"


def write_run(store: Store, run: Run) -> None:
    """Publish the record of a run, `run.json` last."""
    store.write(layout.config(run.run_id), run.config.to_yaml().encode())
    record = {
        "format": FORMAT,
        "run_id": run.run_id,
        "dataset_id": run.dataset_id,
        "config_hash": run.config_hash,
        "config": run.config.to_dict(),
        "decisive": run.decisive,
        "precision": run.precision,
        "environment": run.environment,
    }
    write_checksummed(store, layout.record(run.run_id), record)


def extended(run: Run, config: Config, dataset_id: str) -> Run:
    """A run that goes on under another config, which may ask for more steps, and log, save, score or judge otherwise.

    Raises:
        ConfigError: the dataset or a key that decides what a step does differs; the message names each.
    """
    changed = differences(run.decisive, config)
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


def differences(begun_with: Mapping[str, Any], now: Config) -> list[str]:
    """The decisive keys in which a config differs from a record, each with both values.

    A key that the record does not have was not known when it was made, and counts as its default, but see
    `gan.config.migrate_train_keys`.
    """
    train = {key: value for key, value in migrate_train_keys(begun_with["train"]).items() if key != WARM_START}
    begun_with = {**begun_with, "train": train}
    old, new, defaults = (_flat(tree) for tree in (begun_with, _decisive(now), _decisive(Config())))
    was = {**defaults, **old}
    differing = [f"{key} (was {was[key]!r}, now {new[key]!r})" for key in new if was[key] != new[key]]
    return differing + [f"{key} (was {old[key]!r}, and is not known any more)" for key in old if key not in new]


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value})
    return flat


def _remedy(store: Store, run_id: str) -> str:
    where = store.uri_of(layout.folder(run_id))
    return f"put the original back, or train under another --run-id (this one is in {where})"
