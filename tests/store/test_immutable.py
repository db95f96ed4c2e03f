from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gan.errors import ConflictError, IntegrityError, NotFoundError
from gan.store import Store, immutable


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "made"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.json").write_text('{"a": 1}')
    (folder / "deep" / "b").write_bytes(b"b" * 100)
    return immutable.files_below(folder)


def test_an_object_exists_exactly_while_its_sha256sums_do(store: Store, files: dict[str, Path]) -> None:
    store.upload("datasets/x/a.json", files["a.json"])
    assert not immutable.is_published(store, "dataset", "x")
    assert list(immutable.ids(store, "dataset")) == []
    uri = immutable.publish(store, "dataset", "x", files)
    assert uri == store.uri_of("datasets/x")
    assert immutable.is_published(store, "dataset", "x")
    assert list(immutable.ids(store, "dataset")) == ["x"]
    assert immutable.read_json(store, "dataset", "x", "a.json") == {"a": 1}


def test_sha256sums_are_written_last(store: Store, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    upload, write = type(store).upload, type(store).write
    monkeypatch.setattr(type(store), "upload", lambda s, k, p, **o: (order.append(k), upload(s, k, p, **o))[1])
    monkeypatch.setattr(type(store), "write", lambda s, k, d, **o: (order.append(k), write(s, k, d, **o))[1])
    immutable.publish(store, "dataset", "x", files)
    assert order[-1] == "datasets/x/SHA256SUMS"
    assert len(order) == 3
    immutable.publish(store, "dataset", "x", files)
    assert len(order) == 3, "publishing again does nothing"


def test_a_killed_publish_continues_where_it_stopped(
    store: Store, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upload("datasets/x/a.json", files["a.json"])
    sent: list[str] = []
    upload = type(store).upload
    monkeypatch.setattr(type(store), "upload", lambda s, k, p, **o: (sent.append(k), upload(s, k, p, **o))[1])
    immutable.publish(store, "dataset", "x", files)
    assert sent == ["datasets/x/deep/b"]
    assert list(immutable.find_damage(store, "dataset", "x")) == []


def test_two_that_publish_the_same_both_succeed(store: Store, files: dict[str, Path]) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: immutable.publish(store, "dataset", "x", files), range(4)))
    assert list(immutable.find_damage(store, "dataset", "x")) == []


@pytest.mark.parametrize("there", ["a file", "all of it", "a file more"])
def test_other_content_under_the_same_id_is_refused(
    store: Store, files: dict[str, Path], tmp_path: Path, there: str
) -> None:
    other = tmp_path / "other"
    other.write_text('{"a": 2}')
    first = {**files, "more": other} if there == "a file more" else {**files, "a.json": other}
    if there == "a file":
        store.upload("datasets/x/a.json", other)
    else:
        immutable.publish(store, "dataset", "x", first)
    before = {item.key: store.sha256(item.key) for item in store.list("datasets")}
    with pytest.raises(ConflictError, match=r"datasets/x/.* has other content .* there, .* here. .*gan verify x"):
        immutable.publish(store, "dataset", "x", files)
    after = {item.key: store.sha256(item.key) for item in store.list("datasets")}
    assert before.items() <= after.items()


def test_what_is_deleted_before_sha256sums_are_written_is_uploaded_again(
    store: Store, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upload("datasets/x/a.json", files["a.json"])
    write = type(store).write

    def take_away_then_write(self: Store, key: str, data: bytes, *, if_absent: bool = False) -> None:
        self.delete("datasets/x/a.json")
        write(self, key, data, if_absent=if_absent)

    monkeypatch.setattr(type(store), "write", take_away_then_write)
    immutable.publish(store, "dataset", "x", files)
    assert list(immutable.find_damage(store, "dataset", "x")) == []


def test_the_id_is_a_hash_of_every_byte(files: dict[str, Path]) -> None:
    first = immutable.sums_id("ref", files)
    assert first.startswith("ref-")
    files["deep/b"].write_bytes(b"c" * 100)
    assert immutable.sums_id("ref", files) != first


def test_sha256sum_checks_an_object(store: Store, files: dict[str, Path]) -> None:
    immutable.publish(store, "generator", "x", files)
    folder = store.local_path("generators/x")
    if folder is None:
        pytest.skip("not a folder on this machine")
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)


def test_fetch_brings_everything(store: Store, files: dict[str, Path], tmp_path: Path) -> None:
    immutable.publish(store, "dataset", "x", files)
    folder = immutable.fetch(store, "dataset", "x", tmp_path / "out")
    assert {name: path.read_bytes() for name, path in immutable.files_below(folder).items()} == {
        name: path.read_bytes() for name, path in files.items()
    }


