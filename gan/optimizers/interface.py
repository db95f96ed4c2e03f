"""What every optimiser has: its options, and the function that makes a Keras optimiser from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan.options import Options


@dataclass(frozen=True)
class OptimizerOptions(Options):
    """The optimiser of both networks; each has its own state and its own learning rate, `train.*_learning_rate`."""

    GROUP: ClassVar[str] = "optimizer"

    name: str = ""
