"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of genuine MNIST and CelebA files, outside the repository (GAN_REAL_DATA names another)."""
    folder = Path(os.environ.get("GAN_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no real MNIST and CelebA files in {folder}; set GAN_REAL_DATA to their folder")
    return folder
