"""Where each value of a config came from: the file, `--set`, or the default of its key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from gan.config import migrate
from gan.config.source import assignments, load, read

DEFAULT = "default"


class Origin(NamedTuple):
    """A key, its value, and where it came from: `FILE:LINE`, `--set` or `default`."""

    path: str
    value: Any
    origin: str


def explain(name_or_file: str, sets: Iterable[str] = ()) -> list[Origin]:
    """Every key of a config with its origin.

    Raises:
        NotFoundError, ConfigError: see `gan.config.load`.
    """
    sets = list(sets)
    config = load(name_or_file, sets)
    lines = {path: f"{name_or_file}:{line}" for path, line in _lines(read(name_or_file))}
    given = {migrate.present_key(path) for path, _ in assignments(sets)}
    return [
        Origin(path, value, _origin(path, lines, given)) for path, value in _leaves(config.to_dict()) if value != {}
    ]


def _origin(path: str, lines: Mapping[str, str], given: set[str]) -> str:
    """The origin of the key itself, or of a key that it is a part of: `gate.margin` for `gate.margin.fid`."""
    parts = path.split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if any(each in given for each in names):
        return "--set"
    return next((lines[each] for each in names if each in lines), DEFAULT)


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """The present path of each key in a YAML text, and the line that it is on, from 1."""
    import yaml

    yield from _lines_of(yaml.compose(text, Loader=yaml.SafeLoader), "")


def _lines_of(node: Any, prefix: str) -> Iterator[tuple[str, int]]:
    for name, value in node.value:
        path = f"{prefix}{name.value}"
        if value.id == "mapping" and value.value:
            yield from _lines_of(value, f"{path}.")
        else:
            yield migrate.present_key(path), name.start_mark.line + 1
