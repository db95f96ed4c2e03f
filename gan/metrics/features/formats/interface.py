"""What every file format can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gan.errors import ConfigError, unknown_name
from gan.metrics.features.formats.description import Description
from gan.metrics.features.network_file import Files

Array = npt.NDArray[np.float32]


class Loaded(NamedTuple):
    """A network that is ready to calculate.

    calculate: a batch float32 in the network's layout to its features, and its probabilities where the description
        names them.
    input_shape: of a batch, in the network's layout; None for a side that may have any length.
    errors: what `calculate` raises where the batch does not suit the network.
    """

    calculate: Callable[[Array], tuple[Array, Array | None]]
    input_shape: tuple[int | None, ...]
    errors: tuple[type[Exception], ...]


class Format(ABC):
    """Loads networks from files without running code that they bring along.

    suffixes: how the names of such files end.
    folder: whether a folder is such a network.
    """

    suffixes: tuple[str, ...]
    folder: bool = False

    def unpack(self, files: Files, where: str) -> Files:
        """The files of the network itself, where they came packed."""
        return files

    @abstractmethod
    def load(self, files: Files, description: Description, where: str) -> Loaded:
        """Load a network.

        Args:
            files: what `unpack` gave, by relative path.
            description: says which tensors are wanted.
            where: what a message calls the network.

        Raises:
            ConfigError: it is not a network of this format, has no such tensor, or a package is missing.
            IntegrityError: it may do more than calculate.
        """


def only(files: Files) -> bytes:
    """The bytes of the one file."""
    (data,) = files.values()
    return data


def check_tensor(key: str, name: str, known: Iterable[str], where: str) -> str:
    """`name` if the network has it.

    Raises:
        ConfigError: it has not; the known ones and the nearest are listed.
    """
    names = list(known)
    if name not in names:
        raise ConfigError(f"{where}: {unknown_name(key, name, names)}")
    return name


def only_input(wanted: str | None, known: Iterable[str], where: str) -> str:
    """The name of the input that takes the images.

    Raises:
        ConfigError: the description names none that is there, or the network has several.
    """
    names = list(known)
    if wanted is not None:
        check_tensor("input", wanted, names, where)
    if len(names) != 1:
        raise ConfigError(f"{where} must take images alone; it has the inputs: {', '.join(names) or 'none'}")
    return names[0]
