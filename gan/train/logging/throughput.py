"""How fast a run trains, and which share of the time it waits for data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gan.util.log import Clock


class Throughput:
    """Images per second of step time; excludes checkpoints, samples and the first step, which compiles.

    Args:
        clock: monotonic seconds.
        seconds: the training time of earlier sessions of the run.
    """

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self._clock = clock
        self._earlier = seconds
        self._began = clock()
        self.total = ThroughputInterval()
        self._interval = ThroughputInterval()
        self._compiled = False

    @property
    def seconds(self) -> float:
        """Seconds of training over all sessions, everything included."""
        return self._earlier + self._clock() - self._began

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Counts the time inside as waiting for data."""
        began = self._clock()
        yield
        self._count(wait=self._clock() - began)

    @contextmanager
    def stepping(self, images: int) -> Iterator[None]:
        """Counts the time inside as training on `images` images."""
        began = self._clock()
        yield
        self._count(step=self._clock() - began, images=images)
        if not self._compiled:
            self._compiled = True
            self.total, self._interval = ThroughputInterval(), ThroughputInterval()

    def since_last_call(self) -> dict[str, float]:
        """`images_per_second` and `data_wait_share` since the last call, and `seconds` of the whole run."""
        interval, self._interval = self._interval, ThroughputInterval()
        return {**interval.rates(), "seconds": self.seconds}

    def _count(self, *, wait: float = 0.0, step: float = 0.0, images: int = 0) -> None:
        for interval in (self.total, self._interval):
            interval.wait_seconds += wait
            interval.step_seconds += step
            interval.images += images


class ThroughputInterval:
    """Seconds and images of a stretch of training."""

    def __init__(self) -> None:
        self.wait_seconds = 0.0
        self.step_seconds = 0.0
        self.images = 0

    def rates(self) -> dict[str, float]:
        """`images_per_second` and `data_wait_share`; empty if no step was timed."""
        seconds = self.wait_seconds + self.step_seconds
        if not self.images or seconds <= 0:
            return {}
        return {"images_per_second": self.images / seconds, "data_wait_share": self.wait_seconds / seconds}
