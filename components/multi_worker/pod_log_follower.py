"""What a pod prints, shown as it comes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import urllib3
from kubernetes.client import ApiException

from components.runtime.pod_metadata import CONTAINER
from gan.util.log import put

AGAIN_SECONDS = 2.0
LAST_WORDS_SECONDS = 60.0
TIMEOUTS_SECONDS = (10, 60)


class PodLogFollower:
    """Prints what a pod prints, from its first line, in a thread of its own; asks anew where the stream breaks."""

    def __init__(self, core: Any, pod: str, namespace: str) -> None:
        self._core = core
        self._pod = pod
        self._namespace = namespace
        self._unseen = LineDeduplicator()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Print what is left; the pod has ended."""
        self._over.set()
        self._thread.join(LAST_WORDS_SECONDS)

    def _follow(self) -> None:
        while True:
            last = self._over.is_set()
            with suppress(ApiException, urllib3.exceptions.HTTPError):
                stream = self._core.read_namespaced_pod_log(
                    self._pod, self._namespace, container=CONTAINER, follow=True, timestamps=True,
                    _preload_content=False, _request_timeout=TIMEOUTS_SECONDS,
                )  # fmt: skip
                for text in self._unseen.of(lines_of(stream)):
                    put(text, sys.stderr)
            if last:
                return
            self._over.wait(AGAIN_SECONDS)


class LineDeduplicator:
    """The lines of one pod, each once and without its time stamp, however often they are read from the first one on."""

    def __init__(self) -> None:
        self._last = ""

    def of(self, lines: Iterable[str]) -> Iterator[str]:
        """What is new among the lines."""
        for line in lines:
            stamp, _, text = line.partition(" ")
            if stamp > self._last:  # times in UTC with all digits sort as text
                self._last = stamp
                yield text


def lines_of(stream: Any) -> Iterator[str]:
    """The lines of a log as they come over a connection, in pieces that know nothing of lines."""
    rest = b""
    for chunk in stream.stream(amt=None):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
