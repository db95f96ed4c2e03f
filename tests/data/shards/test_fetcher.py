"""Fetching shards."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from gan.data.shards.fetcher import ShardFetcher
from gan.errors import IntegrityError, NotFoundError, StoreError, UnavailableError
from gan.store import LocalStore, Store, immutable, open_store
from gan.util.ids import file_sha256, sha256
from support import servers
from support.remote import Gated, Remote

KINDS = pytest.mark.parametrize("kind", [LocalStore, Remote])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "gan" / "datasets"


def fetched(store: Store, dataset: Any) -> list[Path]:
    """The files of all shards of the training split."""
    paths: dict[int, Path] = {}
    with ShardFetcher(store, dataset, "train", paths.__setitem__) as fetcher:
        fetcher.start()
        assert fetcher.wait(range(len(fetcher.shards)))
    return [paths[number] for number in sorted(paths)]


def hashes(paths: list[Path]) -> list[str]:
    return [file_sha256(path) for path in paths]


def test_local_shards_are_used_in_place(make_dataset: Any, cache: Path) -> None:
    store, dataset = make_dataset()
    paths = fetched(store, dataset)
    assert paths == [store.root / "datasets" / dataset.id / shard.name for shard in dataset.splits["train"].shards]
    assert len(paths) > 4
    assert not cache.exists()


def test_remote_shards_are_copied_once(make_dataset: Any, cache: Path) -> None:
    store, dataset = make_dataset()
    remote = Remote(store.root)
    shards = dataset.splits["train"].shards
    paths = fetched(remote, dataset)
    assert paths == [cache / dataset.id / "train" / shard.name for shard in shards]
    assert hashes(paths) == [shard.sha256 for shard in shards]
    paths[0].write_bytes(b"spoilt")
    remote.downloaded.clear()
    assert fetched(remote, dataset) == paths
    assert hashes(paths) == [shard.sha256 for shard in shards]
    assert remote.downloaded == [shards[0].name]


def test_in_the_order_of_need(make_dataset: Any) -> None:
    store, dataset = make_dataset()
    names = [shard.name for shard in dataset.splits["train"].shards]
    remote = Gated(store.root, *names)
    with ShardFetcher(remote, dataset, "train", lambda number, path: None) as fetcher:
        fetcher.start(first=5)
        wanted = [*range(5, len(names)), *range(5)]
        for number in wanted:
            assert not fetcher.is_ready(number)
            remote.gates[names[number]].set()
            assert fetcher.wait([number])
    assert remote.downloaded == [names[number] for number in wanted]


@KINDS
def test_damage_is_found(kind: type[LocalStore], make_dataset: Any) -> None:
    made, dataset = make_dataset()
    shard = dataset.splits["train"].shards[1]
    file = made.root / "datasets" / dataset.id / shard.name
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(IntegrityError) as caught:
        fetched(kind(made.root), dataset)
    for part in (str(file), shard.sha256, file_sha256(file), "gan preprocess"):
        assert part in str(caught.value)
    file.unlink()
    with pytest.raises(IntegrityError, match=f"{shard.name} is missing; expected {shard.sha256}"):
        fetched(kind(made.root), dataset)


def test_damage_is_told_before_its_shard_is_needed(make_dataset: Any) -> None:
    store, dataset = make_dataset()
    shards = dataset.splits["train"].shards
    (store.root / "datasets" / dataset.id / shards[1].name).write_bytes(b"?")
    remote = Gated(store.root, shards[0].name)
    with ShardFetcher(remote, dataset, "train", lambda number, path: None) as fetcher:
        fetcher.start()
        with pytest.raises(IntegrityError, match=shards[1].name):
            fetcher.wait([0])  # which never comes
        with pytest.raises(IntegrityError, match=shards[1].name):
            fetcher.check()
        remote.gates[shards[0].name].set()


def test_what_is_refused_is_no_shard(make_dataset: Any) -> None:
    def refuse(number: int, path: Path) -> None:
        raise IntegrityError(f"shard {number} is not what it should be")

    with ShardFetcher(*make_dataset(), "train", refuse) as fetcher:
        fetcher.start()
        with pytest.raises(IntegrityError, match="not what it should be"):
            fetcher.wait([0])
        assert not fetcher.is_ready(0)


class Away(Remote):
    """A remote store that can't be reached for the first `times` downloads."""

    def __init__(self, root: Path, times: int) -> None:
        super().__init__(root)
        self._left = times
        self._lock = threading.Lock()

    def download(self, key: str, path: Path) -> str:
        with self._lock:
            self._left -= 1
            if self._left >= 0:
                raise UnavailableError("nobody answers")
        return super().download(key, path)


