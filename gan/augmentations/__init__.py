"""The augmentations by name.

A new one needs one file, one line here, and to pass tests/augmentations/test_every_augmentation.py.
"""

from __future__ import annotations

from typing import Any

from gan.augmentations import none
from gan.augmentations.interface import Augmentation
from gan.options import Entry

AUGMENTATIONS: dict[str, Entry[Any, Augmentation]] = {
    "none": Entry(none.Options, none.make),
}
