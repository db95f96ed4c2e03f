"""What every bucket promises beyond what every store does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from faults.proxy import Proxy
from gan.errors import (
    AlreadyExistsError,
    ConfigError,
    ConflictError,
    IntegrityError,
    NotFoundError,
    StoreError,
    UnavailableError,
)
from gan.store import Store, open_store
from gan.store.cloud import gcs, s3
from gan.store.cloud.transfer import in_parallel
from support import servers


@pytest.fixture(params=["gs", "s3-minio", "s3-moto"])
def proxied(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Proxy, str]]:
    """A proxy that spoils nothing yet, and the URI of a store behind it."""
    with Proxy(stall_seconds=0.1) as proxy:
        if request.param == "gs":
            started = servers.fake_gcs(external_url=proxy.url)
        else:
            started = servers.minio() if request.param == "s3-minio" else servers.moto()
        with started as server:
            proxy.target = server.url
            for name, value in servers.environment(server.scheme, proxy.url).items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("GAN_STORE_DEADLINE_SECONDS", "20")
            yield proxy, f"{server.scheme}://{servers.make_bucket(server)}/some/prefix"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes what is above 1 MiB large, and 5 MiB (the least that S3 takes) a part."""
    monkeypatch.setattr(gcs, "SINGLE_REQUEST_BYTES", 1 << 20)
    monkeypatch.setattr(s3, "SINGLE_REQUEST_BYTES", 1 << 20)
    monkeypatch.setattr(s3, "PART_BYTES", 5 << 20)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    file = tmp_path / "large"
    file.write_bytes(os.urandom(12 << 20))
    return file


def requests_of(proxy: Proxy) -> int:
    return proxy.counts["requests"]


def test_more_than_a_page_is_listed(bucket_store: Store) -> None:
    names = [f"many/{number:04}" for number in range(2005)]
    in_parallel([partial(bucket_store.write, name, b"") for name in [*names, "other"]], threads=8)
    assert [item.key for item in bucket_store.list("many")] == names
    assert len(list(bucket_store.list())) == 2006
    for number in range(2005, 2010):  # MinIO keeps listings, and begins new ones once something was written
        bucket_store.write(f"many/{number:04}", b"")
        assert len(list(bucket_store.list("many"))) == number + 1
        assert len(list(bucket_store.list())) == number + 2


def test_two_prefixes_of_a_bucket_are_two_stores(bucket_store: Store) -> None:
    other = open_store(f"{bucket_store.uri}/deep/er")
    other.write("k", b"inner")
    bucket_store.write("k", b"outer")
    assert [item.key for item in other.list()] == ["k"]
    assert [item.key for item in bucket_store.list()] == ["deep/er/k", "k"]
    assert (other.read("k"), bucket_store.read("deep/er/k")) == (b"inner", b"inner")


