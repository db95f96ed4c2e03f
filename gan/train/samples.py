"""Sheets of samples from latents that stay the same over the whole run."""

from __future__ import annotations

import math

import keras
import tensorflow as tf
from PIL import Image

from gan.pixels import grid, to_pixels
from gan.train.draws import Draws

ROWS = 8
MOST_COLUMNS = 10
LEAST_TILE_PIXELS = 64


class SampleSheet:
    """Draws the same latents with the generator as it is now.

    Without classes, 8 x 8 different latents. With classes, a column a class (the first ten), and each row one latent.

    Args:
        generator: the EMA generator.
        latent_size: Z.
        seed: of the latents; training steps draw others, since theirs are numbered from 1.
        classes: how many classes a conditional generator has; None for an unconditional one.
    """

    def __init__(self, generator: keras.Model, latent_size: int, seed: int, classes: int | None = None) -> None:
        self._generator = generator
        self._columns = ROWS if classes is None else min(classes, MOST_COLUMNS)
        if classes is None:
            self._inputs = Draws(seed, 0).latents(ROWS * ROWS, latent_size)
        else:
            latents = tf.repeat(Draws(seed, 0).latents(ROWS, latent_size), self._columns, axis=0)
            self._inputs = [latents, tf.tile(tf.range(self._columns, dtype=tf.int32), [ROWS])]

    def draw(self) -> Image.Image:
        """The sheet; small images are enlarged without smoothing."""
        pixels = to_pixels(self._generator(self._inputs, training=False))
        return grid(pixels, columns=self._columns, scale=math.ceil(LEAST_TILE_PIXELS / pixels.shape[1]))
