"""The config and the environment of a run as rows of text. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gan.report.data import Setting
from gan.types import Json


def settings(config: Json, defaults: Json) -> tuple[Setting, ...]:
    """Every key of a config as `group.key`, with the default if it differs.

    Args:
        config: from `Config.to_dict`.
        defaults: the same of a config without settings.
    """
    default_values = dict(_flatten(defaults))
    return tuple(
        Setting(key, text(value), text(default_values.get(key)) if default_values.get(key) != value else None)
        for key, value in _flatten(config)
    )


def environment(precision: str, recorded: Json) -> tuple[tuple[str, str], ...]:
    """The environment of a run: its precision, and what `gan.train.logging.provenance` recorded."""
    shown = {"precision": precision, **recorded}
    shown["gpus"] = ", ".join(shown.get("gpus") or []) or "none"
    return tuple((name, text(value)) for name, value in shown.items())


def text(value: Any) -> str:
    """A value as text, like in YAML: true, none, 0.0002; a list without brackets."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flatten(tree: Json, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
