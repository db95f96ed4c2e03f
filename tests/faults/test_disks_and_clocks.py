"""Promise 6: full and read-only disks, no permission, clocks that are wrong: a clear error or the right result.

Full disks where something else fills them: tests/store/test_local.py (writes), tests/data/shards/test_cache.py (cache),
tests/train/checkpoint/test_files.py and test_recorder.py (temporary files), tests/cli/test_bad_input.py
(preprocess).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gan.admin.copy import copy
from gan.admin.gc import gc
from gan.admin.gc_scan import Rules
from gan.admin.inspect import inspect
from gan.admin.verify import verify
from gan.errors import StoreError
from gan.metrics import evaluations
from gan.steps.promote import promote, rollback
from gan.store import LocalStore, Store, alias, immutable, step_cache
from gan.train.checkpoint.attempts import take_over
from support import objects
from support.objects import DAY

NOBODY = 65534


def lineage(store: Store, name: str = "faces") -> list[str]:
    """Two generators of one run, the first of which is live; returns their ids."""
    dataset = objects.dataset(store)
    run = objects.run(store, "r1", dataset)
    made = [objects.generator(store, run, dataset, step) for step in (10, 20)]
    objects.promote(store, name, made[0])
    return made


def fill(folder: Path) -> Path:
    """Leave no byte free on the disk of a folder."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        for size in (4096, 1):
            try:
                while True:
                    os.write(file.fileno(), bytes(size))
            except OSError:
                continue
    assert shutil.disk_usage(folder).free == 0
    return ballast


CHANGES: list[Callable[[Store, list[str]], object]] = [
    lambda store, made: promote(store, made[1], "faces", force="a test"),
    lambda store, made: step_cache.put(store, "export", {}, made[1]),
    lambda store, made: take_over(store, "r1"),
    lambda store, made: objects.dataset(store, b"other"),
    lambda store, made: objects.checkpoint(store, "r1", 10),
    lambda store, made: gc(store, Rules(grace_seconds=0), delete=True),
]


@pytest.mark.parametrize("change", CHANGES[:-1])
def test_a_full_disk_is_reported_and_existing_objects_stay_complete(
    small_disk: Path, change: Callable[[Store, list[str]], object]
) -> None:
    store = LocalStore(small_disk / "store")
    made = lineage(store)
    before = {item.key: store.read(item.key) for item in store.list()}
    ballast = fill(small_disk)
    with pytest.raises(StoreError, match="is full; free some space"):
        change(store, made)
    assert {item.key: store.read(item.key) for item in store.list()} == before
    assert not list(store.incomplete_uploads())
    ballast.unlink()
    change(store, made)
    assert verify(store).details["damages"] == []


def test_gc_makes_room_on_a_full_disk(small_disk: Path) -> None:
    store = LocalStore(small_disk / "store")
    lineage(store)
    stray = objects.dataset(store, b"stray")
    (store.root / ".tmp" / "left").write_bytes(bytes(100_000))
    fill(small_disk)
    assert len(gc(store, Rules(grace_seconds=0), delete=True).details["trash"]) == 2
    assert not list(store.list(f"datasets/{stray}"))
    assert verify(store).details["damages"] == []


def test_a_copy_that_fills_the_disk_continues_when_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    source, target = LocalStore(tmp_path / "source"), LocalStore(small_disk / "target")
    lineage(source)
    big = objects.dataset(source, bytes(1 << 20))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3 << 19))
    with pytest.raises(StoreError, match="is full; free some space"):
        copy(source, target)
    assert not immutable.is_published(target, "dataset", big)
    assert verify(target).details["damages"] == []
    ballast.unlink()
    copy(source, target)
    assert verify(target).details["damages"] == []


@pytest.fixture
def read_only(small_disk: Path) -> Iterator[tuple[Store, list[str]]]:
    """A store on a disk that can only be read."""
    store = LocalStore(small_disk / "store")
    made = lineage(store)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    yield store, made
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)


@pytest.fixture
def forbidden() -> Iterator[tuple[Store, list[str]]]:
    """A store of another user, which this one may read."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    store = LocalStore(folder / "store")
    made = lineage(store)
    for each in [store.root, *store.root.rglob("*")]:
        each.chmod(0o755 if each.is_dir() else 0o644)
    os.seteuid(NOBODY)
    yield store, made
    os.seteuid(0)
    shutil.rmtree(folder)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("where", "says"), [("read_only", "read-only"), ("forbidden", "no permission for")])
def test_a_read_only_disk_is_reported(
    request: pytest.FixtureRequest, where: str, says: str, change: Callable[[Store, list[str]], object]
) -> None:
    store, made = request.getfixturevalue(where)
    with pytest.raises(StoreError, match=says):
        change(store, made)


@pytest.mark.parametrize("where", ["read_only", "forbidden"])
def test_what_only_reads_works_on_a_disk_that_cannot_be_written_to(request: pytest.FixtureRequest, where: str) -> None:
    store, made = request.getfixturevalue(where)
    assert verify(store).details["damages"] == []
    assert made[0] in inspect(store).details["tree"]
    assert alias.read_live(store, "faces").live == made[0]


def at(days: float) -> str:
    """The time by the clock of a host that is this many days ahead."""
    return (datetime(2026, 6, 1, tzinfo=UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def test_hosts_with_skewed_clocks_update_an_alias_in_the_order_of_their_updates(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    made = lineage(store, "others")
    for number, days in enumerate((0, 300, -300, 1, 299)):
        if number % 2:
            promote(store, made[number // 2 % 2], "faces", force="a test", now=lambda days=days: at(days))
        else:
            promote(store, made[1 - number // 2 % 2], "faces", force="a test", now=lambda days=days: at(days))
    moves = alias.read(store, "faces").history
    assert [move.before for move in moves[1:]] == [move.generator_id for move in moves[:-1]]
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    rollback(store, "faces", now=lambda: at(-1000))
    assert alias.read(store, "faces").live == moves[-2].generator_id


def test_the_evaluation_that_was_made_last_is_the_newest_whatever_the_clock_of_its_host_said() -> None:
    records: list[dict[str, object]] = []
    for number, days in enumerate((0, 300, -300, 1)):
        dated = evaluations.date(records, datetime.fromisoformat(at(days)))
        records.append({"step": number, "evaluated_at": dated})
    assert [record["step"] for record in evaluations.newest_first(records)] == [3, 2, 1, 0]


@pytest.mark.parametrize("ahead", [1, 400])
def test_objects_from_the_future_are_young(tmp_path: Path, ahead: float) -> None:
    """The clock was set back since: gc keeps what has an unknown age."""
    store = LocalStore(tmp_path)
    objects.dataset(store)
    store.write("datasets/folder-0/half", b"")
    objects.age(store, -ahead * DAY)
    assert gc(store, delete=True).details["trash"] == []
    objects.age(store, (ahead + 2) * DAY)
    assert len(gc(store, delete=True).details["trash"]) == 2


def test_a_newer_attempt_needs_no_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    first = take_over(store, "r1")
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert take_over(store, "r1").number == first.number + 1