def test_a_deep_prefix_an_empty_file_and_an_odd_name(bucket_store: Store, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    key = "/".join(["deep"] * 40) + "/a b+c%2Fd?e#f&gä"
    digest = bucket_store.upload(key, empty)
    assert bucket_store.download(key, tmp_path / "out") == digest == bucket_store.sha256(key)
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize("kind", ["gs", "s3-minio", "s3-moto"])
def test_a_bucket_with_versioning_works_the_same(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    with {"gs": partial(servers.fake_gcs, backend="memory"), "s3-minio": servers.minio, "s3-moto": servers.moto}[
        kind
    ]() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        _use_versions(open_store(f"{server.scheme}://{servers.make_bucket(server, versioned=True)}/p"))


def _use_versions(store: Store) -> None:
    first = store.swap("k", b"1", expected=None)
    store.swap("k", b"2", expected=first)
    with pytest.raises(ConflictError):
        store.swap("k", b"3", expected=first)
    assert store.read("k") == b"2"
    store.delete("k")
    assert not store.exists("k")
    assert list(store.list()) == []
    store.write("k", b"again", if_absent=True)
    assert store.read("k") == b"again"


def test_the_clock_is_that_of_what_is_listed(bucket_store: Store) -> None:
    before = bucket_store.now()
    bucket_store.write("k", b"")
    (item,) = bucket_store.list()
    assert before - 2 <= item.modified <= bucket_store.now() + 2


def test_the_hash_on_record_is_that_of_the_bytes_also_where_somebody_else_wrote_them(bucket_store: Store) -> None:
    bucket_store.write("k", b"123")
    assert bucket_store.sha256("k") == "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"
    with pytest.raises(NotFoundError):
        bucket_store.sha256("none")


def test_a_missing_bucket_is_reported_at_once(bucket_store: Store) -> None:
    store = open_store(bucket_store.uri.replace("://", "://none-"))
    for use in (
        lambda: store.read("k"),
        lambda: store.exists("k"),
        lambda: store.write("k", b""),
        lambda: store.delete("k"),
        lambda: list(store.list()),
        store.now,
        store.require_conditions,
    ):
        with pytest.raises(StoreError, match=r"there is no bucket \w\w://none-[\w-]+; create it, or name another"):
            use()


def test_a_refusal_is_reported_at_once_with_a_remedy(proxied: tuple[Proxy, str]) -> None:
    proxy, uri = proxied
    store = open_store(uri)
    proxy.denies = True
    for use in (lambda: store.read("k"), lambda: store.write("k", b""), lambda: list(store.list())):
        before = proxy.counts["denied"]
        with pytest.raises(
            StoreError, match=r"no permission for \w\w://.*(give this account the role|allow this acc)"
        ) as told:
            use()
        assert proxy.counts["denied"] == before + 1
        assert servers.PASSWORD not in str(told.value)


def test_storage_that_stays_away_is_unavailable(proxied: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, uri = proxied
    monkeypatch.setenv("GAN_STORE_DEADLINE_SECONDS", "0.5")
    store = open_store(uri)
    store.write("k", b"1")
    proxy.down()
    with pytest.raises(UnavailableError, match=r"could not read .*/k for .*run the same command again"):
        store.read("k")
    proxy.up()
    assert store.read("k") == b"1"


@pytest.mark.parametrize("fault", ["lost", "503", "reset"])
def test_a_conditional_write_whose_answer_was_lost_has_won(proxied: tuple[Proxy, str], fault: str) -> None:
    proxy, uri = proxied
    store = open_store(uri)
    proxy.spoil_next(fault, 1)
    store.write("k", b"1", if_absent=True)
    version = store.read_versioned("k").version
    proxy.spoil_next(fault, 1)
    store.swap("k", b"2", expected=version)
    assert store.read("k") == b"2"
    proxy.spoil_next(fault, 1)
    with pytest.raises(AlreadyExistsError):
        store.write("k", b"3", if_absent=True)
    proxy.spoil_next(fault, 1)
    with pytest.raises(ConflictError):
        store.swap("k", b"3", expected=version)
    assert store.read("k") == b"2"


@pytest.mark.parametrize("fault", ["flip response", "truncate", "stall", "429"])
def test_what_is_spoilt_on_the_way_is_read_again(proxied: tuple[Proxy, str], fault: str, tmp_path: Path) -> None:
    proxy, uri = proxied
    store = open_store(uri)
    data = os.urandom(300_000)
    store.write("k", data)
    proxy.spoil_next(fault, 2)
    assert store.read("k") == data
    proxy.spoil_next(fault, 2)
    store.download("k", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data
    proxy.spoil_next(fault, 1)
    assert [(item.key, item.size) for item in store.list()] == [("k", 300_000)]
    proxy.spoil_next(fault, 1)
    assert store.exists("k")
    proxy.spoil_next(fault, 1)
    assert not store.exists("none")


@pytest.mark.parametrize("proxied", ["gs", "s3-minio"], indirect=True)
def test_a_flipped_upload_is_refused_and_sent_again_but_moto_takes_it(proxied: tuple[Proxy, str]) -> None:
    proxy, uri = proxied
    store = open_store(uri)
    data = os.urandom(300_000)
    proxy.spoil_next("flip request", 1)
    store.write("k", data)
    assert store.read("k") == data


@pytest.mark.parametrize("proxied", ["gs", "s3-moto"], indirect=True)
def test_a_storage_that_ignores_conditions_is_found_out_minio_wants_them_signed(proxied: tuple[Proxy, str]) -> None:
    proxy, uri = proxied
    proxy.strips_conditions = True
    with pytest.raises(StoreError, match=r"ignores the condition .* of a write, so two racing writers"):
        open_store(uri).require_conditions()
    proxy.strips_conditions = False
    store = open_store(uri)
    store.require_conditions()
    assert list(store.list()) == []
    before = requests_of(proxy)
    store.require_conditions()
    assert requests_of(proxy) == before, "it is tried once"


@pytest.mark.usefixtures("small_parts")
def test_a_large_file_is_uploaded_and_downloaded(bucket_store: Store, large: Path, tmp_path: Path) -> None:
    digest = bucket_store.upload("big", large, if_absent=True)
    assert bucket_store.download("big", tmp_path / "out") == digest == bucket_store.sha256("big")
    assert (tmp_path / "out").read_bytes() == large.read_bytes()
    with pytest.raises(AlreadyExistsError):
        bucket_store.upload("big", large, if_absent=True)
    large.write_bytes(large.read_bytes()[::-1])
    assert bucket_store.upload("big", large) != digest
    assert list(bucket_store.incomplete_uploads()) == []


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("fault", ["lost", "reset", "503"])
@pytest.mark.parametrize("request_number", range(4))
def test_a_large_file_survives_a_fault_in_any_of_its_requests(
    proxied: tuple[Proxy, str], large: Path, tmp_path: Path, fault: str, request_number: int
) -> None:
    proxy, uri = proxied
    store = open_store(uri)
    proxy._next = [fault, *["none"] * request_number]
    digest = store.upload("big", large, if_absent=True)
    assert store.download("big", tmp_path / "out") == digest
    for upload in store.incomplete_uploads():  # a multipart upload whose id was lost with the response
        assert (fault, request_number, upload.size) == ("lost", 0, 0)


def test_damage_in_the_storage_itself_is_reported(bucket_store: Store) -> None:
    if not bucket_store.uri.startswith("s3://"):
        pytest.skip("Google Cloud Storage computes the checksum itself; only bytes that it lost could differ")
    bucket_store.write("k", b"right")
    bucket, _, prefix = bucket_store.uri.removeprefix("s3://").partition("/")
    s3.S3Api(bucket).client.put_object(
        Bucket=bucket, Key=f"{prefix}/k", Body=b"wrong", Metadata={"gan-sha256": bucket_store.sha256("k")}
    )
    with pytest.raises(IntegrityError, match=r"/k has SHA-256 .*; expected .*damaged in the storage"):
        bucket_store.read("k")


@pytest.mark.parametrize("kind", ["minio_server", "moto_server"])
def test_an_incomplete_upload_is_listed_moto_dates_it_2010(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    server: servers.Server = request.getfixturevalue(kind)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = servers.make_bucket(server)
    client = s3.S3Api(bucket).client
    upload_id = client.create_multipart_upload(Bucket=bucket, Key="p/k")["UploadId"]
    client.upload_part(Bucket=bucket, Key="p/k", UploadId=upload_id, PartNumber=1, Body=b"123")
    client.create_multipart_upload(Bucket=bucket, Key="elsewhere/k")
    store = open_store(f"s3://{bucket}/p")
    (upload,) = store.incomplete_uploads()
    assert upload.size == 3
    assert kind == "moto_server" or abs(upload.modified - store.now()) < 60
    store.abort_upload(upload)
    store.abort_upload(upload)
    assert list(store.incomplete_uploads()) == []


def test_the_probe_of_a_killed_process_is_an_incomplete_upload_and_not_an_object(bucket_store: Store) -> None:
    bucket_store.write(".probes/x", b"first")
    assert list(bucket_store.list()) == []
    (upload,) = bucket_store.incomplete_uploads()
    assert (upload.name, upload.size) == (".probes/x", 5)
    bucket_store.abort_upload(upload)
    assert list(bucket_store.incomplete_uploads()) == []


@pytest.mark.parametrize("uri", ["gs://", "s3:///prefix", "gs://a", "s3://Ünicode/x", "gs://-x/y"])
def test_a_uri_names_a_bucket(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"--store must name a bucket \(letters, digits, .* of them\), such as"):
        open_store(uri)


def test_a_prefix_cannot_climb() -> None:
    with pytest.raises(ConfigError, match="relative path inside the store"):
        open_store("gs://bucket/a/../b")


def test_missing_credentials_are_reported_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "STORAGE_EMULATOR"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreError, match="no credentials for s3://bucket; set AWS_PROFILE, or"):
        open_store("s3://bucket")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(StoreError, match=r"no Google Cloud credentials for gs://bucket .*gcloud auth"):
        open_store("gs://bucket")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigError, match=r"settings for s3://bucket are wrong: .*nobody"):
        open_store("s3://bucket")


def test_a_wrong_secret_is_reported_and_not_shown(
    minio_server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in minio_server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = servers.make_bucket(minio_server)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed-secret")
    with pytest.raises(StoreError, match=f"no permission for s3://{bucket} .*sign in as another") as told:
        open_store(f"s3://{bucket}").read("k")
    assert "guessed-secret" not in str(told.value)


def test_without_boto3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "gan.store.cloud.s3")
    with pytest.raises(ConfigError, match=r"s3://bucket needs boto3: .* pip install boto3"):
        open_store("s3://bucket")


def test_a_local_store_opens_without_the_libraries_of_buckets() -> None:
    code = (
        "import sys, gan.store; gan.store.open_store('x'); "
        "sys.exit(sum(name in sys.modules for name in ('boto3', 'requests', 'google.cloud.storage', 'tensorflow')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
