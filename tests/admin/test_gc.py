"""gc on real stores: what goes, what stays, who races it, and what a kill leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan import lineage
from gan.admin.gc import LOCK_KEY, gc
from gan.admin.gc_scan import TOMBSTONE, Rules
from gan.admin.verify import verify
from gan.errors import ConfigError, ConflictError, NotFoundError
from gan.export import directions
from gan.steps.promote import promote
from gan.store import Item, LocalStore, Store, alias, immutable, layout, open_store, step_cache
from gan.store.records import executions, sweeps
from gan.store.records.audit_logs import EXECUTIONS, SWEEPS
from gan.store.records.executions import ExecutionAttempt
from gan.train.checkpoint.attempts import take_over
from gan.train.checkpoint.files import Checkpoints
from support import objects, servers
from support.objects import DAY, HOUR

T = TypeVar("T")
NOW = Rules(grace_seconds=0)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def keys(store: Store) -> set[str]:
    return {item.key for item in store.list()}


def trash(store: Store, rules: Rules | None = None, *, delete: bool = False) -> list[tuple[str, str]]:
    """Kind and id of what goes."""
    return [(each["kind"], each["id"]) for each in gc(store, rules, delete=delete).details["trash"]]


def full(store: Store) -> dict[str, str]:
    """A dataset, reference, run and generator that need each other, and a dataset and a reference that none needs."""
    made = {"dataset": objects.dataset(store), "stray": objects.dataset(store, b"others")}
    made["reference"] = objects.reference(store, made["dataset"])
    made["second"] = objects.reference(store, made["stray"], b"second")
    made["run"] = objects.run(store, "r1", made["dataset"])
    objects.checkpoint(store, "r1", 10)
    objects.evaluation(store, "r1", 10, made["reference"])
    made["generator"] = objects.generator(store, "r1", made["dataset"], 10, made["reference"])
    return made


def test_a_dry_run_lists_what_would_go_with_sizes_and_changes_nothing(store: LocalStore) -> None:
    made = full(store)
    objects.age(store, 2 * DAY)
    before = {key: store.read(key) for key in keys(store)}
    result = gc(store)
    assert {key: store.read(key) for key in keys(store)} == before
    assert [(each["kind"], each["id"]) for each in result.details["trash"]] == [
        ("reference", made["second"]),
        ("dataset", made["stray"]),
    ]
    (first, second) = result.details["trash"]
    sizes = {made_id: sum(item.size for item in store.list(f"{kind}s/{made_id}")) for kind, made_id in
             (("reference", made["second"]), ("dataset", made["stray"]))}  # fmt: skip
    assert first == {
        "kind": "reference", "id": made["second"], "why": "nothing refers to it", "bytes": sizes[made["second"]],
        "objects": 3,
    }  # fmt: skip
    assert result.details["bytes"] == first["bytes"] + second["bytes"] == sum(sizes.values())
    assert result.details["deleted"] is False


def test_what_nothing_refers_to_is_deleted_and_the_rest_is_complete(store: LocalStore) -> None:
    made = full(store)
    objects.age(store, 2 * DAY)
    before = keys(store)
    gc(store, delete=True)
    gone = before - keys(store)
    assert gone == {key for key in before if made["stray"] in key or made["second"] in key}
    assert verify(store).details["damages"] == []
    assert trash(store, NOW, delete=True) == []
    assert not list(store.incomplete_uploads())


def test_what_was_written_within_the_grace_stays(store: LocalStore) -> None:
    made = full(store)
    objects.age(store, 23 * HOUR)
    assert trash(store) == []
    objects.age(store, 2 * HOUR, "references/", f"datasets/{made['stray']}")
    assert trash(store) == [("reference", made["second"]), ("dataset", made["stray"])]
    assert trash(store, Rules(grace_seconds=2 * DAY)) == []


def test_the_grace_is_by_the_clock_of_the_storage(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose clock is years ahead deletes nothing young, and one that is behind keeps nothing old."""
    full(store)
    for skew in (-1e9, 1e9):
        monkeypatch.setattr("time.time", lambda skew=skew: 1.8e9 + skew)
        assert trash(store) == []
    objects.age(store, 2 * DAY)
    assert len(trash(store)) == 2


