"""TensorFlow and Keras, imported when they are first used.

A config is made from the options that losses, networks and schedules declare in their own files, and reading one must
not cost the import of TensorFlow: the command line and the clients of a cluster read configs, and need no more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
else:

    class _Lazy:
        """A module that is imported when one of its attributes is first used."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(import_module(self._name), attribute)

    tf = _Lazy("tensorflow")
    keras = _Lazy("keras")


def replicated_variable(value: float, dtype: str) -> Any:
    """A Keras variable to which all replicas assign the same value, so that of the first one is taken."""
    return keras.Variable(value, dtype=dtype, trainable=False, aggregation="only_first_replica")


__all__ = ["keras", "replicated_variable", "tf"]
