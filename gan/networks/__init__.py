"""The networks by name. A new one needs one file, one line here, and to pass tests/networks/test_every_network.py."""

from __future__ import annotations

from typing import Any

from gan.networks import (
    dcgan_discriminator,
    dcgan_generator,
    r3gan_discriminator,
    r3gan_generator,
    resnet_discriminator,
    resnet_generator,
)
from gan.options import Entry

GENERATORS: dict[str, Entry[Any, Any]] = {
    "dcgan": Entry(dcgan_generator.Options, dcgan_generator.make),
    "r3gan": Entry(r3gan_generator.Options, r3gan_generator.make),
    "resnet": Entry(resnet_generator.Options, resnet_generator.make),
}
DISCRIMINATORS: dict[str, Entry[Any, Any]] = {
    "dcgan": Entry(dcgan_discriminator.Options, dcgan_discriminator.make),
    "r3gan": Entry(r3gan_discriminator.Options, r3gan_discriminator.make),
    "resnet": Entry(resnet_discriminator.Options, resnet_discriminator.make),
}
