"""Google Cloud Storage: `gs://bucket/prefix`.

google-cloud-storage finds the credentials and the endpoint (application default credentials, workload identity,
STORAGE_EMULATOR_HOST) and signs in. The requests are made here, by the JSON API that it speaks itself: its own
methods hold a file's bytes in memory, ask again by a policy of their own, and delete what they took for damaged.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import google.auth.exceptions
import requests
import urllib3
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
SINGLE_REQUEST_BYTES = 8 << 20  # what is larger goes up by a session that can be resumed
PASSING = frozenset({408, 429, *range(500, 600)})
FIELDS = "name,size,generation,crc32c,metadata,updated"
SIGN_IN = (
    "sign in with `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name a key file, or "
    "give the pod a workload identity"
)


class GcsApi(ObjectApi):
    """One bucket of Google Cloud Storage."""

    crc32c = True

    def __init__(self, bucket: str) -> None:
        self.uri, self._bucket = f"gs://{bucket}", bucket
        try:
            client = storage.Client(project=None)
        except google.auth.exceptions.GoogleAuthError as error:
            raise StoreError(f"no credentials of Google Cloud for {self.uri} ({error}); {SIGN_IN}") from None
        self._endpoint = client.api_endpoint.rstrip("/")
        self.encrypted = self._endpoint.startswith("https://")
        self._session = client._http
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(pool_connections=4, pool_maxsize=CONNECTIONS))

    def stat(self, key: str) -> Stat:  # noqa: D102
        return _stat(_json(self.ask("GET", f"{self._object(key)}?fields={FIELDS}")))

    @contextmanager
    def open(self, key: str, *, start: int, version: str | None) -> Iterator[Reading]:  # noqa: D102
        pinned = f"&generation={version}" if version else ""
        # As it is stored: what others keep compressed is else unpacked on the way, and does not fit its checksum.
        headers = {"Accept-Encoding": "gzip"} | ({"Range": f"bytes={start}-"} if start else {})
        url = f"{self._object(key, '/download')}?alt=media{pinned}"
        with self.ask("GET", url, headers=headers, stream=True) as answer:
            yield Reading(_stat_of_media(answer, start), _blocks(answer))

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
        tree = _json(self._listed(wanted + (f"&pageToken={quote(token, safe='')}" if token else "")))
        with malformed_is_transient():
            return Page(tuple(_item(each) for each in tree.get("items", ())), tree.get("nextPageToken"))

    def remove(self, key: str) -> None:  # noqa: D102
        self.ask("DELETE", self._object(key))

    def now(self) -> float:  # noqa: D102
        answer = self._listed("maxResults=1&fields=nextPageToken")
        with malformed_is_transient():
            return parsedate_to_datetime(answer.headers["Date"]).timestamp()

    def _listed(self, wanted: str) -> requests.Response:
        try:
            return self.ask("GET", f"{self._endpoint}/storage/v1/b/{self._bucket}/o?{wanted}")
        except MissingError:
            raise no_bucket(self.uri) from None

    def ask(self, method: str, url: str, *, accept: tuple[int, ...] = (), **options: Any) -> requests.Response:
        """One request; the answer if its status is 2xx or one of `accept`, else the error that it stands for."""
        try:
            answer: requests.Response = self._session.request(
                method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, **options
            )
        except google.auth.exceptions.GoogleAuthError as error:
            if _may_pass(error):
                raise TransientError(f"signing in failed: {error}") from error
            raise StoreError(f"signing in for {self.uri} failed: {error}; {SIGN_IN}") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise TransientError(_why(error)) from error
        if answer.status_code < 300 or answer.status_code in accept:
            return answer
        with answer:
            raise self._error(answer.status_code, _message(answer))

    def _error(self, status: int, message: str) -> Exception:
        if status in PASSING or status == 400:
            return TransientError(f"status {status} {message}".strip(), ambiguous=status == 400)
        if status in (404, 410):
            return MissingError()
        if status in (304, 412, 416):  # 416: it is shorter than an answer said
            return PreconditionFailedError()
        if status == 401:
            return StoreError(f"{self.uri} does not take these credentials ({message}); {SIGN_IN}")
        if status == 403:
            return StoreError(
                f"no permission for {self.uri} ({message}); give this account the role roles/storage.objectUser on the "
                "bucket, without a condition that leaves this out, or sign in as another"
            )
        return StoreError(f"{self.uri} answered with status {status}: {message}")

    def _object(self, key: str, root: str = "") -> str:
        return f"{self._endpoint}{root}/storage/v1/b/{self._bucket}/o/{quote(key, safe='')}"


class GcsSingleUpload:
    """One request that carries metadata and bytes."""

    reached = 0

    def __init__(self, service: GcsApi, key: str, content: Content, url: str) -> None:
        self._service, self._key, self._content, self._url = service, key, content, url

    def attempt(self) -> str:
        """Send all of it."""
        boundary = uuid.uuid4().hex
        part = f"--{boundary}\r\nContent-Type: "
        described = json.dumps(_metadata(self._content))
        head = f"{part}application/json; charset=UTF-8\r\n\r\n{described}\r\n{part}application/octet-stream\r\n\r\n"
        with Body(self._content, head=head.encode(), tail=f"\r\n--{boundary}--\r\n".encode()) as body:
            answer = self._service.ask(
                "POST",
                f"{self._url}&uploadType=multipart",
                data=body,
                headers={"Content-Type": f"multipart/related; boundary={boundary}"},
            )
        return _version(answer, self._key, self._content)


class ResumableUpload:
    """A session: begun by one request, then all bytes in another one, which goes on where it broke off."""

    def __init__(self, service: GcsApi, key: str, content: Content, url: str) -> None:
        self._service, self._key, self._content, self._url = service, key, content, url
        self._session: str | None = None
        self.reached = 0

    def attempt(self) -> str:
        """Send what the service has not got yet."""
        answer = None if self._session is None else self._ask_how_far(self._session)
        if self._session is None:
            self._begin()
        try:
            return _version(answer or self._send_rest(), self._key, self._content)
        except MissingError:
            self._session = None
            raise TransientError("the session of the upload is gone") from None
        except _MismatchError:
            self._session = None
            raise

    def _begin(self) -> None:
        """Begins a session, with nothing in it."""
        answer = self._service.ask(
            "POST",
            f"{self._url}&uploadType=resumable",
            json=_metadata(self._content),
            headers={"X-Upload-Content-Length": str(self._content.size)},
        )
        with malformed_is_transient():
            self._session, self.reached = answer.headers["Location"], 0

    def _ask_how_far(self, session: str) -> requests.Response | None:
        """Sets `reached` to what the service has; returns its answer where that is all."""
        sent = {"Content-Range": f"bytes */{self._content.size}"}
        answer = self._service.ask("PUT", session, headers=sent, accept=(308, 400, 404, 410, 412))
        if answer.status_code < 300:
            return answer
        if answer.status_code != 308:
            self._session = None
            return None
        had = answer.headers.get("Range", "").rpartition("-")[2]
        self.reached = int(had) + 1 if had.isdigit() else 0
        return None

    def _send_rest(self) -> requests.Response:
        size = self._content.size
        with Body(self._content, start=self.reached) as body:
            sent = {"Content-Range": f"bytes {self.reached}-{size - 1}/{size}"}
            answer = self._service.ask("PUT", str(self._session), data=body, headers=sent, accept=(308,))
        if answer.status_code == 308:
            raise TransientError("it kept only a part of what was sent")
        return answer


class _MismatchError(TransientError):
    """What the service says it has is not what was sent."""


class _Adapter(HTTPAdapter):  # type: ignore[misc]
    """Connections that send and read in larger blocks than the default of 16 KiB."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, blocksize=BLOCK_BYTES)


