"""The options that every generator and every discriminator has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan.options import Options, key


@dataclass(frozen=True)
class GeneratorOptions(Options):
    """The network that makes images from latents."""

    GROUP: ClassVar[str] = "generator"

    name: str = ""
    latent_size: int = key(100, "Length Z of a latent.", min_value=1, max_value=4096)
    width: float = key(1.0, "Scales every layer's channels.", min_value=0.01, max_value=16)
    conditional: bool = key(False, "Generate the class given by a label; needs labelled data.")


@dataclass(frozen=True)
class DiscriminatorOptions(Options):
    """The network that tells real images from generated ones (the critic, for Wasserstein losses)."""

    GROUP: ClassVar[str] = "discriminator"

    name: str = ""
    width: float = key(1.0, "Scales every layer's channels.", min_value=0.01, max_value=16)
    packing: int = key(
        1,
        "PacGAN: how many images it judges together, against mode collapse; 1: each by itself. For unconditional "
        "generators.",
        min_value=1,
        max_value=16,
    )

    @property
    def batch_unit(self) -> int:
        """How many images it needs together: a batch, and each device's part of one, must be a multiple of it."""
        return self.packing


@dataclass(frozen=True)
class ConvolutionalOptions(DiscriminatorOptions):
    """The options of the convolutional discriminators of this package."""

    spectral_norm: bool = key(
        False,
        "Spectral normalisation: divide the weights of every layer by their largest singular value, which bounds how "
        "steep the logit is in the image.",
    )
    minibatch_std: int = key(
        0,
        "Minibatch standard deviation, against mode collapse: how much each group of this many images differs, as an "
        "input of the last block; 0: off. A logit then depends on its whole group, so it can't be used with "
        "loss.name=wgan_gp.",
        choices=(0, 2, 4, 8, 16),
    )

    @property
    def batch_unit(self) -> int:
        """Whole groups of packs."""
        return self.packing * max(1, self.minibatch_std)
