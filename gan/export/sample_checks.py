"""Checks of what `gan sample` is asked to draw, before anything is drawn."""

from __future__ import annotations

import math
import os
from pathlib import Path

from gan.errors import ConfigError
from gan.export import latents
from gan.export.metadata import GeneratorMetadata

MAX_PICTURES = 10_000
MAX_TOTAL_PIXELS = 100_000_000
PICTURES_PER_ROW = 8


def check_seed(seed: int) -> None:
    """Raise ConfigError for a negative seed."""
    if seed < 0:
        raise ConfigError(f"--seed must be at least 0; got {seed}")


def check_truncation(truncation: float | None) -> None:
    """Raise ConfigError for a threshold that is not positive, or so low that nearly every draw is rejected."""
    if truncation is not None and not latents.MIN_TRUNCATION <= truncation < math.inf:
        raise ConfigError(
            f"--truncation must be a finite number of at least {latents.MIN_TRUNCATION}; got {truncation}. "
            "2 hardly changes anything, 1 draws typical pictures, and below that they soon look alike"
        )


def check_out(out: Path) -> None:
    """Raise ConfigError for what can't be written, or is not named .png."""
    if out.suffix.lower() != ".png":
        raise ConfigError(f"--out must end in .png; got {out}")
    if out.is_dir():
        raise ConfigError(f"--out must be a file; {out} is a folder")
    existing = next(folder for folder in out.absolute().parents if folder.exists())
    if not existing.is_dir():
        raise ConfigError(f"can't write --out {out}: {existing} is a file; give a path that can be written")
    if not os.access(existing, os.W_OK):
        raise ConfigError(f"no permission to write --out {out}; give a path in a folder of your own")


def check_count(count: int, metadata: GeneratorMetadata, *, rows_by: str | None) -> None:
    """Raise ConfigError for too few or too many pictures, or rows that are not full where `rows_by` makes rows."""
    height, width, _ = metadata.image_shape
    most = min(MAX_PICTURES, MAX_TOTAL_PIXELS // (height * width))
    if not 1 <= count <= most:
        raise ConfigError(
            f"--count must be between 1 and {most} for pictures of {height} x {width} pixels; got {count}"
        )
    if rows_by and (count < 2 or count % min(count, PICTURES_PER_ROW)):
        raise ConfigError(
            f"with {rows_by}, --count must be 2 to {PICTURES_PER_ROW} (one row) or a multiple of "
            f"{PICTURES_PER_ROW} (the pictures in a row); got {count}"
        )
