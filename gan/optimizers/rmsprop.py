"""RMSprop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan.optimizers.interface import OptimizerOptions
from gan.options import key
from gan.util.lazy import keras


@dataclass(frozen=True)
class Options(OptimizerOptions):
    """Tieleman and Hinton (2012), "Lecture 6.5: rmsprop", Coursera: Neural Networks for Machine Learning."""

    name: str = "rmsprop"
    rho: float = key(0.9, "Decay of the mean square of the gradient.", min_value=0, max_value=0.99999)


def make(options: Options, learning_rate: float) -> Any:
    """A Keras optimiser."""
    return keras.optimizers.RMSprop(learning_rate, rho=options.rho)
