"""Scoring images against a reference: the record, its identity, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gan.config import Evaluate
from gan.errors import ConfigError, DataError
from gan.metrics import score
from gan.metrics.maths import frechet
from gan.metrics.reference import Reference
from gan.metrics.registry import KINDS


def pixels(count: int = 60, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 1)).astype(np.uint8)


def drawn(*sizes: int) -> list:
    """The same pixels, whole or in batches of these sizes, without labels."""
    ends = np.cumsum(sizes or (60,))
    return [(pixels()[end - size : end], None) for end, size in zip(ends, sizes or (60,), strict=True)]


def test_a_record_has_scores_label_identity_and_histogram(reference: Reference, protocol: Evaluate) -> None:
    found = score.score(reference, drawn(), protocol)[0]
    assert found["label"] == "fid[toy-cnn:ffffff]"
    assert list(found["scores"]) == [
        "fid", "fid_infinity", "kid", "precision", "recall", "density", "coverage", "modes_found", "mode_kl",
        "high_confidence", "memorised", "near_copies",
    ]  # fmt: skip
    assert found["histogram"]["names"] == ["a", "b", "c"]
    assert sum(found["histogram"]["generated"]) == pytest.approx(1)
    assert sum(found["histogram"]["real"]) == pytest.approx(1)
    assert found["identity"]["samples"] == 60
    assert found["identity"]["reference_images"] == 80
    assert found["identity"]["purpose"] == "final"
    assert found["identity"]["split"] == "test"
    assert found["metrics"] == list(protocol.metrics)
    assert found["identity"]["dataset_id"] == "toy-1"


def test_fid_is_that_of_the_features(reference: Reference, protocol: Evaluate) -> None:
    features = reference.network.extract(pixels()).features
    expected = frechet.frechet_distance(frechet.fit(reference.real.features), frechet.fit(features))
    assert score.score(reference, drawn(), protocol)[0]["scores"]["fid"]["value"] == pytest.approx(expected, rel=1e-6)


def test_batches_and_whole_arrays_score_the_same(reference: Reference, protocol: Evaluate) -> None:
    whole = score.score(reference, drawn(), protocol)[0]
    assert score.score(reference, iter(drawn(16, 16, 28)), protocol)[0] == whole
    assert reference.network.batch_sizes == {16}


def test_the_row_of_real_data_has_its_own_count(reference: Reference, protocol: Evaluate) -> None:
    assert score.score_real(reference, protocol)["identity"]["samples"] == 50
    fewer = score.score_real(reference, dataclasses.replace(protocol, samples=40))
    assert fewer["identity"]["samples"] == 40
    assert set(fewer["scores"]) == set(score.score(reference, drawn(), protocol)[0]["scores"])


def test_values_alone_are_those_of_the_scores(reference: Reference, protocol: Evaluate) -> None:
    expected = score.score(reference, drawn(), protocol)[0]["scores"]
    found = score.score_values(reference, drawn(), protocol)
    assert found == {name: each["value"] for name, each in expected.items()}


def test_selection_has_values_alone_against_images_of_its_own(reference: Reference, protocol: Evaluate) -> None:
    found = score.score_for_selection(reference, drawn(), dataclasses.replace(protocol, metrics=("fid",)))
    features = reference.network.extract(pixels()).features
    expected = frechet.frechet_distance(frechet.fit(reference.selection.features), frechet.fit(features))
    assert found["scores"]["fid"] == {"value": pytest.approx(expected, rel=1e-6)}
    assert (found["identity"]["purpose"], found["identity"]["split"]) == ("selection", "valid")
    assert found["identity"]["reference_images"] == 70


def test_each_paired_score_comes_with_its_contributions(reference: Reference, protocol: Evaluate) -> None:
    record, contributions = score.score(reference, drawn(), protocol)
    assert set(contributions) == {name for name in record["scores"] if KINDS[name].paired}
    for name, each in contributions.items():
        assert each.generated.shape[1] in (0, 60), name
        assert each.real.shape[1] in (0, 60, 80), name


@pytest.mark.parametrize(
    ("metrics", "conditional", "message"),
    [
        (("fid", "class_fid"), False, r"evaluate.metrics: class_fid needs a conditional generator"),
        (
            ("fid", "inception_score"),
            True,
            r"inception_score needs a feature network that predicts classes, which toy-cnn",
        ),
        (("fid", "fids"), True, r'unknown evaluate.metrics "fids"; did you mean "fid"'),
        (("kid",), True, r"evaluate.metrics must hold fid"),
    ],
)
def test_metrics_that_cannot_be_had_are_refused(
    reference: Reference, protocol: Evaluate, metrics: tuple, conditional: bool, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        score.check(reference, dataclasses.replace(protocol, metrics=metrics), conditional=conditional)


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
        score.score(reference, [(wrong, None)], protocol)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 8001}, r"evaluate.samples must be at most 8000, 100 for each of the 80 .* got 8001"),
        ({"neighbours": 50}, r"evaluate.neighbours must be below the number of images compared, 40; got 50"),
        (
            {"samples": 7001, "selection_samples": 7001},
            r"evaluate.selection_samples must be at most 7000, 100 for each of the 70 ",
        ),
        ({"samples": 3}, r"evaluate.neighbours must be below the number of images compared, 3; got 3"),
    ],
)
def test_a_protocol_that_cannot_be_followed_is_refused(
    reference: Reference, protocol: Evaluate, change: dict, message: str
) -> None:
    score.check(reference, protocol, conditional=False)
    with pytest.raises(ConfigError, match=message):
        score.check(reference, dataclasses.replace(protocol, **change), conditional=False)
