from __future__ import annotations

from typing import Any

import tensorflow as tf

from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.distributed.coordination import CoordinatedStop, NullCheckpointer
from gan.train.distributed.replicas import Replicas
from gan.train.stop_signals import StopRequest


class Told(Replicas):
    """Replicas of which the others tell what the test says."""

    count = workers = 2

    def __init__(self) -> None:
        self.others = 0
        self.ours: list[int] = []

    def most(self, number: int) -> Any:
        self.ours.append(number)
        return tf.constant(max(number, self.others))


def test_a_signal_to_another_worker_stops_this_one_a_step_later() -> None:
    replicas, stop = Told(), StopRequest()
    take = CoordinatedStop(lambda step, _batches: {"step": step}, replicas, stop)
    assert take(1, []) == {"step": 1}
    replicas.others = 15
    take(2, [])
    assert not stop
    take(3, [])
    assert stop
    assert stop.signal_number == 15


def test_a_signal_to_this_worker_counts_when_all_know_of_it() -> None:
    replicas, stop = Told(), StopRequest()
    take = CoordinatedStop(lambda _step, _batches: {}, replicas, stop)
    take(1, [])
    stop.ask(2)
    assert not stop
    assert stop.seconds_left() <= 25
    take(2, [])
    assert not stop
    take(3, [])
    assert stop
    assert replicas.ours == [0, 2, 2]


def test_a_follower_keeps_nothing_and_knows_the_last_step() -> None:
    follower = NullCheckpointer(4)
    follower.put(PendingCheckpoint(7, {}))
    assert (follower.saved, follower.empty, follower.take(7)) == (7, True, {})
