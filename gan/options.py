"""Options with types and ranges, in groups that check themselves when made; and choices, each with its own options.

The groups of a config, the files of sweeps and schedules, and every loss, network, regulariser, augmentation, optimiser
and schedule declare their options as a dataclass derived from `Options`, with one `key` for each. What can be chosen by
name has a registry of `Entry`: the options of each, and the function that makes it from them.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from gan.errors import ConfigError, unknown_name

T = TypeVar("T")
O = TypeVar("O", bound="Options")  # noqa: E741


def key(
    default: Any,
    help_text: str,
    *,
    min_value: float | None = None,
    max_value: float | None = None,
    choices: tuple[str, ...] | tuple[int, ...] | None = None,
    parse: Callable[[str, Any], Any] | None = None,
) -> Any:
    """A dataclass field with its help text and allowed values, from which the docs are generated.

    `parse` is for a key that is not a single number or word: it takes the key's name and the value in the config, and
    returns the checked value or raises ConfigError.
    """
    allowed = {"help": help_text, "min_value": min_value, "max_value": max_value, "choices": choices, "parse": parse}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata={**allowed, "default": default})
    return field(default=default, metadata={**allowed, "default": default})


@dataclass(frozen=True)
class Options:
    """A group of keys; when made, it checks the type, range and choices of each field made by `key`.

    `where` is what the error messages call the group; by default `GROUP`, or else the name of the class in small
    letters: `train` for `Train`.
    """

    GROUP: ClassVar[str] = ""

    where: InitVar[str | None] = field(default=None, kw_only=True)

    def __post_init__(self, where: str | None) -> None:
        hints = typing.get_type_hints(type(self))
        for item in keys(type(self)):
            name = f"{where or group_name(type(self))}.{item.name}"
            value = getattr(self, item.name)
            if item.metadata["parse"]:
                value = item.metadata["parse"](name, value)
            else:
                value = _checked_type(name, _undo_yaml_types(value, item), hints[item.name])
                check_range(name, value, item.metadata)
            object.__setattr__(self, item.name, value)


@dataclass(frozen=True)
class Entry(Generic[O, T]):
    """What can be chosen by name: its options, and the function that makes it from them."""

    options: type[O]
    make: Callable[..., T]


def keys(options: type[Options]) -> list[dataclasses.Field[Any]]:
    """The fields made by `key`."""
    return [item for item in dataclasses.fields(options) if item.metadata]


def group_name(options: type[Options]) -> str:
    """What error messages call a group of keys: `train` for `Train`."""
    return options.GROUP or options.__name__.lower()


def parse(options: type[O], tree: Any, where: str) -> O:
    """Checked options from a mapping of keys to values.

    Raises:
        ConfigError: it is not a mapping, a key is unknown (the nearest match is named), or a value is not allowed.
    """
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys to values; got {tree!r}")
    known = [item.name for item in dataclasses.fields(options)]
    for given in tree:
        if given not in known:
            raise ConfigError(unknown_name("config key", f"{where}.{given}", [f"{where}.{each}" for each in known]))
    return options(**tree, where=where)


def parse_choice(registry: Mapping[str, Entry[O, Any]], default: str, tree: Any, where: str) -> O:
    """The checked options of the choice that `name` among them names, such as `{name: hinge}`.

    Raises:
        ConfigError: it is not a mapping, there is no such choice, or it does not take a key; the message names the
            choices that do.
    """
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys to values; got {tree!r}")
    name = tree.get("name", default)
    if not isinstance(name, str) or name not in registry:
        raise ConfigError(unknown_name(f"{where}.name", name, registry))
    known = {item.name for item in keys(registry[name].options)}
    for given, value in tree.items():
        users = choices_with(registry, given)
        if given not in known and users:
            raise ConfigError(
                f"{where}.{given} has no effect with {where}.name={name}; got {value}. Leave it out, or set "
                f"{where}.name to one that uses it: {', '.join(users)}"
            )
    return parse(registry[name].options, {"name": name, **tree}, where)


def choices_with(registry: Mapping[str, Entry[Any, Any]], key_name: str) -> list[str]:
    """The names of the choices that have a key."""
    return sorted(name for name, entry in registry.items() if key_name in {item.name for item in keys(entry.options)})


def as_number(value: Any) -> Any:
    """A number, also if it is text such as 1e-4, which YAML 1.1 does not read as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def check_range(name: str, value: Any, allowed: Mapping[str, Any]) -> None:
    """Check a value against the choices and the range of its key.

    Raises:
        ConfigError: it is not among them.
    """
    if value is None:
        return
    if allowed["choices"] and value not in allowed["choices"]:
        raise ConfigError(unknown_name(name, value, map(str, allowed["choices"])))
    low, high = allowed["min_value"], allowed["max_value"]
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
        raise ConfigError(f"{name} must be {' and '.join(bounds)}; got {value}")


def one_of(choices: Iterable[str]) -> Callable[[str, Any], tuple[str, ...]]:
    """A parser of a list of different words, or comma-separated text, each among `choices`."""
    allowed = tuple(choices)

    def parse_words(name: str, value: Any) -> tuple[str, ...]:
        words = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
        if not isinstance(words, list | tuple) or not words or len(set(words)) < len(words):
            raise ConfigError(f"{name} must list at least one of: {', '.join(allowed)}, each once; got {value!r}")
        for word in words:
            if word not in allowed:
                raise ConfigError(unknown_name(name, word, allowed))
        return tuple(words)

    return parse_words


def _checked_type(name: str, value: Any, hint: Any) -> Any:
    wanted = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in wanted:
        return None
    kind = next(each for each in wanted if each is not type(None))
    if kind is float:
        value = as_number(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        allowed = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[kind]
        optional = " or null" if type(None) in wanted else ""
        raise ConfigError(f"{name} must be {allowed}{optional}; got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name} must be finite; got {value!r}")
    return value


def _undo_yaml_types(value: Any, item: dataclasses.Field[Any]) -> Any:
    """Text that YAML 1.1 reads as something else: `off` as false, and a checkpoint's step as a number."""
    if value is False and "off" in (item.metadata["choices"] or ()):
        return "off"
    if item.name == "checkpoint" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
