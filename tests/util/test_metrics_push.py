"""Figures in a real push gateway; and gateways that are down, deaf or none."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan.util.metrics_push import METRICS, MetricsPush
from support import servers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with servers.pushgateway() as server:
        yield server.url


def figures(gateway: str) -> dict[str, float]:
    """Every sample of this project that Prometheus would scrape, by its name and labels."""
    with servers.NO_PROXY.open(f"{gateway}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith("gan_"))
    return {
        name.replace('instance="",', "").replace('job="gan-pipelines",', ""): float(value) for name, _, value in pairs
    }


def test_the_last_figures_are_in_the_gateway_when_the_step_is_over(gateway: str) -> None:
    with MetricsPush("train", "digits", gateway=gateway) as telemetry:
        telemetry.set("gan_train_step", 10)
        telemetry.set("gan_train_loss", 0.5, term="generator")
        telemetry.set("gan_train_loss", 0.7, term="discriminator")
        telemetry.set("gan_train_step", 20)
    found = figures(gateway)
    assert found['gan_train_step{name="digits",step="train"}'] == 20
    assert found['gan_train_loss{name="digits",step="train",term="generator"}'] == 0.5
    assert found['gan_train_loss{name="digits",step="train",term="discriminator"}'] == 0.7


def test_figures_arrive_while_the_step_is_at_work(gateway: str) -> None:
    with MetricsPush("train", "long", gateway=gateway, every_seconds=0.01) as telemetry:
        for step in (1, 2):
            telemetry.set("gan_train_step", step)
            while figures(gateway).get('gan_train_step{name="long",step="train"}') != step:
                pass


def test_the_next_run_of_a_step_replaces_its_figures_and_no_others(gateway: str) -> None:
    for step, name, value in (("gate", "faces", 0), ("gate", "digits", 1), ("gate", "faces", 1)):
        with MetricsPush(step, name, gateway=gateway) as telemetry:
            telemetry.set("gan_verdict_passed", value)
        with MetricsPush(step, name, gateway=gateway) as telemetry:  # the step's other half, which knows other figures
            telemetry.set("gan_step_exit_code", 0)
    found = {name: value for name, value in figures(gateway).items() if 'step="gate"' in name}
    assert found == {
        'gan_verdict_passed{name="faces",step="gate"}': 1,
        'gan_verdict_passed{name="digits",step="gate"}': 1,
        'gan_step_exit_code{name="faces",step="gate"}': 0,
        'gan_step_exit_code{name="digits",step="gate"}': 0,
    }


def test_a_gateway_that_is_down_costs_one_warning(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{servers.free_port()}"
    with MetricsPush("train", "digits", gateway=url, every_seconds=0.0) as telemetry:
        for step in range(100):
            telemetry.set("gan_train_step", step)
    assert capsys.readouterr().err.count("the step continues without") <= 1


def test_a_gateway_that_never_answers_is_not_waited_for_while_the_step_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        with MetricsPush("train", "digits", gateway=f"http://127.0.0.1:{deaf.getsockname()[1]}") as telemetry:
            telemetry.set("gan_train_step", 1)
            connection, _ = deaf.accept()  # it has begun to push
            for step in range(1000):
                telemetry.set("gan_train_step", step)
        connection.close()


@pytest.mark.parametrize("url", ["not a url", "http://[", "ftp://127.0.0.1"])
def test_what_is_no_gateway_costs_a_warning(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with MetricsPush("train", "digits", gateway=url) as telemetry:
        telemetry.set("gan_train_step", 1)
    assert f"can't push metrics to GAN_PUSHGATEWAY={url}" in capsys.readouterr().err


def test_without_a_gateway_there_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAN_PUSHGATEWAY", raising=False)
    before = threading.active_count()
    with MetricsPush("train", "digits") as telemetry:
        telemetry.set("gan_train_step", 1)
        assert threading.active_count() == before


def test_the_documentation_lists_every_metric_and_no_other() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Metrics\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(gan_\w+)`", section)) == set(METRICS)
