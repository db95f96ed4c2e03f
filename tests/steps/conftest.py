from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gan.config import Data
from gan.steps.preprocess import preprocess
from gan.store import LocalStore, open_store
from support.published import make_generator, store

__all__ = ["make_generator", "store"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with the real digits at 8 x 8, and their id."""
    root = tmp_path_factory.mktemp("prepared")
    return root, preprocess(open_store(str(root)), Data(dataset="digits", image_size=8), workers=1).id


@pytest.fixture
def dataset_id(prepared: tuple[Path, str], store: LocalStore) -> str:
    """The id of the digits, of which `store` is a copy."""
    shutil.copytree(prepared[0], store.root)
    return prepared[1]