def test_a_fresh_cache_entry_keeps_what_a_run_may_be_about_to_use(store: LocalStore) -> None:
    made = full(store)
    for step, kind in (("preprocess", "stray"), ("reference", "second"), ("pipeline-preprocess", "stray")):
        step_cache.put(store, step, {"for": kind}, made[kind])
    objects.age(store, 2 * DAY)
    assert ("dataset", made["stray"]) in trash(store)
    step_cache.published(store, "reference", {"for": "second"}, "reference")
    assert trash(store) == [], "the dataset of the reference stays too"


def test_cache_entries_go_with_their_objects(store: LocalStore) -> None:
    made = full(store)
    for step, about in (
        ("preprocess", made["stray"]), ("pipeline-reference", made["second"]), ("export", "gen-gone"),
        ("preprocess", made["dataset"]), ("pipeline-train", "r1"), ("of-a-later-version", "x"),
    ):  # fmt: skip
        step_cache.put(store, step, {"about": about}, about)
    step_cache.put(store, "pipeline-evaluate", {"run_id": "r1"}, "10")
    step_cache.put(store, "pipeline-evaluate", {"run_id": "r9"}, "10")
    step_cache.put(store, "pipeline-evaluate", {"run_id": ""}, "20")  # of an unnamed run
    store.write("recipes/reference/damaged.json", b"{")
    objects.age(store, 2 * DAY)
    gone = [each for kind, each in trash(store, delete=True) if kind == "recipe"]
    assert sorted(each.partition("/")[0] for each in gone) == [
        "export", "pipeline-evaluate", "pipeline-reference", "preprocess", "reference",
    ]  # fmt: skip
    assert {entry.object_id for entry in step_cache.entries(store)} == {made["dataset"], "r1", "x", "10", "20"}


def test_a_fresh_unreadable_cache_entry_keeps_everything_it_may_name(store: LocalStore) -> None:
    full(store)
    objects.age(store, 2 * DAY)
    store.write("recipes/reference/damaged.json", b"{")
    result = gc(store, delete=True)
    assert result.details["trash"] == []
    assert result.details["unreadable"] == [f"{store.uri_of('recipes/reference/damaged.json')} is damaged"]


def test_what_killed_processes_left_goes(store: LocalStore) -> None:
    made = full(store)
    store.write("datasets/folder-0/train-00000.tfrecord", b"half")
    store.write("references/ref-0/real.npz", b"half")
    store.write("generators/gen-0/weights", b"half")
    store.write("runs/r2/config.yaml", b"half")
    store.write("runs/r2/attempts.json", b"half")
    store.write(f"runs/r1/checkpoints/{'20':0>8}-1/state.safetensors", b"half")
    (store.root / ".tmp").mkdir(exist_ok=True)
    (store.root / ".tmp" / "tmpabc").write_bytes(b"half")
    store.write(".probes/x", b"")
    objects.age(store, 2 * DAY)
    found = trash(store, delete=True)
    assert [each for each in found if each[0] not in ("dataset", "reference")] == [
        ("unfinished generator", "gen-0"),
        ("unfinished run", "r2"),
        ("unfinished reference", "ref-0"),
        ("unfinished dataset", "folder-0"),
        ("checkpoint", "r1@20-1"),
        ("leftover", ".tmp/tmpabc"),
        ("leftover", ".probes/x"),
    ]
    assert not [key for key in keys(store) if "-0/" in key or "r2" in key or "00000020" in key or key[0] == "."]
    assert not list(store.incomplete_uploads())
    assert {made["run"], made["generator"], made["dataset"]} <= set(verify(store).details["checked"])


def test_verdicts_on_a_generator_whose_run_is_elsewhere_stay(store: LocalStore) -> None:
    objects.generator(store, "r7", "folder-1")
    store.write("runs/r7/verdicts/faces.json", b"")
    assert trash(store, NOW) == []


