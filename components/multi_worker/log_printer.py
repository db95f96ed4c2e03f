"""Prints the log of worker 0 as it comes."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress

from components.kubernetes.api import KubernetesApi
from components.kubernetes.pod_logs import PodLog
from gan.errors import ClusterError, NotFoundError
from gan.util import log

RETRY_INTERVAL_SECONDS = 2.0
FINAL_LOG_TIMEOUT_SECONDS = 60.0
IDLE_TIMEOUT_SECONDS = 60.0


class LogPrinter:
    """Prints the log of a pod to stderr in a thread of its own, from the first line; reconnects where it breaks."""

    def __init__(self, api: KubernetesApi, pod: str) -> None:
        self._log = PodLog(api, pod, idle_timeout_seconds=IDLE_TIMEOUT_SECONDS)
        self._pod_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Print the rest; call it once the pod has ended."""
        self._pod_ended.set()
        self._thread.join(FINAL_LOG_TIMEOUT_SECONDS)

    def _run(self) -> None:
        last = False
        while not last:
            last = self._pod_ended.is_set()
            with suppress(ClusterError, NotFoundError):
                for line in self._log.new_lines(follow=True):
                    log.write_line(line, sys.stderr)
            if not last:
                self._pod_ended.wait(RETRY_INTERVAL_SECONDS)
