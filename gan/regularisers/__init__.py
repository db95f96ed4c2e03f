"""The regularisers by name; a config may have several.

A new one needs one file, one line here, and to pass tests/regularisers/test_every_regulariser.py.
"""

from __future__ import annotations

from gan.options import Entry
from gan.regularisers import kl, lecam, r1, r2
from gan.regularisers.interface import Regulariser, RegulariserOptions

REGULARISERS: dict[str, Entry[RegulariserOptions, Regulariser]] = {
    "kl": Entry(kl.Options, kl.make),
    "lecam": Entry(lecam.Options, lecam.make),
    "r1": Entry(r1.Options, r1.make),
    "r2": Entry(r2.Options, r2.make),
}
