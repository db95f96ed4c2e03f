"""The interface of file formats."""

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
    """A loaded network.

    calculate: from a float32 batch in the network's layout to its features, and its probabilities if the description
        names them.
    input_shape: of a batch, in the network's layout; None for a dimension of any size.
    errors: what `calculate` raises if the network does not support the batch.
    """

    calculate: Callable[[Array], tuple[Array, Array | None]]
    input_shape: tuple[int | None, ...]
    errors: tuple[type[Exception], ...]


class Format(ABC):
    """Loads networks from files without running code in them.

    suffixes: of the names of such files.
    folder: whether a network may be a folder.
    """

    suffixes: tuple[str, ...]
    folder: bool = False

    def unpack(self, files: Files, where: str) -> Files:
        """The files of the network, extracted if they are in an archive."""
        return files

    @abstractmethod
    def load(self, files: Files, description: Description, where: str) -> Loaded:
        """Load a network.

        Args:
            files: the result of `unpack`, by relative path.
            description: names the tensors.
            where: the network's name in messages.

        Raises:
            ConfigError: it is not a network of this format, lacks a tensor, or a package is missing.
            IntegrityError: it has operations that are not allowed.
        """


def only(files: Files) -> bytes:
    """The bytes of the only file."""
    (data,) = files.values()
    return data


def check_tensor(key: str, name: str, known: Iterable[str], where: str) -> str:
    """`name` if the network has such a tensor.

    Raises:
        ConfigError: it does not; the message lists the known names and the nearest.
    """
    names = list(known)
    if name not in names:
        raise ConfigError(f"{where}: {unknown_name(key, name, names)}")
    return name


def only_input(wanted: str | None, known: Iterable[str], where: str) -> str:
    """The name of the input for the images.

    Raises:
        ConfigError: the description names an unknown input, or the network has several.
    """
    names = list(known)
    if wanted is not None:
        check_tensor("input", wanted, names, where)
    if len(names) != 1:
        raise ConfigError(f"{where} must take images alone; it has the inputs: {', '.join(names) or 'none'}")
    return names[0]
