"""The losses, by name. A new one is one file, one line here, and passes tests/losses/test_every_loss.py."""

from __future__ import annotations

from gan.losses.hinge import hinge
from gan.losses.interface import MakeLoss
from gan.losses.minimax import minimax
from gan.losses.non_saturating import non_saturating
from gan.losses.wasserstein import wasserstein
from gan.losses.wgan_gp import wgan_gp

LOSSES: dict[str, MakeLoss] = {
    "hinge": hinge,
    "minimax": minimax,
    "non_saturating": non_saturating,
    "wasserstein": wasserstein,
    "wgan_gp": wgan_gp,
}
