from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan.errors import IntegrityError, NotFoundError, StoreError
from gan.store import LocalStore, Store
from gan.train.batch_norm import estimate_statistics
from gan.train.checkpoint import files
from gan.train.checkpoint.attempts import take_over
from gan.train.checkpoint.files import Checkpoints, assign, load_ema, named
from gan.train.checkpoint.retention import retained
from gan.util.ids import file_sha256

META = {"seed": 3, "batches": 12, "config_hash": "abc"}
FOLDER = "runs/r/checkpoints"


def tensors(value: float = 1.0) -> dict[str, np.ndarray]:
    return {
        "generator/0000": np.full((2, 3), value, np.float32),
        "discriminator/0001": np.array([7, 9], np.int64),
        "generator_optimizer/0000": np.array(5, np.int64),
    }


@pytest.fixture
def checkpoints(store: Store) -> Checkpoints:
    return Checkpoints(store, "r")


def damage(store: Store, step: int, name: str = "state.safetensors") -> None:
    key = f"{FOLDER}/{step:08d}-1/{name}"
    data = bytearray(store.read(key))
    data[len(data) // 2] ^= 1
    store.write(key, bytes(data))


def test_a_checkpoint_comes_back_as_it_was_saved(store: Store, checkpoints: Checkpoints) -> None:
    digest = checkpoints.save(40, tensors(), META)
    found, meta = checkpoints.load(40)
    assert meta.items() >= {**META, "step": 40, "sha256": digest}.items()
    assert meta["size"] == len(store.read(f"{FOLDER}/00000040-1/state.safetensors"))
    for name, tensor in tensors().items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        np.testing.assert_array_equal(found[name], tensor)


def test_equal_states_have_equal_bytes(checkpoints: Checkpoints) -> None:
    reversed_order = dict(reversed(tensors().items()))
    assert checkpoints.save(1, tensors(), META) == checkpoints.save(2, reversed_order, META)


def test_steps_are_those_that_are_sealed(store: Store, checkpoints: Checkpoints) -> None:
    assert checkpoints.steps() == []
    for step in (100, 20, 3):
        checkpoints.save(step, tensors(), META)
    store.write(f"{FOLDER}/00000200-1/state.safetensors", b"half")
    store.write(f"{FOLDER}/notes.txt", b"not a checkpoint")
    assert checkpoints.steps() == [3, 20, 100]


def test_an_absent_step_lists_the_known_ones(checkpoints: Checkpoints) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint of step 5; it has: none yet"):
        checkpoints.load(5)
    checkpoints.save(4, tensors(), META)
    with pytest.raises(NotFoundError, match="it has: 4"):
        checkpoints.load(5)


def test_every_flipped_bit_is_found(store: Store, checkpoints: Checkpoints) -> None:
    for name in ("state.safetensors", "checkpoint.json"):
        checkpoints.save(5, tensors(), META)
        damage(store, 5, name)
        with pytest.raises(IntegrityError, match=f"{name} is damaged"):
            checkpoints.load(5)


@pytest.mark.parametrize("change", [{"batches": 13}, {"step": 6}, {"seal": "0"}])
def test_an_edited_record_is_found(store: Store, checkpoints: Checkpoints, change: dict[str, Any]) -> None:
    checkpoints.save(5, tensors(), META)
    key = f"{FOLDER}/00000005-1/checkpoint.json"
    store.write(key, json.dumps({**json.loads(store.read(key)), **change}).encode())
    with pytest.raises(IntegrityError, match="is damaged"):
        checkpoints.load(5)


@pytest.mark.parametrize("record", [b"[]", b"7", b"{}", b""])
def test_a_damaged_record_is_detected(store: Store, checkpoints: Checkpoints, record: bytes) -> None:
    checkpoints.save(5, tensors(), META)
    store.write(f"{FOLDER}/00000005-1/checkpoint.json", record)
    with pytest.raises(IntegrityError, match="is damaged"):
        checkpoints.load(5)


def test_another_format_is_refused(store: Store, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(files, "FORMAT", 0)
        checkpoints.save(5, tensors(), META)
    with pytest.raises(IntegrityError, match="checkpoint 5 of run r has format 0, this version reads 1"):
        checkpoints.load(5)


def test_a_missing_state_is_found(store: Store, checkpoints: Checkpoints) -> None:
    checkpoints.save(5, tensors(), META)
    store.delete(f"{FOLDER}/00000005-1/state.safetensors")
    with pytest.raises(IntegrityError, match="is missing"):
        checkpoints.load(5)


def test_a_state_that_holds_no_tensors_is_refused_whatever_its_record_says(
    store: Store, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.write_bytes(b"cbuiltins\nexec\n(S'1/0'\ntR.")  # a pickle that runs code, for those who load such things
    record = {"format": files.FORMAT, "step": 7, "sha256": file_sha256(state), "size": state.stat().st_size}
    checkpoints.publish(files.LocalCheckpoint(7, state, {**META, **record}))
    with pytest.raises(IntegrityError, match=r"00000007-1/state\.safetensors is damaged: it holds no tensors"):
        checkpoints.load(7)


def test_the_last_good_checkpoint_is_found_with_a_warning_for_each_damaged_one(
    store: Store, checkpoints: Checkpoints, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checkpoints.latest_good() is None
    for step in (1, 2, 3):
        checkpoints.save(step, tensors(step), META)
    damage(store, 3)
    found = checkpoints.latest_good()
    assert found is not None
    assert found.step == 2
    assert found.tensors["generator/0000"][0, 0] == 2
    assert "warning: checkpoint 3 of run r is damaged" in capsys.readouterr().err


def test_when_all_are_damaged_it_says_what_to_do(store: Store, checkpoints: Checkpoints) -> None:
    for step in (1, 2):
        checkpoints.save(step, tensors(), META)
        damage(store, step)
    with pytest.raises(IntegrityError, match=r"every checkpoint of run r is damaged: .*or delete .*checkpoints"):
        checkpoints.latest_good()


def keep_last(count: int) -> Callable[[Collection[int], Collection[int]], Collection[int]]:
    return lambda steps, unscheduled: retained(steps, last=count, unscheduled=unscheduled)


def test_pruning_keeps_what_the_rule_says(store: Store, checkpoints: Checkpoints) -> None:
    for step in (1, 2, 3, 4):
        checkpoints.save(step, tensors(), META)
    checkpoints.prune(keep_last(2))
    assert checkpoints.steps() == [3, 4]
    checkpoints.prune(lambda steps, _: [step for step in steps if step == 3])
    assert {item.key.split("/")[3] for item in store.list(FOLDER)} == {"00000003-1"}


def test_a_checkpoint_of_a_stop_is_deleted_once_a_later_one_exists(store: Store, checkpoints: Checkpoints) -> None:
    checkpoints.save(10, tensors(), {**META, "on_schedule": True})
    checkpoints.save(13, tensors(), {**META, "on_schedule": False})
    checkpoints.prune(keep_last(2))
    assert checkpoints.steps() == [10, 13]
    checkpoints.save(20, tensors(), {**META, "on_schedule": True})
    checkpoints.prune(keep_last(2))
    assert checkpoints.steps() == [10, 20]
    checkpoints.save(30, tensors(), {**META, "on_schedule": True})
    damage(store, 20, "checkpoint.json")
    checkpoints.prune(keep_last(2))
    assert checkpoints.steps() == [20, 30]


def names(store: Store) -> list[str]:
    return sorted({item.key.split("/")[3] for item in store.list(FOLDER)})


def test_what_a_fenced_attempt_saves_is_neither_read_nor_in_the_way(store: Store) -> None:
    """Attempt 1, thought dead, saves steps 20 and 30 while attempt 2 resumes from step 10 and saves step 20 too."""
    first = take_over(store, "r")
    old = Checkpoints(store, "r", first.number)
    old.save(10, tensors(1), META)
    second = take_over(store, "r")
    new = Checkpoints(store, "r", second.number)
    old.save(20, tensors(2), META)  # it had asked whether it may, just before
    second.record_resume_step(10)
    old.save(30, tensors(3), META)
    assert new.steps() == [10]
    new.save(20, tensors(4), META)
    for each in (old, new, Checkpoints(store, "r")):
        assert each.steps() == [10, 20]
        assert each.load(20)[0]["generator/0000"][0, 0] == 4
        assert each.load(10)[0]["generator/0000"][0, 0] == 1
        assert each.uri(20).endswith("00000020-2")
    assert [(each.step, each.attempt, each.valid) for each in new.folders()] == [
        (10, 1, True),
        (20, 1, False),
        (20, 2, True),
        (30, 1, False),
    ]
    old.prune(keep_last(1))
    assert names(store) == ["00000010-1", "00000020-2"], "attempt 1 clears what is its own"


def test_of_one_step_the_latest_attempt_is_read(store: Store) -> None:
    for value in (1, 2):
        lease = take_over(store, "r")
        lease.record_resume_step(10)
        Checkpoints(store, "r", lease.number).save(10, tensors(value), META)
    assert Checkpoints(store, "r").steps() == [10]
    assert Checkpoints(store, "r").load(10)[0]["generator/0000"][0, 0] == 2


def test_pruning_leaves_later_attempts_and_what_is_being_written_alone(store: Store) -> None:
    checkpoints = Checkpoints(store, "r", 2)
    for step in (1, 2):
        checkpoints.save(step, tensors(), META)
    for half in ("00000002-1", "00000003-2", "00000003-3"):
        store.write(f"{FOLDER}/{half}/state.safetensors", b"half")
    Checkpoints(store, "r", 3).save(1, tensors(), META)
    checkpoints.prune(keep_last(1))
    assert names(store) == ["00000001-3", "00000002-2", "00000003-2", "00000003-3"]


def test_a_damaged_record_of_attempts_is_reported_before_a_checkpoint_is_used(store: Store) -> None:
    Checkpoints(store, "r", take_over(store, "r").number).save(1, tensors(), META)
    store.write("runs/r/attempts.json", b"{}")
    for act in (
        Checkpoints(store, "r").steps,
        Checkpoints(store, "r").latest_good,
        lambda: Checkpoints(store, "r").load(1),
    ):
        with pytest.raises(IntegrityError, match=r"attempts\.json is damaged"):
            act()


class Full(LocalStore):
    """Has no room left from the `n`-th write on."""

    def __init__(self, root: Any, n: int) -> None:
        super().__init__(root)
        self.left = n

    def _take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoreError("the disk is full")

    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        self._take()
        super().write(key, data, if_absent=if_absent)

    def upload(self, key: str, path: Path, *, if_absent: bool = False) -> None:
        self._take()
        super().upload(key, path, if_absent=if_absent)


@pytest.mark.parametrize("room", [0, 1])
def test_a_full_store_leaves_the_earlier_checkpoint_whole(
    store: LocalStore, checkpoints: Checkpoints, room: int
) -> None:
    checkpoints.save(1, tensors(), META)
    with pytest.raises(StoreError, match="full"):
        Checkpoints(Full(store.root, room), "r").save(2, tensors(), META)
    found = checkpoints.latest_good()
    assert found is not None
    assert found.step == 1
    checkpoints.save(2, tensors(), META)
    assert checkpoints.steps() == [1, 2]


def test_a_full_disk_of_temporary_files_is_reported(small_disk: Path) -> None:
    big = {"generator/0000": np.zeros((1024, 1024), np.float32)}
    with pytest.raises(StoreError, match=r"the disk of .* is full; free some space, or set TMPDIR"):
        files.write_local(1, big, META, small_disk)


def test_the_ema_goes_into_a_fresh_generator(toy: Any, store: Store) -> None:
    config = toy.config()
    state = toy.train_state(config)
    toy.step(config, state)(1, [next(toy.batches(config))])
    digest = Checkpoints(store, "r").save(1, state.tensors(), META)
    fresh = toy.train_state(toy.config("train.seed=8")).generator
    assert load_ema(store, "r", 1, fresh) == digest
    networks = (fresh, state.ema, state.generator)
    for mine, ema, trained in zip(*(each.trainable_variables for each in networks), strict=True):
        np.testing.assert_array_equal(mine.numpy(), ema.numpy())
        assert not np.array_equal(ema.numpy(), trained.numpy())
    estimate_statistics(state.ema)
    for mine, ema in zip(fresh.variables, state.ema.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), ema.numpy())


def test_names_are_the_same_whatever_was_built_before(toy: Any) -> None:
    config = toy.config()
    assert set(toy.train_state(config).tensors()) == set(toy.train_state(config).tensors())


def test_a_generator_of_another_shape_is_refused_and_left_as_it_was(toy: Any, store: Store) -> None:
    Checkpoints(store, "r").save(1, toy.train_state(toy.config()).tensors(), META)
    wide = toy.train_state(toy.config("generator.width=0.2")).generator
    before = [variable.numpy() for variable in wide.variables]
    with pytest.raises(IntegrityError, match=r"does not fit the networks .* ema/0000 should be float32 \["):
        load_ema(store, "r", 1, wide)
    for old, variable in zip(before, wide.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())


def test_an_absent_tensor_is_named(toy: Any) -> None:
    generator = toy.train_state(toy.config()).generator
    with pytest.raises(IntegrityError, match=r"ema/0000 should be .*; found nothing"):
        assign(named("ema", generator.variables), {}, where="checkpoint 1")
