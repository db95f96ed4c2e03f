"""AWS S3, MinIO, SeaweedFS and similar services: `s3://bucket/prefix`.

boto3 finds the credentials, region and endpoint (profiles, web identity, AWS_ENDPOINT_URL) and signs. Its retries are
off: `BucketStore` retries.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import boto3
import botocore.exceptions
import urllib3
from botocore.config import Config
from botocore.parsers import ResponseParserError

from gan.errors import ConfigError, StoreError
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
from gan.store.cloud.transfer import in_parallel
from gan.store.interface import IncompleteUpload, Item
from gan.util.retry import TransientError

CONNECTIONS = 64
SINGLE_REQUEST_BYTES = 64 << 20
PART_BYTES, MAX_PARTS, PART_THREADS = 16 << 20, 10_000, 4
TRANSIENT_STATUS = frozenset({408, 409, 429, *range(500, 600)})
TRANSIENT_CODES = frozenset({"RequestTimeout", "SlowDown", "Throttling", "InternalError"})
CREDENTIAL_CODES = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired"})
CLOCK_CODES = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
CREDENTIAL_ERRORS = (
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.TokenRetrievalError,
    botocore.exceptions.SSOError,
)
CONNECTION_ERRORS = (
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.ConnectionError,
    botocore.exceptions.IncompleteReadError,
    botocore.exceptions.ChecksumError,
    botocore.exceptions.FlexibleChecksumError,
    botocore.exceptions.CredentialRetrievalError,  # the credentials expired, and the pod's agent does not respond
    botocore.exceptions.MetadataRetrievalError,
    ResponseParserError,
    urllib3.exceptions.HTTPError,
    OSError,
)
SIGN_IN = (
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod a role; AWS_ENDPOINT_URL names a "
    "server other than AWS"
)


class S3Api(ObjectApi):
    """One bucket of an S3 service."""

    def __init__(self, bucket: str) -> None:
        self.uri, self.bucket = f"s3://{bucket}", bucket
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=CONNECTIONS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"payload_signing_enabled": False},  # the bytes have a signed SHA-256 of their own
        )
        try:
            session = boto3.session.Session()
            if session.get_credentials() is None:
                raise StoreError(f"no credentials for {self.uri}; {SIGN_IN}")
            self.client: Any = session.client("s3", config=config)
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise ConfigError(f"the settings for {self.uri} are wrong: {error}; {SIGN_IN}") from None
        self.encrypted = self.client.meta.endpoint_url.startswith("https://")

    def stat(self, key: str) -> Stat:  # noqa: D102
        with self.translated_errors():
            return _stat(self.client.head_object(Bucket=self.bucket, Key=key))

    @contextmanager
    def open(self, key: str, *, start: int, version: str | None) -> Iterator[Reading]:  # noqa: D102
        options = {"Range": f"bytes={start}-"} if start else {}
        if version:
            options["IfMatch"] = version
        with self.translated_errors():
            response = self.client.get_object(Bucket=self.bucket, Key=key, **options)
        with contextlib.closing(response["Body"]) as body:
            if start and "ContentRange" not in response:
                raise TransientError("it sent the whole object where a part was requested")
            yield Reading(_stat(response, start), self._blocks(body))

    def upload(self, key: str, content: Content, condition: Condition) -> S3SingleUpload | MultipartUpload:  # noqa: D102
        conditions: dict[str, str] = {}
        match condition:
            case Absent():
                conditions["IfNoneMatch"] = "*"
            case Unchanged(version):
                conditions["IfMatch"] = version
        kind = S3SingleUpload if content.size <= SINGLE_REQUEST_BYTES else MultipartUpload
        return kind(self, key, content, conditions)

    def page(self, prefix: str, token: str | None, *, size: int = PAGE) -> Page:  # noqa: D102
        # Not with the service's own token: MinIO's differs on each reading.
        response = self._list(Prefix=prefix, MaxKeys=size, **({"StartAfter": token} if token else {}))
        with malformed_is_transient():
            items = tuple(
                Item(each["Key"], each["Size"], each["LastModified"].timestamp())
                for each in response.get("Contents", ())
            )
            return Page(items, items[-1].key if response["IsTruncated"] else None)

    def remove(self, key: str) -> None:  # noqa: D102
        with self.translated_errors():
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def now(self) -> float:  # noqa: D102
        response = self._list(MaxKeys=1)
        with malformed_is_transient():
            return parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()

    def incomplete_uploads(self, prefix: str) -> Iterator[IncompleteUpload]:  # noqa: D102
        markers: dict[str, str] = {}
        while True:  # without a prefix, because MinIO takes it for a whole key
            with self.translated_errors():
                response = self.client.list_multipart_uploads(Bucket=self.bucket, **markers)
            with malformed_is_transient():
                uploads = [(each["Key"], each["UploadId"], each["Initiated"]) for each in response.get("Uploads", ())]
                if more := response["IsTruncated"]:
                    markers = {"KeyMarker": response["NextKeyMarker"], "UploadIdMarker": response["NextUploadIdMarker"]}
            for key, upload_id, begun in uploads:
                if key.startswith(prefix):
                    yield IncompleteUpload(f"{key}#{upload_id}", self._size_of_parts(key, upload_id), begun.timestamp())
            if not more:
                return

    def abort_upload(self, upload: IncompleteUpload) -> None:  # noqa: D102
        key, _, upload_id = upload.name.rpartition("#")
        with self.translated_errors():
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Turn boto3's errors into those of `ObjectApi`."""
        try:
            with malformed_is_transient():  # a response that boto3 can't parse
                yield
        except botocore.exceptions.ClientError as error:
            raise self._error(error) from None
        except CREDENTIAL_ERRORS as error:
            raise StoreError(f"no credentials for {self.uri}: {error}; {SIGN_IN}") from None
        except CONNECTION_ERRORS as error:
            raise TransientError(f"{type(error).__name__}: {error}"[:300]) from error
        except botocore.exceptions.BotoCoreError as error:
            raise StoreError(f"{self.uri}: {error}") from None

    def _error(self, error: botocore.exceptions.ClientError) -> Exception:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        details = error.response.get("Error", {})
        code, message = str(details.get("Code", "")), str(details.get("Message", ""))[:300]
        description = f"status {status}, {code}: {message}"
        if code == "NoSuchBucket" or code in CREDENTIAL_CODES or code in CLOCK_CODES:
            return self._permanent_error(status, code, description)
        if status == 404:
            return MissingError()
        if status in (304, 412, 416) or code == "PreconditionFailed":  # 416: it is shorter than a response said
            return PreconditionFailedError()
        if code == "ConditionalRequestConflict":
            return RacedError(description)
        if code in TRANSIENT_CODES or status in TRANSIENT_STATUS or status == 400 or status < 300:
            return TransientError(description, ambiguous=status == 400 and code not in TRANSIENT_CODES)
        return self._permanent_error(status, code, description)

    def _permanent_error(self, status: int, code: str, description: str) -> StoreError:
        """An error that a retry does not fix, with a remedy."""
        if code == "NoSuchBucket":
            return no_bucket(self.uri)
        if code in CREDENTIAL_CODES or status == 401:
            return StoreError(f"{self.uri} does not accept these credentials ({description}); {SIGN_IN}")
        if code in CLOCK_CODES:
            return StoreError(f"{self.uri} says that the clock of this machine is wrong ({description}); set it")
        if status == 403:
            return StoreError(
                f"no permission for {self.uri} ({description}); allow this account s3:GetObject, s3:PutObject, "
                "s3:DeleteObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts, s3:ListBucket and "
                f"s3:ListBucketMultipartUploads there, or sign in as another account: {SIGN_IN}"
            )
        return StoreError(f"{self.uri} answered with {description}; check AWS_ENDPOINT_URL and AWS_REGION")

    def _list(self, **options: Any) -> dict[str, Any]:
        try:
            with self.translated_errors():
                response: dict[str, Any] = self.client.list_objects_v2(Bucket=self.bucket, **options)
                return response
        except MissingError:
            raise no_bucket(self.uri) from None

    def _blocks(self, body: Any) -> Iterator[bytes]:
        with self.translated_errors():
            while block := body.read(BLOCK_BYTES):
                yield block

    def _size_of_parts(self, key: str, upload_id: str) -> int:
        try:
            with self.translated_errors():
                parts = self.client.get_paginator("list_parts").paginate(
                    Bucket=self.bucket, Key=key, UploadId=upload_id
                )
                return sum(part["Size"] for page in parts for part in page.get("Parts", ()))
        except MissingError:
            return 0


