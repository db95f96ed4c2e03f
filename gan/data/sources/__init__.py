"""The data sources by name."""

from __future__ import annotations

from gan.data.sources.celeba import CelebA
from gan.data.sources.digits import Digits
from gan.data.sources.folder import Folder
from gan.data.sources.interface import ExampleRef, Listing, Rejected, Source
from gan.data.sources.mnist import Mnist
from gan.data.sources.stacked_mnist import StackedMnist

__all__ = ["SOURCES", "ExampleRef", "Listing", "Rejected", "Source"]

SOURCES: dict[str, Source] = {
    "mnist": Mnist(),
    "stacked-mnist": StackedMnist(),
    "celeba": CelebA(),
    "digits": Digits(),
    "folder": Folder(),
}
