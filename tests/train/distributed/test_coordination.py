from __future__ import annotations

from typing import Any

import tensorflow as tf

from gan.train.checkpoint.pending import PendingCheckpoint
from gan.train.distributed.coordination import CoordinatedStop, NullCheckpointer
from gan.train.distributed.replicas import Replicas
from gan.train.stop_signals import StopRequest


class FakeReplicas(Replicas):
    """Two workers; the test sets the number that the other one shares."""

    count = workers = 2

    def __init__(self) -> None:
        self.other = 0
        self.own: list[int] = []

    def all_reduce_max(self, number: int) -> Any:
        self.own.append(number)
        return tf.constant(max(number, self.other))


def test_a_signal_to_another_worker_stops_this_one_a_step_later() -> None:
    replicas, stop = FakeReplicas(), StopRequest()
    take = CoordinatedStop(lambda step, _batches: {"step": step}, replicas, stop)
    assert take(1, []) == {"step": 1}
    replicas.other = 15
    take(2, [])
    assert not stop
    take(3, [])
    assert stop
    assert stop.signal_number == 15


def test_a_signal_to_this_worker_takes_effect_when_all_know_it() -> None:
    replicas, stop = FakeReplicas(), StopRequest()
    take = CoordinatedStop(lambda _step, _batches: {}, replicas, stop)
    take(1, [])
    stop.ask(2)
    assert not stop
    assert stop.seconds_left() <= 25
    take(2, [])
    assert not stop
    take(3, [])
    assert stop
    assert replicas.own == [0, 2, 2]


def test_a_null_checkpointer_only_notes_the_last_step() -> None:
    null = NullCheckpointer(4)
    null.put(PendingCheckpoint(7, {}))
    assert (null.saved, null.empty, null.take(7)) == (7, True, {})
