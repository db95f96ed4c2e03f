"""The regularisers by name; a config may have several.

A new one needs one file, one line here, and to pass tests/regularisers/test_every_regulariser.py.
"""

from __future__ import annotations

from typing import Any

from gan.options import Entry
from gan.regularisers import kl
from gan.regularisers.interface import Regulariser

REGULARISERS: dict[str, Entry[Any, Regulariser]] = {
    "kl": Entry(kl.Options, kl.make),
}
