"""Draw pictures with an exported generator. Only TensorFlow and the generator's published files are used."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gan.errors import ConfigError
from gan.export import latents
from gan.export import metadata as facts_module
from gan.export.metadata import GeneratorMetadata
from gan.export.sample_grid import MOST_COLUMNS
from gan.result import StepResult, Stopwatch
from gan.store import Store, alias
from gan.util.images import grid, png

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_PICTURES = 10_000
MOST_PICTURE_PIXELS = 100_000_000
PICTURES_IN_A_WALK = 8
COMFORTABLE_SIDE = 96
WIDE_ENOUGH = 2048


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
    """Draw a grid of pictures into a PNG file, which appears whole or not at all.

    Args:
        store: where the generator is.
        out: the file to write, ending in .png; missing folders are made.
        generator_id: a generator, or
        name: the one that is live under this name.
        count: how many pictures.
        seed: of the latents; the same seed gives the same pictures.
        label: the class to draw, by name or number; by default a conditional generator draws the classes in turn.
        interpolate: each row of pictures walks along the sphere from one latent to another.
        truncation: latent values beyond +- this are redrawn.

    Returns:
        An outcome with the generator's id and the file's path.

    Raises:
        ConfigError: an argument is out of range, or `out` can't be written.
        NotFoundError: no such generator, or nothing was promoted to the name.
        IntegrityError: the generator is damaged.
    """
    from gan.export import saved_model

    watch = Stopwatch()
    _check_seed(seed)
    _check_truncation(truncation)
    _check_out(out)
    chosen = _generator_id(store, generator_id, name)
    facts = facts_module.read(store, chosen)
    _check_count(count, facts, interpolate=interpolate)
    wanted = None if label is None else facts.label_of(label)
    columns = _columns(facts, count, wanted, interpolate=interpolate)
    if interpolate:
        points = latents.interpolations(count // columns, columns, facts.latent_size, seed, truncation=truncation)
    else:
        points = latents.draw(count, facts.latent_size, seed, truncation=truncation)
    labels = _labels(facts, count, wanted, pictures_a_class=columns if interpolate else 1)
    pixels = saved_model.load(store, chosen).pixels(points, labels)
    _write(out, png(grid(pixels, columns=columns, scale=_scale(facts, columns))))
    details = {
        "name": name,
        "count": count,
        "seed": seed,
        "label": None if wanted is None else facts.classes[wanted],
        "interpolate": interpolate,
        "truncation": truncation,
    }
    return StepResult(chosen, str(out), watch.seconds(), details=details)


def _columns(facts: GeneratorMetadata, count: int, label: int | None, *, interpolate: bool) -> int:
    """A walk a row; a class a column where each is drawn in turn; else about as many columns as rows, full rows if
    that takes fewer than twice as many.
    """
    if interpolate:
        return min(count, PICTURES_IN_A_WALK)
    if label is None and facts.conditional and len(facts.classes) <= min(count, MOST_COLUMNS):
        return len(facts.classes)
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
    least = latents.LEAST_TRUNCATION
    if truncation is not None and not least <= truncation < math.inf:
        raise ConfigError(
            f"--truncation must be a finite number of at least {least}; got {truncation}. 0.5 to 1 draws typical "
            "pictures, 2 hardly changes anything"
        )


def _check_out(out: Path) -> None:
    if out.suffix.lower() != ".png":
        raise ConfigError(f"--out must end in .png; got {out}")
    if out.is_dir():
        raise ConfigError(f"--out must be a file; {out} is a folder")
    there = next(folder for folder in out.absolute().parents if folder.exists())
    if not there.is_dir():
        raise ConfigError(f"can't write --out {out}: {there} is a file; give a path that can be written")
    if not os.access(there, os.W_OK):
        raise ConfigError(f"no permission to write --out {out}; give a path in a folder of your own")


def _check_count(count: int, facts: GeneratorMetadata, *, interpolate: bool) -> None:
    height, width, _ = facts.image_shape
    most = min(MOST_PICTURES, MOST_PICTURE_PIXELS // (height * width))
    if not 1 <= count <= most:
        raise ConfigError(
            f"--count must be between 1 and {most} for pictures of {height} x {width} pixels; got {count}"
        )
    if interpolate and (count < 2 or count % min(count, PICTURES_IN_A_WALK)):
        raise ConfigError(
            f"with --interpolate, --count must be 2 to {PICTURES_IN_A_WALK} (one row) or a multiple of "
            f"{PICTURES_IN_A_WALK} (so many pictures stand in a row); got {count}"
        )


def _labels(
    facts: GeneratorMetadata, count: int, wanted: int | None, *, pictures_a_class: int
) -> npt.NDArray[np.int32] | None:
    """The class of each picture: the one wanted, or all in turn; None where the generator takes none."""
    import numpy as np

    if not facts.conditional:
        return None
    if wanted is not None:
        return np.full(count, wanted, np.int32)
    return np.asarray(np.arange(count) // pictures_a_class % len(facts.classes), np.int32)


def _scale(facts: GeneratorMetadata, columns: int) -> int:
    """Enlarge small images so that they can be looked at, but not beyond a wide screen."""
    height, width, _ = facts.image_shape
    return max(1, min(math.ceil(COMFORTABLE_SIDE / height), WIDE_ENOUGH // (columns * width)))


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
        raise _unwritable(out, error) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _unwritable(out: Path, error: OSError) -> ConfigError:
    return ConfigError(f"can't write --out {out}: {error.strerror or error}; give a path that can be written")
