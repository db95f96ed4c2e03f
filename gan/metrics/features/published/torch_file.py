"""Reads the tensors of a PyTorch checkpoint in the format before 1.6, without PyTorch and without running its code.

Such a file is five pickles, then the numbers. A pickle is a program that can import and call anything; this reader
allows only the four names that a dictionary of tensors needs, and replaces them.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gan.errors import IntegrityError

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
LENGTH_BYTES = 8  # of the element count before the numbers of a storage

Tensors = dict[str, npt.NDArray[Any]]


class _Tensor(NamedTuple):
    """A tensor in the pickle: a view of a storage. Strides and offset count elements."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _tensor(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


GLOBALS: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Unpickler(pickle.Unpickler):
    """`storages` collects the data type of each storage that the pickle refers to."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in GLOBALS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return GLOBALS[module, name]

    def persistent_load(self, pid: Any) -> str:
        _, kind, key, _, _, view = pid
        if view is not None:
            raise pickle.UnpicklingError("a storage is a part of another one")
        self.storages[key] = kind
        return str(key)


def read(data: bytes, where: str) -> Tensors:
    """The tensors of a state dictionary by name, as arrays in C order.

    Args:
        data: the bytes of the file.
        where: the file's name in messages.

    Raises:
        IntegrityError: it is not such a file, or its pickle refers to anything but tensors and dictionaries.
    """
    file = io.BytesIO(data)
    try:
        magic, protocol, _ = (_Unpickler(file).load() for _ in range(3))
        if (magic, protocol) != (MAGIC, PROTOCOL):
            raise pickle.UnpicklingError(f"it starts with {magic!r}, {protocol!r}")
        unpickler = _Unpickler(file)
        described = unpickler.load()
        storages = {key: _read_storage(file, unpickler.storages[key]) for key in _Unpickler(file).load()}
        return {name: _array(each, storages[each.storage]) for name, each in described.items()}
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"{where} is not a PyTorch checkpoint of tensors alone: {error}; it is not loaded"
        ) from None


def _read_storage(file: io.BytesIO, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    count = int.from_bytes(file.read(LENGTH_BYTES), "little")
    return np.frombuffer(file.read(count * kind.itemsize), kind, count)


def _array(tensor: _Tensor, storage: npt.NDArray[Any]) -> npt.NDArray[Any]:
    last = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.strides, strict=True))
    if min(tensor.offset, *tensor.strides, 0) < 0 or last >= len(storage):
        raise ValueError(f"a tensor of shape {tensor.shape} reaches beyond its storage of {len(storage)} numbers")
    strides = [step * storage.itemsize for step in tensor.strides]
    window = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
    return np.array(window, order="C")
