"""A group of keys of a config that is also recorded by itself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from gan.config import migrate
from gan.options import Options, group_name


@dataclass(frozen=True)
class Group(Options):
    """A group of a config."""

    def to_record(self) -> dict[str, Any]:
        """Every key as hashes and records have it; see `gan.config.migrate.recorded_group`."""
        name, kind = group_name(type(self)), type(self)
        return migrate.recorded_group(name, dataclasses.asdict(self), dataclasses.asdict(kind()))
