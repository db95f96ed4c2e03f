"""Responses of AWS that no test server gives, in place of the server's own."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from gan.errors import StoreError, UnavailableError
from gan.store.cloud import s3
from gan.store.cloud.bucket import BucketStore
from gan.store.cloud.object_api import MissingError, PreconditionFailedError
from gan.store.cloud.retry import Retry
from gan.store.cloud.s3 import S3Api
from gan.util.retry import TransientError
from support import servers


@pytest.fixture
def service(moto_server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> S3Api:
    for name, value in moto_server.environment.items():
        monkeypatch.setenv(name, value)
    return S3Api(servers.make_bucket(moto_server))


def answer_once(service: S3Api, operation: str, status: int, body: str) -> list[str]:
    """Answer the next request of an operation without sending it; returns what is left to answer."""
    left = [body]

    def answered(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if not left:
            return None
        raw = urllib3.HTTPResponse(io.BytesIO(left.pop().encode()), preload_content=False)
        return AWSResponse(request.url, status, {}, raw)

    service.client.meta.events.register(f"before-send.s3.{operation}", answered)
    return left


def error(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>told</Message></Error>"


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (503, "SlowDown", TransientError),
        (400, "RequestTimeout", TransientError),
        (409, "ConditionalRequestConflict", s3.RacedError),
        (409, "OperationAborted", TransientError),
        (412, "PreconditionFailed", PreconditionFailedError),
        (200, "PreconditionFailed", PreconditionFailedError),
        (200, "InternalError", TransientError),
        (416, "InvalidRange", PreconditionFailedError),
        (404, "NoSuchUpload", MissingError),
        (404, "NoSuchBucket", StoreError),
        (403, "RequestTimeTooSkewed", StoreError),
        (400, "ExpiredToken", StoreError),
    ],
)
def test_what_an_error_means(service: S3Api, status: int, code: str, meaning: type[Exception]) -> None:
    described = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(meaning), service.translated_errors():
        raise botocore.exceptions.ClientError(described, "Any")


def test_a_multipart_upload_that_was_raced_sends_all_parts_anew(
    service: S3Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "SINGLE_REQUEST_BYTES", 1 << 20)
    file = tmp_path / "file"
    file.write_bytes(os.urandom(2 << 20))
    store = BucketStore(service, "p", Retry(20))
    left = answer_once(service, "CompleteMultipartUpload", 409, error("ConditionalRequestConflict"))
    begun: list[str] = []
    service.client.meta.events.register("before-call.s3.CreateMultipartUpload", lambda **_: begun.append("one"))
    digest = store.upload("k", file, if_absent=True)
    assert (left, len(begun)) == ([], 2)
    assert store.download("k", tmp_path / "copy") == digest
    assert list(store.incomplete_uploads()) == []


@pytest.mark.parametrize("wrong", ["<Size>1x</Size>", "<LastModified>2024-51-01T00:00:00Z</LastModified>"])
def test_a_listing_that_makes_no_sense_is_asked_for_again(service: S3Api, wrong: str) -> None:
    store = BucketStore(service, "p", Retry(20))
    store.write("k", b"1")
    contents = f"<IsTruncated>false</IsTruncated><Contents><Key>p/k</Key>{wrong}</Contents>"
    left = answer_once(service, "ListObjectsV2", 200, f"<ListBucketResult>{contents}</ListBucketResult>")
    assert [item.key for item in store.list()] == ["k"]
    assert left == []


def test_credentials_that_do_not_come_for_now_are_asked_for_again(service: S3Api) -> None:
    with pytest.raises(TransientError, match="the agent did not answer"), service.translated_errors():
        raise botocore.exceptions.CredentialRetrievalError(provider="pod", error_msg="the agent did not answer")


def test_a_wrong_clock_is_reported_at_once(service: S3Api) -> None:
    answer_once(service, "PutObject", 403, error("RequestTimeTooSkewed"))
    with pytest.raises(StoreError, match=r"says that the clock of this machine is wrong .*; set it") as told:
        BucketStore(service, "p", Retry(20)).write("k", b"1")
    assert not isinstance(told.value, UnavailableError)
