from __future__ import annotations

import pytest

from gan.train.logging.throughput import Throughput


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def step(throughput: Throughput, clock: Clock, wait: float, work: float, images: int = 10) -> None:
    with throughput.waiting():
        clock.now += wait
    with throughput.stepping(images):
        clock.now += work


def test_the_first_step_compiles_and_is_not_counted() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    step(throughput, clock, 1.0, 30.0)
    assert throughput.total.rates() == {}
    assert throughput.since_last_call() == {"seconds": 31.0}


def test_rates_are_since_the_last_call_and_in_total() -> None:
    clock = Clock()
    throughput = Throughput(clock, seconds=1000.0)
    step(throughput, clock, 1.0, 30.0)
    step(throughput, clock, 0.5, 1.5)
    step(throughput, clock, 0.5, 1.5)
    clock.now += 60.0  # a checkpoint
    assert throughput.since_last_call() == {
        "images_per_second": 5.0,
        "data_wait_share": 0.25,
        "seconds": pytest.approx(1095.0),
    }
    step(throughput, clock, 0.0, 1.0)
    assert throughput.since_last_call()["images_per_second"] == 10.0
    assert throughput.total.rates() == {"images_per_second": 6.0, "data_wait_share": 0.2}
