"""The Kubernetes API as a step reaches it: with the token of its pod's service account, and patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import kubernetes
import urllib3
from kubernetes.client import ApiException

from gan.errors import ClusterError

AGAIN_SECONDS = 2.0
PATIENCE_SECONDS = 300.0
TIMEOUTS_SECONDS = (10, 60)


class KubernetesApi:
    """`core`, `batch` and `custom` are its services, to be called through `call`; `plain` makes JSON of their objects.

    Args:
        client: by default that of this pod's service account.
        sleep: passes the time between two tries.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        client: Any = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        client = client or _of_this_pod()
        self.core = kubernetes.client.CoreV1Api(client)
        self.batch = kubernetes.client.BatchV1Api(client)
        self.custom = kubernetes.client.CustomObjectsApi(client)
        self.plain: Callable[[Any], Any] = client.sanitize_for_serialization
        self._sleep = sleep
        self._clock = clock

    def call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What a method of a service returns; it is asked again while the API does not answer.

        Raises:
            ApiException: it refuses.
            ClusterError: it did not answer for PATIENCE_SECONDS.
        """
        began = self._clock()
        while True:
            try:
                return method(*arguments, **named, _request_timeout=TIMEOUTS_SECONDS)
            except ApiException as error:
                if error.status and error.status < 500 and error.status != 429:
                    raise
                last: Exception = error
            except urllib3.exceptions.HTTPError as error:
                last = error
            waited = self._clock() - began
            if waited >= PATIENCE_SECONDS:
                raise ClusterError(
                    f"Kubernetes did not answer for {waited:.0f} s: {' '.join(str(last).split())[:300]}; run the same "
                    "again when it does"
                ) from None
            self._sleep(AGAIN_SECONDS)


def _of_this_pod() -> Any:
    settings = kubernetes.client.Configuration()
    try:
        kubernetes.config.load_incluster_config(client_configuration=settings)
    except kubernetes.config.ConfigException as error:
        raise ClusterError(
            f"several workers train in pods, and this process has no way to Kubernetes ({error}); train with "
            "workers 1, or let the pod's service account mount its token"
        ) from None
    settings.retries = False
    return kubernetes.client.ApiClient(settings)
