"""Google Cloud Storage: `gs://bucket/prefix`.

google-auth finds the credentials (application default credentials, workload identity) and signs each request;
google-cloud-storage knows the endpoint. The requests are made here, by the JSON API that it speaks itself: its own
methods hold a file's bytes in memory, retry by a policy of their own, and delete what they took for damaged.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import google.auth
import google.auth.exceptions
import requests
import urllib3
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage
from requests.adapters import HTTPAdapter

from gan.errors import StoreError
from gan.store.cloud.content import BLOCK_BYTES, Body, Content
from gan.store.cloud.object_api import (
    PAGE,
    SHA256,
    Absent,
    Condition,
    MissingError,
    ObjectApi,
    Page,
    PreconditionFailedError,
    Reading,
    Stat,
    Unchanged,
    no_bucket,
)
from gan.store.cloud.retry import CONNECT_SECONDS, READ_SECONDS, malformed_is_transient
from gan.store.interface import Item
from gan.util.retry import TransientError

CONNECTIONS = 64
SINGLE_REQUEST_BYTES = 8 << 20  # larger objects are uploaded in a resumable session
TRANSIENT_STATUS = frozenset({408, 429, *range(500, 600)})
FIELDS = "name,size,generation,crc32c,metadata,updated"
SIGN_IN = (
    "sign in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file, or "
    "give the pod a workload identity"
)


class GcsApi(ObjectApi):
    """One bucket of Google Cloud Storage."""

    crc32c = True

    def __init__(self, bucket: str) -> None:
        self.uri, self._bucket = f"gs://{bucket}", bucket
        try:
            credentials = _credentials()
            client = storage.Client(project=None, credentials=credentials)
            self._session = AuthorizedSession(credentials)
            self._session.configure_mtls_channel()
        except google.auth.exceptions.GoogleAuthError as error:
            raise StoreError(f"no Google Cloud credentials for {self.uri} ({error}); {SIGN_IN}") from None
        self._endpoint = client.api_endpoint.rstrip("/")
        self.encrypted = self._endpoint.startswith("https://")
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(pool_connections=4, pool_maxsize=CONNECTIONS))

    def stat(self, key: str) -> Stat:  # noqa: D102
        return _stat(_json(self.request("GET", f"{self._object(key)}?fields={FIELDS}")))

    @contextmanager
    def open(self, key: str, *, start: int, version: str | None) -> Iterator[Reading]:  # noqa: D102
        pinned = f"&generation={version}" if version else ""
        # As stored: else what others stored compressed is unpacked on the way, and does not match its checksum.
        headers = {"Accept-Encoding": "gzip"} | ({"Range": f"bytes={start}-"} if start else {})
        url = f"{self._object(key, '/download')}?alt=media{pinned}"
        with self.request("GET", url, headers=headers, stream=True) as response:
            yield Reading(_stat_of_media(response, start), _blocks(response))

    def upload(self, key: str, content: Content, condition: Condition) -> GcsSingleUpload | ResumableUpload:  # noqa: D102
        url = f"{self._endpoint}/upload/storage/v1/b/{self._bucket}/o?name={quote(key, safe='')}&fields={FIELDS}"
        match condition:
            case Absent():
                url += "&ifGenerationMatch=0"
            case Unchanged(version):
                url += f"&ifGenerationMatch={version}"
        kind = GcsSingleUpload if content.size <= SINGLE_REQUEST_BYTES else ResumableUpload
        return kind(self, key, content, url)

    def page(self, prefix: str, token: str | None, *, size: int = PAGE) -> Page:  # noqa: D102
        wanted = f"maxResults={size}&prefix={quote(prefix, safe='')}&fields=nextPageToken,items({FIELDS})"
        tree = _json(self._list(wanted + (f"&pageToken={quote(token, safe='')}" if token else "")))
        with malformed_is_transient():
            return Page(tuple(_item(each) for each in tree.get("items", ())), tree.get("nextPageToken"))

    def remove(self, key: str) -> None:  # noqa: D102
        self.request("DELETE", self._object(key))

    def now(self) -> float:  # noqa: D102
        response = self._list("maxResults=1&fields=nextPageToken")
        with malformed_is_transient():
            return parsedate_to_datetime(response.headers["Date"]).timestamp()

    def _list(self, wanted: str) -> requests.Response:
        try:
            return self.request("GET", f"{self._endpoint}/storage/v1/b/{self._bucket}/o?{wanted}")
        except MissingError:
            raise no_bucket(self.uri) from None

    def request(self, method: str, url: str, *, accept: tuple[int, ...] = (), **options: Any) -> requests.Response:
        """One request; the response if its status is 2xx or one of `accept`, else the matching error."""
        try:
            response: requests.Response = self._session.request(
                method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, **options
            )
        except google.auth.exceptions.GoogleAuthError as error:
            if _is_transient(error):
                raise TransientError(f"signing in failed: {error}") from error
            raise StoreError(f"signing in for {self.uri} failed: {error}; {SIGN_IN}") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise TransientError(_reason(error)) from error
        if response.status_code < 300 or response.status_code in accept:
            return response
        with response:
            raise self._error(response.status_code, _error_message(response))

    def _error(self, status: int, message: str) -> Exception:
        if status in TRANSIENT_STATUS or status == 400:
            return TransientError(f"status {status} {message}".strip(), ambiguous=status == 400)
        if status in (404, 410):
            return MissingError()
        if status in (304, 412, 416):  # 416: it is shorter than a response said
            return PreconditionFailedError()
        if status == 401:
            return StoreError(f"{self.uri} does not accept these credentials ({message}); {SIGN_IN}")
        if status == 403:
            return StoreError(
                f"no permission for {self.uri} ({message}); give this account the role roles/storage.objectUser on the "
                "bucket, without a condition that excludes this key, or sign in as another account"
            )
        return StoreError(f"{self.uri} answered with status {status}: {message}")

    def _object(self, key: str, root: str = "") -> str:
        return f"{self._endpoint}{root}/storage/v1/b/{self._bucket}/o/{quote(key, safe='')}"


class GcsSingleUpload:
    """One request with metadata and bytes."""

    bytes_done = 0

    def __init__(self, api: GcsApi, key: str, content: Content, url: str) -> None:
        self._api, self._key, self._content, self._url = api, key, content, url

    def attempt(self) -> str:
        """Send all of it."""
        boundary = uuid.uuid4().hex
        part = f"--{boundary}\r\nContent-Type: "
        described = json.dumps(_metadata(self._content))
        head = f"{part}application/json; charset=UTF-8\r\n\r\n{described}\r\n{part}application/octet-stream\r\n\r\n"
        with Body(self._content, head=head.encode(), tail=f"\r\n--{boundary}--\r\n".encode()) as body:
            response = self._api.request(
                "POST",
                f"{self._url}&uploadType=multipart",
                data=body,
                headers={"Content-Type": f"multipart/related; boundary={boundary}"},
            )
        return _version(response, self._key, self._content)


class ResumableUpload:
    """A session: one request begins it, another sends all bytes, and continues where it broke off."""

    def __init__(self, api: GcsApi, key: str, content: Content, url: str) -> None:
        self._api, self._key, self._content, self._url = api, key, content, url
        self._session: str | None = None
        self.bytes_done = 0

    def attempt(self) -> str:
        """Send the bytes that the service does not have yet."""
        response = None if self._session is None else self._query_progress(self._session)
        if self._session is None:
            self._begin()
        try:
            return _version(response or self._send_rest(), self._key, self._content)
        except MissingError:
            self._session = None
            raise TransientError("the upload session is gone") from None
        except _MismatchError:
            self._session = None
            raise

    def _begin(self) -> None:
        """Begin an empty session."""
        response = self._api.request(
            "POST",
            f"{self._url}&uploadType=resumable",
            json=_metadata(self._content),
            headers={"X-Upload-Content-Length": str(self._content.size)},
        )
        with malformed_is_transient():
            self._session, self.bytes_done = response.headers["Location"], 0

    def _query_progress(self, session: str) -> requests.Response | None:
        """Set `bytes_done` to what the service has; returns its response if that is everything."""
        sent = {"Content-Range": f"bytes */{self._content.size}"}
        response = self._api.request("PUT", session, headers=sent, accept=(308, 400, 404, 410, 412))
        if response.status_code < 300:
            return response
        if response.status_code != 308:
            self._session = None
            return None
        received = response.headers.get("Range", "").rpartition("-")[2]
        self.bytes_done = int(received) + 1 if received.isdigit() else 0
        return None

    def _send_rest(self) -> requests.Response:
        size = self._content.size
        with Body(self._content, start=self.bytes_done) as body:
            sent = {"Content-Range": f"bytes {self.bytes_done}-{size - 1}/{size}"}
            response = self._api.request("PUT", str(self._session), data=body, headers=sent, accept=(308,))
        if response.status_code == 308:
            raise TransientError("it kept only part of what was sent")
        return response


class _MismatchError(TransientError):
    """The service describes another object than the one that was sent."""


def _credentials() -> Any:
    """Those that google-auth finds; an emulator takes none."""
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return AnonymousCredentials()
    return google.auth.default(scopes=storage.Client.SCOPE)[0]


class _Adapter(HTTPAdapter):  # type: ignore[misc]
    """Connections that send and read in larger blocks than the default of 16 KiB."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, blocksize=BLOCK_BYTES)


