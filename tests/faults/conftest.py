from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults import killer
from faults.contents import contents
from faults.killer import Unkilled
from faults.nursery import Nursery
from faults.steps import STEPS, Pipeline
from gan.store import open_store


@dataclass(frozen=True)
class Stage:
    """A step that nothing happened to: the store before it, what it took, what the store held after it, and the ids."""

    before: Path
    unkilled: Unkilled
    after: dict[str, str]
    ids: dict[str, str]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


@pytest.fixture(scope="session")
def stages(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stage]:
    """The whole pipeline on a local disk, step by step, with no fault at all."""
    folder = tmp_path_factory.mktemp("unkilled")
    store = folder / "store"
    store.mkdir()
    pipeline = Pipeline(str(store), folder / "work")
    found = {}
    for step in STEPS:
        before = folder / f"before-{step}"
        shutil.copytree(store, before)
        unkilled = killer.measure(nursery, pipeline.task(step))
        pipeline.note(step)
        found[step] = Stage(before, unkilled, contents(open_store(str(store))), dict(pipeline.ids))
    return found