def test_checkpoints_beyond_the_rule_go(store: LocalStore) -> None:
    made = full(store)
    for step in (20, 30, 40, 50, 60):
        objects.checkpoint(store, "r1", step, on_schedule=step != 50)
    objects.evaluation(store, "r1", 20, made["reference"], fid=1.0)
    objects.age(store, 2 * DAY)
    assert [each for kind, each in trash(store) if kind == "checkpoint"] == ["r1@50"], "10 exported, 20 the best"
    assert [each for kind, each in trash(store, Rules(keep_last=1)) if kind == "checkpoint"] == [
        "r1@30", "r1@40", "r1@50",
    ]  # fmt: skip
    every = Rules(keep_last=1, keep_every_steps=20)
    assert [each for kind, each in trash(store, every, delete=True) if kind == "checkpoint"] == ["r1@30", "r1@50"]
    assert Checkpoints(store, "r1").steps() == [10, 20, 40, 60]
    assert verify(store).details["damages"] == []


def test_checkpoints_of_dead_attempts_go(store: LocalStore) -> None:
    full(store)
    first = take_over(store, "r1")
    first.record_resume_step(0)
    objects.checkpoint(store, "r1", 20, attempt=1)
    second = take_over(store, "r1")
    second.record_resume_step(10)
    objects.checkpoint(store, "r1", 30, attempt=1)
    objects.checkpoint(store, "r1", 20, attempt=2)
    objects.age(store, 2 * DAY)
    gone = [each for kind, each in trash(store, delete=True) if kind == "checkpoint"]
    assert gone == ["r1@20-1", "r1@30-1"]
    assert Checkpoints(store, "r1").steps() == [10, 20]


def test_inactive_runs_go_unless_one_of_their_generators_was_ever_live(store: LocalStore) -> None:
    first, second = full(store), objects.dataset(store, b"second")
    objects.run(store, "r2", second)
    old = objects.generator(store, "r2", second)
    objects.promote(store, "faces", first["generator"])
    objects.promote(store, "faces", objects.generator(store, objects.run(store, "r3", second), second))
    objects.age(store, 60 * DAY)
    assert ("run", "r2") not in trash(store)
    found = trash(store, Rules(runs_older_than_seconds=30 * DAY), delete=True)
    assert found[:2] == [("generator", old), ("run", "r2")]
    assert layout.run_ids(store) == ["r1", "r3"]
    assert immutable.is_published(store, "dataset", second), "another run needs it"
    assert verify(store).details["damages"] == []


def test_directions_go_with_their_generator(store: LocalStore) -> None:
    dataset = objects.dataset(store)
    kept, idle = (objects.generator(store, objects.run(store, name, dataset), dataset) for name in ("kept", "idle"))
    for generator_id in (kept, idle, "gen-gone"):
        store.write(directions.key_of(generator_id), b"{}")
    store.write("directions/notes.txt", b"not a record")
    assert trash(store) == []  # they are new
    objects.age(store, 2 * DAY)
    assert trash(store, delete=True) == [("directions", "gen-gone")]
    objects.age(store, 90 * DAY, "runs/idle", f"generators/{idle}")
    assert ("directions", idle) in trash(store, Rules(runs_older_than_seconds=30 * DAY), delete=True)
    assert {key for key in keys(store) if key.startswith("directions")} == {
        directions.key_of(kept),
        "directions/notes.txt",
    }


def test_audit_logs_of_executions_go_like_inactive_runs(store: LocalStore) -> None:
    attempt = ExecutionAttempt("train", "wf.train", 0, "2026-01-01T00:00:00Z")
    for execution in ("old", "resumed"):
        executions.begin(store, execution, attempt)
    objects.age(store, 60 * DAY)
    executions.begin(store, "resumed", attempt)
    executions.begin(store, "new", attempt)
    assert trash(store) == []
    assert trash(store, Rules(runs_older_than_seconds=30 * DAY), delete=True) == [("execution", "old")]
    assert set(EXECUTIONS.records(store)) == {"resumed", "new"}


