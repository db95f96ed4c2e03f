"""Draw pictures with an exported generator, from its published files only."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gan.errors import ConfigError
from gan.export import latents
from gan.export import metadata as generator_metadata
from gan.export.metadata import GeneratorMetadata
from gan.export.sample_grid import MAX_COLUMNS
from gan.result import StepResult, Stopwatch
from gan.store import Store, alias
from gan.util.images import grid, png

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_PICTURES = 10_000
MAX_TOTAL_PIXELS = 100_000_000
PICTURES_PER_ROW = 8
MIN_SHOWN_SIDE = 96
MAX_SHOWN_WIDTH = 2048


def sample(
    store: Store,
    out: Path,
    *,
    generator_id: str | None = None,
    name: str | None = None,
    count: int = 64,
    seed: int = 0,
    label: str | None = None,
    interpolate: bool = False,
    truncation: float | None = None,
) -> StepResult:
    """Draw a grid of pictures into a PNG file, written atomically.

    Args:
        store: where the generator is.
        out: the file to write, ending in .png; missing folders are made.
        generator_id: a generator; give either this or `name`.
        name: the promoted name whose live generator draws.
        count: the number of pictures.
        seed: of the latents; the same seed gives the same pictures.
        label: the class to draw, by name or number; by default a conditional generator draws the classes in turn.
        interpolate: each row of pictures is a spherical interpolation between two latents.
        truncation: latent values beyond +- this are redrawn.

    Returns:
        The generator's id and the file's path; details: the options.

    Raises:
        ConfigError: an argument is out of range, or `out` can't be written.
        NotFoundError: no such generator, or nothing is live under the name.
        IntegrityError: the generator is damaged.
    """
    from gan.export import saved_model

    watch = Stopwatch()
    _check_seed(seed)
    _check_truncation(truncation)
    _check_out(out)
    chosen = _generator_id(store, generator_id, name)
    metadata = generator_metadata.read(store, chosen)
    _check_count(count, metadata, interpolate=interpolate)
    wanted = None if label is None else metadata.label_of(label)
    columns = _columns(metadata, count, wanted, interpolate=interpolate)
    if interpolate:
        points = latents.interpolations(count // columns, columns, metadata.latent_size, seed, truncation=truncation)
    else:
        points = latents.draw(count, metadata.latent_size, seed, truncation=truncation)
    labels = _labels(metadata, count, wanted, repeats=columns if interpolate else 1)
    pixels = saved_model.load(store, chosen).pixels(points, labels)
    _write(out, png(grid(pixels, columns=columns, scale=_scale(metadata, columns))))
    details = {
        "name": name,
        "count": count,
        "seed": seed,
        "label": None if wanted is None else metadata.classes[wanted],
        "interpolate": interpolate,
        "truncation": truncation,
    }
    return StepResult(chosen, str(out), watch.seconds(), details=details)


def _columns(metadata: GeneratorMetadata, count: int, label: int | None, *, interpolate: bool) -> int:
    """One interpolation per row, or one class per column if they are drawn in turn; else a nearly square grid, with
    full rows if fewer than twice the columns allow it.
    """
    if interpolate:
        return min(count, PICTURES_PER_ROW)
    if label is None and metadata.conditional and len(metadata.classes) <= min(count, MAX_COLUMNS):
        return len(metadata.classes)
    square = math.ceil(math.sqrt(count))
    return next((columns for columns in range(square, 2 * square) if count % columns == 0), square)


def _generator_id(store: Store, generator_id: str | None, name: str | None) -> str:
    if (generator_id is None) == (name is None):
        raise ConfigError("give either --generator-id or --name, and not both")
    if generator_id is not None:
        return generator_id
    return str(alias.read_live(store, str(name)).live)


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise ConfigError(f"--seed must be at least 0; got {seed}")


def _check_truncation(truncation: float | None) -> None:
    if truncation is not None and not latents.MIN_TRUNCATION <= truncation < math.inf:
        raise ConfigError(
            f"--truncation must be a finite number of at least {latents.MIN_TRUNCATION}; got {truncation}. "
            "0.5 to 1 draws typical pictures, 2 hardly changes anything"
        )


def _check_out(out: Path) -> None:
    if out.suffix.lower() != ".png":
        raise ConfigError(f"--out must end in .png; got {out}")
    if out.is_dir():
        raise ConfigError(f"--out must be a file; {out} is a folder")
    existing = next(folder for folder in out.absolute().parents if folder.exists())
    if not existing.is_dir():
        raise ConfigError(f"can't write --out {out}: {existing} is a file; give a path that can be written")
    if not os.access(existing, os.W_OK):
        raise ConfigError(f"no permission to write --out {out}; give a path in a folder of your own")


def _check_count(count: int, metadata: GeneratorMetadata, *, interpolate: bool) -> None:
    height, width, _ = metadata.image_shape
    most = min(MAX_PICTURES, MAX_TOTAL_PIXELS // (height * width))
    if not 1 <= count <= most:
        raise ConfigError(
            f"--count must be between 1 and {most} for pictures of {height} x {width} pixels; got {count}"
        )
    if interpolate and (count < 2 or count % min(count, PICTURES_PER_ROW)):
        raise ConfigError(
            f"with --interpolate, --count must be 2 to {PICTURES_PER_ROW} (one row) or a multiple of "
            f"{PICTURES_PER_ROW} (the pictures in a row); got {count}"
        )


def _labels(
    metadata: GeneratorMetadata, count: int, wanted: int | None, *, repeats: int
) -> npt.NDArray[np.int32] | None:
    """The class of each picture: the wanted one, or all in turn; None for an unconditional generator."""
    import numpy as np

    if not metadata.conditional:
        return None
    if wanted is not None:
        return np.full(count, wanted, np.int32)
    return np.asarray(np.arange(count) // repeats % len(metadata.classes), np.int32)


def _scale(metadata: GeneratorMetadata, columns: int) -> int:
    """The factor that enlarges small images, limited by the width of a screen."""
    height, width, _ = metadata.image_shape
    return max(1, min(math.ceil(MIN_SHOWN_SIDE / height), MAX_SHOWN_WIDTH // (columns * width)))


def _write(out: Path, data: bytes) -> None:
    temporary: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
        temporary.chmod(0o644)
        temporary.replace(out)
    except OSError as error:
        raise ConfigError(
            f"can't write --out {out}: {error.strerror or error}; give a path that can be written"
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