def _metadata(content: Content) -> dict[str, Any]:
    return {"crc32c": content.crc32c, "metadata": {SHA256: content.sha256}}


def _version(response: requests.Response, key: str, content: Content) -> str:
    """The generation in an upload's response, if that describes what was sent."""
    tree = _json(response)
    sent = (key, str(content.size), content.crc32c, _metadata(content)["metadata"])
    if (tree.get("name"), str(tree.get("size", 0)), tree.get("crc32c"), tree.get("metadata")) != sent:
        raise _MismatchError("its response does not describe what was sent")
    return str(tree.get("generation"))


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        tree = response.json()
    except (ValueError, RecursionError) as error:
        raise TransientError(f"its response is not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise TransientError("its response is not a JSON object")
    return tree


def _stat(tree: dict[str, Any]) -> Stat:
    with malformed_is_transient():
        sha256 = tree.get("metadata", {}).get(SHA256, "")
        return Stat(int(tree["size"]), str(tree["generation"]), sha256, tree.get("crc32c", ""))


def _item(tree: dict[str, Any]) -> Item:
    return Item(tree["name"], int(tree.get("size", 0)), datetime.fromisoformat(tree["updated"]).timestamp())


def _stat_of_media(response: requests.Response, start: int) -> Stat:
    headers = response.headers
    hashes = dict(each.strip().partition("=")[::2] for each in headers.get("x-goog-hash", "").split(","))
    if start and response.status_code != 206:
        raise TransientError("it sent the whole object where a part was requested")
    size = start + int(headers.get("Content-Length", 0))
    return Stat(size, headers.get("x-goog-generation", ""), crc32c=hashes.get("crc32c", ""))


def _blocks(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.raw.stream(BLOCK_BYTES, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TransientError(_reason(error)) from error


def _error_message(response: requests.Response) -> str:
    """The message of an error response, shortened."""
    try:
        text = response.json()["error"]["message"]
    except (ValueError, LookupError, TypeError, requests.RequestException):
        text = response.reason or ""
    return str(text)[:300]


def _is_transient(error: google.auth.exceptions.GoogleAuthError) -> bool:
    """Whether a retry may help: for example, the metadata server that gives a pod its tokens did not respond."""
    transient = (google.auth.exceptions.TransportError, google.auth.exceptions.TimeoutError)
    return error.retryable or isinstance(error, transient) or isinstance(error.__cause__, transient)


def _reason(error: Exception) -> str:
    """What failed, without the URL: that of a resumable upload lets anybody who reads it write the object."""
    inner = error.args[0] if error.args else None
    if isinstance(inner, urllib3.exceptions.MaxRetryError):
        error = inner.reason or error
    return f"{type(error).__name__}: {error}"[:300]