def test_records_of_sweeps_go_like_inactive_runs(store: LocalStore) -> None:
    for sweep_id in ("old", "resumed"):
        sweeps.write_stage(store, sweep_id, 0, [{"seed": 0}])
    objects.age(store, 60 * DAY)
    sweeps.write_result(store, "resumed", {"seed": 0}, 1.5)
    assert trash(store) == []
    assert trash(store, Rules(runs_older_than_seconds=30 * DAY), delete=True) == [("sweep", "old")]
    assert set(SWEEPS.records(store)) == {"resumed"}


@pytest.mark.parametrize("key", ["runs/r1/run.json", "generators/{generator}/generator.json", "promoted/faces.json"])
def test_what_an_unreadable_record_may_refer_to_stays(store: LocalStore, key: str) -> None:
    made = full(store)
    objects.promote(store, "faces", made["generator"])
    for step in range(20, 100, 10):
        objects.checkpoint(store, "r1", step)
    store.write("datasets/folder-0/half", b"")
    objects.age(store, 90 * DAY)
    where = key.format(**made)
    store.write(where, b"damaged")
    objects.age(store, 90 * DAY, where)
    before = keys(store)
    result = gc(store, Rules(runs_older_than_seconds=DAY), delete=True)
    (unreadable,) = result.details["unreadable"]
    assert store.uri_of(where) in unreadable
    checkpoints = {each for each in before if "/checkpoints/" in each}
    if "promoted" in key:
        assert keys(store) < before
        assert keys(store) >= before - checkpoints
    else:
        assert keys(store) == before


def test_a_reference_made_meanwhile_restores_the_object(store: LocalStore) -> None:
    """A run begins between the two scans, while its dataset and the reference that it waits for are hidden."""
    made = full(store)
    objects.age(store, 2 * DAY)

    class Raced(LocalStore):
        def delete(self, key: str) -> None:
            super().delete(key)
            if key == f"datasets/{made['stray']}/{immutable.SUMS_FILE}" and not store.exists("runs/r9/run.json"):
                objects.run(store, "r9", made["stray"])

    assert trash(Raced(store.root), delete=True) == []
    assert verify(store, [made["stray"], made["second"], "r9"]).details["damages"] == []
    assert not [key for key in keys(store) if key.endswith(TOMBSTONE)]


def test_a_cache_entry_made_meanwhile_restores_the_object_and_its_dependencies(store: LocalStore) -> None:
    made = full(store)
    step_cache.put(store, "reference", {"a": 1}, made["second"])
    objects.age(store, 2 * DAY)

    class Raced(LocalStore):
        def delete(self, key: str) -> None:
            super().delete(key)
            if key.endswith(immutable.SUMS_FILE):
                assert step_cache.published(store, "reference", {"a": 1}, "reference") is None or made["stray"] in key

    assert trash(Raced(store.root), delete=True) == []
    assert verify(store, [made["stray"], made["second"]]).details["damages"] == []


def killed_after(root: Path, changes: int) -> LocalStore:
    """A store whose process dies at a certain change."""

    class Dying(LocalStore):
        left = changes

        def _count(self) -> None:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1

        def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
            self._count()
            super().write(key, data, if_absent=if_absent)

        def delete(self, key: str) -> None:
            self._count()
            super().delete(key)

    return Dying(root)


