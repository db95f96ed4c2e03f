"""Linear probes: closed forms for normal latents, and a second implementation of the area under the ROC curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from gan.export import latents, probes

Z = 8


def unit(seed: int, size: int = Z) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(size)
    return vector / np.linalg.norm(vector)


def test_a_linear_attribute_has_its_own_direction() -> None:
    points, towards = latents.draw(500, Z, 0), unit(1)
    probabilities = expit(points @ towards)[:, None]  # its log-odds are linear, and within the limits
    (probe,) = probes.fit(points, probabilities, probabilities > 0.5)
    np.testing.assert_allclose(probe.direction, towards, atol=0.02)
    assert probe.auc == pytest.approx(1.0, abs=1e-3)
    assert probe.share == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("steepness", [0.5, 5.0, 50.0])
def test_the_direction_is_found_however_sure_the_classifier_is(steepness: float) -> None:
    """Brillinger's theorem: least squares finds the direction of any monotone function of the position."""
    points, towards = latents.draw(20_000, Z, 0), unit(2)
    probabilities = expit(steepness * (points @ towards - 1))[:, None]
    (probe,) = probes.fit(points, probabilities, probabilities > 0.5)
    assert probe.direction @ towards > 0.999
    assert probe.share == pytest.approx(0.1587, abs=0.01)  # a normal variable above 1


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_the_auc_is_that_of_the_closed_form(noise: float) -> None:
    """With correlation r of position and decision, half shown, it is 1/2 + 2/pi asin(r / sqrt 2), an orthant
    probability of three normal variables.
    """
    points, towards = latents.draw(50_000, Z, 0), unit(3)
    decision = points @ towards + noise * np.random.default_rng(1).standard_normal(len(points))
    (probe,) = probes.fit(points, expit(decision)[:, None], decision[:, None] > 0)
    correlation = 1 / np.sqrt(1 + noise**2)
    assert probe.auc == pytest.approx(0.5 + 2 / np.pi * np.arcsin(correlation / np.sqrt(2)), abs=0.01)


def test_what_the_latents_do_not_decide_has_an_auc_of_chance() -> None:
    points = latents.draw(20_000, Z, 0)
    shown = np.random.default_rng(1).random((len(points), 1)) < 0.5
    (probe,) = probes.fit(points, np.where(shown, 0.9, 0.1), shown)
    assert probe.auc == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("share", [0.0, 0.005, 0.995, 1.0])
def test_with_too_few_images_on_one_side_there_is_no_auc(share: float) -> None:
    points = latents.draw(2000, Z, 0)
    shown = (np.arange(2000) % 200 < 200 * share)[:, None]
    (probe,) = probes.fit(points, np.where(shown, 0.9, 0.1), shown)
    assert probe.auc is None
    assert probe.share == pytest.approx(share)
    assert np.linalg.norm(probe.direction) == pytest.approx(0.0 if share in (0.0, 1.0) else 1.0)


def test_log_odds_are_limited() -> None:
    given_ = np.array([0.0, 0.01, 0.3, 0.99, 1.0])
    np.testing.assert_allclose(probes.log_odds(given_), logit([0.01, 0.01, 0.3, 0.99, 0.99]))


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40))
def test_the_auc_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    positions, shown = (np.array(each) for each in zip(*rows, strict=True))
    if shown.all() or not shown.any():
        return
    assert probes.auc(positions.astype(float), shown) == pytest.approx(roc_auc_score(shown, positions))


@given(seed=st.integers(0, 1000), kept=st.integers(1, 5))
def test_what_is_kept_does_not_move(seed: int, kept: int) -> None:
    others = np.stack([unit(seed + index + 1) for index in range(kept)])
    rest = probes.orthogonal_to(unit(seed), others)
    if rest is not None:
        np.testing.assert_allclose(others @ rest, 0.0, atol=1e-9)
        assert np.linalg.norm(rest) == pytest.approx(1.0)
        assert rest @ unit(seed) > 0


def test_nothing_is_left_of_a_direction_without_itself() -> None:
    assert probes.orthogonal_to(unit(0), np.stack([unit(0)])) is None
    assert probes.orthogonal_to(unit(0), np.stack([unit(1), unit(1), unit(0)])) is None
