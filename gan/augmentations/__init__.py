"""The augmentations by name.

A new one needs one file, one line here, and to pass tests/augmentations/test_every_augmentation.py.
"""

from __future__ import annotations

from typing import Any

from gan.augmentations import ada, ada_scheduled, diffaugment, none
from gan.augmentations.interface import Augmentation
from gan.options import Entry

AUGMENTATIONS: dict[str, Entry[Any, Augmentation]] = {
    "ada": Entry(ada.Options, ada.make),
    "ada_scheduled": Entry(ada_scheduled.Options, ada_scheduled.make),
    "diffaugment": Entry(diffaugment.Options, diffaugment.make),
    "none": Entry(none.Options, none.make),
}
