"""The metrics, and how to read their scores.

A new metric is one file in `scores/` with a function `measure`, and one entry in METRICS. The report, the command line,
Kubeflow's metrics, the gate's limits and margins, and sweeps all read that entry.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from gan.errors import ConfigError, unknown_name
from gan.metrics.score_kind import HIGHER, LOWER, ScoreKind

if TYPE_CHECKING:
    from gan.metrics.feature_batch import Comparison
    from gan.metrics.maths.estimate import LazyScore

LABELS, CLASS_PROBABILITIES = "labels", "class_probabilities"
"""Requirements of some metrics: a generator that takes labels, and a feature network that predicts classes."""


@dataclass(frozen=True)
class Metric:
    """A metric: a module with a function `measure`, and the scores that it returns.

    Attributes:
        module: the file in gan/metrics/scores; imported on first use.
        kinds: the scores.
        needs: LABELS, CLASS_PROBABILITIES, or empty.
    """

    module: str
    kinds: tuple[ScoreKind, ...]
    needs: str = ""

    def measure(self, comparison: Comparison) -> dict[str, LazyScore]:
        """The scores of generated images, by name."""
        measured: dict[str, LazyScore] = import_module(f"gan.metrics.scores.{self.module}").measure(comparison)
        return measured


def _share(
    name: str, meaning: str, better: str = HIGHER, *, sides: int = 1, needs_confidence: bool = False
) -> ScoreKind:
    return ScoreKind(
        name,
        better,
        0.0,
        1.0,
        meaning=meaning,
        paired=True,
        share=True,
        needs_confidence=needs_confidence,
        sides=sides,
    )


_FID = ScoreKind(
    "fid",
    LOWER,
    title="FID",
    paired=True,
    meaning="Fréchet distance between Gaussians fitted to the features of generated and of real images.",
)
_FID_INFINITY = ScoreKind(
    "fid_infinity",
    LOWER,
    -math.inf,
    title="FID at infinitely many samples",
    meaning="FID extrapolated to infinitely many generated images, which removes most of the bias of small samples.",
)
_KID = ScoreKind(
    "kid",
    LOWER,
    -math.inf,
    title="KID",
    meaning="Squared distance of the feature distributions (MMD, cubic kernel); unbiased, so it may be negative.",
)
_PRDC = (
    _share("precision", "Share of generated images that lie in the neighbourhood of a real image.", sides=2),
    _share("recall", "Share of real images that lie in the neighbourhood of a generated image.", sides=2),
    ScoreKind(
        "density",
        HIGHER,
        paired=True,
        sides=2,
        meaning="Mean number of real neighbourhoods that hold a generated image, divided by k; it may exceed 1.",
    ),
    _share("coverage", "Share of real images with a generated image in their neighbourhood.", sides=2),
)
_MODES = (
    ScoreKind(
        "modes_found",
        HIGHER,
        meaning="Number of modes (classes, attribute combinations or clusters) that occur at least a tenth as often "
        "among generated as among real images.",
    ),
    ScoreKind(
        "mode_kl",
        LOWER,
        title="mode KL",
        meaning="KL divergence, in nats, of the mode frequencies of generated images from those of real images.",
    ),
    _share(
        "high_confidence",
        "Share of generated images that the feature network assigns to one mode with high probability.",
        needs_confidence=True,
    ),
)
_CAPTURED_MODES = (
    ScoreKind(
        "modes_captured",
        HIGHER,
        meaning="Number of modes that at least one generated image shows, as papers count them on stacked MNIST.",
    ),
    ScoreKind(
        "reverse_kl",
        LOWER,
        title="reverse KL",
        meaning="KL divergence, in nats, of the mode frequencies of generated images from equal ones.",
    ),
)
_MEMORISATION = (
    _share(
        "memorised",
        "Share of generated images that are nearer to a training image than any other training image is to it.",
        LOWER,
    ),
    _share("near_copies", "Like memorised, but at less than half of that distance.", LOWER),
)
_CLASS_FID = ScoreKind("class_fid", LOWER, title="FID within classes", meaning="Mean of the FIDs within each class.")
_INCEPTION_SCORE = ScoreKind(
    "inception_score",
    HIGHER,
    1.0,
    meaning="High if the network classifies each image confidently and the images fall into many classes.",
)
_MIND = ScoreKind(
    "mind",
    LOWER,
    title="MIND",
    meaning="Squared Wasserstein-2 distance of features projected on random directions, in the units of FID.",
)
_CMMD = ScoreKind(
    "cmmd",
    LOWER,
    title="MMD, Gaussian kernel",
    meaning="Squared distance of the feature distributions (MMD, Gaussian kernel), times 1,000.",
)

METRICS: dict[str, Metric] = {
    "fid": Metric("fid", (_FID,)),
    "fid_infinity": Metric("fid_infinity", (_FID_INFINITY,)),
    "kid": Metric("kid", (_KID,)),
    "prdc": Metric("prdc", _PRDC),
    "modes": Metric("modes", _MODES),
    "captured_modes": Metric("captured_modes", _CAPTURED_MODES),
    "memorisation": Metric("memorisation", _MEMORISATION),
    "class_fid": Metric("class_fid", (_CLASS_FID,), needs=LABELS),
    "inception_score": Metric("inception_score", (_INCEPTION_SCORE,), needs=CLASS_PROBABILITIES),
    "mind": Metric("mind", (_MIND,)),
    "cmmd": Metric("cmmd", (_CMMD,)),
}
KINDS: dict[str, ScoreKind] = {kind.name: kind for metric in METRICS.values() for kind in metric.kinds}


def score_kind(name: str, key: str) -> ScoreKind:
    """The score with a name.

    Raises:
        ConfigError: there is no such score; the message has the config key `key` and the known scores.
    """
    if name not in KINDS:
        raise ConfigError(unknown_name(key, name, KINDS))
    return KINDS[name]


def check_metrics(names: Iterable[str]) -> None:
    """Check `evaluate.metrics`.

    Raises:
        ConfigError: one is unknown, or FID, which chooses checkpoints, is missing.
    """
    names = list(names)
    for name in names:
        if name not in METRICS:
            raise ConfigError(unknown_name("evaluate.metrics", name, METRICS))
    if "fid" not in names:
        raise ConfigError(f"evaluate.metrics must hold fid, which names the scores; got {', '.join(names)}")


def check_needs(names: Iterable[str], has: Mapping[str, bool], network: str = "the one in use") -> None:
    """Check that the generator and the feature network support the metrics.

    Args:
        names: the metrics.
        has: whether there are LABELS and CLASS_PROBABILITIES; a missing key means unknown and is not checked.
        network: the name of the feature network, for messages.

    Raises:
        ConfigError: a metric is not supported.
    """
    remedies = {
        LABELS: "a conditional generator (generator.conditional=true)",
        CLASS_PROBABILITIES: f"a feature network that predicts classes, which {network} does not",
    }
    for name in names:
        needs = METRICS[name].needs
        if not has.get(needs, True):
            raise ConfigError(f"evaluate.metrics: {name} needs {remedies[needs]}; leave it out, or change that")


def require_computed(name: str, key: str, metrics: Iterable[str]) -> ScoreKind:
    """The score with a name, which one of the metrics of `evaluate.metrics` must compute.

    Raises:
        ConfigError: there is no such score, or its metric is not in `evaluate.metrics`; the message has `key`.
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
    """The metric that computes a score."""
    return next(name for name, metric in METRICS.items() if score in {each.name for each in metric.kinds})
