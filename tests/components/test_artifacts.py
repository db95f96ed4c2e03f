from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp.dsl import HTML, ClassificationMetrics, Metrics

from components import artifacts
from gan.steps.outcome import Outcome
from gan.store import open_store

COUNTS = st.integers(1, 12).flatmap(
    lambda modes: st.tuples(*[st.lists(st.integers(0, 50), min_size=modes, max_size=modes)] * 2)
)


@given(COUNTS)
def test_the_coupling_has_the_two_histograms_as_its_margins_and_the_largest_diagonal(
    histograms: tuple[list[int], list[int]],
) -> None:
    real, generated = (np.array(counts, float) + 0.5 for counts in histograms)
    matrix = np.array(artifacts.coupling(real, generated))
    p, q = real / real.sum(), generated / generated.sum()
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(1), p, atol=1e-12)
    np.testing.assert_allclose(matrix.sum(0), q, atol=1e-12)
    assert 1 - np.trace(matrix) == pytest.approx(0.5 * np.abs(p - q).sum(), abs=1e-12)


def test_a_known_coupling() -> None:
    assert artifacts.coupling([1, 1], [2, 0]) == [[0.5, 0.0], [0.5, 0.0]]
    assert artifacts.coupling([3, 1], [3, 1]) == [[0.75, 0.0], [0.0, 0.25]]


def test_too_many_modes_are_left_out() -> None:
    for details in ({}, {"histogram": {"names": list(range(100)), "real": [1] * 100, "generated": [1] * 100}}):
        metrics = ClassificationMetrics(name="modes", uri="/nowhere", metadata={})
        artifacts.log_modes(metrics, details)
        assert metrics.metadata == {}


def test_only_finite_numbers_become_metrics() -> None:
    metrics = Metrics(name="figures", uri="/nowhere", metadata={})
    artifacts.log_figures(metrics, {"steps": 4, "speed": 1.5, "worst": math.inf, "kept": True, "name": "x", "no": None})
    assert metrics.metadata == {"steps": 4, "speed": 1.5}


def test_text_from_elsewhere_can_not_break_a_table() -> None:
    table = artifacts.outcome_table(Outcome("a|b", "<script>\n", 0.123456, details={"names": ["x\\y"]}))
    assert table == (
        "|  |  |\n| --- | --- |\n| id | a\\|b |\n| uri | &lt;script>  |\n| seconds | 0.1235 |\n| skipped | false |\n"
        '| names | ["x\\\\\\\\y"] |\n'
    )


def test_a_refusal_gives_its_reasons_and_every_check() -> None:
    outcome = Outcome("gen", "/", details={
        "passed": False,
        "reasons": ["fid is 9, allowed is at most 2"],
            "notes": ["nothing is live under digits"],
        "checks": [
            {"name": "fid", "value": 9.0, "allowed": "at most 2", "passed": False},
            {"name": "parity", "value": 1e-6, "allowed": "at most 0.001", "passed": True},
        ],
    })  # fmt: skip
    shown = artifacts.verdict(outcome)
    assert shown.startswith("## Refused\n")
    assert "- fid is 9, allowed is at most 2\n" in shown
    assert "| fid | 9 | at most 2 | **no** |\n| parity | 1e-06 | at most 0.001 | yes |\n" in shown


def test_a_run_without_samples_says_so(tmp_path: Path) -> None:
    page = HTML(name="samples", uri=str(tmp_path / "page.html"), metadata={})
    artifacts.write_last_samples(page, open_store(str(tmp_path / "store")), "run")
    assert "No samples were drawn yet" in (tmp_path / "page.html").read_text()
