"""Sheets of samples from latents that are fixed over the whole run."""

from __future__ import annotations

import keras
import tensorflow as tf
from PIL import Image

from gan.export.sample_grid import sample_grid
from gan.util.images import to_pixels


class SampleSheet:
    """Draws fixed latents with the current generator; see `gan.export.sample_grid`.

    Args:
        generator: the EMA generator.
        latent_size: Z.
        seed: of the latents; training steps draw theirs from another random number generator.
        classes: the number of classes of a conditional generator; None for an unconditional one.
    """

    def __init__(self, generator: keras.Model, latent_size: int, seed: int, classes: int | None = None) -> None:
        self._generator = generator
        self._grid = sample_grid(latent_size, classes, seed=seed)
        latents = tf.constant(self._grid.latents)
        self._inputs = latents if self._grid.labels is None else [latents, tf.constant(self._grid.labels)]

    def draw(self) -> Image.Image:
        """The sheet."""
        return self._grid.picture(to_pixels(self._generator(self._inputs, training=False)))
