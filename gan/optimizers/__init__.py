"""The optimisers by name. A new one needs one file and one line here."""

from __future__ import annotations

from typing import Any

from gan.optimizers import adam, rmsprop
from gan.options import Entry

OPTIMIZERS: dict[str, Entry[Any, Any]] = {
    "adam": Entry(adam.Options, adam.make),
    "rmsprop": Entry(rmsprop.Options, rmsprop.make),
}
