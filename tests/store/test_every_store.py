"""What every store promises. A new store joins by one line in conftest.py."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan.errors import AlreadyExistsError, ConfigError, ConflictError, NotFoundError, StoreError
from gan.store import Store


def test_write_read_replace_delete(store: Store) -> None:
    store.write("a/b.txt", b"one")
    assert store.read("a/b.txt") == b"one"
    store.write("a/b.txt", b"two")
    assert store.read("a/b.txt") == b"two"
    assert store.exists("a/b.txt")
    store.delete("a/b.txt")
    store.delete("a/b.txt")
    assert not store.exists("a/b.txt")
    assert not store.exists("a")


@given(data=st.binary(max_size=1000), name=st.text("abcÄ %+#&=?'\"~@!()[]{}.-_", min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_any_bytes_under_odd_names(store: Store, data: bytes, name: str) -> None:
    key = f"odd/x{name}"
    store.write(key, data)
    assert store.read(key) == data
    assert [item.key for item in store.list("odd")] == [key]
    assert next(iter(store.list("odd"))).size == len(data)
    store.delete(key)


def test_missing_objects_are_reported(store: Store) -> None:
    for missing in (lambda: store.read("no"), lambda: store.download("no", Path("nowhere"))):
        with pytest.raises(NotFoundError, match=r"nothing in the store at .*no"):
            missing()
    assert list(store.list()) == []
    assert list(store.list("no")) == []


def test_if_absent_never_replaces(store: Store) -> None:
    store.write("k", b"one", if_absent=True)
    with pytest.raises(AlreadyExistsError):
        store.write("k", b"two", if_absent=True)
    assert store.read("k") == b"one"


def test_one_of_many_if_absent_writers_wins(store: Store) -> None:
    def attempt(number: int) -> bool:
        try:
            store.write("k", str(number).encode(), if_absent=True)
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(16)))
    assert won.count(True) == 1
    assert store.read("k") == str(won.index(True)).encode()


def test_files_go_up_and_come_down(store: Store, tmp_path: Path) -> None:
    up, down = tmp_path / "up", tmp_path / "deep" / "down"
    up.write_bytes(bytes(range(256)) * 10_000)
    store.upload("big/file", up)
    store.download("big/file", down)
    assert down.read_bytes() == up.read_bytes()
    assert list(down.parent.iterdir()) == [down]


def test_a_full_disk_below_a_download_is_named_and_nothing_stays(store: Store, small_disk: Path) -> None:
    store.write("k", bytes(3 << 20))
    with pytest.raises(StoreError, match=f"can't write {small_disk}/k: No space left on device; free some space there"):
        store.download("k", small_disk / "k")
    assert list(small_disk.iterdir()) == []


def test_list_is_sorted_and_stays_within_the_folder(store: Store) -> None:
    for key in ("b/2", "b/1", "bb/3", "a", "b-1/4"):
        store.write(key, b"")
    assert [item.key for item in store.list("b")] == ["b/1", "b/2"]
    assert [item.key for item in store.list()] == ["a", "b-1/4", "b/1", "b/2", "bb/3"]


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a\\b", "a\0b"])
def test_keys_cannot_leave_the_store(store: Store, key: str) -> None:
    with pytest.raises(ConfigError, match="relative path inside the store"):
        store.write(key, b"")


def test_swap_moves_only_from_the_expected_version(store: Store) -> None:
    assert store.read_versioned("p").version is None
    first = store.swap("p", b"1", expected=None)
    with pytest.raises(ConflictError, match="changed by somebody else"):
        store.swap("p", b"x", expected=None)
    second = store.swap("p", b"2", expected=first)
    with pytest.raises(ConflictError):
        store.swap("p", b"x", expected=first)
    assert store.read_versioned("p").data == b"2"
    assert store.read_versioned("p").version == second


def test_racing_swaps_lose_no_update(store: Store) -> None:
    def add_one(_: int) -> None:
        while True:
            seen = store.read_versioned("n")
            try:
                store.swap("n", str(int(seen.data or b"0") + 1).encode(), expected=seen.version)
            except ConflictError:
                continue
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    assert store.read("n") == b"40"


def test_uri_of(store: Store) -> None:
    assert store.uri_of("a/b") == f"{store.uri}/a/b"
