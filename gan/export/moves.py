"""Moves of latents along named directions: what `gan sample --direction` asks for.

The unit is the standard deviation of latents, exactly: a move by a adds a times the direction, which has length 1. The
position of standard normal latents along it is again standard normal, so +2 takes an average latent to where only
2.3 % of latents lie further on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan.errors import ConfigError
from gan.export import probes
from gan.types import Json

if TYPE_CHECKING:
    from gan.export.directions import Direction
    from gan.export.latents import LatentArray
    from gan.types import Floats

MAX_AMOUNT = 10.0


@dataclass(frozen=True)
class Move:
    """A move along a direction, from `start` to `end` within a row of pictures; both are equal unless it is a sweep."""

    name: str
    start: float
    end: float

    @property
    def is_sweep(self) -> bool:
        """Whether the pictures of a row are moved by different amounts."""
        return self.start != self.end


@dataclass(frozen=True)
class DirectedMove:
    """A move with its direction: `vector` float64 [Z] of length 1; `auc` is that of the direction's probe."""

    move: Move
    vector: Floats
    auc: float | None

    def applied(self, points: LatentArray, columns: int) -> LatentArray:
        """Latents float32 [rows * columns, Z] moved: by the amounts from start to end, evenly spaced, in each row."""
        import numpy as np

        amounts = np.resize(np.linspace(self.move.start, self.move.end, columns), len(points))
        return np.asarray(points + np.outer(amounts, self.vector), np.float32)

    def to_json(self) -> Json:
        """Plain JSON types, without the vector."""
        return {"name": self.move.name, "start": self.move.start, "end": self.move.end, "auc": self.auc}


def parse(texts: Sequence[str], keep: Sequence[str] = ()) -> tuple[Move, ...]:
    """The moves that the values of --direction describe, checked against those of --keep.

    Raises:
        ConfigError: a value is not NAME=AMOUNT or NAME=START..END, an amount is out of range, a name is given twice, or
            more than one move is a sweep; or a kept direction is moved along, or nothing is.
    """
    moves = tuple(map(_parse, texts))
    names = [move.name for move in moves]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"--direction {name} is given {names.count(name)} times; give one amount for it")
    sweeps = [text for text, move in zip(texts, moves, strict=True) if move.is_sweep]
    if len(sweeps) > 1:
        raise ConfigError(f"only one --direction can be START..END, which makes the rows; got {' and '.join(sweeps)}")
    if keep and not moves:
        raise ConfigError(f"--keep {keep[0]} needs a --direction; without one nothing moves")
    for name in keep:
        if name in names:
            raise ConfigError(f"{name} is given for --direction and for --keep; give it for one of them")
    return moves


def directed(move: Move, direction: Direction, kept: Mapping[str, Floats]) -> DirectedMove:
    """A move along the part of its direction that is orthogonal to kept ones (vectors by name), of length 1 again.

    Raises:
        ConfigError: nearly nothing is left of it.
    """
    import numpy as np

    vector = direction.vector
    if kept:
        rest = probes.orthogonal_to(vector, np.stack(list(kept.values())))
        if rest is None:
            raise ConfigError(
                f"--direction {move.name} is nearly the same as --keep {', '.join(kept)}; leave one of them out"
            )
        vector = rest
    return DirectedMove(move, vector, direction.auc)


def _parse(text: str) -> Move:
    name, _, amounts = text.rpartition("=")
    try:
        numbers = [float(amount) for amount in amounts.split("..")]
    except ValueError:
        numbers = []
    if not name or len(numbers) not in (1, 2):
        raise ConfigError(
            "--direction must be NAME=AMOUNT, such as Smiling=+2, or NAME=START..END, such as Smiling=-3..3; got "
            f'"{text}"'
        )
    for number in numbers:
        if not math.isfinite(number) or abs(number) > MAX_AMOUNT:
            raise ConfigError(
                f"--direction {name} must be between -{MAX_AMOUNT:g} and {MAX_AMOUNT:g} standard deviations of the "
                f"latent; got {number:g}. 1 to 4 shows the change, more leaves what the generator was trained on"
            )
    return Move(name, numbers[0], numbers[-1])
