"""The log of a pod's container, each line once, however often the connection breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from components.kubernetes.api import KubernetesApi, translated_errors
from components.runtime.pod_metadata import CONTAINER

CONNECT_TIMEOUT_SECONDS = 10


class PodLog:
    """The log of one pod's main container; can be read repeatedly, and gives only lines that are new.

    Args:
        api: where it is.
        pod: its name.
        idle_timeout_seconds: after this long without a line the stream counts as broken.
    """

    def __init__(self, api: KubernetesApi, pod: str, *, idle_timeout_seconds: float) -> None:
        self._api = api
        self._pod = pod
        self._timeouts = CONNECT_TIMEOUT_SECONDS, idle_timeout_seconds
        self._new = LineDeduplicator()

    def new_lines(self, *, follow: bool, on_data: Callable[[], None] = lambda: None) -> Iterator[str]:
        """The lines that were not given before.

        Args:
            follow: wait for further lines until the container ends or the connection breaks.
            on_data: called when the stream opens and at each line, also those given before.

        Raises:
            NotFoundError: there is no such pod.
            ClusterError: the API refuses or can't be reached, or the connection broke.
        """
        with translated_errors(self._api.host):
            stream = self._api.core.read_namespaced_pod_log(
                self._pod, self._api.namespace, container=CONTAINER, follow=follow, timestamps=True,
                _preload_content=False, _request_timeout=self._timeouts,
            )  # fmt: skip
            on_data()
            yield from self._new.of(_with_callback(lines_of(stream), on_data))


def _with_callback(lines: Iterable[str], callback: Callable[[], None]) -> Iterator[str]:
    for line in lines:
        callback()
        yield line


class LineDeduplicator:
    """Gives each line of a pod once, without its time stamp, however often the log is read from its start."""

    def __init__(self) -> None:
        self._last = ""

    def of(self, lines: Iterable[str]) -> Iterator[str]:
        """The new ones among the lines."""
        for line in lines:
            stamp, _, text = line.partition(" ")
            if stamp > self._last:  # times in UTC with all digits sort as text
                self._last = stamp
                yield text


def lines_of(stream: Any) -> Iterator[str]:
    """The lines of a log stream, which comes in chunks that end anywhere."""
    rest = b""
    for chunk in stream.stream(amt=None):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
