"""Generates docs/configuration.md from the dataclasses; run by `make docs-reference`."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any

from gan.config import GROUPS, Group
from gan.config.space import SEARCHABLE
from gan.config.sweep import Sweep
from gan.data.sources import SOURCES

HEAD = """# Configuration

An experiment is a YAML file with the groups below; every key has a default. `--set train.steps=500` overrides a key on
the command line. `gan configs` lists the shipped experiments, `gan configs mnist` prints one in full, and
`gan train --dry-run` checks one against a dataset and prints what would run.

This page is generated: `make docs-reference`.
"""


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
    for name, group in GROUPS.items():
        sections += [_section(name, group), *(_source_options() if name == "data" else [])]
    return "\n".join([*sections, SWEEP, *table(Sweep), ""])


def _section(name: str, group: type[Group]) -> str:
    return "\n".join([f"## {name}", "", (group.__doc__ or "").strip(), "", *table(group, f"{name}."), ""])


def _source_options() -> list[str]:
    """The options of each source that has some."""
    return [
        "\n".join([f"### data.options of {name}", "", *table(source.options, "data.options."), ""])
        for name, source in SOURCES.items()
        if dataclasses.fields(source.options)
    ]


def table(group: type[Group], prefix: str = "") -> list[str]:
    """A Markdown table of the fields made by `gan.config.check.key`, each with `prefix`."""
    hints = typing.get_type_hints(group)
    lines = ["| key | type | default | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    for item in filter(lambda each: each.metadata, dataclasses.fields(group)):
        cells = [
            f"`{prefix}{item.name}`",
            _type(hints[item.name]),
            f"`{json.dumps(item.metadata['default'])}`",
            _allowed(item.metadata),
            item.metadata["help"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _type(hint: Any) -> str:
    if typing.get_origin(hint) is not None and not isinstance(hint, types.UnionType):
        return "list" if typing.get_origin(hint) is tuple else "mapping"
    names = {int: "whole number", float: "number", str: "text", bool: "true or false", type(None): "null"}
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