class RacedError(TransientError):
    """Another write of the same object interfered; a multipart upload must then send all parts again."""


class S3SingleUpload:
    """One request."""

    bytes_done = 0

    def __init__(self, api: S3Api, key: str, content: Content, conditions: dict[str, str]) -> None:
        self._api, self._key, self._content, self._conditions = api, key, content, conditions

    def attempt(self) -> str:
        """Send all of it."""
        with (
            Body(self._content) as body,
            _missing_is_precondition_failed(self._conditions),
            self._api.translated_errors(),
        ):
            response = self._api.client.put_object(
                Bucket=self._api.bucket,
                Key=self._key,
                Body=body,
                ChecksumSHA256=_base64(bytes.fromhex(self._content.sha256)),
                Metadata={SHA256: self._content.sha256},
                **self._conditions,
            )
        return str(response["ETag"])


class MultipartUpload:
    """Parts sent in parallel, then one request that makes an object of them. Sent parts stay across attempts."""

    def __init__(self, api: S3Api, key: str, content: Content, conditions: dict[str, str]) -> None:
        self._api, self._content, self._conditions = api, content, conditions
        self._target = {"Bucket": api.bucket, "Key": key}
        self._part_bytes = max(PART_BYTES, -(-content.size // MAX_PARTS))
        self._upload_id: str | None = None
        self._parts: dict[int, dict[str, Any]] = {}
        self._completing = False

    @property
    def bytes_done(self) -> int:
        """How many bytes were sent."""
        return len(self._parts) * self._part_bytes

    def attempt(self) -> str:
        """Send the missing parts and complete the upload."""
        try:
            if self._upload_id is None:
                self._upload_id = self._begin()
            missing = [number for number in range(1, self._count + 1) if number not in self._parts]
            in_parallel([partial(self._send, number) for number in missing], threads=PART_THREADS)
            return self._complete()
        except MissingError:
            self._upload_id, self._parts = None, {}
            return self._version_if_completed()
        except (PreconditionFailedError, RacedError, StoreError):
            self._abort()
            raise

    @property
    def _count(self) -> int:
        return -(-self._content.size // self._part_bytes)

    def _begin(self) -> str:
        with self._api.translated_errors():
            response = self._api.client.create_multipart_upload(
                **self._target, ChecksumAlgorithm="SHA256", Metadata={SHA256: self._content.sha256}
            )
        return str(response["UploadId"])

    def _send(self, number: int) -> None:
        start = (number - 1) * self._part_bytes
        stop = min(start + self._part_bytes, self._content.size)
        with Body(self._content, start=start, stop=stop) as body:
            digest = hashlib.sha256()
            for block in body:
                digest.update(block)
            body.seek(0)
            checksum = _base64(digest.digest())
            with self._api.translated_errors():
                response = self._api.client.upload_part(
                    **self._target, UploadId=self._upload_id, PartNumber=number, Body=body, ChecksumSHA256=checksum
                )
        self._parts[number] = {"PartNumber": number, "ETag": response["ETag"], "ChecksumSHA256": checksum}

    def _complete(self) -> str:
        self._completing = True
        parts = [self._parts[number] for number in sorted(self._parts)]
        with _missing_is_precondition_failed(self._conditions), self._api.translated_errors():
            response = self._api.client.complete_multipart_upload(
                **self._target, UploadId=self._upload_id, MultipartUpload={"Parts": parts}, **self._conditions
            )
        return str(response["ETag"])

    def _version_if_completed(self) -> str:
        """The object's version, if the upload is gone because it was completed and the response was lost."""
        if self._completing:
            with contextlib.suppress(MissingError):
                stat = self._api.stat(self._target["Key"])
                if stat.sha256 == self._content.sha256:
                    return stat.version
        raise TransientError("the upload is gone")

    def _abort(self) -> None:
        if self._upload_id is not None:
            with contextlib.suppress(TransientError, MissingError, StoreError), self._api.translated_errors():
                self._api.client.abort_multipart_upload(**self._target, UploadId=self._upload_id)
        self._upload_id, self._parts = None, {}


@contextmanager
def _missing_is_precondition_failed(conditions: dict[str, str]) -> Iterator[None]:
    """Where there is no object, a write that expects a version fails its condition; some services say "not found"."""
    try:
        yield
    except MissingError:
        if "IfMatch" not in conditions:
            raise
        raise PreconditionFailedError from None


def _stat(response: dict[str, Any], start: int = 0) -> Stat:
    return Stat(start + response["ContentLength"], response["ETag"], response.get("Metadata", {}).get(SHA256, ""))


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
