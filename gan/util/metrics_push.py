"""Metrics for operators, pushed to a Prometheus Pushgateway if GAN_PUSHGATEWAY is its URL.

The store has them all as well. A thread pushes the latest values; a gateway that is slow or down causes only a warning,
and delays the end of a step by at most FINAL_PUSH_TIMEOUT_SECONDS.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Self

from gan.util import log

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

GATEWAY = "GAN_PUSHGATEWAY"
JOB = "gan-pipelines"
PUSH_INTERVAL_SECONDS = 10.0
PUSH_TIMEOUT_SECONDS = 5.0
FINAL_PUSH_TIMEOUT_SECONDS = 3.0

METRICS = {
    "gan_step_began_timestamp_seconds": "When the step last began, in seconds since 1970.",
    "gan_step_ended_timestamp_seconds": "When the step last ended, in seconds since 1970.",
    "gan_step_duration_seconds": "How long the step took, including the import of its libraries.",
    "gan_step_exit_code": "How the step last ended: 0 done, else as docs/reference/exit-codes.md lists them.",
    "gan_step_skipped": "1 where the store held already what the step was to make.",
    "gan_train_step": "The last training step whose figures are known.",
    "gan_train_images_per_second": "Real images trained on per second since the figures before.",
    "gan_train_data_wait_share": "The share of that time spent waiting for data.",
    "gan_train_loss": "The loss of each network, and each of its further terms.",
    "gan_train_gpu_share": "The share of the last moment in which the GPUs were at work, on average over them.",
    "gan_train_gpu_memory_share": "The share of the GPUs' memory that is taken.",
    "gan_score": "Each score of the checkpoint chosen last.",
    "gan_score_low": "The lower end of the score's confidence interval.",
    "gan_score_high": "The upper end of the score's confidence interval.",
    "gan_score_real": "The same score of real images.",
    "gan_verdict_passed": "1 where the gate passed the last generator, 0 where it refused it.",
    "gan_promoted_timestamp_seconds": "When a generator was last promoted, in seconds since 1970.",
}

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


class MetricsPush:
    """Pushes the metrics of one step of one experiment; does nothing without a gateway.

    Args:
        step: the step; part of the gateway's group, so that its next run overwrites this one's values.
        name: the experiment's name, also part of the group; may be empty.
        gateway: the URL, by default that in the environment.
        every_seconds: the minimum time between two pushes.
    """

    def __init__(
        self, step: str, name: str, *, gateway: str | None = None, every_seconds: float = PUSH_INTERVAL_SECONDS
    ) -> None:
        self._gateway = os.environ.get(GATEWAY, "") if gateway is None else gateway
        self._group = {"step": step} | ({"name": name} if name else {})
        self._every_seconds = every_seconds
        self._samples: Samples = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._gateway_ok = True
        self._thread = threading.Thread(target=self._work, name="telemetry", daemon=True)

    def __enter__(self) -> Self:
        if self._gateway:
            import prometheus_client  # noqa: F401  # here, because two threads importing at once may see a partial module

            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._changed.set()
        if self._thread.ident is not None and self._gateway_ok:
            self._thread.join(FINAL_PUSH_TIMEOUT_SECONDS)

    def set(self, metric: str, value: float, **labels: str) -> None:
        """Set one of `METRICS`; the value is pushed a little later."""
        with self._lock:
            self._samples.setdefault(metric, {})[tuple(sorted(labels.items()))] = value
        self._changed.set()

    def _work(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            last = self._closing.is_set()
            with self._lock:
                samples = {metric: dict(values) for metric, values in self._samples.items()}
            self._push(samples)
            if last:
                return
            self._closing.wait(self._every_seconds)

    def _push(self, samples: Samples) -> None:
        from prometheus_client import pushadd_to_gateway

        try:
            pushadd_to_gateway(
                self._gateway, JOB, _registry(samples), grouping_key=self._group, timeout=PUSH_TIMEOUT_SECONDS
            )
        except (OSError, ValueError, HTTPException) as error:
            if self._gateway_ok:
                log.warning(
                    f"can't push metrics to {GATEWAY}={self._gateway}; the step continues without", reason=str(error)
                )
            self._gateway_ok = False
        else:
            self._gateway_ok = True


def _registry(samples: Mapping[str, Mapping[tuple[tuple[str, str], ...], float]]) -> CollectorRegistry:
    from prometheus_client import CollectorRegistry, Gauge

    registry = CollectorRegistry()
    for metric, values in samples.items():
        names = [name for name, _ in next(iter(values))]
        gauge = Gauge(metric, METRICS[metric], names, registry=registry)
        for labels, value in values.items():
            (gauge.labels(**dict(labels)) if labels else gauge).set(value)
    return registry
