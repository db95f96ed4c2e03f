"""AWS S3, MinIO, SeaweedFS and others of the kind: `s3://bucket/prefix`.

boto3 finds the credentials, region and endpoint (profiles, web identity, AWS_ENDPOINT_URL) and signs. It asks once;
asking again is `BucketStore`'s.
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
from gan.store.cloud.parallel import in_parallel
from gan.store.cloud.retry import CONNECT_SECONDS, READ_SECONDS, malformed_is_transient
from gan.store.interface import IncompleteUpload, Item
from gan.util.retry import TransientError

CONNECTIONS = 64
SINGLE_REQUEST_BYTES = 64 << 20
PART_BYTES, MOST_PARTS, PART_THREADS = 16 << 20, 10_000, 4
PASSING = frozenset({408, 409, 429, *range(500, 600)})
PASSING_CODES = frozenset({"RequestTimeout", "SlowDown", "Throttling", "InternalError"})
SIGNING_CODES = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired"})
CLOCK_CODES = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
NOT_SIGNED_IN = (
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.TokenRetrievalError,
    botocore.exceptions.SSOError,
)
BROKEN_OFF = (
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.ConnectionError,
    botocore.exceptions.IncompleteReadError,
    botocore.exceptions.ChecksumError,
    botocore.exceptions.FlexibleChecksumError,
    botocore.exceptions.CredentialRetrievalError,  # those at hand expire, and the pod's agent does not answer
    botocore.exceptions.MetadataRetrievalError,
    ResponseParserError,
    urllib3.exceptions.HTTPError,
    OSError,
)
SIGN_IN = (
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod a role; AWS_ENDPOINT_URL names a "
    "server that is not AWS"
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
            s3={"payload_signing_enabled": False},  # bytes go with a signed SHA-256 of their own
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
        with self.explained():
            return _stat(self.client.head_object(Bucket=self.bucket, Key=key))

    @contextmanager
    def open(self, key: str, *, start: int, version: str | None) -> Iterator[Reading]:  # noqa: D102
        options = {"Range": f"bytes={start}-"} if start else {}
        if version:
            options["IfMatch"] = version
        with self.explained():
            answer = self.client.get_object(Bucket=self.bucket, Key=key, **options)
        with contextlib.closing(answer["Body"]) as body:
            if start and "ContentRange" not in answer:
                raise TransientError("it sent all of the object where a part was asked for")
            yield Reading(_stat(answer, start), self._blocks(body))

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
        # Not by the service's own token: MinIO's is another one at each reading.
        answer = self._listed(Prefix=prefix, MaxKeys=size, **({"StartAfter": token} if token else {}))
        with malformed_is_transient():
            items = tuple(
                Item(each["Key"], each["Size"], each["LastModified"].timestamp()) for each in answer.get("Contents", ())
            )
            return Page(items, items[-1].key if answer["IsTruncated"] else None)

    def remove(self, key: str) -> None:  # noqa: D102
        with self.explained():
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def now(self) -> float:  # noqa: D102
        answer = self._listed(MaxKeys=1)
        with malformed_is_transient():
            return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()

    def leftovers(self, prefix: str) -> Iterator[IncompleteUpload]:  # noqa: D102
        markers: dict[str, str] = {}
        while True:  # without a prefix, for MinIO takes one for a whole key
            with self.explained():
                answer = self.client.list_multipart_uploads(Bucket=self.bucket, **markers)
            with malformed_is_transient():
                uploads = [(each["Key"], each["UploadId"], each["Initiated"]) for each in answer.get("Uploads", ())]
                if more := answer["IsTruncated"]:
                    markers = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}
            for key, upload_id, begun in uploads:
                if key.startswith(prefix):
                    yield IncompleteUpload(f"{key}#{upload_id}", self._size_of_parts(key, upload_id), begun.timestamp())
            if not more:
                return

    def discard(self, leftover: IncompleteUpload) -> None:  # noqa: D102
        key, _, upload_id = leftover.name.rpartition("#")
        with self.explained():
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns what boto3 raises into what a `ObjectApi` raises."""
        try:
            with malformed_is_transient():  # what boto3 can't parse
                yield
        except botocore.exceptions.ClientError as error:
            raise self._error(error) from None
        except NOT_SIGNED_IN as error:
            raise StoreError(f"no credentials for {self.uri}: {error}; {SIGN_IN}") from None
        except BROKEN_OFF as error:
            raise TransientError(f"{type(error).__name__}: {error}"[:300]) from error
        except botocore.exceptions.BotoCoreError as error:
            raise StoreError(f"{self.uri}: {error}") from None

    def _error(self, error: botocore.exceptions.ClientError) -> Exception:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        described = error.response.get("Error", {})
        code, message = str(described.get("Code", "")), str(described.get("Message", ""))[:300]
        told = f"status {status}, {code}: {message}"
        if code == "NoSuchBucket" or code in SIGNING_CODES or code in CLOCK_CODES:
            return self._refusal(status, code, told)
        if status == 404:
            return MissingError()
        if status in (304, 412, 416) or code == "PreconditionFailed":  # 416: it is shorter than an answer said
            return PreconditionFailedError()
        if code == "ConditionalRequestConflict":
            return RacedError(told)
        if code in PASSING_CODES or status in PASSING or status == 400 or status < 300:
            return TransientError(told, ambiguous=status == 400 and code not in PASSING_CODES)
        return self._refusal(status, code, told)

    def _refusal(self, status: int, code: str, told: str) -> StoreError:
        """What does not pass, with what to do."""
        if code == "NoSuchBucket":
            return no_bucket(self.uri)
        if code in SIGNING_CODES or status == 401:
            return StoreError(f"{self.uri} does not take these credentials ({told}); {SIGN_IN}")
        if code in CLOCK_CODES:
            return StoreError(f"{self.uri} finds the clock of this machine wrong ({told}); set it")
        if status == 403:
            return StoreError(
                f"no permission for {self.uri} ({told}); allow this account s3:GetObject, s3:PutObject, "
                "s3:DeleteObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts, s3:ListBucket and "
                f"s3:ListBucketMultipartUploads there, or sign in as another: {SIGN_IN}"
            )
        return StoreError(f"{self.uri} answered with {told}; look at AWS_ENDPOINT_URL and AWS_REGION")

    def _listed(self, **options: Any) -> dict[str, Any]:
        try:
            with self.explained():
                answer: dict[str, Any] = self.client.list_objects_v2(Bucket=self.bucket, **options)
                return answer
        except MissingError:
            raise no_bucket(self.uri) from None

    def _blocks(self, body: Any) -> Iterator[bytes]:
        with self.explained():
            while block := body.read(BLOCK_BYTES):
                yield block

    def _size_of_parts(self, key: str, upload_id: str) -> int:
        try:
            with self.explained():
                parts = self.client.get_paginator("list_parts").paginate(
                    Bucket=self.bucket, Key=key, UploadId=upload_id
                )
                return sum(part["Size"] for page in parts for part in page.get("Parts", ()))
        except MissingError:
            return 0


