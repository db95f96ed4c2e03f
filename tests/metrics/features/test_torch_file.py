"""Checkpoints written by hand, opcode by opcode: what is read, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan.errors import IntegrityError
from gan.metrics.features.published import torch_file

KINDS = {np.dtype("<f4"): b"ctorch\nFloatStorage\n", np.dtype("<i8"): b"ctorch\nLongStorage\n"}
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
EMPTY = b"ccollections\nOrderedDict\n)R"


def push(value: object) -> bytes:
    """The opcodes that put a value on the stack: a pickle without its first and last one."""
    return pickle.dumps(value, 2)[2:-1]


def tensor(storage: np.ndarray, key: str, offset: int, shape: tuple, strides: tuple, rebuild: bytes = REBUILD) -> bytes:
    place = b"(" + push("storage") + KINDS[storage.dtype] + push(key) + push("cpu") + push(len(storage)) + b"NtQ"
    return rebuild + b"(" + place + push(offset) + push(shape) + push(strides) + b"\x89" + EMPTY + b"tR"


def checkpoint(tensors: dict[str, bytes], storages: dict[str, np.ndarray], magic: int = torch_file.MAGIC) -> bytes:
    head = b"".join(pickle.dumps(each, 2) for each in (magic, torch_file.PROTOCOL, {"little_endian": True}))
    items = b"".join(push(name) + each for name, each in tensors.items())
    numbers = b"".join(len(each).to_bytes(8, "little") + each.tobytes() for each in storages.values())
    return head + b"\x80\x02" + EMPTY + b"(" + items + b"u." + pickle.dumps(list(storages), 2) + numbers


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
    offset=st.integers(0, 3),
)
@settings(max_examples=50, deadline=None)
def test_strides_say_where_numbers_stand(shape: list[int], order, offset: int) -> None:
    axes = list(range(len(shape)))
    order.shuffle(axes)
    stored = np.arange(np.prod(shape), dtype="<f4").reshape([shape[axis] for axis in axes])
    storage = np.concatenate([np.full(offset, -1, "<f4"), stored.ravel()])
    wanted = stored.transpose(np.argsort(axes))
    steps = tuple(step // 4 for step in wanted.strides)
    read = torch_file.read(checkpoint({"w": tensor(storage, "7", offset, tuple(shape), steps)}, {"7": storage}), "x")
    np.testing.assert_array_equal(read["w"], wanted)
    assert read["w"].flags.c_contiguous


def test_tensors_of_several_storages_and_formats() -> None:
    storages = {"1": np.array([1, 2, 3], "<f4"), "2": np.array([7], "<i8")}
    tensors = {
        "a": tensor(storages["1"], "1", 1, (2,), (1,)),
        "count": tensor(storages["2"], "2", 0, (), ()),
        "b": tensor(storages["1"], "1", 0, (3,), (1,)),
    }
    read = torch_file.read(checkpoint(tensors, storages), "x")
    assert {name: each.tolist() for name, each in read.items()} == {"a": [2, 3], "count": 7, "b": [1, 2, 3]}


NUMBERS = np.arange(4, dtype="<f4")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"), [(1, (4,), (1,)), (0, (2, 2), (4, 1)), (-1, (2,), (1,)), (3, (2,), (-1,))]
)
def test_a_tensor_beyond_its_storage_is_refused(offset: int, shape: tuple, strides: tuple) -> None:
    data = checkpoint({"w": tensor(NUMBERS, "1", offset, shape, strides)}, {"1": NUMBERS})
    with pytest.raises(IntegrityError, match=r"x\.pth is not a PyTorch checkpoint.*reaches beyond its storage of 4"):
        torch_file.read(data, "x.pth")


def test_code_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    call = b"cos\nsystem\n(" + push(f"touch {mark}") + b"tR"
    with pytest.raises(IntegrityError, match=r"it asks for os\.system; it is not loaded"):
        torch_file.read(checkpoint({"w": call}, {}), "x.pth")
    with pytest.raises(IntegrityError, match=r"it asks for builtins\.eval"):
        torch_file.read(checkpoint({"w": b"cbuiltins\neval\n(" + push("1") + b"tR"}, {}), "x.pth")
    assert not mark.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a zip file",
        checkpoint({}, {}, magic=5),
        checkpoint({"w": tensor(NUMBERS, "1", 0, (4,), (1,))}, {"1": NUMBERS})[:-3],
        checkpoint({"w": tensor(NUMBERS, "1", 0, (4,), (1,))}, {}),
        checkpoint({"w": push(3)}, {}),
    ],
    ids=["nothing", "zip", "magic", "cut off", "no storage", "no tensor"],
)
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"x\.pth is not a PyTorch checkpoint"):
        torch_file.read(data, "x.pth")
