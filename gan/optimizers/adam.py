"""Adam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan.optimizers.interface import OptimizerOptions
from gan.options import key
from gan.schedules import first_value, is_constant, scheduled_key
from gan.schedules.interface import Scheduled
from gan.util.lazy import keras, replicated_variable


@dataclass(frozen=True)
class Options(OptimizerOptions):
    """Kingma and Ba (2015), "Adam: A Method for Stochastic Optimization", arXiv:1412.6980, algorithm 1."""

    name: str = "adam"
    beta_1: float = key(0.5, "Decay of the first moment.", min_value=0, max_value=0.9999)
    beta_2: Scheduled = scheduled_key(0.999, "Decay of the second moment.", min_value=0, max_value=0.99999)


def make(options: Options, learning_rate: float) -> Any:
    """A Keras optimiser; a `beta_2` that follows a schedule is a variable, which `gan.train.step` sets at each step."""
    beta_2: Any = first_value(options.beta_2)
    made = keras.optimizers.Adam(learning_rate, beta_1=options.beta_1, beta_2=beta_2)
    if not is_constant(options.beta_2):
        made.beta_2 = replicated_variable(beta_2, "float32")
    return made