def test_wherever_gc_is_killed_the_next_one_finishes_and_nothing_is_lost(tmp_path: Path) -> None:
    rules = Rules(grace_seconds=0, runs_older_than_seconds=0)
    for changes in range(1000):
        store = LocalStore(tmp_path / str(changes))
        made = full(store)
        live = objects.generator(store, objects.run(store, "r2", made["dataset"]), made["dataset"])
        objects.promote(store, "faces", live)
        try:
            gc(killed_after(store.root, changes), rules, delete=True)
        except KeyboardInterrupt:
            pass
        else:
            break
        assert verify(store).details["damages"] == []
        missing = [need for key in lineage.object_refs(store) for need in lineage.dependencies(store, key)
                   if need not in set(lineage.object_refs(store))]  # fmt: skip
        assert not missing or any(key.endswith(TOMBSTONE) for key in keys(store))
        gc(store, rules, delete=True)
        assert set(lineage.object_refs(store)) == {
            ("promoted name", "faces"), ("generator", live), ("run", "r2"), ("dataset", made["dataset"]),
        }  # fmt: skip
        assert not [key for key in keys(store) if made["stray"] in key or "r1" in key]
        assert verify(store).details["damages"] == []
    assert changes > 20


def test_of_two_at_once_the_second_fails(store: LocalStore) -> None:
    full(store)
    objects.age(store, 2 * DAY)

    class Raced(LocalStore):
        def delete(self, key: str) -> None:
            if key.endswith(immutable.SUMS_FILE):
                with pytest.raises(ConflictError, match="another gan gc is running"):
                    gc(LocalStore(self.root), delete=True)
            super().delete(key)

    assert len(trash(Raced(store.root), delete=True)) == 2
    assert LOCK_KEY not in keys(store)


def test_one_that_was_killed_keeps_the_next_off_for_an_hour(store: LocalStore) -> None:
    made = full(store)
    marker = f"datasets/{made['stray']}/{immutable.SUMS_FILE}"
    store.write(marker + TOMBSTONE, store.read(marker))
    store.delete(marker)
    store.write(LOCK_KEY, b"")
    with pytest.raises(ConflictError, match="was killed less than an hour ago"):
        gc(store, delete=True)
    objects.age(store, 2 * HOUR)
    assert trash(store, delete=True) == []
    assert immutable.is_published(store, "dataset", made["stray"])
    assert not [key for key in keys(store) if key in (marker + TOMBSTONE, LOCK_KEY)]