class RacedError(TransientError):
    """Another write of the same object came between; of a multipart upload all parts must then be sent anew."""


class S3SingleUpload:
    """One request."""

    reached = 0

    def __init__(self, service: S3Api, key: str, content: Content, conditions: dict[str, str]) -> None:
        self._service, self._key, self._content, self._conditions = service, key, content, conditions

    def attempt(self) -> str:
        """Send all of it."""
        with Body(self._content) as body, _conditional(self._conditions), self._service.explained():
            answer = self._service.client.put_object(
                Bucket=self._service.bucket,
                Key=self._key,
                Body=body,
                ChecksumSHA256=_base64(bytes.fromhex(self._content.sha256)),
                Metadata={SHA256: self._content.sha256},
                **self._conditions,
            )
        return str(answer["ETag"])


class MultipartUpload:
    """Parts that go up side by side, then one request that makes an object of them. What is up stays up."""

    def __init__(self, service: S3Api, key: str, content: Content, conditions: dict[str, str]) -> None:
        self._service, self._content, self._conditions = service, content, conditions
        self._where = {"Bucket": service.bucket, "Key": key}
        self._part_bytes = max(PART_BYTES, -(-content.size // MOST_PARTS))
        self._upload_id: str | None = None
        self._parts: dict[int, dict[str, Any]] = {}
        self._completing = False

    @property
    def reached(self) -> int:
        """How many bytes are up."""
        return len(self._parts) * self._part_bytes

    def attempt(self) -> str:
        """Send the parts that are not up yet, and complete the upload."""
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
        with self._service.explained():
            answer = self._service.client.create_multipart_upload(
                **self._where, ChecksumAlgorithm="SHA256", Metadata={SHA256: self._content.sha256}
            )
        return str(answer["UploadId"])

    def _send(self, number: int) -> None:
        start = (number - 1) * self._part_bytes
        stop = min(start + self._part_bytes, self._content.size)
        with Body(self._content, start=start, stop=stop) as body:
            digest = hashlib.sha256()
            for block in body:
                digest.update(block)
            body.seek(0)
            checksum = _base64(digest.digest())
            with self._service.explained():
                answer = self._service.client.upload_part(
                    **self._where, UploadId=self._upload_id, PartNumber=number, Body=body, ChecksumSHA256=checksum
                )
        self._parts[number] = {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _complete(self) -> str:
        self._completing = True
        parts = [self._parts[number] for number in sorted(self._parts)]
        with _conditional(self._conditions), self._service.explained():
            answer = self._service.client.complete_multipart_upload(
                **self._where, UploadId=self._upload_id, MultipartUpload={"Parts": parts}, **self._conditions
            )
        return str(answer["ETag"])

    def _version_if_completed(self) -> str:
        """The version of the object if the upload is gone because it was completed and the answer was lost."""
        if self._completing:
            with contextlib.suppress(MissingError):
                stat = self._service.stat(self._where["Key"])
                if stat.sha256 == self._content.sha256:
                    return stat.version
        raise TransientError("the upload is gone")

    def _abort(self) -> None:
        if self._upload_id is not None:
            with contextlib.suppress(TransientError, MissingError, StoreError), self._service.explained():
                self._service.client.abort_multipart_upload(**self._where, UploadId=self._upload_id)
        self._upload_id, self._parts = None, {}


@contextmanager
def _conditional(conditions: dict[str, str]) -> Iterator[None]:
    """A write that expects a version where there is nothing is refused, whatever the service calls it."""
    try:
        yield
    except MissingError:
        if "IfMatch" not in conditions:
            raise
        raise PreconditionFailedError from None


def _stat(answer: dict[str, Any], start: int = 0) -> Stat:
    return Stat(start + answer["ContentLength"], answer["ETag"], answer.get("Metadata", {}).get(SHA256, ""))


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
