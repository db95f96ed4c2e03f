"""Which metrics there are: one line each, which also says how its scores are read.

A new metric is one file beside this one, with a function `measure`, and one line in METRICS. From that line follow the
rows of the report and of the command line, Kubeflow's metrics, the gate's limits and margins, and what a sweep may
choose by.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from gan.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from gan.metrics.feature_batch import Comparison
    from gan.metrics.maths.estimate import LazyScore

LOWER, HIGHER = "lower", "higher"
LABELS, CLASS_PROBABILITIES = "labels", "class_probabilities"
"""What not every generator or feature network has: classes to ask for, and classes to tell apart."""


@dataclass(frozen=True)
class ScoreKind:
    """How a score is read.

    Attributes:
        name: what it is called in records, configs and Kubeflow.
        better: "lower" or "higher".
        low, high: the range of its values.
        title: what people read; empty: the name with blanks.
        paired: whether it knows what each image contributes, so that a margin can be set for it (`gate.margin`).
        share: whether it is a share of images.
        needs_confidence: whether only a network that was trained on the dataset has it: modes that are clusters of the
            features of another one tell nothing of how sure it is.
        sides: how many sets of images it varies with, real and generated ones; its contributions are of one of them.
    """

    name: str
    better: str
    low: float = 0.0
    high: float = math.inf
    title: str = ""
    paired: bool = False
    share: bool = False
    needs_confidence: bool = False
    sides: int = 1

    @property
    def shown(self) -> str:
        """What people read."""
        return self.title or self.name.replace("_", " ")

    def loss(self, value: float) -> float:
        """The value, or minus the value where higher is better: lower is better for this in any case."""
        return value if self.better == LOWER else -value


@dataclass(frozen=True)
class Metric:
    """A metric: the module whose `measure` works out its scores, and these scores.

    Attributes:
        module: the file under gan/metrics/scores; imported when it is first used.
        kinds: the scores.
        needs: LABELS of a conditional generator, or CLASS_PROBABILITIES of a feature network that tells classes.
            Empty: nothing.
    """

    module: str
    kinds: tuple[ScoreKind, ...]
    needs: str = ""

    def measure(self, comparison: Comparison) -> dict[str, LazyScore]:
        """The scores of generated images, by name."""
        measured: dict[str, LazyScore] = import_module(f"gan.metrics.scores.{self.module}").measure(comparison)
        return measured


def _share(name: str, better: str = HIGHER, sides: int = 1) -> ScoreKind:
    return ScoreKind(name, better, 0.0, 1.0, paired=True, share=True, sides=sides)


METRICS: dict[str, Metric] = {
    "fid": Metric("fid_score", (ScoreKind("fid", LOWER, title="FID", paired=True),)),
    "fid_infinity": Metric(
        "fid_infinity", (ScoreKind("fid_infinity", LOWER, -math.inf, title="FID at infinitely many samples"),)
    ),
    "kid": Metric("kid", (ScoreKind("kid", LOWER, -math.inf, title="KID"),)),
    "prdc": Metric(
        "prdc",
        (
            _share("precision", sides=2),
            _share("recall", sides=2),
            ScoreKind("density", HIGHER, paired=True, sides=2),
            _share("coverage", sides=2),
        ),
    ),
    "modes": Metric(
        "modes",
        (
            ScoreKind("modes_found", HIGHER),
            ScoreKind("mode_kl", LOWER, title="mode KL"),
            replace(_share("high_confidence"), needs_confidence=True),
        ),
    ),
    "memorisation": Metric("memorisation", (_share("memorised", LOWER), _share("near_copies", LOWER))),
    "class_fid": Metric("class_fid", (ScoreKind("class_fid", LOWER, title="FID within classes"),), needs=LABELS),
    "inception_score": Metric(
        "inception_score", (ScoreKind("inception_score", HIGHER, 1.0),), needs=CLASS_PROBABILITIES
    ),
    "mind": Metric("mind", (ScoreKind("mind", LOWER, title="MIND"),)),
    "cmmd": Metric("cmmd", (ScoreKind("cmmd", LOWER, title="MMD, Gaussian kernel"),)),
}
KINDS: dict[str, ScoreKind] = {kind.name: kind for metric in METRICS.values() for kind in metric.kinds}


def score_kind(name: str, key: str) -> ScoreKind:
    """The score of a name.

    Raises:
        ConfigError: there is none; the message names `key`, where the name stands, and those that there are.
    """
    if name not in KINDS:
        raise ConfigError(unknown_name(key, name, KINDS))
    return KINDS[name]


def check_metrics(names: Iterable[str]) -> None:
    """Check `evaluate.metrics`.

    Raises:
        ConfigError: one is unknown, or FID is not among them, by which checkpoints are chosen.
    """
    names = list(names)
    for name in names:
        if name not in METRICS:
            raise ConfigError(unknown_name("evaluate.metrics", name, METRICS))
    if "fid" not in names:
        raise ConfigError(f"evaluate.metrics must hold fid, which names the scores; got {', '.join(names)}")


def check_needs(names: Iterable[str], has: Mapping[str, bool], network: str = "the one in use") -> None:
    """Check that what metrics need is there.

    Args:
        names: the metrics.
        has: whether there are LABELS and CLASS_PROBABILITIES; without one of them that is not known, nor checked.
        network: the name of the feature network, for messages.

    Raises:
        ConfigError: it is not.
    """
    remedies = {
        LABELS: "a conditional generator (generator.conditional=true)",
        CLASS_PROBABILITIES: f"a feature network that tells classes, which {network} does not",
    }
    for name in names:
        needs = METRICS[name].needs
        if not has.get(needs, True):
            raise ConfigError(f"evaluate.metrics: {name} needs {remedies[needs]}; leave it out, or change that")


def require_computed(name: str, key: str, metrics: Iterable[str]) -> ScoreKind:
    """The score of a name, which one of the metrics of `evaluate.metrics` must give.

    Raises:
        ConfigError: there is none, or its metric is not among them; the message names `key`.
    """
    found = score_kind(name, key)
    metrics = list(metrics)
    if metric_of(name) not in metrics:
        raise ConfigError(
            f"{key} {name} needs {metric_of(name)} in evaluate.metrics; got {', '.join(metrics)}. Add it, or choose "
            "another score"
        )
    return found


def metric_of(score: str) -> str:
    """The metric that a score belongs to."""
    return next(name for name, metric in METRICS.items() if score in {each.name for each in metric.kinds})
