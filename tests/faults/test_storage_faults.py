"""Promise 3: storage that fails, stalls, cuts and changes what it is sent costs time and nothing else."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faults import crash_injection
from faults.conftest import Count, Stages
from faults.contents import contents
from faults.forkserver import Forkserver
from faults.steps import CONFIG, STEPS, Pipeline
from faults.storage import S3, SEED, SOAK, Bad, behind_proxy, fill, opened
from faults.training import begin, preempt, run_id_of, step_of, told, trained
from gan.admin.verify import verify
from gan.errors import StoreError, UnavailableError
from gan.store import Versioned
from gan.train.checkpoint.files import Checkpoints
from gan.train.logging.metrics_log import read_metrics

pytestmark = pytest.mark.slow

SHARE = 0.1
OBJECTS, MOVES, LARGE_OBJECTS = (400, 60, 20) if SOAK else (120, 30, 3)
DOWN_SECONDS = 600 if SOAK else 3
LOGGED_EVERY = int(CONFIG["train"]["log_every_steps"])
SIZES = (0, 1, 1000, 30_000, 300_000)
UPLOADED_FROM = 10_000  # bytes; smaller objects are written at once


@pytest.fixture(params=["gs", S3])
def storage(request: pytest.FixtureRequest) -> Iterator[Bad]:
    """Each kind of bucket in turn, behind a proxy."""
    with behind_proxy(request.param) as made:
        yield made


def test_every_operation_of_a_store_survives_every_fault(storage: Bad, tmp_path: Path, trials: Count) -> None:
    source = random.Random(SEED)  # noqa: S311
    wanted = {f"objects/{number:04d}": source.randbytes(source.choice(SIZES)) for number in range(OBJECTS)}
    bad, good = storage.bad(), storage.good()
    storage.proxy.share = 2 * SHARE

    def put(key: str) -> None:
        if len(wanted[key]) < UPLOADED_FROM:
            bad.write(key, wanted[key], if_absent=True)
        else:
            path = tmp_path / key.replace("/", "-")
            path.write_bytes(wanted[key])
            bad.upload(key, path, if_absent=True)

    def get(key: str) -> bytes:
        path = tmp_path / f"{key.replace('/', '-')}-again"
        bad.download(key, path)
        assert bad.read(key) == path.read_bytes()
        return path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, wanted))
        assert [(item.key, item.size) for item in bad.list("objects")] == [(key, len(wanted[key])) for key in wanted]
        assert dict(zip(wanted, pool.map(get, wanted), strict=True)) == wanted
    version = None
    for move in range(MOVES):
        version = bad.swap("moved", str(move).encode(), expected=version)
    gone = list(wanted)[::7]
    for key in gone:
        bad.delete(key)
    storage.proxy.share = 0
    left = {key: data for key, data in wanted.items() if key not in gone} | {"moved": str(MOVES - 1).encode()}
    assert {item.key: good.read(item.key) for item in good.list()} == dict(sorted(left.items()))
    trials(storage.proxy.faults_made)
    print(storage.proxy.counts)
    assert all(storage.proxy.counts[fault] for fault in storage.proxy.faults)


def test_large_objects_go_up_in_pieces_and_arrive_whole(
    storage: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan.store.cloud.gcs.SINGLE_REQUEST_BYTES", 1 << 20)
    monkeypatch.setattr("gan.store.cloud.s3.SINGLE_REQUEST_BYTES", 1 << 20)
    monkeypatch.setattr("gan.store.cloud.s3.PART_BYTES", 5 << 20)
    data = random.Random(SEED).randbytes(11 << 20)  # noqa: S311
    path = tmp_path / "large"
    path.write_bytes(data)
    storage.proxy.share = 3 * SHARE
    keys = [f"large/{number:02d}" for number in range(LARGE_OBJECTS)]
    for key in keys:
        storage.bad().upload(key, path, if_absent=True)
    storage.proxy.share = 0
    assert [item.key for item in storage.good().list()] == keys
    for key in keys:
        assert storage.good().read(key) == data


def test_a_stall_of_thirty_seconds_is_survived_by_every_operation(tmp_path: Path) -> None:
    with behind_proxy(S3) as storage:
        bad = storage.bad()
        for key in ("read", "moved"):
            bad.write(key, key.encode())
        before = bad.read_versioned("moved").version
        storage.proxy.stall_seconds = 30
        storage.proxy.spoil_next("stall", 5)
        with ThreadPoolExecutor(5) as pool:
            reading = pool.submit(bad.read, "read")
            listing = pool.submit(lambda: [item.key for item in bad.list()])
            writing = pool.submit(bad.write, "written", b"written", if_absent=True)
            moving = pool.submit(bad.swap, "moved", b"again", expected=before)
            deleting = pool.submit(bad.delete, "nothing")
        assert reading.result() == b"read"
        assert set(listing.result()) >= {"read", "moved"}
        assert (writing.result(), deleting.result()) == (None, None)
        assert storage.good().read_versioned("moved") == Versioned(b"again", moving.result())
        assert storage.good().read("written") == b"written"
        assert storage.proxy.counts["stall"] == 5


def test_what_no_patience_helps_against_fails_at_once_and_says_what_to_do(storage: Bad) -> None:
    bad = storage.bad()
    storage.proxy.denies = True
    for doing in (
        lambda: bad.read("a"),
        lambda: bad.write("a", b""),
        lambda: list(bad.list()),
        lambda: bad.delete("a"),
    ):
        asked = storage.proxy.counts["denied"]
        with pytest.raises(StoreError, match=r"permission|credentials") as caught:
            doing()
        assert not isinstance(caught.value, UnavailableError)
        assert storage.proxy.counts["denied"] == asked + 1
    storage.proxy.denies = False
    missing = opened(storage.environment, f"{storage.server.scheme}://no-such-bucket-here/x")
    for doing in (lambda: missing.read("a"), lambda: missing.write("a", b""), lambda: list(missing.list())):
        asked = storage.proxy.counts["requests"]
        with pytest.raises(StoreError, match=r"no bucket .*no-such-bucket-here.*; create it"):
            doing()
        assert storage.proxy.counts["requests"] <= asked + 2


@pytest.mark.parametrize("kind", ["gs", S3])
def test_a_whole_pipeline_through_bad_storage_ends_with_the_same_bytes(
    kind: str, forkserver: Forkserver, stages: Stages, tmp_path: Path, trials: Count
) -> None:
    with behind_proxy(kind) as storage:
        storage.proxy.share = SHARE
        pipeline = Pipeline(storage.uri, tmp_path / "work", storage.environment)
        for step in STEPS:
            crash_injection.run(forkserver, pipeline.task(step))
            pipeline.note(step)
        trials(storage.proxy.faults_made)
        print(storage.proxy.counts)
        assert contents(storage.good()) == stages["promote"].after


def test_training_continues_while_storage_is_down_and_checkpoints_wait(
    forkserver: Forkserver, stages: Stages, tmp_path: Path
) -> None:
    with behind_proxy(S3) as storage:
        fill(storage.good(), stages["train"].before)
        environment = {**storage.environment, "GAN_STORE_DEADLINE_SECONDS": "1"}
        child = begin(forkserver, Pipeline(storage.uri, tmp_path / "work", environment, dict(stages["train"].ids)))
        trained(child, 30)
        storage.proxy.down()
        told(child, "the store does not answer")
        told(child, "is dropped")
        until = time.monotonic() + DOWN_SECONDS
        while time.monotonic() < until:
            trained(child, step_of(child) + 50)
        storage.proxy.up()
        told(child, "the store answers again")
        trained(child, step_of(child) + 50)
        saved = preempt(child)
        run_id = run_id_of(storage.good())
        assert Checkpoints(storage.good(), run_id).steps()[-1] == saved
        assert verify(storage.good()).details["damages"] == []
        figures = [line["step"] for line in read_metrics(storage.good(), run_id)]
        assert figures == list(range(LOGGED_EVERY, saved + 1, LOGGED_EVERY))
