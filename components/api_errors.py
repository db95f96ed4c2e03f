"""What an API over HTTP answers instead of a result."""

from __future__ import annotations

from gan.errors import ClusterError


class ApiStatusError(ClusterError):
    """The API refused a request. `status` is that of HTTP, 0 where TLS failed; `detail` is the API's own message."""

    def __init__(self, message: str, status: int, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail
