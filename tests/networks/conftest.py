from __future__ import annotations

from collections.abc import Callable, Iterator

import keras
import pytest


@pytest.fixture
def dtype_policy() -> Iterator[Callable[[str], None]]:
    """Sets Keras's dtype policy for one test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.fixture(autouse=True)
def seeded() -> None:
    keras.utils.set_random_seed(7)
