"""Copies between stores: what goes along, what stays, what is refused, and what a kill leaves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gan import lineage
from gan.admin.copy import copy
from gan.admin.verify import verify
from gan.errors import ConfigError, ConflictError, IntegrityError, NotFoundError
from gan.store import LocalStore, Store, alias, immutable, layout, open_store
from gan.store.records import verdicts
from gan.train.checkpoint.attempts import take_over
from support import objects, servers


@pytest.fixture
def source(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "source")


@pytest.fixture
def target(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "target")


@pytest.fixture
def made(source: LocalStore) -> dict[str, str]:
    """Two lineages; the generator of the first is live, that of the second was."""
    ids: dict[str, str] = {}
    for number in ("1", "2"):
        dataset = objects.dataset(source, number.encode())
        reference = objects.reference(source, dataset)
        run = objects.run(source, f"r{number}", dataset)
        objects.checkpoint(source, run, 10)
        objects.evaluation(source, run, 10, reference)
        generator = objects.generator(source, run, dataset, 10, reference)
        verdict = {"generator_id": generator, "name": "faces", "live_generator_id": None, "passed": True, "reasons": []}
        verdicts.write(source, run, verdict)
        ids |= {f"d{number}": dataset, f"ref{number}": reference, f"r{number}": run, f"g{number}": generator}
    objects.promote(source, "faces", ids["g2"])
    objects.promote(source, "faces", ids["g1"])
    return ids


def contents(store: Store) -> dict[str, bytes]:
    return {item.key: store.read(item.key) for item in store.list()}


def test_everything_arrives_byte_for_byte_and_nothing_is_copied_twice(
    source: LocalStore, target: LocalStore, made: dict[str, str]
) -> None:
    result = copy(source, target)
    assert contents(target) == contents(source)
    assert len(result.details["copied"]) == len(made) + 1
    assert verify(target).details["damages"] == []
    again = copy(source, target)
    assert again.skipped
    assert sorted(again.details["skipped"]) == sorted(result.details["copied"])


@pytest.mark.parametrize(
    ("asked", "arrives"),
    [
        ("d1", ["d1"]),
        ("ref1", ["d1", "ref1"]),
        ("r1", ["d1", "ref1", "r1"]),
        ("g1", ["d1", "ref1", "r1", "g1"]),
        ("faces", ["d1", "d2", "ref1", "ref2", "r1", "r2", "g1", "g2", "faces"]),
    ],
)
def test_an_object_comes_with_its_lineage(
    source: LocalStore, target: LocalStore, made: dict[str, str], asked: str, arrives: list[str]
) -> None:
    copy(source, target, [made.get(asked, asked)])
    assert {key.id for key in lineage.object_refs(target)} == {made.get(each, each) for each in arrives}
    assert verify(target).details["damages"] == []


def test_to_a_bucket_and_back(
    source: LocalStore, target: LocalStore, made: dict[str, str], moto_server: servers.Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in moto_server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = open_store(f"s3://{servers.make_bucket(moto_server)}/deep/prefix")
    copy(source, bucket)
    copy(bucket, target, ["faces"])
    assert contents(target) == contents(source)


def test_wherever_it_is_killed_it_can_continue(tmp_path: Path, source: LocalStore, made: dict[str, str]) -> None:
    class Dying(LocalStore):
        left = 0

        def _commit(self, *args: object, **kwargs: object) -> None:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            super()._commit(*args, **kwargs)  # type: ignore[arg-type]

    for changes in range(0, 1000, 5):
        dying = Dying(tmp_path / str(changes))
        dying.left = changes
        try:
            copy(source, dying)
        except KeyboardInterrupt:
            pass
        else:
            break
        there = LocalStore(dying.root)
        assert verify(there).details["damages"] == [], "what is there is whole"
        for key in lineage.object_refs(there):
            assert set(lineage.dependencies(there, key)) <= set(lineage.object_refs(there))
        copy(source, there)
        assert contents(there) == contents(source)
    assert changes > 20


def test_other_content_under_the_same_id_is_refused(
    source: LocalStore, target: LocalStore, made: dict[str, str]
) -> None:
    key = f"datasets/{made['d1']}/manifest.parquet"
    target.write(key, b"other")
    with pytest.raises(ConflictError, match=r"manifest.parquet has other content.*SHA-256 \w{64} there"):
        copy(source, target, [made["d1"]])
    assert not immutable.is_published(target, "dataset", made["d1"])
    assert target.read(key) == b"other"


def test_another_state_of_the_same_run_is_refused(source: LocalStore, target: LocalStore, made: dict[str, str]) -> None:
    copy(source, target, ["r1"])
    objects.checkpoint(source, "r1", 20)
    copy(source, target, ["r1"])
    assert [item.key for item in target.list("runs/r1/checkpoints/00000020-1")], "what is new is added"
    take_over(target, "r1").record_resume_step(20)
    take_over(source, "r1").record_resume_step(10)
    with pytest.raises(ConflictError, match=r"r1/attempts.json has other content.*another state of the same"):
        copy(source, target, ["r1"])


def test_a_name_extends_a_shorter_history_and_no_other(
    source: LocalStore, target: LocalStore, made: dict[str, str]
) -> None:
    copy(source, target, ["faces"])
    objects.promote(source, "faces", made["g2"])
    assert copy(source, target, ["faces"]).details["copied"] == ["promoted name faces"]
    assert alias.read(target, "faces").history == alias.read(source, "faces").history
    objects.promote(target, "faces", made["g1"])
    objects.promote(source, "faces", made["g1"])
    before = target.read("promoted/faces.json")
    with pytest.raises(ConflictError, match=r"faces.json has another history: its last promotion is"):
        copy(source, target, ["faces"])
    assert target.read("promoted/faces.json") == before


@pytest.mark.parametrize(
    "damaged",
    [
        "datasets/{d1}/train-00000.tfrecord",
        "references/{ref1}/real.npz",
        "generators/{g1}/weights",
        "generators/{g1}/SHA256SUMS",
        "runs/r1/checkpoints/00000010-1/state.safetensors",
        "runs/r1/run.json",
    ],
)
def test_what_is_damaged_is_not_copied(
    source: LocalStore, target: LocalStore, made: dict[str, str], damaged: str
) -> None:
    key = damaged.format(**made)
    data = source.read(key)
    source.write(key, data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(IntegrityError, match=key.rpartition("/")[2]):
        copy(source, target, [made["g1"]])
    assert verify(target).details["damages"] == []
    assert not immutable.is_published(target, "generator", made["g1"])


def test_damage_in_the_target_is_reported(source: LocalStore, target: LocalStore, made: dict[str, str]) -> None:
    copy(source, target, [made["g1"]])
    folder = f"generators/{made['g1']}"
    target.write(f"{folder}/weights", b"other")
    remedy = f"delete {target.uri_of(folder)} and run the same command again"
    with pytest.raises(IntegrityError, match=rf"the copy is damaged: .*weights has SHA-256 .*; {re.escape(remedy)}"):
        copy(source, target, [made["g1"]])
    for item in list(target.list(folder)):
        target.delete(item.key)
    assert copy(source, target, [made["g1"]]).details["copied"] == [f"generator {made['g1']}"]


def test_damage_of_a_run_in_the_target_is_reported(
    source: LocalStore, target: LocalStore, made: dict[str, str]
) -> None:
    copy(source, target, ["r1"])
    target.write("runs/r1/checkpoints/00000010-1/state.safetensors", b"other")
    remedy = re.escape(f"delete {target.uri_of('runs/r1')} and run the same command again")
    with pytest.raises(IntegrityError, match=rf"run r1: .*state.safetensors is damaged.*; {remedy}"):
        copy(source, target)
    assert immutable.is_published(target, "generator", made["g2"]), "the rest arrives"


def test_damage_stops_only_what_needs_it_and_all_of_it_is_listed(
    source: LocalStore, target: LocalStore, made: dict[str, str]
) -> None:
    apart = [objects.dataset(source, content) for content in (b"3", b"4", b"5")]
    source.write(f"datasets/{apart[0]}/manifest.parquet", b"other")
    source.write(f"references/{made['ref1']}/reference.json", b"other")
    source.delete(f"generators/{made['g2']}/weights")
    reference, generator = made["ref1"], made["g2"]
    copy(source, target, [apart[1]])
    target.write(f"datasets/{apart[1]}/manifest.parquet", b"other")
    with pytest.raises(IntegrityError) as told:
        copy(source, target)
    said = str(told.value)
    assert "\n" not in said
    assert said.startswith("4 objects are damaged: (1) dataset ")
    for damaged in (
        f"dataset {apart[0]}: {source.uri_of(f'datasets/{apart[0]}/manifest.parquet')} has SHA-256",
        f"dataset {apart[1]}: the copy is damaged: ",
        f"reference {reference}: {source.uri_of(f'references/{reference}/reference.json')} has SHA-256",
        f"generator {generator}: {source.uri_of(f'generators/{generator}/weights')} is missing",
    ):
        assert damaged in said
    assert (
        f"because they depend on these: run r1, generator {made['g1']}, promoted name faces; all else is copied."
        in said
    )
    there = set(lineage.object_refs(target))
    assert {key.id for key in there} == {made["d1"], made["d2"], made["ref2"], "r2", *apart[1:]}
    assert all(set(lineage.dependencies(target, key)) <= there for key in there)


def test_the_litter_of_killed_attempts_is_left_behind(
    source: LocalStore, target: LocalStore, made: dict[str, str]
) -> None:
    source.write("runs/r1/checkpoints/00000020-1/state.safetensors", b"half")
    source.write("datasets/folder-0/half", b"half")
    copy(source, target)
    assert not [key for key in contents(target) if "00000020" in key or "folder-0" in key]


def test_a_generator_without_its_run_is_copied_with_a_warning(
    source: LocalStore, target: LocalStore, made: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for item in source.list(layout.folder("r1")):
        source.delete(item.key)
    copy(source, target, [made["g1"]])
    assert immutable.is_published(target, "generator", made["g1"])
    assert "run r1 is not in" in capsys.readouterr().err


def test_wrong_requests_are_refused(source: LocalStore, target: LocalStore, made: dict[str, str]) -> None:
    with pytest.raises(NotFoundError, match='unknown object "r3"'):
        copy(source, target, ["r3"])
    with pytest.raises(ConfigError, match="SRC and DST are the same store"):
        copy(source, LocalStore(source.root))
    assert contents(target) == {}
