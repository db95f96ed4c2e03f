"""Which scores an evaluation is made of.

A new metric is its maths in a file of its own, a function here, and a line in METRICS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gan.config import Evaluate
from gan.metrics import bootstrap, fid, kid, modes, prdc
from gan.metrics.bootstrap import Measured

if TYPE_CHECKING:
    from gan.types import Features


@dataclass(frozen=True)
class Looks:
    """What a feature network sees in a set of images.

    features: float32 [N, F].
    mode_probabilities: float32 [N, K], rows sum to 1.
    """

    features: Features
    mode_probabilities: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.features)

    def first(self, count: int) -> Looks:
        """The first `count` images."""
        return Looks(self.features[:count], self.mode_probabilities[:count])

    def mode_shares(self) -> npt.NDArray[np.float64]:
        """The share of images that show each mode: [K], sums to 1."""
        return modes.histogram(self.mode_probabilities) / len(self)


Metric = Callable[[Looks, Looks, Evaluate], dict[str, Measured]]


def fid_scores(real: Looks, generated: Looks, protocol: Evaluate) -> dict[str, Measured]:
    """`fid` of all images."""
    target = fid.fit(real.features)
    exact = np.asarray(generated.features, np.float64)

    def error() -> float:
        return bootstrap.standard_error(
            lambda rows: fid.frechet_distance(target, fid.fit(exact[rows])),
            len(exact),
            protocol.bootstrap,
            np.random.default_rng([protocol.seed, 1]),
        )

    return {"fid": Measured(fid.frechet_distance(target, fid.fit(exact)), error, least=0.0)}


def kid_scores(real: Looks, generated: Looks, protocol: Evaluate) -> dict[str, Measured]:
    """`kid` of random subsets."""
    value, error, _ = kid.kid(
        real.features,
        generated.features,
        subsets=protocol.kid_subsets,
        wanted_size=protocol.kid_subset_size,
        rng=np.random.default_rng([protocol.seed, 2]),
    )
    return {"kid": Measured(value, lambda: error)}


def prdc_scores(real: Looks, generated: Looks, protocol: Evaluate) -> dict[str, Measured]:
    """`precision`, `recall`, `density` and `coverage` of equally many images: the first of the larger set."""
    count = min(len(real), len(generated))
    found = prdc.prdc(real.features[:count], generated.features[:count], neighbours=protocol.neighbours)
    return {
        name: Measured(
            float(indicators.mean()),
            partial(bootstrap.error_of_mean, indicators),
            least=0.0,
            most=np.inf if name == "density" else 1.0,
        )
        for name, indicators in found._asdict().items()
    }


def mode_scores(real: Looks, generated: Looks, protocol: Evaluate) -> dict[str, Measured]:
    """`modes_found`, `mode_kl` (with its floor) and `high_confidence` of all images."""
    wanted = modes.histogram(real.mode_probabilities)
    drawn = modes.histogram(generated.mode_probabilities)
    sure = modes.is_sure(generated.mode_probabilities, protocol.sure_above)

    @cache
    def again() -> npt.NDArray[np.int64]:
        rng = np.random.default_rng([protocol.seed, 3])
        return rng.multinomial(len(generated), drawn / drawn.sum(), size=protocol.bootstrap)

    return {
        "modes_found": Measured(
            modes.modes_found(drawn, wanted),
            lambda: float(np.std([modes.modes_found(each, wanted) for each in again()], ddof=1)),
            least=0,
            most=len(wanted),
        ),
        "mode_kl": Measured(
            modes.mode_kl(drawn, wanted),
            lambda: float(np.std([modes.mode_kl(each, wanted) for each in again()], ddof=1)),
            least=0.0,
            floor=modes.kl_floor(len(wanted), len(generated), len(real)),
        ),
        "high_confidence": Measured(float(sure.mean()), partial(bootstrap.error_of_mean, sure), least=0.0, most=1.0),
    }


METRICS: dict[str, Metric] = {"fid": fid_scores, "kid": kid_scores, "prdc": prdc_scores, "modes": mode_scores}
