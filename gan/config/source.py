"""Reads configs: YAML text, files, shipped experiments, and `--set` overrides."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gan.config import migrate
from gan.config.check import Group, group_name
from gan.config.schema import GROUPS, Config, Train
from gan.errors import ConfigError, NotFoundError, unknown_file, unknown_name
from gan.util import log

MARGINS = ("margin", "anchor_margin")
CONFIGS = Path(__file__).parent.parent / "configs"


def from_dict(tree: Mapping[str, Any], *, where: str = "the config") -> Config:
    """A checked config from nested dicts; missing keys get their defaults.

    Raises:
        ConfigError: an unknown key (the nearest match is named), a wrong type, or a value out of range.
    """
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{where} must be a mapping of groups to keys; got {type(tree).__name__}")
    made: dict[str, Any] = {}
    for name, value in tree.items():
        if name == "name":
            made["name"] = value
            continue
        if name not in GROUPS:
            raise ConfigError(unknown_name(f"key in {where}:", name, ["name", *GROUPS]))
        made[name] = _group_from_dict(GROUPS[name], migrate.group(name, value))
    return Config(**made)


def from_record(tree: Mapping[str, Any], *, where: str) -> Config:
    """A checked config from a record that this or an earlier version wrote, with the meaning it had then.

    Raises:
        ConfigError: see `from_dict`.
    """
    train = tree.get("train") if isinstance(tree, Mapping) else None
    return from_dict({**tree, "train": migrate_train_keys(train)} if isinstance(train, Mapping) else tree, where=where)


def migrate_train_keys(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """All `train` keys of a record, with the names of this version.

    Before there was `train.rho`, `train.beta_2` was RMSprop's rho, and `train.beta_1` had no effect with RMSprop.
    """
    if recorded.get("optimizer") != "rmsprop" or "rho" in recorded or "beta_2" not in recorded:
        return dict(recorded)
    default = Train()
    return {**recorded, "rho": recorded["beta_2"], "beta_1": default.beta_1, "beta_2": default.beta_2}


def from_yaml(text: str, *, where: str = "the config") -> Config:
    """A checked config from YAML text (safe loader).

    Raises:
        ConfigError: the text is empty or not YAML, or see `from_dict`.
    """
    import yaml

    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from None
    if tree is None:
        raise ConfigError(f"{where} is empty; `gan configs` lists experiments to start from")
    return from_dict(tree, where=where)


def load(name_or_file: str, sets: Iterable[str] = ()) -> Config:
    """A shipped experiment by name, or a YAML file by path, with `--set` overrides applied.

    Raises:
        NotFoundError: there is no shipped experiment and no file of that name.
        ConfigError: see `from_dict` and `override`.
    """
    text = read(name_or_file)
    config = from_yaml(text, where=name_or_file)
    _warn_about_old_keys(_paths(text))
    return override(config, sets)


def _warn_about_old_keys(paths: Iterable[str]) -> None:
    for old, new in migrate.renamed(paths):
        log.warning(f"the config key {old} is now {new}; the old name will be refused in the next release")


def read(name_or_file: str) -> str:
    """The YAML text of a shipped experiment or a file."""
    shipped = CONFIGS / f"{name_or_file}.yaml"
    if name_or_file in names():
        return shipped.read_text(encoding="utf-8")
    path = Path(name_or_file)
    if not path.is_file():
        raise NotFoundError(unknown_file("config", name_or_file, names()))
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read the config {path}: {error}") from None


def names() -> list[str]:
    """The names of the shipped experiments."""
    return sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def summary(name: str) -> str:
    """The purpose of a shipped experiment: the comment on its first line."""
    return read(name).splitlines()[0].removeprefix("#").strip()


def override(config: Config, sets: Iterable[str]) -> Config:
    """`config` with `group.key=value` overrides applied.

    A text key takes the text unchanged; `null` or nothing means none if the key allows it. Any other value is read as a
    YAML scalar.

    Raises:
        ConfigError: not `group.key=value`, an unknown key, a wrong type, or a value out of range.
    """
    tree = config.to_dict()
    for item in sets:
        path, equals, text = item.partition("=")
        group, dot, name = path.partition(".")
        if not equals or (not dot and group != "name"):
            raise ConfigError(f'--set takes group.key=value, for example train.steps=500; got "{item}"')
        if path == "name":
            tree["name"] = text
            continue
        if group not in GROUPS:
            raise ConfigError(unknown_name("group in --set:", group, GROUPS))
        name, dot, score = name.partition(".")
        if migrate.is_old(group, name) and not dot:
            _warn_about_old_keys([path])
            others = {key: value for key, value in tree[group].items() if key != migrate.RENAMED.get((group, name))}
            tree[group] = migrate.group(group, {**others, name: _parse_scalar(text)})
        elif name not in tree[group] or (dot and not isinstance(tree[group][name], dict)):
            raise ConfigError(unknown_name("config key", path, [f"{group}.{known}" for known in tree[group]]))
        elif dot:
            tree[group][name] = {**tree[group][name], score: _parse_scalar(text)}
        else:
            value = _parse_value(text, typing.get_type_hints(GROUPS[group])[name])
            tree[group][name] = _with_fid_margin(tree[group][name], value) if name in MARGINS else value
    return from_dict(tree)


def _with_fid_margin(margins: Mapping[str, Any], value: Any) -> Any:
    """A single number sets FID's margin and keeps the others."""
    return {**margins, "fid": value} if isinstance(value, int | float | str) else value


def _parse_value(text: str, hint: Any) -> Any:
    """The value of a `--set`, for a key of this type."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if str in kinds:
        return None if text in ("", "null") and type(None) in kinds else text
    return _parse_scalar(text)


def _parse_scalar(text: str) -> Any:
    """A text as a YAML scalar."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _paths(text: str) -> list[str]:
    """Every `group.key` of a config in YAML."""
    import yaml

    tree = yaml.safe_load(text)
    return [f"{group}.{name}" for group, keys in tree.items() if isinstance(keys, dict) for name in keys]


def _group_from_dict(group: type[Group], tree: Any) -> Group:
    name = group_name(group)
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{name} must be a mapping of keys to values; got {tree!r}")
    known = [item.name for item in dataclasses.fields(group)]
    for given in tree:
        if given not in known:
            raise ConfigError(unknown_name("config key", f"{name}.{given}", [f"{name}.{each}" for each in known]))
    return group(**tree)
