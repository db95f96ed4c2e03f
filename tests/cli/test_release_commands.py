"""`gan anchor` and `gan remeasure` as they are typed: exit codes and what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gan.cli.main import main
from gan.steps.export import export
from gan.steps.promote import promote
from gan.store import Store, alias, open_store
from support import objects, runs


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two generators were live under "faces", one after the other; the checkpoints behind them are gone."""
    made = open_store(str(tmp_path / "store"))
    dataset_id = objects.dataset(made)
    for run_id in ("first", "second"):
        objects.promote(made, "faces", objects.generator(made, run_id, dataset_id))
    return made


def gan(store: Store, *argv: str) -> int:
    return main([*argv, "--store", store.uri])


def ever_live(store: Store) -> tuple[str, ...]:
    return alias.read(store, "faces").ever_live()


def test_anchor_holds_new_generators_to_another_one(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ever_live(store)
    arguments = ("--name", "faces", "--generator-id", first, "--reason", "the second memorised")
    assert gan(store, "anchor", *arguments) == 0
    told = f"faces: new generators are held to coverage: {first}, fid: {first}, recall: {first}\n"
    assert capsys.readouterr().out == told
    after = alias.read(store, "faces")
    assert (after.live, set(after.anchors.values())) == (second, {first})
    assert (after.history[-1].action, after.history[-1].reason) == ("anchor", "the second memorised")


def test_anchor_is_the_live_one_where_none_is_named(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    live = ever_live(store)[1]
    assert gan(store, "anchor", "--name", "faces", "--reason", "the data are new", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["id"] == live
    assert record["anchors"] == {"coverage": live, "fid": live, "recall": live}


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["--name", "faces"], 2, "--reason"),
        (["--reason", "why"], 2, "--name"),
        (["--name", "faces", "--reason", " "], 2, "--reason must say why, since it is recorded; got ' '"),
        (["--name", "cats", "--reason", "why"], 4, 'nothing was ever promoted to "cats"; names with a live generator'),
        (
            ["--name", "faces", "--reason", "why", "--generator-id", "gen-none"],
            4,
            'gen-none was never live under "faces", or was rolled back from; these were: gen-',
        ),
    ],
)
def test_a_wrong_anchor_is_refused(
    store: Store, capsys: pytest.CaptureFixture[str], argv: list[str], code: int, message: str
) -> None:
    before = alias.read(store, "faces")
    assert gan(store, "anchor", *argv) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err
    assert alias.read(store, "faces") == before


def test_remeasure_without_a_live_generator(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert gan(store, "remeasure", "--name", "cats", "--reference-id", "ref-1") == 4
    assert capsys.readouterr().out == "not measured: nothing is live under cats\n"


def test_remeasure_reports_what_cannot_be_scored(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Its run is gone: not a failure, because a pipeline continues and the gate refuses with a reason."""
    first, live = ever_live(store)
    assert gan(store, "remeasure", "--name", "faces", "--reference-id", "ref-1") == 4
    told = capsys.readouterr()
    assert told.out.startswith('not measured: unknown run "second"')
    assert f"not measured: {first}: " in told.out
    assert f"{live} can't be scored against ref-1" in told.err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--name", "faces"], "--reference-id"),
        (["--reference-id", "ref-1"], "--name"),
        (["--name", "faces", "--reference-id", "r", "--set", "gate.margin=1"], "--set takes evaluate.key=value"),
    ],
)
def test_a_wrong_remeasure_is_refused(
    store: Store, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    assert gan(store, "remeasure", *argv) == 2
    assert message in capsys.readouterr().err


def test_remeasure_of_a_real_generator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = runs.make(tmp_path)
    live = export(made.store, made.run_id, checkpoint="latest").id
    promote(made.store, live, "pets", force="the first")
    capsys.readouterr()
    arguments = ("remeasure", "--name", "pets", "--reference-id", made.reference_id)
    assert gan(made.store, *arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"live: {live}"
    assert lines[1].startswith("fid[folder-cnn:")
    assert [line.split()[0] for line in lines[3:5]] == ["fid", "kid"]
    assert gan(made.store, *arguments, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["id"], record["skipped"], record["measured"]) == (live, True, [live])
