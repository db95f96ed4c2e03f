"""The losses by name. A new one needs one file, one line here, and to pass tests/losses/test_every_loss.py."""

from __future__ import annotations

from gan.losses import hinge, minimax, non_saturating, wasserstein, wgan_gp
from gan.losses.interface import MakeLoss

LOSSES: dict[str, MakeLoss] = {
    "hinge": hinge.make,
    "minimax": minimax.make,
    "non_saturating": non_saturating.make,
    "wasserstein": wasserstein.make,
    "wgan_gp": wgan_gp.make,
}
