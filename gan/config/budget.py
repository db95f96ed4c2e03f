"""What a training may cost: a time, or a number of images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gan.errors import ConfigError
from gan.util.formatting import parse_duration

_IMAGES = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kM]?)[ -]?images")
_FACTORS = {"": 1, "k": 1_000, "M": 1_000_000}
MIN_SECONDS = 10.0
MIN_IMAGES = 1_000


@dataclass(frozen=True)
class Budget:
    """Seconds of training on this machine, or images to train on; one of them is None."""

    seconds: float | None = None
    images: int | None = None


def parse_budget(text: str, where: str = "train.budget") -> Budget:
    """A budget from text such as 10m, 2h, 500kimages or 2Mimages.

    Examples:
        >>> parse_budget("10m")
        Budget(seconds=600.0, images=None)
        >>> parse_budget("2.5M images")
        Budget(seconds=None, images=2500000)

    Raises:
        ConfigError: it is neither, or too small to train anything.
    """
    images = _IMAGES.fullmatch(text)
    if images is not None:
        budget = Budget(images=round(float(images[1]) * _FACTORS[images[2]]))
    else:
        budget = Budget(seconds=_seconds(text, where))
    too_short = budget.seconds is not None and budget.seconds < MIN_SECONDS
    if too_short or (budget.images is not None and budget.images < MIN_IMAGES):
        raise ConfigError(f'{where} must be at least {MIN_SECONDS:g}s or {MIN_IMAGES}images; got "{text}"')
    return budget


def budget_text(name: str, value: Any) -> str | None:
    """The parser of the key: a budget's text, checked; None for none.

    Raises:
        ConfigError: see `parse_budget`.
    """
    if value is None:
        return None
    parse_budget(str(value), name)
    return str(value)


def _seconds(text: str, where: str) -> float:
    try:
        return parse_duration(text, where)
    except ConfigError:
        raise ConfigError(
            f"{where} must be a time such as 10m or 2h, or a number of images such as 500kimages or 2Mimages; got "
            f'"{text}"'
        ) from None
