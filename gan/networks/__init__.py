"""The networks by name. A new one needs one file, one line here, and to pass tests/networks/test_every_network.py."""

from __future__ import annotations

from collections.abc import Callable

import keras

from gan import config
from gan.networks import dcgan_discriminator, dcgan_generator

MakeGenerator = Callable[[config.Generator, tuple[int, int, int], int | None], keras.Model]
MakeDiscriminator = Callable[[config.Discriminator, tuple[int, int, int], int | None], keras.Model]

GENERATORS: dict[str, MakeGenerator] = {"dcgan": dcgan_generator.make}
DISCRIMINATORS: dict[str, MakeDiscriminator] = {"dcgan": dcgan_discriminator.make}
