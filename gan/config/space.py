"""The search space of a sweep: config keys and their possible values."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from typing import Any

from gan.config import migrate
from gan.config.source import hints_of
from gan.errors import ConfigError, unknown_name
from gan.options import as_number

Point = dict[str, Any]
"""Config keys and their values, such as {"loss.name": "hinge"}."""

SEARCHABLE = ("generator", "discriminator", "loss", "regularisers", "augmentation", "optimizer", "train")
SET_BY_SWEEP = ("train.seed", "train.steps", "train.budget")


def with_numbers(values: Any) -> Any:
    """A range with text such as 1e-4 as numbers; a list of choices unchanged."""
    if not isinstance(values, Mapping):
        return values
    return {name: as_number(value) if isinstance(value, str) else value for name, value in values.items()}


def check_keys(paths: Iterable[str]) -> None:
    """Check that a sweep may set these config keys.

    Raises:
        ConfigError: one is unknown, or set by the sweep itself.
    """
    known = [f"{group}.{name}" for group in SEARCHABLE for name in hints_of(group)]
    known = [path for path in known if path not in SET_BY_SWEEP]
    for path in paths:
        if path in SET_BY_SWEEP:
            raise ConfigError(f"sweep.grid and sweep.search can't set {path}: sweep.seeds and sweep.rungs set it")
        if migrate.present_path(path) not in known:
            raise ConfigError(unknown_name("config key in the sweep:", path, known))


def check_range(path: str, values: Any) -> None:
    """Check a list of choices, or a range of numbers, of a search.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(values, list | tuple) and values:
        return
    if not isinstance(values, Mapping) or not {"low", "high"} <= values.keys() <= {"low", "high", "log", "step"}:
        raise ConfigError(
            f"sweep.search must give {path} a list of choices, or a range such as {{low: 1.0e-5, high: 1.0e-3, "
            f"log: true}} (or step: 0.1); got {values!r}"
        )
    low, high = values["low"], values["high"]
    numbers = {type(each) for each in (low, high, values.get("step", low))}
    if _kind(path) not in (int, float) or not numbers <= ({int} if is_whole(path) else {int, float}) or not low < high:
        raise ConfigError(f"sweep.search must give {path} numbers low < high, or a list of choices; got {values!r}")
    if values.get("log") and (low <= 0 or "step" in values):
        raise ConfigError(f"a range of {path} with log needs low above 0 and no step; got {values!r}")


def is_whole(path: str) -> bool:
    """Whether a config key takes whole numbers."""
    return _kind(path) is int


def _kind(path: str) -> Any:
    """The type of a config key's value."""
    group, _, name = migrate.present_path(path).partition(".")
    hint = hints_of(group)[name]
    return next(each for each in (typing.get_args(hint) or (hint,)) if each is not type(None))
