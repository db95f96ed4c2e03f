"""The state of training: everything that changes from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from gan.train.checkpoint.files import assign, named
from gan.train.ema import make_ema

if TYPE_CHECKING:
    from gan.augmentations.interface import Augmentation
    from gan.regularisers.interface import Regulariser
    from gan.train.checkpoint.files import Tensors


@dataclass(frozen=True)
class TrainState:
    """Both networks, the generator's moving average, both optimisers with their slot variables, and the state of the
    regularisers and of the augmentation.
    """

    generator: keras.Model
    ema: keras.Model
    discriminator: keras.Model
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer
    regularisers: tuple[Regulariser, ...] = ()
    augmentation: Augmentation | None = None

    def variables(self) -> dict[str, Any]:
        """Every variable by its stable name; the discriminator's include the random state of its dropout layers."""
        return {
            **named("generator", self.generator.variables),
            **named("ema", self.ema.variables),
            **named("discriminator", self.discriminator.variables),
            **named("generator_optimizer", self.generator_optimizer.variables),
            **named("discriminator_optimizer", self.discriminator_optimizer.variables),
            **{
                f"regularisers/{each.name}/{name}": variable
                for each in self.regularisers
                for name, variable in each.variables.items()
            },
            **{
                f"augmentation/{name}": variable
                for each in filter(None, [self.augmentation])
                for name, variable in each.variables.items()
            },
        }

    def tensors(self) -> Tensors:
        """The values of all variables, copied to the host."""
        return {name: np.array(variable.numpy(), order="C") for name, variable in self.variables().items()}

    def restore(self, tensors: Tensors, *, where: str) -> None:
        """Set all variables; see `gan.train.checkpoint.files.assign`."""
        assign(self.variables(), tensors, where=where)


def make_train_state(
    generator: keras.Model,
    discriminator: keras.Model,
    generator_optimizer: keras.optimizers.Optimizer,
    discriminator_optimizer: keras.optimizers.Optimizer,
    regularisers: tuple[Regulariser, ...] = (),
    augmentation: Augmentation | None = None,
) -> TrainState:
    """The state at the start of a run.

    Under float16 the optimisers scale the loss, since small gradients would underflow (Micikevicius et al., 2018,
    "Mixed Precision Training", arXiv:1710.03740, section 3.2).
    """
    if keras.config.dtype_policy().compute_dtype == "float16":
        generator_optimizer = keras.optimizers.LossScaleOptimizer(generator_optimizer)
        discriminator_optimizer = keras.optimizers.LossScaleOptimizer(discriminator_optimizer)
    generator_optimizer.build(generator.trainable_variables)
    discriminator_optimizer.build(discriminator.trainable_variables)
    ema = make_ema(generator)
    return TrainState(
        generator, ema, discriminator, generator_optimizer, discriminator_optimizer, regularisers, augmentation
    )
