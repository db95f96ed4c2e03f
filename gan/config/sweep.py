"""What a sweep tries: points of a grid or a search space, each with several seeds, compared at rungs.

A sweep has its own file, besides the config of the experiment:

    seeds: [0, 1]
    rungs: [600, 1200, 2400]          # after each of these steps the best 1 / reduction of the points continue
    grid: {loss.name: [hinge, non_saturating], train.ema_decay: [0.99, 0.995]}

or, with Optuna's samplers:

    trials: 12
    waves: 3                          # later points are chosen from the scores of earlier ones
    sampler: tpe
    search:
      train.generator_learning_rate: {low: 1.0e-5, high: 1.0e-3, log: true}
      loss.name: [hinge, non_saturating]
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan.config.schema import Config
from gan.config.source import override
from gan.config.space import Point, check_keys, check_range, with_numbers
from gan.errors import ConfigError, NotFoundError, unknown_name
from gan.options import Options, key
from gan.types import Json

SAMPLERS = ("tpe", "random")
MAX_TRAININGS = 1000
MAX_COMBINATIONS = 256


@dataclass(frozen=True)
class Sweep(Options):
    """What to try, and how many points continue at each rung."""

    grid: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    rungs: tuple[int, ...] = (600, 1200, 2400)
    reduction: int = key(2, "One in this many points of a rung continues to the next.", min_value=2, max_value=100)
    trials: int = key(8, "Number of points that a search tries.", min_value=1, max_value=MAX_TRAININGS)
    waves: int = key(1, "Number of batches in which a search chooses its points.", min_value=1, max_value=100)
    sampler: str = key("tpe", "How a search chooses its points: a sampler of Optuna.", choices=SAMPLERS)
    sampler_seed: int = key(0, "Seed of the sampler.", min_value=0, max_value=2**31 - 1)
    by: str = key("fid", "The score that decides, any in gan.metrics.registry; measured on the images for selection.")

    def __post_init__(self, where: str | None) -> None:
        super().__post_init__(where)
        object.__setattr__(self, "seeds", _whole_numbers("seeds", self.seeds, min_value=0))
        object.__setattr__(self, "rungs", _whole_numbers("rungs", self.rungs, min_value=1))
        for name, space in (("grid", self.grid), ("search", self.search)):
            if not isinstance(space, Mapping):
                raise ConfigError(f"sweep.{name} must map config keys to their values; got {space!r}")
        object.__setattr__(self, "search", {path: with_numbers(values) for path, values in self.search.items()})
        check_keys((*self.grid, *self.search))
        if list(self.rungs) != sorted(self.rungs):
            raise ConfigError(f"sweep.rungs must be ascending steps; got {list(self.rungs)}")
        if self.grid and self.search:
            raise ConfigError("give either sweep.grid or sweep.search, not both")
        for path, values in self.grid.items():
            if not isinstance(values, list | tuple) or not values:
                raise ConfigError(f"sweep.grid must list the values of {path}; got {values!r}")
        for path, values in self.search.items():
            check_range(path, values)
        if self.waves > self.trials:
            raise ConfigError(f"sweep.waves must be at most sweep.trials, {self.trials}; got {self.waves}")
        if len(self.seeds) * self.points > MAX_TRAININGS:
            raise ConfigError(
                f"a sweep may train at most {MAX_TRAININGS} runs; {self.points} points with {len(self.seeds)} seeds "
                f"are {len(self.seeds) * self.points}"
            )

    @property
    def points(self) -> int:
        """The number of points at the first rung."""
        return self.trials if self.search else math.prod(len(values) for values in self.grid.values())

    @property
    def stages(self) -> int:
        """How often trials are scheduled: for each wave of the first rung, then for each further rung."""
        return self.first_stages + len(self.rungs) - 1

    @property
    def first_stages(self) -> int:
        """How many of the stages, from the first, train to the first rung."""
        return self.waves if self.search else 1

    def rung_of(self, stage: int) -> int:
        """The number of the rung, from 0, to which a stage trains."""
        return max(stage - self.first_stages + 1, 0)

    def grid_points(self) -> list[Point]:
        """Every point of the grid; a single empty point if there is no grid."""
        return [dict(zip(self.grid, values, strict=True)) for values in itertools.product(*self.grid.values())]

    def check(self, config: Config) -> None:
        """Check every value that can be known beforehand.

        Raises:
            ConfigError: a key does not take a value, or the config has a budget.
        """
        if config.train.budget is not None:
            raise ConfigError(
                f'train.budget="{config.train.budget}" is of no use in a sweep, whose rungs set the number of steps; '
                "leave it out"
            )
        self.sample_configs(config)

    def sample_configs(self, config: Config) -> list[Config]:
        """`config` at points that together have every value that can be known beforehand.

        These are all points of a grid. For a search they combine its lists and the ends of its ranges: every
        combination if there are at most MAX_COMBINATIONS, else in parallel.

        Raises:
            ConfigError: a key does not take a value.
        """
        points = self.grid_points()
        if self.search:
            ends = {path: _ends(values) for path, values in self.search.items()}
            if math.prod(map(len, ends.values())) <= MAX_COMBINATIONS:
                points = [dict(zip(ends, values, strict=True)) for values in itertools.product(*ends.values())]
            else:
                longest = max(map(len, ends.values()))
                points = [{path: each[i % len(each)] for path, each in ends.items()} for i in range(longest)]
        return [config_at(config, point, self.seeds[0], self.rungs[-1], self.rungs[-1]) for point in points]

    def to_yaml(self) -> str:
        """YAML that `from_yaml` reads back to an equal sweep."""
        import yaml

        return yaml.safe_dump(self.to_dict(), sort_keys=False)

    def to_dict(self) -> Json:
        """Plain JSON types."""
        tree = dataclasses.asdict(self)
        spaces = {"grid": dict(self.grid), "search": dict(self.search)}
        return {**tree, **spaces, "seeds": list(self.seeds), "rungs": list(self.rungs)}


def _ends(values: Any) -> Sequence[Any]:
    return (values["low"], values["high"]) if isinstance(values, Mapping) else values


def from_yaml(text: str, *, where: str = "the sweep") -> Sweep:
    """A checked sweep from YAML text.

    Raises:
        ConfigError: not YAML, an unknown key, or a value that is not allowed.
    """
    import yaml

    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{where} must be a mapping of keys to values; got {type(tree).__name__}")
    known = [item.name for item in dataclasses.fields(Sweep)]
    for given in tree:
        if given not in known:
            raise ConfigError(unknown_name("key of a sweep:", given, known))
    return Sweep(**tree)


def load(path: str) -> Sweep:
    """The sweep in a YAML file.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it can't be read, or see `from_yaml`.
    """
    try:
        return from_yaml(Path(path).read_text(encoding="utf-8"), where=path)
    except FileNotFoundError:
        raise NotFoundError(f"there is no sweep {path}; give the path of a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read the sweep {path}: {error}") from None


def config_at(config: Config, point: Point, seed: int, steps: int, last_rung: int) -> Config:
    """The config of an experiment at one point, trained for `steps`.

    A schedule without a length has that of the last rung, so that it is the same at every rung.

    Raises:
        ConfigError: a key does not take its value.
    """
    values = {**point, "train.seed": seed, "train.steps": last_rung}
    whole = override(config, [f"{path}={_text(value)}" for path, value in values.items()]).with_schedule_lengths()
    return dataclasses.replace(whole, train=dataclasses.replace(whole.train, steps=steps))


def _text(value: Any) -> str:
    """A value as YAML reads it back, for `--set`."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _whole_numbers(name: str, values: Any, *, min_value: int) -> tuple[int, ...]:
    whole = isinstance(values, list | tuple) and all(type(each) is int and each >= min_value for each in values)
    if not whole or not values or len(set(values)) < len(values):
        raise ConfigError(f"sweep.{name} must list different whole numbers, at least {min_value} each; got {values!r}")
    return tuple(values)