def test_an_unreachable_store_is_asked_again(
    make_dataset: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gan.data.shards.fetcher._RETRY_INTERVAL_SECONDS", 0.01)
    store, dataset = make_dataset()
    assert hashes(fetched(Away(store.root, 6), dataset)) == [shard.sha256 for shard in dataset.splits["train"].shards]
    assert "trying again" in capsys.readouterr().err


def test_but_not_for_ever(make_dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_STORE_PATIENCE_SECONDS", "0")
    store, dataset = make_dataset()
    with pytest.raises(UnavailableError, match="nobody answers"):
        fetched(Away(store.root, 10**9), dataset)


class Forbidden(Remote):
    def download(self, key: str, path: Path) -> str:
        raise StoreError("no permission")


def test_a_refusal_is_final(make_dataset: Any) -> None:
    store, dataset = make_dataset()
    with pytest.raises(StoreError, match="no permission"):
        fetched(Forbidden(store.root), dataset)


def test_waiting_can_be_given_up(make_dataset: Any) -> None:
    store, dataset = make_dataset()
    name = dataset.splits["train"].shards[0].name
    remote = Gated(store.root, name)
    with ShardFetcher(remote, dataset, "train", lambda number, path: None, stopped=lambda: True) as fetcher:
        fetcher.start()
        assert not fetcher.wait([0])
        remote.gates[name].set()


def test_closing_ends_the_threads(make_dataset: Any) -> None:
    before = set(threading.enumerate())
    store, dataset = make_dataset()
    with ShardFetcher(store, dataset, "train", lambda number, path: None) as fetcher:
        fetcher.start()
        fetcher.start()
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert set(threading.enumerate()) == before


def test_an_unknown_split(make_dataset: Any) -> None:
    store, dataset = make_dataset()
    with pytest.raises(NotFoundError, match='no split "test"; it has: train'):
        ShardFetcher(store, dataset, "test", lambda number, path: None)


@pytest.mark.parametrize("kind", ["gcs_server", "minio_server", "moto_server"])
def test_shards_in_a_bucket(
    kind: str, make_dataset: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: servers.Server = request.getfixturevalue(kind)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    made, dataset = make_dataset()
    store = open_store(f"{server.scheme}://{servers.make_bucket(server)}/below")
    folder = made.root / "datasets" / dataset.id
    immutable.publish(
        store, "dataset", dataset.id, {path.name: path for path in folder.iterdir() if path.name != immutable.SUMS_FILE}
    )
    shards = dataset.splits["train"].shards
    paths = fetched(store, dataset)
    assert hashes(paths) == [shard.sha256 for shard in shards]
    key = f"datasets/{dataset.id}/{shards[2].name}"
    store.write(key, b"spoilt")
    assert fetched(store, dataset) == paths  # of the copies
    paths[2].unlink()
    with pytest.raises(IntegrityError) as caught:
        fetched(store, dataset)
    for part in (store.uri_of(key), shards[2].sha256, sha256(b"spoilt")):
        assert part in str(caught.value)


STAGER = """
import sys
from pathlib import Path
from support.remote import Remote
from gan.data import spec
from gan.data.shards.fetcher import ShardFetcher

store = Remote(Path(sys.argv[1]))
with ShardFetcher(store, spec.load(store, sys.argv[2]), "train", lambda number, path: None) as fetcher:
    print("ready", flush=True)
    sys.stdin.readline()
    fetcher.start()
    fetcher.wait(range(len(fetcher.shards)))
print(len(store.downloaded))
"""


def test_processes_share_what_they_fetch(make_dataset: Any) -> None:
    store, dataset = make_dataset(200)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STAGER, str(store.root), dataset.id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    fetched = sum(int(process.communicate()[0]) for process in processes)
    assert fetched == len(dataset.splits["train"].shards) > 20
    assert [process.returncode for process in processes] == [0] * 4