@pytest.mark.parametrize("finished", [True, False])
def test_what_is_published_again_during_gc_stays_or_goes_as_a_whole(store: LocalStore, finished: bool) -> None:
    """All files of a killed publish exist; the marker file is written before gc scans, or during the deletion."""
    made = objects.dataset(store)
    marker = f"datasets/{made}/{immutable.SUMS_FILE}"
    data = store.read(marker)
    store.delete(marker)
    objects.age(store, 2 * DAY)

    class Raced(LocalStore):
        def list(self, prefix: str = "") -> Iterator[Item]:
            if finished and prefix == f"datasets/{made}":
                super().write(marker, data)
            return super().list(prefix)

        def delete(self, key: str) -> None:
            super().delete(key)
            if not finished and key.endswith(".tfrecord"):
                super().write(marker, data)

    gone = [] if finished else [("unfinished dataset", made)]
    assert trash(Raced(store.root), delete=True) == gone
    assert immutable.is_published(store, "dataset", made) == finished
    assert verify(store).details == {"checked": [made] * finished, "damages": []}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Rules(grace_seconds=-1), "--grace and --runs-older-than must be durations"),
        (lambda: Rules(keep_last=0), "--keep-last must be at least 1; got 0"),
        (lambda: Rules(keep_every_steps=0), "--keep-every must be at least 1"),
    ],
)
def test_rules_that_make_no_sense_are_refused(make: Callable[[], Rules], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make()


def test_an_empty_store_holds_no_trash(store: LocalStore) -> None:
    assert trash(store, delete=True) == []


def test_what_is_no_object_of_ours_is_left_alone(store: LocalStore) -> None:
    for key in ("notes.txt", "datasets/README", "datasets/two words/x", "other/a/b", "recipes/x.json", "runs/x.txt"):
        store.write(key, b"")
    before = keys(store)
    gc(store, NOW, delete=True)
    assert keys(store) == before


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_never_anything_referenced(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Random stores, of random ages, under random rules: what stays is whole, and so is all that it needs."""
    store = LocalStore(tmp_path_factory.mktemp("store"))

    def some(pool: Sequence[T]) -> T:
        return data.draw(st.sampled_from(pool))

    datasets = [objects.dataset(store, bytes([number])) for number in range(data.draw(st.integers(1, 3)))]
    references = [objects.reference(store, some(datasets), bytes([n])) for n in range(data.draw(st.integers(1, 3)))]
    run_ids = [objects.run(store, f"r{n}", some(datasets), keep=1) for n in range(data.draw(st.integers(0, 3)))]
    generators = []
    for run_id in run_ids:
        for step in data.draw(st.sets(st.sampled_from([10, 20, 30]))):
            objects.checkpoint(store, run_id, step)
            if data.draw(st.booleans()):
                objects.evaluation(store, run_id, step, some(references), data.draw(st.floats(1, 9)))
            if data.draw(st.booleans()):
                from_reference = data.draw(st.none() | st.sampled_from(references))
                generators.append(objects.generator(store, run_id, some(datasets), step, from_reference))
    for _ in range(data.draw(st.integers(0, 2)) if generators else 0):
        objects.promote(store, some(["a", "b"]), some(generators))
    for at, pool in (("preprocess", datasets), ("reference", references), ("export", generators)):
        if pool and data.draw(st.booleans()):
            step_cache.put(store, at, {}, some(pool))
    for folder in ("datasets", "references", "runs", "generators", "recipes"):
        for item in store.list(folder):
            if data.draw(st.integers(0, 3)) > 0:
                objects.age(store, data.draw(st.sampled_from([2, 100])) * DAY, item.key)
    live = [
        need
        for key in lineage.object_refs(store)
        if key.kind == "promoted name"
        for need in lineage.dependencies(store, key)
    ]
    idle = data.draw(st.sampled_from([None, 30 * DAY]))
    gc(store, Rules(data.draw(st.sampled_from([0.0, DAY])), idle, 1), delete=True)
    there = set(lineage.object_refs(store))
    assert set(live) <= there
    assert idle is not None or set(run_ids) == set(layout.run_ids(store))
    for key in there:
        assert set(lineage.dependencies(store, key)) <= there, key
    assert verify(store).details["damages"] == []
    for generator_id in immutable.ids(store, "generator"):
        metadata = immutable.read_json(store, "generator", generator_id, "generator.json")
        assert metadata["step"] in Checkpoints(store, metadata["run_id"]).steps()


def test_a_reference_to_what_gc_deletes_at_the_same_time_fails(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gc looked for references before this one was made, so it is the one who made it that has to look."""
    made = full(store)
    move = alias.update

    def overtaken(store: Store, *args: Any) -> alias.Alias:
        moved = move(store, *args)
        store.delete(f"generators/{made['generator']}/{immutable.SUMS_FILE}")
        return moved

    monkeypatch.setattr(alias, "update", overtaken)
    with pytest.raises(NotFoundError, match=f"gan gc deleted generator {made['generator']} just before"):
        promote(store, made["generator"], "faces", force="a test")


@pytest.mark.parametrize("kind", ["dataset", "reference", "run", "generator"])
def test_the_existence_of_each_kind_can_be_required(store: LocalStore, kind: str) -> None:
    made = full(store)
    lineage.require_exists(store, kind, made[kind])
    with pytest.raises(NotFoundError, match=f"gan gc deleted {kind} gone"):
        lineage.require_exists(store, kind, "gone")


def test_in_a_bucket(moto_server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in moto_server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = open_store(f"s3://{servers.make_bucket(moto_server)}/prefix")
    made = full(bucket)
    bucket.write("references/ref-0/half", b"half")
    assert trash(bucket) == [], "all of it is young"
    assert trash(bucket, NOW, delete=True) == [
        ("unfinished reference", "ref-0"), ("reference", made["second"]), ("dataset", made["stray"]),
    ]  # fmt: skip
    assert verify(bucket).details["damages"] == []
    assert not [key for key in keys(bucket) if made["stray"] in key or made["second"] in key or "/ref-0/" in key]
