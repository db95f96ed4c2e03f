"""Draw pictures with an exported generator, from its published files only, and the directions of its latent space."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gan.errors import ConfigError
from gan.export import find_directions, latents, moves
from gan.export import metadata as generator_metadata
from gan.export import sample_checks as checks
from gan.export.metadata import GeneratorMetadata
from gan.export.moves import DirectedMove, Move
from gan.export.sample_grid import MAX_COLUMNS
from gan.result import StepResult, Stopwatch
from gan.store import Store
from gan.util import log
from gan.util.images import grid, png

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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
    directions: Sequence[str] = (),
    keep: Sequence[str] = (),
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
        truncation: latent values beyond +- this are redrawn; see `gan.export.latents.draw`.
        directions: moves of the latents after that, `Smiling=+2`, or `Smiling=-3..3` for one latent in each row, moved
            step by step; see `gan.export.moves`. Directions that are not in the store are found first.
        keep: names of directions along which the moves do not move the latents.

    Returns:
        The generator's id and the file's path; details: the options, with the AUC of each direction.

    Raises:
        ConfigError: an argument is out of range, a direction is unknown or predicts poorly, or `out` can't be written.
        NotFoundError: no such generator, nothing is live under the name, or no reference to find directions with.
        IntegrityError: the generator is damaged.
    """
    from gan.export import saved_model

    watch = Stopwatch()
    checks.check_seed(seed)
    checks.check_truncation(truncation)
    checks.check_out(out)
    wanted_moves = moves.parse(directions, keep)
    sweeps = any(move.is_sweep for move in wanted_moves)
    if interpolate and sweeps:
        raise ConfigError("--interpolate and a --direction from START..END both make the rows; give one of them")
    chosen = generator_metadata.chosen_id(store, generator_id, name)
    metadata = generator_metadata.read(store, chosen)
    checks.check_count(count, metadata, rows_by="--interpolate" if interpolate else "START..END" if sweeps else None)
    wanted = None if label is None else metadata.label_of(label)
    columns = _columns(metadata, count, wanted, in_rows=interpolate or sweeps)
    points = _points(metadata, count, columns, seed, truncation, interpolate=interpolate, sweeps=sweeps)
    along = _directed(store, chosen, metadata, wanted_moves, keep)
    for each in along:
        points = each.applied(points, columns)
    labels = _labels(metadata, count, wanted, repeats=columns if interpolate or sweeps else 1)
    pixels = saved_model.load(store, chosen).pixels(points, labels)
    _write(out, png(grid(pixels, columns=columns, scale=_scale(metadata, columns))))
    details = {
        "name": name,
        "count": count,
        "seed": seed,
        "label": None if wanted is None else metadata.classes[wanted],
        "interpolate": interpolate,
        "truncation": truncation,
        "directions": [each.to_json() for each in along],
        "keep": list(keep),
    }
    return StepResult(chosen, str(out), watch.seconds(), details=details)


def _points(
    metadata: GeneratorMetadata,
    count: int,
    columns: int,
    seed: int,
    truncation: float | None,
    *,
    interpolate: bool,
    sweeps: bool,
) -> latents.LatentArray:
    """The latents float32 [count, Z] before they are moved; in a sweep all pictures of a row have the same."""
    size = metadata.latent_size
    if interpolate:
        return latents.interpolations(count // columns, columns, size, seed, truncation=truncation)
    if sweeps:
        return latents.draw(count // columns, size, seed, truncation=truncation).repeat(columns, axis=0)
    return latents.draw(count, size, seed, truncation=truncation)


def _directed(
    store: Store, generator_id: str, metadata: GeneratorMetadata, wanted: Sequence[Move], keep: Sequence[str]
) -> list[DirectedMove]:
    """The moves with their directions, which are found if the store does not have them yet."""
    if not wanted:
        return []
    flags = [("--direction", move.name) for move in wanted] + [("--keep", name) for name in keep]
    known = find_directions.known_or_found(store, generator_id, metadata, flags)
    kept = {name: known.usable("--keep", name).vector for name in keep}
    along = [moves.directed(move, known.usable("--direction", move.name), kept) for move in wanted]
    for each in along:
        name, network = each.move.name, known.feature_network
        log.info(f"--direction {name}", auc=each.auc, feature_network=network)
        if known.by_name[name].is_doubtful:
            log.warning(
                f"{network} hardly recognises {name} in real images, so the direction may be of something else; make a "
                "better reference, with more images or more reference.epochs",
                balanced_accuracy=known.by_name[name].network_accuracy,
            )
    return along


def _columns(metadata: GeneratorMetadata, count: int, label: int | None, *, in_rows: bool) -> int:
    """One interpolation or sweep per row, or one class per column if they are drawn in turn; else a nearly square grid,
    with full rows if fewer than twice the columns allow it.
    """
    if in_rows:
        return min(count, checks.PICTURES_PER_ROW)
    if label is None and metadata.conditional and len(metadata.classes) <= min(count, MAX_COLUMNS):
        return len(metadata.classes)
    square = math.ceil(math.sqrt(count))
    return next((columns for columns in range(square, 2 * square) if count % columns == 0), square)


def _labels(
    metadata: GeneratorMetadata, count: int, wanted: int | None, *, repeats: int
) -> npt.NDArray[np.int32] | None:
    """The class of each picture: the wanted one, or all in turn; None for an unconditional generator."""
    import numpy as np

    return metadata.labels_in_turn(count, repeats=repeats) if wanted is None else np.full(count, wanted, np.int32)


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
