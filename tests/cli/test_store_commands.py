"""gan gc and gan store copy as commands: what they print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gan.cli.main import main
from gan.store import LocalStore
from support import objects
from support.objects import DAY


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "store")
    objects.dataset(store)
    objects.age(store, 2 * DAY)
    return store


def told(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    assert main(argv) == code
    return capsys.readouterr().out


def test_gc_shows_a_table_of_what_would_go_and_then_deletes_it(
    store: LocalStore, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--store", store.uri)
    (dataset_id,) = {item.key.split("/")[1] for item in store.list("datasets")}
    line, total = told(capsys, "gc", *where).splitlines()
    assert line.split() == ["dataset", dataset_id, *line.split()[2:4], "nothing", "refers", "to", "it"]
    assert total.startswith("would delete: 1 objects, ")
    assert told(capsys, "gc", *where, "--grace", "3d") == "nothing to delete\n"
    record = json.loads(told(capsys, "gc", *where, "--json"))
    assert record["bytes"] == sum(item.size for item in store.list("datasets"))
    assert told(capsys, "gc", *where, "--delete").splitlines()[-1].startswith("deleted: 1 objects, ")
    assert told(capsys, "gc", *where, "--delete") == "nothing to delete\n"


def test_gc_has_the_exit_code_of_damage_where_a_record_cannot_be_read(
    store: LocalStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write("promoted/faces.json", b"{")
    lines = told(capsys, "gc", "--store", store.uri, "--delete", code=7).splitlines()
    assert lines[:2] == ["nothing to delete", "kept everything that these may refer to, because they can't be read:"]
    assert "faces.json is damaged" in lines[2]


@pytest.mark.parametrize(
    "flags", [("--grace", "24"), ("--keep-last", "0"), ("--runs-older-than", "x"), ("--keep-every", "0")]
)
def test_gc_refuses_wrong_flags(store: LocalStore, flags: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gc", "--store", store.uri, *flags]) == 2
    assert flags[0] in capsys.readouterr().err


def test_store_copy(store: LocalStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = str(tmp_path / "target")
    assert told(capsys, "store", "copy", store.uri, target) == "done: 1 copied, 0 existed already\n"
    record = json.loads(told(capsys, "store", "copy", store.uri, target, "--json"))
    assert (record["copied"], len(record["skipped"]), record["skipped"][0][:8]) == ([], 1, "dataset ")
    assert main(["store", "copy", store.uri, target, "nothing"]) == 4
    assert main(["store", "copy", store.uri]) == 2
    assert main(["store"]) == 2
