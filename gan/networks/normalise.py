"""What a discriminator's options `spectral_norm` and `minibatch_std` add to its layers."""

from __future__ import annotations

from typing import Any


def normalised(layer: Any, spectral_norm: bool) -> Any:
    """The layer, with spectral normalisation of its weights if `spectral_norm`."""
    if not spectral_norm:
        return layer
    from gan.networks.layers.spectral_norm import SpectralNorm

    return SpectralNorm(layer, name=f"{layer.name}_spectral")


def with_minibatch_std(hidden: Any, group: int) -> Any:
    """Feature maps [N, H, W, C] with a channel for the minibatch standard deviation of groups; as they are if 0."""
    if not group:
        return hidden
    from gan.networks.layers.minibatch_std import MinibatchStd

    return MinibatchStd(group, name="minibatch_std")(hidden)
