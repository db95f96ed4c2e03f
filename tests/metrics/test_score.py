"""Scoring images against a reference: the record, its identity, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gan.config import Evaluate
from gan.errors import ConfigError, DataError
from gan.metrics import bootstrap, fid, score
from gan.metrics.reference import Reference


def pixels(count: int = 60, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 1)).astype(np.uint8)


def test_a_record_has_scores_label_identity_and_histogram(reference: Reference, protocol: Evaluate) -> None:
    found = score.score(reference, pixels(), protocol)
    assert found["label"] == "fid[toy-cnn:ffffff]"
    assert list(found["scores"]) == [
        "fid", "kid", "precision", "recall", "density", "coverage", "modes_found", "mode_kl", "high_confidence",
    ]  # fmt: skip
    assert found["histogram"]["names"] == ["a", "b", "c"]
    assert sum(found["histogram"]["generated"]) == pytest.approx(1)
    assert sum(found["histogram"]["real"]) == pytest.approx(1)
    assert found["identity"]["samples"] == 60
    assert found["identity"]["reference_images"] == 80
    assert found["identity"]["dataset_id"] == "toy-1"


def test_fid_is_that_of_the_features(reference: Reference, protocol: Evaluate) -> None:
    features = reference.network.look(pixels()).features
    expected = fid.frechet_distance(fid.fit(reference.real.features), fid.fit(features))
    assert score.score(reference, pixels(), protocol)["scores"]["fid"]["value"] == pytest.approx(expected, rel=1e-6)


def test_batches_and_whole_arrays_score_the_same(reference: Reference, protocol: Evaluate) -> None:
    whole = score.score(reference, pixels(), protocol)
    assert score.score(reference, iter([pixels()[:16], pixels()[16:32], pixels()[32:]]), protocol) == whole
    assert reference.network.batch_sizes == {16}


def test_the_row_of_real_data_has_its_own_count(reference: Reference, protocol: Evaluate) -> None:
    assert score.score_real(reference, protocol)["identity"]["samples"] == 50
    fewer = score.score_real(reference, dataclasses.replace(protocol, samples=40))
    assert fewer["identity"]["samples"] == 40
    assert set(fewer["scores"]) == set(score.score(reference, pixels(), protocol)["scores"])


def test_values_alone_are_those_of_the_scores_and_take_no_bootstrap(
    reference: Reference, protocol: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = score.score(reference, pixels(), protocol)["scores"]

    def refuse(*_: object) -> float:
        raise AssertionError("nobody asked for an interval")

    monkeypatch.setattr(bootstrap, "standard_error", refuse)
    monkeypatch.setattr(bootstrap, "error_of_mean", refuse)
    found = score.score_values(reference, pixels(), protocol)
    assert found == {name: each["value"] for name, each in expected.items()}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((4, 8, 8, 1), np.float32), "uint8 pixels, as files hold them; got float32"),
        (np.zeros((4, 9, 9, 1), np.uint8), r"images of shape \[8, 8, 1\]; got \[9, 9, 1\]"),
        (np.zeros((1, 8, 8, 1), np.uint8), "at least 2 images; got 1"),
    ],
)
def test_wrong_images_are_refused(reference: Reference, protocol: Evaluate, wrong: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        score.score(reference, wrong, protocol)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 8001}, r"evaluate.samples must be at most 8000, 100 for each of the 80 .* got 8001"),
        ({"neighbours": 50}, r"evaluate.neighbours must be below the number of images compared, 50; got 50"),
        ({"samples": 3}, r"evaluate.neighbours must be below the number of images compared, 3; got 3"),
    ],
)
def test_a_protocol_that_cannot_be_followed_is_refused(
    reference: Reference, protocol: Evaluate, change: dict, message: str
) -> None:
    score.check(reference, protocol)
    with pytest.raises(ConfigError, match=message):
        score.check(reference, dataclasses.replace(protocol, **change))
