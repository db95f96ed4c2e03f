"""An experiment under a sweep: its trials, the runs that train them, and what is on record of both."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from gan.config import Config, from_yaml
from gan.config.space import Point
from gan.config.sweep import Sweep, at
from gan.config.sweep import from_yaml as sweep_from_yaml
from gan.metrics.registry import require_computed
from gan.store import Store, open_store
from gan.store.records import sweeps
from gan.types import Json
from gan.util.ids import content_hash


@dataclass(frozen=True)
class Trial:
    """One training run up to one rung: `point` with `seed`, to `steps`."""

    point: Point
    seed: int
    steps: int

    def to_json(self) -> Json:
        """Plain JSON types."""
        return asdict(self)


class Experiment:
    """An experiment under a sweep: where its records lie, and what it has found so far.

    Args:
        store: where everything is.
        config: the experiment.
        sweep: what to try.
        dataset_id: what is trained on.
        reference_id: what is scored against.

    Raises:
        ConfigError: the sweep asks for a value that its key does not take, or goes by a score that is not computed.
    """

    def __init__(self, store: Store, config: Config, sweep: Sweep, dataset_id: str, reference_id: str) -> None:
        sweep.check(config)
        self.by = require_computed(sweep.by, "sweep.by:", config.evaluate.metrics)
        self.store, self.config, self.sweep = store, config, sweep
        self.dataset_id, self.reference_id = dataset_id, reference_id
        tree = {**config.to_dict(), "gate": None, "retrain": None}  # what comes after the sweep changes no trial
        self.id = f"{config.name}-{content_hash([tree, sweep.to_dict(), dataset_id, reference_id])}"

    @property
    def uri(self) -> str:
        """Where its records lie."""
        return self.store.uri_of(sweeps.folder(self.id))

    def run_id(self, point: Point, seed: int) -> str:
        """The run that trains a point with a seed, at every rung."""
        return f"{self.config.name}-{content_hash([self.id, point, seed])}"

    def config_of(self, trial: Trial) -> Config:
        """What the run of a trial is trained with.

        Raises:
            ConfigError: a key does not take its value.
        """
        return at(self.config, trial.point, trial.seed, trial.steps)

    def stage(self, number: int) -> list[Trial]:
        """The trials of a stage that was handed out.

        Raises:
            NotFoundError: it was not.
            IntegrityError: its record is damaged.
        """
        return [Trial(**each) for each in sweeps.read_stage(self.store, self.id, number)]

    def hand_out(self, number: int, trials: Sequence[Trial]) -> None:
        """Put the trials of a stage on record."""
        sweeps.write_stage(self.store, self.id, number, [each.to_json() for each in trials])

    def result(self, trial: Trial) -> Json:
        """How a trial ended: `score` (infinite for one that diverged), `run_id`, `reason`, and the trial itself.

        Raises:
            NotFoundError: it has not ended.
            IntegrityError: its record is damaged.
        """
        return sweeps.read_result(self.store, self.id, trial.to_json())

    def note(self, trial: Trial, score: float, reason: str = "") -> None:
        """Put on record how a trial ended."""
        run_id = self.run_id(trial.point, trial.seed)
        sweeps.write_result(self.store, self.id, trial.to_json(), score, run_id=run_id, reason=reason)

    def mean(self, point: Point, steps: int) -> float:
        """The mean score of a point at a rung over the seeds; infinite if one diverged.

        Raises:
            NotFoundError: one of its trials has not ended.
        """
        scores = [self.result(Trial(point, seed, steps))["score"] for seed in self.sweep.seeds]
        return math.fsum(scores) / len(scores)

    def loss(self, score: float) -> float:
        """A score turned so that lower is better; infinite for what diverged."""
        return self.by.to_minimise(score) if math.isfinite(score) else math.inf

    def points(self, stages: Iterable[int]) -> list[Point]:
        """The points of some stages, each once, in the order in which they were handed out."""
        trials = itertools.chain.from_iterable(map(self.stage, stages))
        return list({content_hash(each.point): each.point for each in trials}.values())


def experiment(store: str, config: str, sweep: str, dataset_id: str, reference_id: str) -> Experiment:
    """An experiment from what a pipeline passes to its steps: the store's URI, and config and sweep as YAML.

    Raises:
        ConfigError: one of them is wrong.
    """
    return Experiment(open_store(store), from_yaml(config), sweep_from_yaml(sweep), dataset_id, reference_id)
