"""Config keys with types and ranges, and groups of keys that check themselves when made."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gan.config import migrate
from gan.errors import ConfigError, unknown_name


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
class Group:
    """A group of keys; when made, it checks the type, range and choices of each field made by `key`.

    `GROUP` is what the error messages call it; empty: the name of the class in small letters, `train` for `Train`.
    """

    GROUP: ClassVar[str] = ""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for item in filter(lambda each: each.metadata, dataclasses.fields(self)):
            name = f"{group_name(type(self))}.{item.name}"
            value = getattr(self, item.name)
            if item.metadata["parse"]:
                value = item.metadata["parse"](name, value)
            else:
                value = _checked_type(name, _undo_yaml_types(value, item), hints[item.name])
                _check_range(name, value, item.metadata)
            object.__setattr__(self, item.name, value)

    def to_record(self) -> dict[str, Any]:
        """Every key by the name that hashes and records have; see `gan.config.migrate.recorded_names`."""
        return migrate.recorded_names(group_name(type(self)), dataclasses.asdict(self))


def group_name(group: type[Group]) -> str:
    """The name of a group in a config: `train` for `Train`."""
    return group.GROUP or group.__name__.lower()


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


def _check_range(name: str, value: Any, allowed: Mapping[str, Any]) -> None:
    if value is None:
        return
    if allowed["choices"] and value not in allowed["choices"]:
        raise ConfigError(unknown_name(name, value, map(str, allowed["choices"])))
    low, high = allowed["min_value"], allowed["max_value"]
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
        raise ConfigError(f"{name} must be {' and '.join(bounds)}; got {value}")
