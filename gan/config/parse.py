"""Parsers of keys with several values: a list of names, options, a limit or margin for each score.

`gan.build` checks that the scores exist.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from gan.errors import ConfigError
from gan.options import as_number

PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def names(name: str, value: Any) -> tuple[str, ...]:
    """Names from a list or comma-separated text.

    Raises:
        ConfigError: it is neither, it is empty, or a name occurs twice.
    """
    listed = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not listed or not all(isinstance(each, str) and each for each in listed):
        raise ConfigError(f"{name} must be a list of names such as [fid, kid]; got {value!r}")
    if len(set(listed)) < len(listed):
        raise ConfigError(f"{name} must name each metric once; got {', '.join(listed)}")
    return tuple(listed)


def options(name: str, value: Any) -> dict[str, Any]:
    """Options by name; null means the default. What owns the options checks their names and values.

    Raises:
        ConfigError: it is not a mapping.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must map options to values, such as {{seed: 1}}; got {value!r}")
    return {str(option): chosen for option, chosen in value.items() if chosen is not None}


def limits(name: str, value: Any) -> dict[str, float]:
    """A limit for each score: a mapping of names to finite numbers; null turns a limit off.

    Raises:
        ConfigError: it is not such a mapping.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must map scores to limits, such as {{coverage: 0.5}}; got {value!r}")
    return {score: _number(f"{name}.{score}", limit) for score, limit in value.items() if limit is not None}


def margins(default: Mapping[str, float | str]) -> Callable[[str, Any], dict[str, float | str | None]]:
    """A parser of margins: a mapping of scores to numbers of at least 0, or to a share such as "5%" of the other score.

    null turns a comparison off, and for the whole key all of them. A single number is the margin for FID. Scores that
    are not named keep `default`.
    """

    def parse(name: str, value: Any) -> dict[str, float | str | None]:
        if value is None:
            return dict.fromkeys(default)
        given = value if isinstance(value, Mapping) else {"fid": value}
        return {score: _margin(f"{name}.{score}", margin) for score, margin in {**default, **given}.items()}

    return parse


def margin_of(margin: float | str, compared_with: float) -> float:
    """A margin in units of the score: "5%" is 5 % of the absolute value of the score compared with."""
    if isinstance(margin, str):
        return float(margin.rstrip("% ")) / 100 * abs(compared_with)
    return margin


def _margin(name: str, value: Any) -> float | str | None:
    if value is None:
        return None
    if isinstance(value, str) and PERCENT.fullmatch(value.strip()):
        return value.strip()
    number = _number(name, value, 'or a share such as "5%"')
    if number < 0:
        raise ConfigError(f'{name} must be at least 0, or a share such as "5%"; got {value!r}')
    return number


def _number(name: str, value: Any, otherwise: str = "or null") -> float:
    number = as_number(value)
    if not isinstance(number, float) or not math.isfinite(number):
        raise ConfigError(f"{name} must be a finite number, {otherwise}; got {value!r}")
    return number
