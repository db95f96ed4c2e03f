"""Reads configs: YAML text, files, shipped experiments, and `--set` overrides."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gan.config import migrate
from gan.config.schema import ALL_GROUPS, CHOICES, GROUPS, Config, parse_group
from gan.errors import ConfigError, NotFoundError, unknown_file, unknown_name
from gan.options import Options, keys
from gan.regularisers import REGULARISERS
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
    for name, value in migrate.moved(tree).items():
        if name == "name":
            made["name"] = value
            continue
        if name not in ALL_GROUPS:
            raise ConfigError(unknown_name(f"key in {where}:", name, ["name", *ALL_GROUPS]))
        made[name] = parse_group(name, migrate.group(name, value))
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

    Before there was a key for it, `beta_2` was RMSprop's rho, and `beta_1` had no effect with RMSprop.
    """
    if recorded.get("optimizer") != "rmsprop" or "rho" in recorded or "beta_2" not in recorded:
        return dict(recorded)
    default = migrate.RECORDED["train"]
    return {**recorded, "rho": recorded["beta_2"], "beta_1": default["beta_1"], "beta_2": default["beta_2"]}


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

    A text key takes the text unchanged; `null` or nothing means none if the key allows it. Any other value is read as
    YAML. Another choice, such as `loss.name=hinge`, is made first: of the keys of the previous one it keeps those that
    it has too, and a note says which others are dropped.

    Raises:
        ConfigError: not `group.key=value`, an unknown key, a wrong type, or a value out of range.
    """
    tree = config.to_dict()
    sets = list(sets)
    if any(item.startswith("loss.kl_") for item in sets):  # an earlier key of a regulariser does not turn it on
        tree["regularisers"].setdefault("kl", {"weight": migrate.RECORDED["loss"]["kl_weight"]})
    pairs = assignments(sets)
    _warn_about_old_keys(item.partition("=")[0] for item in sets)
    for path, text in pairs:
        if path in CHOICE_PATHS:
            _choose(tree, path.partition(".")[0], text)
    for path, text in pairs:
        if path not in CHOICE_PATHS:
            _assign(tree, path, text)
    return from_dict(tree)


CHOICE_PATHS = frozenset(f"{group}.name" for group in CHOICES)


def assignments(sets: Iterable[str]) -> list[tuple[str, str]]:
    """The present path and the text of each `--set`.

    Raises:
        ConfigError: one is not `group.key=value`.
    """
    return [_assignment(item) for item in sets]


def _assignment(item: str) -> tuple[str, str]:
    path, equals, text = item.partition("=")
    group, dot, name = path.partition(".")
    if not equals or (not dot and group != "name"):
        raise ConfigError(f'--set takes group.key=value, for example train.steps=500; got "{item}"')
    return migrate.MOVED.get((group, name), path), text


def _choose(tree: dict[str, Any], group: str, name: str) -> None:
    """Make another choice in a group, with the keys of the previous one that it has too."""
    registry, before = CHOICES[group].registry, tree[group]
    if name not in registry:
        raise ConfigError(unknown_name(f"{group}.name", name, registry))
    known = {item.name for item in keys(registry[name].options)}
    default = {item.name: item.default for item in keys(registry[before["name"]].options)}
    tree[group] = {"name": name, **{key: value for key, value in before.items() if key in known}}
    dropped = [key for key in before if key not in known and key != "name" and before[key] != default[key]]
    if dropped:
        log.info(
            f"{group}.name={name} has no {', '.join(f'{group}.{key} (was {before[key]})' for key in dropped)}: dropped"
        )


def _assign(tree: dict[str, Any], path: str, text: str) -> None:
    if path == "name":
        tree["name"] = text
        return
    group, _, name = path.partition(".")
    if group not in ALL_GROUPS:
        raise ConfigError(unknown_name("group in --set:", group, ALL_GROUPS))
    name, dot, inner = name.partition(".")
    keys_there = tree[group]
    if migrate.is_old(group, name) and not dot:
        others = {key: value for key, value in keys_there.items() if key != migrate.RENAMED.get((group, name))}
        tree[group] = migrate.group(group, {**others, name: _parse_scalar(text)})
    elif group == "regularisers":
        _put(keys_there, f"{name}{dot}{inner}", _parse_scalar(text), group)
    elif name not in hints_of(group) or (dot and not isinstance(keys_there.get(name), dict)):
        raise ConfigError(unknown_name("config key", path, [f"{group}.{known}" for known in hints_of(group)]))
    elif dot:
        keys_there[name] = {**keys_there[name], inner: _parse_scalar(text)}
    else:
        value = _parse_value(text, hints_of(group)[name])
        keys_there[name] = _with_fid_margin(keys_there[name], value) if name in MARGINS else value


def _put(tree: dict[str, Any], path: str, value: Any, where: str) -> None:
    """Set the value of a path such as `r1.weight` in nested mappings; what is absent or null becomes a mapping."""
    name, dot, inner = path.partition(".")
    if not dot:
        tree[name] = value
        return
    there = {} if tree.get(name) is None else tree[name]
    if not isinstance(there, Mapping):
        raise ConfigError(f"{where}.{name} has no keys of its own, and {where}.{path} is one; it is {there!r}")
    tree[name] = dict(there)
    _put(tree[name], inner, value, f"{where}.{name}")


def hints_of(group: str) -> dict[str, Any]:
    """The type of each key that a group may have, by name: of every choice, if there are choices.

    Keys of regularisers are `r1.weight`.
    """
    if group in CHOICES:
        kinds = [entry.options for entry in CHOICES[group].registry.values()]
        return {"name": str} | {name: hint for kind in kinds for name, hint in _hints(kind).items()}
    if group == "regularisers":
        return {
            f"{name}.{inner}": hint
            for name, entry in REGULARISERS.items()
            for inner, hint in _hints(entry.options).items()
        }
    return _hints(GROUPS[group])


def _hints(options: type[Options]) -> dict[str, Any]:
    hints = typing.get_type_hints(options)
    return {item.name: hints[item.name] for item in keys(options)}


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
    """A text as YAML."""
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
