"""The shard cache: what it keeps and evicts, and concurrent use."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gan.data.shards.cache import ShardCache
from gan.data.spec import Dataset, Shard, Split
from gan.errors import ConfigError, StoreError

KB = 1000


def content(name: str, size: int) -> bytes:
    return name.encode().ljust(size, b".")


def dataset(name: str, *sizes: int, split: str = "train") -> Dataset:
    """A dataset with shards of these sizes in bytes."""
    shards = [
        Shard(f"{name}-{n}", 1, size, hashlib.sha256(content(f"{name}-{n}", size)).hexdigest())
        for n, size in enumerate(sizes)
    ]
    splits = {split: Split(len(shards), tuple(shards))}
    return Dataset(name, "made", None, 1, 1, None, "box", (), (), splits)


def written(shard: Shard) -> Callable[[Path], None]:
    """What fetches a shard."""
    return lambda path: void(path.write_bytes(content(shard.name, shard.bytes)))


def void(_: object) -> None:
    pass


def never(path: Path) -> None:
    raise AssertionError(f"{path} is fetched though there is a copy")


def fill(made: Dataset, split: str = "train") -> ShardCache:
    """A cache with every shard of a split in it, in use until it is closed."""
    cache = ShardCache(made, split)
    for shard in made.splits[split].shards:
        assert cache.get(shard, written(shard)).read_bytes() == content(shard.name, shard.bytes)
    return cache


@pytest.fixture(autouse=True)
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache, whose limit is 10 kB."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("GAN_CACHE_GB", "0.00001")
    return tmp_path / "gan" / "datasets"


def kept(top: Path) -> list[str]:
    return sorted(path.parent.name for path in top.glob("*/train"))


def use_at(top: Path, name: str, seconds: float) -> None:
    """Pretend that a dataset was last used then."""
    os.utime(top / name / "train" / ".use", (seconds, seconds))


def test_a_copy_is_made_once(top: Path) -> None:
    made = dataset("a", 4 * KB, 4 * KB)
    fill(made).close()
    assert sorted(path.name for path in (top / "a" / "train").iterdir()) == [".use", "a-0", "a-1"]
    cache = ShardCache(made, "train")
    for shard in made.splits["train"].shards:
        cache.get(shard, never)
    cache.close()


@pytest.mark.parametrize("spoilt", [b"", b"a-0", content("a-0", 4 * KB)[:-1] + b"?"])
def test_a_damaged_copy_is_fetched_again(spoilt: bytes, top: Path) -> None:
    made = dataset("a", 4 * KB)
    fill(made).close()
    (top / "a" / "train" / "a-0").write_bytes(spoilt)
    fill(made).close()


def test_the_least_recently_used_goes(top: Path) -> None:
    for name in ("a", "b", "c"):
        fill(dataset(name, 3 * KB)).close()
    for age, name in enumerate(("b", "c", "a")):
        use_at(top, name, 1000 + age)
    fill(dataset("d", 3 * KB)).close()
    assert kept(top) == ["a", "c", "d"]
    assert not (top / "b").exists()
    fill(dataset("e", 5 * KB)).close()
    assert kept(top) == ["d", "e"]


def test_use_counts_and_not_making(top: Path) -> None:
    for age, name in enumerate(("a", "b", "c")):
        fill(dataset(name, 3 * KB)).close()
        use_at(top, name, 1000 + age)
    fill(dataset("a", 3 * KB)).close()
    fill(dataset("d", 3 * KB)).close()
    assert kept(top) == ["a", "c", "d"]


def test_nothing_goes_that_is_in_use(top: Path) -> None:
    used = fill(dataset("a", 4 * KB))
    fill(dataset("b", 4 * KB)).close()
    use_at(top, "a", 0)
    fill(dataset("c", 4 * KB)).close()
    assert kept(top) == ["a", "c"]
    with pytest.raises(StoreError, match=r"no room.*8 KB.*other processes.*raise GAN_CACHE_GB"):
        ShardCache(dataset("d", 8 * KB), "train")
    used.close()
    fill(dataset("d", 8 * KB)).close()
    assert kept(top) == ["d"]


def test_shards_on_their_way_count(top: Path) -> None:
    beginning = ShardCache(dataset("a", 3 * KB, 3 * KB), "train")
    with pytest.raises(StoreError, match="no room"):
        ShardCache(dataset("b", 5 * KB), "train")
    ShardCache(dataset("b", 4 * KB), "train").close()
    beginning.close()
    ShardCache(dataset("c", 10 * KB), "train").close()


def test_splits_go_one_by_one(top: Path) -> None:
    fill(dataset("a", 6 * KB)).close()
    fill(dataset("a", 6 * KB, split="test"), "test").close()
    assert [path.name for path in (top / "a").iterdir()] == ["test"]


def test_a_dataset_beyond_the_limit() -> None:
    with pytest.raises(ConfigError, match=r"has 12 KB, .* limit of 10 KB .*; set GAN_CACHE_GB to more than"):
        ShardCache(dataset("a", 6 * KB, 6 * KB), "train")


@pytest.mark.parametrize("text", ["", "many", "0", "-1", "nan", "inf"])
def test_a_limit_that_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_CACHE_GB", text)
    with pytest.raises(ConfigError, match=f'GAN_CACHE_GB must be a number.*got "{text}"'):
        ShardCache(dataset("a", KB), "train")


@pytest.mark.parametrize("seconds", [0, 2**33])
def test_a_clock_set_back_or_forth_spoils_nothing(seconds: int, top: Path) -> None:
    """The wrong dataset may be evicted, but never one in use, and none is mistaken for another."""
    used = fill(dataset("a", 4 * KB))
    use_at(top, "a", seconds)
    fill(dataset("b", 4 * KB)).close()
    use_at(top, "b", 2**33 - seconds)
    fill(dataset("c", 4 * KB)).close()
    assert kept(top) == ["a", "c"]
    used.close()
    fill(dataset("a", 4 * KB)).close()


def test_two_want_the_same_shard_and_one_fetches(top: Path) -> None:
    made = dataset("a", 4 * KB)
    shard = made.splits["train"].shards[0]
    began, go = threading.Event(), threading.Event()

    def slowly(path: Path) -> None:
        began.set()
        go.wait()
        written(shard)(path)

    caches = [ShardCache(made, "train") for _ in range(2)]
    paths: list[Path] = []
    first = threading.Thread(target=lambda: paths.append(caches[0].get(shard, slowly)))
    first.start()
    began.wait()
    second = threading.Thread(target=lambda: paths.append(caches[1].get(shard, never)))
    second.start()
    go.set()
    first.join()
    second.join()
    assert paths == [top / "a" / "train" / "a-0"] * 2


FETCHER = """
import sys, time
from test_cache import dataset
from gan.data.shards.cache import ShardCache

