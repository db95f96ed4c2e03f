"""Deletes the pod of each step once, in the moment in which it is seen to run."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

import kubernetes
import urllib3

from support.cluster import NAMESPACE

STEP = "gan-pipelines/step"


class PodKiller:
    """While it is entered, the first pod of each of these steps is deleted as soon as its step runs, with its grace.

    `deleted` tells of which steps that was done.
    """

    def __init__(self, run: str, steps: Collection[str]) -> None:
        self.deleted: list[str] = []
        self._selector = f"pipeline/runid={run},{STEP} in ({','.join(steps)})"
        self._left = set(steps)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PodKiller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _watch(self) -> None:
        api = kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config())
        while self._left and not self._over.is_set():
            events = kubernetes.watch.Watch().stream(
                api.list_namespaced_pod, NAMESPACE, label_selector=self._selector, timeout_seconds=10
            )
            try:
                for event in events:
                    self._reap(api, event["object"])
            except (kubernetes.client.ApiException, urllib3.exceptions.HTTPError):
                continue  # the watch broke off; the next one begins with all that is there

    def _reap(self, api: Any, pod: Any) -> None:
        step = pod.metadata.labels[STEP]
        if step in self._left and _runs(pod):
            self._left.remove(step)
            api.delete_namespaced_pod(pod.metadata.name, NAMESPACE)
            self.deleted.append(step)


def _runs(pod: Any) -> bool:
    return any(each.name == "main" and each.state.running for each in pod.status.container_statuses or [])
