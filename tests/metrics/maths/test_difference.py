"""How much worse one generator is than another: the sign, the interval, and the effect of more images."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gan.errors import IdentityError
from gan.metrics.maths import contributions
from gan.metrics.maths.contributions import Contributions
from gan.metrics.maths.difference import score_difference
from gan.metrics.registry import KINDS
from gan.metrics.scores.prdc import prdc

FID, RECALL, PRECISION, NEAR_COPIES = (KINDS[name] for name in ("fid", "recall", "precision", "near_copies"))


def fids(seed: int, count: int = 400) -> Contributions:
    return contributions.of_values(generated=np.random.default_rng(seed).normal(size=count))


def shown(share: float, count: int = 400, *, side: str = "real", first: int = 0) -> Contributions:
    return contributions.of_values(**{side: (np.arange(count) - first) % count < round(share * count)})


def test_worse_is_higher_for_fid_and_lower_for_recall() -> None:
    assert score_difference(FID, (12.0, fids(0)), (10.0, fids(1)), margin=1, confidence=0.95).worse == 2.0
    found = score_difference(RECALL, (0.5, shown(0.5)), (0.75, shown(0.75)), margin=0.1, confidence=0.95)
    assert found.worse == 0.25
    assert found.upper > 0.25


def test_what_is_the_same_in_both_cancels() -> None:
    """The paired interval is narrower than that of two independent estimates, and closed for the same generator."""
    common, own = fids(0), fids(1)
    mixed = Contributions(common.generated + 0.1 * own.generated, common.real)
    paired = score_difference(FID, (10.0, common), (10.0, mixed), margin=1, confidence=0.95).upper
    apart = score_difference(FID, (10.0, common), (10.0, fids(2)), margin=1, confidence=0.95).upper
    assert paired < apart / 5
    assert score_difference(FID, (10.0, common), (10.0, common), margin=1, confidence=0.95).upper == 0.0


@pytest.mark.parametrize("share", [0.0, 1.0, 0.98])
def test_shares_that_agree_still_have_an_interval(share: float) -> None:
    found = score_difference(RECALL, (share, shown(share)), (share, shown(share)), margin=0.05, confidence=0.95)
    assert found.worse == 0.0
    assert 0.0 < found.upper < 0.05


def test_more_confidence_and_fewer_images_make_it_wider() -> None:
    uppers = [
        score_difference(kind, (value, make(count, 0)), (value, make(count, 1)), margin=1, confidence=confidence).upper
        for kind, value, make in (
            (FID, 10.0, lambda count, seed: fids(seed, count)),
            (PRECISION, 0.5, lambda count, seed: shown(0.5, count, side="generated", first=seed * count // 3)),
        )
        for count, confidence in ((400, 0.9), (400, 0.99), (100, 0.99))
    ]
    assert uppers[0] < uppers[1] < uppers[2]
    assert uppers[3] < uppers[4] < uppers[5]


def test_it_says_how_many_images_would_do() -> None:
    new, old = (10.1, fids(0)), (10.0, fids(1))
    found = score_difference(FID, new, old, margin=0.15, confidence=0.95)
    assert found.upper > 0.15
    more = score_difference(
        FID, (10.1, fids(2, found.samples_needed)), (10.0, fids(3, found.samples_needed)), margin=0.15, confidence=0.95
    )
    assert more.upper == pytest.approx(0.15, rel=0.1)
    shares = score_difference(RECALL, (0.6, shown(0.6)), (0.62, shown(0.62, first=90)), margin=0.03, confidence=0.95)
    assert shares.samples_needed is None
    assert shares.images_needed > 400


@pytest.mark.parametrize(("worse", "margin"), [(2.0, 1.0), (-5.0, 1.0)])
def test_it_says_nothing_of_more_images_where_they_decide_nothing(worse: float, margin: float) -> None:
    found = score_difference(FID, (10.0 + worse, fids(0)), (10.0, fids(1)), margin=margin, confidence=0.95)
    assert (found.samples_needed, found.images_needed) == (None, None)


def test_lower_is_better_for_copies() -> None:
    new, old = (0.2, shown(0.2, side="generated")), (0.1, shown(0.1, side="generated"))
    assert score_difference(NEAR_COPIES, new, old, margin=0.05, confidence=0.95).worse == pytest.approx(0.1)


def test_other_numbers_of_images_are_refused() -> None:
    with pytest.raises(IdentityError, match="can't be paired"):
        score_difference(FID, (1.0, fids(0)), (1.0, fids(1, 300)), margin=1, confidence=0.95)


def test_the_interval_holds_a_true_difference() -> None:
    """One generator is worse by 0.02 in share; the upper end lies above that in 95 % of samples, give or take."""
    rng, holds = np.random.default_rng(0), []
    kind = dataclasses.replace(RECALL)
    for _ in range(1500):
        uniform = rng.random(500)
        old, new = uniform < 0.7, (uniform < 0.66) | (rng.random(500) < 0.02 / 0.34 * 0.5)
        truth = 0.7 - (0.66 + 0.34 * 0.02 / 0.34 * 0.5)
        of = [(float(each.mean()), contributions.of_values(real=each)) for each in (new, old)]
        holds.append(score_difference(kind, of[0], of[1], margin=1.0, confidence=0.95).upper >= truth)
    assert 0.925 <= np.mean(holds) <= 0.985


@pytest.mark.parametrize("score", ["precision", "recall", "coverage"])
@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_the_upper_end_holds_over_other_latents_and_other_real_images(score: str, scale: float) -> None:
    """Two generators that are equal in truth: the upper end is below 0 in about 5 % of samples, or less."""
    rng, below = np.random.default_rng(2), []
    for _ in range(60):
        real, *drawn = (rng.normal(size=(200, 12)) * each for each in (1.0, scale, scale))
        found = [prdc(real, each, neighbours=5)._asdict()[score] for each in drawn]
        side = "generated" if score == "precision" else "real"
        pair = ((float(each.mean()), contributions.of_values(**{side: each})) for each in found)
        below.append(score_difference(KINDS[score], *pair, margin=1.0, confidence=0.95).upper < 0.0)
    assert np.mean(below) <= 0.12
