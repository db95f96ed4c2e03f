"""Generates docs/configuration.md from the dataclasses; run by `make docs-reference`."""

from __future__ import annotations

import inspect
import json
import textwrap
import types
import typing
from collections.abc import Collection, Mapping
from typing import Any

from gan.config import ALL_GROUPS, CHOICES, GROUPS
from gan.config.space import SEARCHABLE
from gan.config.sweep import Sweep
from gan.errors import ConfigError, unknown_name
from gan.options import Entry, Options, keys
from gan.regularisers import REGULARISERS
from gan.schedules import SCHEDULES
from gan.schedules.interface import Scheduled

HEAD_LINES = 2

HEAD = """# Configuration

An experiment is a YAML file with the groups below; every key has a default. `--set train.steps=500` overrides a key on
the command line. `gan configs` lists the shipped experiments, `gan configs mnist` prints one in full, and
`gan train --dry-run` checks one against a dataset and prints what would run.

This page is generated: `make docs-reference`.
"""


REGULARISERS_HEAD = """Terms that are added to the loss of one of the networks; a config may have several.
One that is not named, or null, is off: `regularisers: {r1: {weight: 1.0}}`, `--set regularisers.r1.weight=1.0`,
`--set regularisers.r1=null`."""

SCHEDULES_HEAD = """A key whose type is "number or schedule" takes a number, or a value that changes with the
training step: `generator_learning_rate: {name: cosine, start: 2.0e-4, end: 5.0e-5}`. `KEY` stands for that key."""

SWEEP = f"""## The file of a sweep

What `--pipeline sweep --sweep FILE.yaml` tries: config keys of the groups {", ".join(SEARCHABLE)}.

- `seeds: [0, 1]`: each point is trained with each seed, and judged by the mean score. Default: `[0]`.
- `rungs: [600, 1200, 2400]`: the steps after which points are compared; the last one is `train.steps`.
- `grid: {{loss.name: [hinge, non_saturating]}}`: the values of each key; every combination is a point.
- `search:` instead of `grid`: for each key a list of choices, or a range `{{low: 1.0e-5, high: 1.0e-3, log: true}}` or
  `{{low: 0.0, high: 0.9, step: 0.1}}`.
"""


def markdown() -> str:
    """The whole page."""
    sections = [HEAD, "## name\n\nThe name of the experiment; run ids begin with it.\n"]
    for name in ALL_GROUPS:
        sections += [_section(name), *(_source_options() if name == "data" else [])]
    sections += [_entries("Schedules", SCHEDULES_HEAD, "KEY", SCHEDULES)]
    return "\n".join([*sections, SWEEP, *table(Sweep), ""])


def _section(name: str) -> str:
    if name in CHOICES:
        return _choices(name)
    if name == "regularisers":
        return _entries(name, REGULARISERS_HEAD, name, REGULARISERS, named=False)
    return "\n".join([f"## {name}", "", _text(GROUPS[name]), "", *table(GROUPS[name], f"{name}."), ""])


def _source_options() -> list[str]:
    """The options of each source that has some."""
    from gan.data.sources import SOURCES

    return [
        "\n".join([f"### data.options of {name}", "", *table(source.options, "data.options."), ""])
        for name, source in SOURCES.items()
        if keys(source.options)
    ]


def _choices(name: str) -> str:
    """A group of which one thing is chosen by name: what all have, then what each has."""
    choice = CHOICES[name]
    known = ", ".join(f"`{each}`" for each in sorted(choice.registry))
    shared = {item.name for item in keys(choice.common)}
    lines = [f"## {name}", "", f"{_text(choice.common)} `{name}.name`: {known}; default `{choice.default}`.", ""]
    lines += [*table(choice.common, f"{name}."), ""] if shared else []
    for each, entry in sorted(choice.registry.items()):
        lines += [f"### {name}.name: {each}", "", _text(entry.options), ""]
        own = table(entry.options, f"{name}.", leave_out=shared)
        lines += [*own, ""] if len(own) > HEAD_LINES else []
    return "\n".join(lines)


def _entries(title: str, head: str, prefix: str, registry: Mapping[str, Entry[Any, Any]], *, named: bool = True) -> str:
    lines = [f"## {title}", "", head, ""]
    for each, entry in sorted(registry.items()):
        path = f"{prefix}." if named else f"{prefix}.{each}."
        lines += [f"### {each}", "", _text(entry.options), "", *table(entry.options, path), ""]
    return "\n".join(lines)


def _text(options: type[Options]) -> str:
    return inspect.cleandoc(options.__doc__ or "")


def table(group: type[Options], prefix: str = "", leave_out: Collection[str] = ()) -> list[str]:
    """A Markdown table of the fields made by `gan.options.key`, each with `prefix`."""
    hints = typing.get_type_hints(group)
    lines = ["| key | type | default | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    for item in (each for each in keys(group) if each.name not in leave_out):
        cells = [
            f"`{prefix}{item.name}`",
            _type(hints[item.name]),
            f"`{json.dumps(item.metadata['default'])}`",
            _allowed(item.metadata),
            item.metadata["help"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def key_lines(group: str) -> list[str]:
    """The keys of a group, or of each choice in it, as text: path, default, allowed values and meaning.

    Raises:
        ConfigError: there is no such group.
    """
    if group not in ALL_GROUPS:
        raise ConfigError(unknown_name("group of keys", group, ALL_GROUPS))
    lines: list[str] = []
    for title, options, prefix in _kinds(group):
        lines += [*([""] if lines else []), title, *_key_lines(options, prefix)]
    return lines


def _kinds(group: str) -> list[tuple[str, type[Options], str]]:
    """The title, options and prefix of the keys of each thing in a group."""
    if group in CHOICES:
        entries = sorted(CHOICES[group].registry.items())
        return [(f"{group}.name={name}", entry.options, f"{group}.") for name, entry in entries]
    if group == "regularisers":
        return [(f"{group}.{name}", entry.options, f"{group}.{name}.") for name, entry in sorted(REGULARISERS.items())]
    return [(group, GROUPS[group], f"{group}.")]


def _key_lines(options: type[Options], prefix: str) -> list[str]:
    lines = []
    hints = typing.get_type_hints(options)
    for item in keys(options):
        kind = _type(hints[item.name]).replace("[schedule](#schedules)", "schedule")
        allowed = _allowed(item.metadata).replace("`", "")
        default = json.dumps(item.metadata["default"])
        lines.append(f"  {prefix}{item.name}  ({kind}, default {default}{', ' + allowed if allowed else ''})")
        lines += textwrap.wrap(item.metadata["help"], 100, initial_indent="      ", subsequent_indent="      ")
    return lines or ["  no keys"]


def _type(hint: Any) -> str:
    if typing.get_origin(hint) is not None and not isinstance(hint, types.UnionType):
        return "list" if typing.get_origin(hint) is tuple else "mapping"
    names = {int: "whole number", float: "number", str: "text", bool: "true or false", type(None): "null"}
    if hint == Scheduled:
        return "number or [schedule](#schedules)"
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return " or ".join(names[member] for member in members)


def _allowed(metadata: Mapping[str, Any]) -> str:
    if metadata["choices"]:
        return ", ".join(f"`{choice}`" for choice in metadata["choices"])
    low, high = metadata["min_value"], metadata["max_value"]
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    return "" if high is None else f"at most {high}"


if __name__ == "__main__":
    print(markdown(), end="")