@pytest.mark.parametrize("damage", ["flip", "missing"])
def test_damage_is_found_before_use(store: Store, files: dict[str, Path], tmp_path: Path, damage: str) -> None:
    immutable.publish(store, "dataset", "x", files)
    key = "datasets/x/deep/b"
    if damage == "flip":
        store.write(key, b"b" * 99 + b"c")
    else:
        store.delete(key)
    said = "has SHA-256" if damage == "flip" else "is missing"
    for use in (
        lambda: immutable.read_file(store, "dataset", "x", "deep/b"),
        lambda: immutable.fetch(store, "dataset", "x", tmp_path / "out"),
        lambda: immutable.fetch_file(store, "dataset", "x", "deep/b", tmp_path / "b"),
    ):
        with pytest.raises(
            IntegrityError, match=rf"deep/b {said}.*expected \w{{64}}; delete \S+/datasets/x, then copy"
        ):
            use()
    assert not (tmp_path / "out" / "deep" / "b").exists()
    (found,) = immutable.find_damage(store, "dataset", "x")
    assert said in str(found)
    assert "delete" not in str(found), "gan verify only says what is wrong"


def test_a_sound_object_has_no_damages(store: Store, files: dict[str, Path]) -> None:
    immutable.publish(store, "dataset", "x", files)
    assert list(immutable.find_damage(store, "dataset", "x")) == []


def test_sha256sums_that_are_not_text_is_damage(store: Store) -> None:
    store.write("datasets/x/SHA256SUMS", b"\xff\xfe")
    with pytest.raises(IntegrityError, match=r"SHA256SUMS is damaged: not text; delete \S+/datasets/x, then"):
        immutable.read_sums(store, "dataset", "x")


SUM = "0" * 64


@pytest.mark.parametrize(
    ("sums", "says"),
    [
        ("", "it is truncated"),
        (f"{SUM}  a", "it is truncated"),
        ("\n", "line 1 is not a checksum"),
        (f"{SUM}  a\n\n", "line 2 is not a checksum"),
        (f"{SUM} a\n", "line 1 is not a checksum"),
        (f"{SUM[:-1]}g  a\n", "line 1 is not a checksum"),
        (f"{SUM}  a\n{SUM}  a\n", "line 2 is not a checksum"),
        (f"{SUM}  ../a\n", "line 1 is not a checksum"),
        (f"{SUM}  /a\n", "line 1 is not a checksum"),
        (f"{SUM}  SHA256SUMS\n", "line 1 is not a checksum"),
    ],
)
def test_each_line_of_sha256sums_is_validated(store: Store, sums: str, says: str) -> None:
    store.write("datasets/x/SHA256SUMS", sums.encode())
    with pytest.raises(IntegrityError, match=f"SHA256SUMS is damaged: .*{says}"):
        immutable.read_sums(store, "dataset", "x")
    (damage,) = immutable.find_damage(store, "dataset", "x")
    assert says in damage


@pytest.mark.parametrize("kind", ["reference", "generator"])
def test_sha256sums_that_lost_a_line_contradict_their_id(store: Store, files: dict[str, Path], kind: str) -> None:
    object_id = immutable.sums_id(immutable.NAMED_BY_SUMS[kind], files)
    immutable.publish(store, kind, object_id, files)
    assert list(immutable.find_damage(store, kind, object_id)) == []
    key = f"{immutable.prefix_of(kind, object_id)}/SHA256SUMS"
    store.write(key, store.read(key).splitlines(keepends=True)[0])
    (damage,) = immutable.find_damage(store, kind, object_id)
    says = f"SHA256SUMS is damaged: it belongs to .*; expected {object_id}"
    assert re.search(says, damage)
    for use in (
        lambda: immutable.read_sums(store, kind, object_id),
        lambda: immutable.read_file(store, kind, object_id, "a.json"),
        lambda: immutable.fetch(store, kind, object_id, Path("nowhere")),
    ):
        with pytest.raises(IntegrityError, match=says):
            use()


def test_a_published_file_that_is_not_json_is_damage(store: Store, files: dict[str, Path]) -> None:
    immutable.publish(store, "dataset", "x", files)
    with pytest.raises(IntegrityError, match=r"deep/b is damaged .it is not JSON"):
        immutable.read_json(store, "dataset", "x", "deep/b")


def test_folders_that_are_no_ids_are_passed_over(store: Store, files: dict[str, Path]) -> None:
    immutable.publish(store, "dataset", "x", files)
    store.write("datasets/two words/SHA256SUMS", b"")
    store.write("datasets/.DS_Store", b"")
    assert list(immutable.ids(store, "dataset")) == ["x"]


def test_unknown_ids_list_the_known_ones(store: Store, files: dict[str, Path]) -> None:
    with pytest.raises(NotFoundError, match=r'no dataset "y" in the store .*; it has no dataset yet'):
        immutable.read_sums(store, "dataset", "y")
    immutable.publish(store, "dataset", "x", files)
    with pytest.raises(NotFoundError, match="it has: x"):
        immutable.read_sums(store, "dataset", "y")
    with pytest.raises(NotFoundError, match=r"has no file z; it has: a.json, deep/b"):
        immutable.read_file(store, "dataset", "x", "z")
