"""The YAML file of schedules that a user writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from gan.errors import ConfigError, NotFoundError, unknown_name
from gan.options import Options, key
from gan.util.ids import check_id
from pipelines.registry import PIPELINES
from pipelines.schedule.cron import Cron

MAX_NAME_LENGTH = 50
SCHEDULABLE = [name for name, spec in PIPELINES.items() if spec.schedulable]


@dataclass(frozen=True)
class Schedule(Options):
    """Runs that start by themselves. One at a time; a missed one is not made up for."""

    name: str = key("", "What the schedule is called on the host; a schedule of that name is changed in place.")
    config: str = key("", "A shipped experiment or a file.")
    profile: str = key("", "The resource profile of the pods: a name or a file.")
    image: str = key("", "The image of every step; a tag is resolved to its digest when the schedule is applied.")
    store: str = key("", "URI of the store, as the pods reach it.")
    cron: str = key("", "Minute, hour, day of the month, month, day of the week; for example 0 2 * * *.")
    time_zone: str = key("", "The zone of `cron`. Kubeflow has one for all schedules, and it must be that.")
    pipeline: str = key("retraining", "The pipeline that runs.")
    promote_as: str | None = key(None, "The name to promote to; none: the config's.")
    allow_tag: bool = key(False, "Take a tag as it is, though what it means may change between two runs.")
    set: tuple[str, ...] = ()

    def __post_init__(self, where: str | None) -> None:
        super().__post_init__(where)
        for name in REQUIRED:
            if not getattr(self, name):
                raise ConfigError(f"schedule {self.name or '?'}: {name} is required. {_help(name)}")
        check_id(self.name, "the name of a schedule")
        if len(self.name) > MAX_NAME_LENGTH:
            raise ConfigError(
                f"the name of a schedule may have at most {MAX_NAME_LENGTH} letters; {self.name} has {len(self.name)}"
            )
        if not isinstance(self.set, list | tuple) or not all(isinstance(each, str) for each in self.set):
            raise ConfigError(f"schedule {self.name}: set must be a list of KEY=VALUE; got {self.set!r}")
        object.__setattr__(self, "set", tuple(self.set))
        if self.pipeline not in SCHEDULABLE:
            raise ConfigError(unknown_name(f"pipeline in schedule {self.name}:", self.pipeline, SCHEDULABLE))
        try:
            due = self.due
        except ConfigError as error:
            raise ConfigError(f"schedule {self.name}: {error}") from None
        if due.next(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)) is None:
            raise ConfigError(f'schedule {self.name}: cron "{self.cron}" is never due; no such day comes')

    @cached_property
    def due(self) -> Cron:
        """The cron expression, parsed."""
        return Cron(self.cron, self.time_zone)


REQUIRED = ("name", "config", "profile", "image", "store", "cron", "time_zone")


def load_schedules(path: Path) -> list[Schedule]:
    """The schedules of a file: `schedules:` and a list. Paths in it are relative to its folder.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: the file is not of this form, or a value in it is wrong.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}; give the path of a YAML file of schedules") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read {path}: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    items = tree.get("schedules") if isinstance(tree, Mapping) else None
    if not isinstance(items, list) or set(tree) != {"schedules"}:
        raise ConfigError(f"{path} must hold one key, schedules, with a list of them; got {_describe(tree)}")
    schedules = [_schedule(item, path) for item in items]
    names = [schedule.name for schedule in schedules]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path} has {names.count(name)} schedules named {name}; give each a name of its own")
    return schedules


def _schedule(tree: Any, path: Path) -> Schedule:
    known = [item.name for item in fields(Schedule)]
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{path}: each schedule must be a mapping of keys to values; got {tree!r}")
    for given in tree:
        if given not in known:
            raise ConfigError(unknown_name(f"key of a schedule in {path}:", str(given), known))
    resolved = {name: _resolve(path, str(tree[name])) for name in ("config", "profile") if tree.get(name)}
    return Schedule(**{**tree, **resolved})


def _resolve(path: Path, name_or_file: str) -> str:
    """The file of that name in the folder of `path`, if it exists; else the name itself, as of a shipped experiment."""
    file = path.parent / name_or_file
    return str(file) if file.is_file() else name_or_file


def _describe(tree: Any) -> str:
    if isinstance(tree, Mapping):
        return f"the keys {', '.join(sorted(map(str, tree)))}"
    return "nothing" if tree is None else f"a {type(tree).__name__}"


def _help(name: str) -> str:
    return str(next(item.metadata["help"] for item in fields(Schedule) if item.name == name))
