"""What a step tells operators, read back from a real push gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.registry import STEPS
from components.runtime import context
from components.runtime.step_metrics import StepMetrics, experiment_of
from gan.errors import DataError
from gan.result import StepResult
from gan.util.metrics_push import GATEWAY
from support import servers


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with servers.pushgateway() as server:
        yield server.url


@pytest.fixture(autouse=True)
def use_gateway(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GATEWAY, gateway)


def pushed_metrics(gateway: str, step: str) -> dict[str, float]:
    """The samples of a step, their common labels left out."""
    with servers.NO_PROXY.open(f"{gateway}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    of_step = [line for line in lines if line.startswith("gan_") and f'step="{step}"' in line]
    common = ('instance="",', 'job="gan-pipelines",', 'name="faces",', f'step="{step}"', "{}")
    found = {}
    for line in of_step:
        name, _, value = line.rpartition(" ")
        for part in common:
            name = name.replace(part, "")
        found[name] = float(value)
    return found


def run_step(step: str, result: StepResult) -> None:
    with StepMetrics(step, "faces", STEPS[step].gauges, clock=lambda: 1000.0) as metrics:
        metrics.begin()
        metrics.done(result)


def test_every_step_tells_when_it_ran_and_how_it_ended(gateway: str) -> None:
    run_step("reference", StepResult("ref-1", "/uri", skipped=True))
    found = pushed_metrics(gateway, "reference")
    assert found.pop("gan_step_duration_seconds") >= 0
    assert found == {
        "gan_step_began_timestamp_seconds": 1000,
        "gan_step_ended_timestamp_seconds": 1000,
        "gan_step_exit_code": 0,
        "gan_step_skipped": 1,
    }


def test_scores_come_with_their_intervals_and_those_of_real_images(gateway: str) -> None:
    scores = {"fid": {"value": 5.0, "low": 4.0, "high": 6.0}, "kid": {"value": 0.1, "low": 0.0, "high": 0.2}}
    scores["fid_infinity"] = {"value": 4.5}  # which has no interval
    details = {"scores": scores, "real": {"fid": {"value": 1.0, "low": 0.5, "high": 1.5}}}
    run_step("evaluate", StepResult("r1", "/uri", details=details))
    found = {name: value for name, value in pushed_metrics(gateway, "evaluate").items() if name.startswith("gan_score")}
    assert found == {
        'gan_score{score="fid",}': 5.0,
        'gan_score_low{score="fid",}': 4.0,
        'gan_score_high{score="fid",}': 6.0,
        'gan_score_real{score="fid",}': 1.0,
        'gan_score{score="kid",}': 0.1,
        'gan_score_low{score="kid",}': 0.0,
        'gan_score_high{score="kid",}': 0.2,
        'gan_score{score="fid_infinity",}': 4.5,
    }


@pytest.mark.parametrize("passed", [True, False])
def test_the_verdict(gateway: str, passed: bool) -> None:
    run_step("gate", StepResult("gen-1", "/uri", details={"passed": passed}))
    assert pushed_metrics(gateway, "gate")["gan_verdict_passed"] == passed


def test_only_what_went_live_just_now_is_a_promotion(gateway: str) -> None:
    run_step("promote", StepResult("gen-1", "/uri", skipped=True))
    assert "gan_promoted_timestamp_seconds" not in pushed_metrics(gateway, "promote")
    run_step("promote", StepResult("gen-1", "/uri"))
    assert pushed_metrics(gateway, "promote")["gan_promoted_timestamp_seconds"] == 1000


def test_an_error_is_told_by_its_exit_code_under_the_name_in_the_config(gateway: str) -> None:
    with pytest.raises(SystemExit), context.step("decide", config="name: faces"):
        raise DataError("bad")
    assert pushed_metrics(gateway, "decide")["gan_step_exit_code"] == 3


@pytest.mark.parametrize(
    ("config", "name"),
    [("name: faces\ntrain: {}", "faces"), ("", ""), ("train: {}", ""), ("[1]", ""), ("a: [", ""), ("name:", "")],
)
def test_the_experiment_is_named_by_the_config_where_that_can_be_read(config: str, name: str) -> None:
    assert experiment_of(config) == name
