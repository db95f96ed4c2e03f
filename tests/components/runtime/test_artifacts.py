from __future__ import annotations

import math
from pathlib import Path

from kfp.dsl import HTML, Metrics

from components.runtime import artifacts
from gan.result import StepResult
from gan.store import open_store


def test_only_finite_numbers_become_metrics() -> None:
    metrics = Metrics(name="figures", uri="/nowhere", metadata={})
    artifacts.log_figures(metrics, {"steps": 4, "speed": 1.5, "worst": math.inf, "kept": True, "name": "x", "no": None})
    assert metrics.metadata == {"steps": 4, "speed": 1.5}


def test_text_from_elsewhere_can_not_break_a_table() -> None:
    table = artifacts.outcome_table(StepResult("a|b", "<script>\n", 0.123456, details={"names": ["x\\y"]}))
    assert table == (
        "|  |  |\n| --- | --- |\n| id | a\\|b |\n| uri | &lt;script>  |\n| seconds | 0.1235 |\n| skipped | false |\n"
        '| names | ["x\\\\\\\\y"] |\n'
    )


def test_a_refusal_gives_its_reasons_and_every_check() -> None:
    result = StepResult("gen", "/", details={
        "passed": False,
        "reasons": ["fid is 9, allowed is at most 2"],
            "notes": ["nothing is live under digits"],
        "checks": [
            {"name": "fid", "value": 9.0, "allowed": "at most 2", "passed": False},
            {"name": "parity", "value": 1e-6, "allowed": "at most 0.001", "passed": True},
        ],
    })  # fmt: skip
    shown = artifacts.verdict(result)
    assert shown.startswith("## Refused\n")
    assert "- fid is 9, allowed is at most 2\n" in shown
    assert "| fid | 9 | at most 2 | **no** |\n| parity | 1e-06 | at most 0.001 | yes |\n" in shown


def test_a_run_without_samples_says_so(tmp_path: Path) -> None:
    page = HTML(name="samples", uri=str(tmp_path / "page.html"), metadata={})
    artifacts.write_last_samples(page, open_store(str(tmp_path / "store")), "run")
    assert "No samples were drawn yet" in (tmp_path / "page.html").read_text()
