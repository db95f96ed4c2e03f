from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from gan.regularisers import REGULARISERS
from gan.train.logging.gpu import GpuWatch
from gan.train.logging.monitor import Monitor
from gan.util.metrics_push import MetricsPush
from support import servers


def test_the_verdicts_of_a_check_are_pushed() -> None:
    check = {"step": 50, "findings": [{"verdict": "collapsed"}]}
    with servers.pushgateway() as server:
        with Monitor(MetricsPush("train", "digits", gateway=server.url), GpuWatch()) as monitor:
            monitor.push_health(check)
            monitor.push_rollbacks(1)
        with servers.NO_PROXY.open(f"{server.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
    unhealthy = {
        line.partition('verdict="')[2].partition('"')[0]: line.rpartition(" ")[2]
        for line in lines
        if line.startswith("gan_train_unhealthy{")
    }
    assert unhealthy == {"diverged": "0", "collapsed": "1", "stalled": "0", "drifting": "0", "slow": "0"}
    assert any(line.startswith("gan_train_rollbacks{") and line.endswith(" 1") for line in lines)


def test_every_regulariser_has_its_gauge() -> None:
    class Push:
        terms: ClassVar[dict[str, float]] = {}

        def set(self, name: str, value: float, **labels: str) -> None:
            if name == "gan_train_loss":
                self.terms[labels["term"]] = value

    metrics = {name: float(number) for number, name in enumerate(REGULARISERS)}
    Monitor(Push(), GpuWatch()).push(3, {**metrics, "gradient_penalty": 9.0})  # type: ignore[arg-type]
    assert Push.terms == {**metrics, "gradient_penalty": 9.0}


def test_metrics_are_pushed_with_those_of_the_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '25, 100, 400'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    gpus = GpuWatch()
    metrics = {"generator_loss": 0.5, "kl": 0.1, "real_accuracy": 0.9, "images_per_second": 800.0}
    with servers.pushgateway() as server:
        with Monitor(MetricsPush("train", "digits", gateway=server.url), gpus) as monitor:
            while not gpus.shares():
                pass
            complete = monitor.push(30, metrics)
        with servers.NO_PROXY.open(f"{server.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
    assert complete == {**metrics, "gpu_share": 0.25, "gpu_memory_share": 0.25}
    pushed = {line.partition("{")[0]: line.rpartition(" ")[2] for line in lines if line.startswith("gan_")}
    assert pushed == {
        "gan_train_step": "30",
        "gan_train_images_per_second": "800",
        "gan_train_gpu_share": "0.25",
        "gan_train_gpu_memory_share": "0.25",
        "gan_train_loss": "0.1",
    }
    assert [line for line in lines if line.startswith("gan_train_loss")] == [
        'gan_train_loss{instance="",job="gan-pipelines",name="digits",step="train",term="generator"} 0.5',
        'gan_train_loss{instance="",job="gan-pipelines",name="digits",step="train",term="kl"} 0.1',
    ]