def _metadata(content: Content) -> dict[str, Any]:
    return {"crc32c": content.crc32c, "metadata": {SHA256: content.sha256}}


def _version(answer: requests.Response, key: str, content: Content) -> str:
    """The generation that an upload's answer tells, if that describes what was sent."""
    tree = _json(answer)
    sent = (key, str(content.size), content.crc32c, _metadata(content)["metadata"])
    if (tree.get("name"), str(tree.get("size", 0)), tree.get("crc32c"), tree.get("metadata")) != sent:
        raise _MismatchError("its answer does not describe what was sent")
    return str(tree.get("generation"))


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        tree = answer.json()
    except (ValueError, RecursionError) as error:
        raise TransientError(f"its answer is no JSON: {error}") from None
    if not isinstance(tree, dict):
        raise TransientError("its answer is no JSON object")
    return tree


def _stat(tree: dict[str, Any]) -> Stat:
    with malformed_is_transient():
        sha256 = tree.get("metadata", {}).get(SHA256, "")
        return Stat(int(tree["size"]), str(tree["generation"]), sha256, tree.get("crc32c", ""))


def _item(tree: dict[str, Any]) -> Item:
    return Item(tree["name"], int(tree.get("size", 0)), datetime.fromisoformat(tree["updated"]).timestamp())


def _stat_of_media(answer: requests.Response, start: int) -> Stat:
    headers = answer.headers
    hashes = dict(each.strip().partition("=")[::2] for each in headers.get("x-goog-hash", "").split(","))
    if start and answer.status_code != 206:
        raise TransientError("it sent all of the object where a part was asked for")
    size = start + int(headers.get("Content-Length", 0))
    return Stat(size, headers.get("x-goog-generation", ""), crc32c=hashes.get("crc32c", ""))


def _blocks(answer: requests.Response) -> Iterator[bytes]:
    try:
        yield from answer.raw.stream(BLOCK_BYTES, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TransientError(_why(error)) from error


def _message(answer: requests.Response) -> str:
    """What an error's answer says, shortened."""
    try:
        text = answer.json()["error"]["message"]
    except (ValueError, LookupError, TypeError, requests.RequestException):
        text = answer.reason or ""
    return str(text)[:300]


def _may_pass(error: google.auth.exceptions.GoogleAuthError) -> bool:
    """Whether signing in failed for now: the server of metadata, say, that a pod asks for tokens, did not answer."""
    passing = (google.auth.exceptions.TransportError, google.auth.exceptions.TimeoutError)
    return error.retryable or isinstance(error, passing) or isinstance(error.__cause__, passing)


def _why(error: Exception) -> str:
    """What broke, without the URL, which for a resumable upload lets whoever reads it write the object."""
    inner = error.args[0] if error.args else None
    if isinstance(inner, urllib3.exceptions.MaxRetryError):
        error = inner.reason or error
    return f"{type(error).__name__}: {error}"[:300]
