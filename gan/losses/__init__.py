"""The losses by name. A new one needs one file, one line here, and to pass tests/losses/test_every_loss.py."""

from __future__ import annotations

from typing import Any

from gan.losses import hinge, least_squares, minimax, non_saturating, relativistic, wasserstein, wgan_gp
from gan.losses.interface import Loss
from gan.options import Entry

LOSSES: dict[str, Entry[Any, Loss]] = {
    "hinge": Entry(hinge.Options, hinge.make),
    "least_squares": Entry(least_squares.Options, least_squares.make),
    "minimax": Entry(minimax.Options, minimax.make),
    "non_saturating": Entry(non_saturating.Options, non_saturating.make),
    "relativistic": Entry(relativistic.Options, relativistic.make),
    "wasserstein": Entry(wasserstein.Options, wasserstein.make),
    "wgan_gp": Entry(wgan_gp.Options, wgan_gp.make),
}
