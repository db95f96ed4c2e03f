"""Promise 5: one changed byte anywhere is found before it is used, and named with object, expected and found.

Everything here is of one real run. Each file of it is damaged in turn, at places drawn by a seed, and then used as the
step uses it that needs it. Documents of which every byte is tried: tests/store/test_document.py.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gan.admin.verify import verify
from gan.config import override
from gan.data import spec
from gan.data.load import load_split
from gan.errors import IntegrityError, NotFoundError
from gan.export import metadata, saved_model
from gan.metrics import evaluations
from gan.metrics import reference as references
from gan.metrics.identity import FINAL
from gan.steps.evaluate import evaluate
from gan.steps.export import export
from gan.steps.gate import gate
from gan.steps.promote import promote, rollback
from gan.steps.train import train
from gan.store import Store, alias, immutable
from gan.store.records import verdicts
from gan.train.checkpoint import attempts
from gan.train.checkpoint.files import Checkpoints
from gan.train.run import read_run
from support import runs as worlds

SEED, FLIPS = 20, 4
NAME = "pets"


@dataclass(frozen=True)
class Whole:
    """A store that holds everything there is of one run."""

    world: worlds.World
    generator_id: str

    @property
    def store(self) -> Store:
        return self.world.store


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    world = worlds.make(tmp_path_factory.mktemp("damage"))
    worlds.score(world, "best")
    generator_id = export(world.store, world.run_id).id
    gate(world.store, generator_id, NAME)
    promote(world.store, generator_id, NAME)
    return Whole(world, generator_id)


def use_dataset(whole: Whole) -> None:
    dataset = spec.load(whole.store, whole.world.dataset_id)
    immutable.read_file(whole.store, "dataset", dataset.id, spec.MANIFEST)
    for split in dataset.splits:
        load_split(whole.store, dataset, split, max_examples=10, seed=0)


def use_generator(whole: Whole) -> None:
    promote(whole.store, whole.generator_id, "others", force="a test")


def draw(whole: Whole) -> None:
    metadata.read(whole.store, whole.generator_id)
    metadata.read_evaluation(whole.store, whole.generator_id)
    saved_model.load(whole.store, whole.generator_id)


def use_checkpoints(whole: Whole) -> None:
    checkpoints = Checkpoints(whole.store, whole.world.run_id)
    for step in checkpoints.steps():
        checkpoints.load(step)


def use_evaluations(whole: Whole) -> None:
    for record in evaluations.read_all(whole.store, whole.world.run_id):
        if evaluations.purpose_of(record) == FINAL:
            evaluations.read_contributions(whole.store, record)


USES: dict[str, tuple[str, Callable[[Whole], object]]] = {
    "dataset": ("datasets/", use_dataset),
    "reference": ("references/", lambda whole: references.load(whole.store, whole.world.reference_id)),
    "generator promoted": ("generators/", use_generator),
    "generator drawn with": (r"generators/[^/]+/(saved_model/|generator\.json|evaluation\.json|SHA256)", draw),
    "checkpoint": ("runs/[^/]+/checkpoints/", use_checkpoints),
    "attempts": (r"runs/[^/]+/attempts\.json", lambda whole: attempts.read(whole.store, whole.world.run_id)),
    "run": (r"runs/[^/]+/run\.json", lambda whole: read_run(whole.store, whole.world.run_id)),
    "evaluation": ("runs/[^/]+/evaluations/", use_evaluations),
    "contributions": (r"runs/[^/]+/evaluations/.*\.safetensors", use_evaluations),
    "verdict": ("runs/[^/]+/verdicts/", lambda whole: verdicts.read(whole.store, whole.world.run_id, NAME)),
    "alias": ("promoted/", lambda whole: rollback(whole.store, NAME)),
}


def keys(whole: Whole, pattern: str) -> list[str]:
    found = [item.key for item in whole.store.list() if re.match(pattern, item.key)]
    assert found
    return found


def flipped(data: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << draw.randrange(8))]) + data[place + 1 :]


def cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def other_step(whole: Whole) -> int:
    """The checkpoint that was not exported."""
    exported = metadata.read(whole.store, whole.generator_id).step
    (other,) = set(Checkpoints(whole.store, whole.world.run_id).steps()) - {exported}
    return other


@pytest.mark.parametrize("damage", [flipped, cut])
@pytest.mark.parametrize("what", USES)
def test_damage_is_found_before_use_and_named(
    whole: Whole, what: str, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    pattern, use = USES[what]
    random_places = random.Random(SEED)  # noqa: S311
    for key in keys(whole, pattern):
        sound = whole.store.read(key)
        if not sound:
            continue  # TensorFlow writes an empty file now and then
        for _ in range(FLIPS):
            changed = damage(sound, random_places)
            whole.store.write(key, changed)
            try:
                with pytest.raises(IntegrityError) as told:
                    use(whole)
            except pytest.fail.Exception:
                raise AssertionError(f"not found in {key}: {sound!r:.200} is {changed!r:.200}") from None
            finally:
                whole.store.write(key, sound)
            said = str(told.value)
            folder, _, name = key.rpartition("/")
            assert name in said or folder in said or folder.partition("/")[2] in said, said
            assert re.search(r"expect|should|not a checksum|truncated|not text", said), said
            assert re.search(r"found|has SHA-256|belongs to|line \d+|truncated|not text", said), said
    assert verify(whole.store).details["damages"] == []


@pytest.mark.parametrize("what", ["dataset", "reference", "generator promoted", "checkpoint", "contributions"])
def test_a_file_that_is_gone_is_found_and_named(whole: Whole, what: str) -> None:
    pattern, use = USES[what]
    for key in keys(whole, pattern):
        if key.endswith((immutable.SUMS_FILE, "checkpoint.json")):
            continue  # without these there is no object
        sound = whole.store.read(key)
        whole.store.delete(key)
        try:
            with pytest.raises(IntegrityError, match=rf"{re.escape(key.rpartition('/')[2])} is missing; expected"):
                use(whole)
        finally:
            whole.store.write(key, sound)


def test_an_object_without_its_sha256sums_does_not_exist(whole: Whole) -> None:
    for kind, object_id in (
        ("dataset", whole.world.dataset_id), ("reference", whole.world.reference_id), ("generator", whole.generator_id),
    ):  # fmt: skip
        key = f"{immutable.prefix_of(kind, object_id)}/{immutable.SUMS_FILE}"
        sound = whole.store.read(key)
        whole.store.delete(key)
        with pytest.raises(NotFoundError, match=f'no {kind} "{object_id}" in the store'):
            immutable.read_sums(whole.store, kind, object_id)
        whole.store.write(key, sound)


@pytest.mark.parametrize("name", ["state.safetensors", "checkpoint.json"])
def test_training_falls_back_to_the_checkpoint_before_with_a_warning(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    made = worlds.copy(whole.world, tmp_path)
    folder = Checkpoints(made.store, made.run_id).uri(4).removeprefix(f"{made.store.uri}/")
    sound = made.store.read(f"{folder}/{name}")
    made.store.write(f"{folder}/{name}", flipped(sound, random.Random(SEED)))  # noqa: S311
    longer = override(worlds.config(), ["train.steps=6"])
    result = train(made.store, longer, made.dataset_id, run_id=made.run_id)
    assert (result.details["resumed_from"], result.details["steps"]) == (2, 6)
    warned = capsys.readouterr().err
    assert "checkpoint 4" in warned
    assert "is damaged" in warned
    assert re.search(r"expect|should", warned)


def test_every_step_refuses_a_damaged_input(whole: Whole, tmp_path: Path) -> None:
    """The same through the steps themselves: nothing is made of what is damaged."""
    steps: list[tuple[str, Callable[[worlds.World], object]]] = [
        (r"datasets/.*\.tfrecord", lambda made: train(made.store, worlds.config(steps=5), made.dataset_id)),
        (r"datasets/.*\.json", lambda made: train(made.store, worlds.config(steps=5), made.dataset_id)),
        ("references/.*", lambda made: evaluate(made.store, made.run_id, made.reference_id, sets=["evaluate.seed=9"])),
        (r".*/state\.safetensors", lambda made: export(made.store, made.run_id, checkpoint=str(other_step(whole)))),
        (r".*/run\.json", lambda made: export(made.store, made.run_id)),
        (r".*/evaluations/.*", lambda made: export(made.store, made.run_id)),
        ("generators/.*", lambda made: promote(made.store, whole.generator_id, "x", force="a test")),
        (r".*/generator\.json", lambda made: gate(made.store, whole.generator_id, "x")),
        ("promoted/.*", lambda made: gate(made.store, whole.generator_id, NAME)),
    ]
    for number, (pattern, step) in enumerate(steps):
        made = worlds.copy(whole.world, tmp_path / str(number))
        damaged = [item.key for item in made.store.list() if re.fullmatch(pattern, item.key) and item.size]
        for key in damaged:
            made.store.write(key, flipped(made.store.read(key), random.Random(SEED)))  # noqa: S311
        before = {item.key for item in made.store.list()}
        with pytest.raises(IntegrityError):
            step(made)
        new = {item.key for item in made.store.list()} - before
        assert not [key for key in new if key.startswith(("datasets", "references", "generators", "promoted"))], new
        assert not [key for key in new if key.endswith(("checkpoint.json", ".jsonl"))], new


@pytest.mark.parametrize("whose", ["new", "live"])
def test_the_gate_refuses_to_compare_with_damaged_contributions(whole: Whole, tmp_path: Path, whose: str) -> None:
    made = worlds.copy(whole.world, tmp_path)
    live_step, new_step = metadata.read(made.store, whole.generator_id).step, other_step(whole)
    worlds.score(made, str(new_step))
    new = export(made.store, made.run_id, checkpoint=str(new_step)).id
    assert gate(made.store, new, NAME).details["checks"]
    (key,) = [
        item.key
        for item in made.store.list(f"runs/{made.run_id}/evaluations")
        if re.search(rf"/{new_step if whose == 'new' else live_step:08d}-.*\.safetensors$", item.key)
    ]
    sound = made.store.read(key)
    made.store.write(key, flipped(sound, random.Random(SEED)))  # noqa: S311
    with pytest.raises(IntegrityError, match=rf"{re.escape(key)} is damaged"):
        gate(made.store, new, NAME)
    assert [key in damage for damage in verify(made.store).details["damages"]] == [True]
    made.store.delete(key)
    with pytest.raises(IntegrityError, match=rf"{re.escape(key)} is missing"):
        gate(made.store, new, NAME)
    assert [key in damage for damage in verify(made.store).details["damages"]] == [True]


def test_an_alias_keeps_its_generator_when_another_is_damaged(whole: Whole) -> None:
    assert alias.read_live(whole.store, NAME).live == whole.generator_id
