"""An experiment under a sweep: its trials, their runs, and the records of both."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from gan.config import Config, from_yaml
from gan.config.space import Point
from gan.config.sweep import Sweep, config_at
from gan.config.sweep import from_yaml as sweep_from_yaml
from gan.metrics.registry import require_computed
from gan.store import Store, open_store
from gan.store.records import sweeps
from gan.types import Json
from gan.util.ids import content_hash


@dataclass(frozen=True)
class Trial:
    """One training run up to one rung: `point` with `seed`, for `steps` training steps."""

    point: Point
    seed: int
    steps: int

    def to_json(self) -> Json:
        """Plain JSON types."""
        return asdict(self)


class Experiment:
    """An experiment under a sweep: its records, and the results so far.

    Args:
        store: where everything is.
        config: the experiment.
        sweep: the points to try.
        dataset_id: the training data.
        reference_id: the reference of the scores.

    Raises:
        ConfigError: the sweep has a value that its key does not take, or uses a score that is not computed.
    """

    def __init__(self, store: Store, config: Config, sweep: Sweep, dataset_id: str, reference_id: str) -> None:
        sweep.check(config)
        self.by = require_computed(sweep.by, "sweep.by:", config.evaluate.metrics)
        self.store, self.config, self.sweep = store, config, sweep
        self.dataset_id, self.reference_id = dataset_id, reference_id
        tree = {
            **config.to_record(),
            "gate": None,
            "retrain": None,
        }  # they come after the sweep, so they change no trial
        self.id = f"{config.name}-{content_hash([tree, sweep.to_dict(), dataset_id, reference_id])}"

    @property
    def uri(self) -> str:
        """The URI of its records."""
        return self.store.uri_of(sweeps.folder(self.id))

    def run_id(self, point: Point, seed: int) -> str:
        """The run that trains a point with a seed, at every rung."""
        return f"{self.config.name}-{content_hash([self.id, point, seed])}"

    def config_of(self, trial: Trial) -> Config:
        """The config of a trial's run.

        Raises:
            ConfigError: a key does not take its value.
        """
        return config_at(self.config, trial.point, trial.seed, trial.steps, self.sweep.rungs[-1])

    def stage(self, number: int) -> list[Trial]:
        """The trials of a recorded stage.

        Raises:
            NotFoundError: it is not recorded yet.
            IntegrityError: its record is damaged.
        """
        return [Trial(**each) for each in sweeps.read_stage(self.store, self.id, number)]

    def record_stage(self, number: int, trials: Sequence[Trial]) -> None:
        """Record the trials of a stage."""
        sweeps.write_stage(self.store, self.id, number, [each.to_json() for each in trials])

    def result(self, trial: Trial) -> Json:
        """The result of a trial: `score` (infinite for one that diverged), `run_id`, `reason`, and the trial itself.

        Raises:
            NotFoundError: it has not ended.
            IntegrityError: its record is damaged.
        """
        return sweeps.read_result(self.store, self.id, trial.to_json())

    def record_result(self, trial: Trial, score: float, reason: str = "") -> None:
        """Record the result of a trial."""
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
        """A score as a loss: lower is better; infinite if the trial diverged."""
        return self.by.to_minimise(score) if math.isfinite(score) else math.inf

    def points(self, stages: Iterable[int]) -> list[Point]:
        """The distinct points of some stages, in the order in which they were scheduled."""
        trials = itertools.chain.from_iterable(map(self.stage, stages))
        return list({content_hash(each.point): each.point for each in trials}.values())


def experiment(store: str, config: str, sweep: str, dataset_id: str, reference_id: str) -> Experiment:
    """An experiment from the arguments of a component: the store's URI, and config and sweep as YAML.

    Raises:
        ConfigError: one of them is wrong.
    """
    return Experiment(open_store(store), from_yaml(config), sweep_from_yaml(sweep), dataset_id, reference_id)