def half(path):
    path.write_bytes(b"half")
    print("began", flush=True)
    sys.stdin.read()

made = dataset("a", 4000)
ShardCache(made, "train").get(made.splits["train"].shards[0], half)
"""


def test_a_killed_fetch_is_done_again(top: Path) -> None:
    """While it runs its space is reserved; afterwards the next process removes what it left."""
    process = subprocess.Popen(
        [sys.executable, "-c", FETCHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"began\n"
        with pytest.raises(StoreError, match="no room"):
            ShardCache(dataset("b", 7 * KB), "train")
        process.kill()
    assert not (top / "a" / "train" / "a-0").exists()
    assert list(top.glob("a/train/.a-0.new/*"))
    fill(dataset("a", 4 * KB)).close()
    assert sorted(path.name for path in (top / "a" / "train").iterdir()) == [".use", "a-0"]


def test_a_failed_fetch_leaves_nothing_and_can_be_repeated(top: Path) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise StoreError("nobody answers")

    made = dataset("a", 4 * KB)
    cache = ShardCache(made, "train")
    with pytest.raises(StoreError, match="nobody answers"):
        cache.get(made.splits["train"].shards[0], fail)
    assert not list(top.glob("**/.a-0.new"))
    cache.close()
    fill(made).close()


def test_a_full_disk_makes_room_first(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(small_disk))
    monkeypatch.setenv("GAN_CACHE_GB", "1")
    fill(dataset("a", 10**6)).close()
    used = fill(dataset("b", 10**6 + 1))
    fill(dataset("c", 10**6)).close()
    assert kept(small_disk / "gan" / "datasets") == ["b", "c"]
    with pytest.raises(StoreError, match=r"disk of the cache .* is full.*XDG_CACHE_HOME"):
        ShardCache(dataset("d", 3 * 10**6), "train")
    used.close()


def test_a_disk_that_fills_up_meanwhile(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(small_disk))
    made = dataset("a", 9 * KB)
    cache = ShardCache(made, "train")
    (small_disk / "other").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    with pytest.raises(StoreError, match=r"disk of the cache .* is full.*XDG_CACHE_HOME"):
        cache.get(made.splits["train"].shards[0], written(made.splits["train"].shards[0]))
    (small_disk / "other").unlink()
    cache.get(made.splits["train"].shards[0], written(made.splits["train"].shards[0]))
    cache.close()


def test_a_folder_that_can_not_be_written_to(top: Path) -> None:
    top.mkdir(parents=True)
    (top / "a").write_bytes(b"")
    with pytest.raises(StoreError, match=r"can't keep shards in .*/a/train.*set XDG_CACHE_HOME"):
        ShardCache(dataset("a", KB), "train")
