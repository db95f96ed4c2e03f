from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults import crash_injection
from faults.contents import contents
from faults.crash_injection import Unkilled
from faults.forkserver import Forkserver
from faults.steps import STEPS, Pipeline
from gan.store import open_store


@dataclass(frozen=True)
class Stage:
    """A step that nothing happened to.

    `before` is a copy of the store before it, `after` is what the store held after it, `unkilled` is what the step
    took, and `ids` are those of everything that was made so far.
    """

    before: Path
    after: dict[str, str]
    unkilled: Unkilled
    ids: dict[str, str]


@pytest.fixture(scope="session")
def forkserver() -> Iterator[Forkserver]:
    with Forkserver() as made:
        yield made


Count = Callable[[int], None]


@pytest.fixture
def trials(record_property: Callable[[str, object], None]) -> Count:
    """Tells the table of `make soak` how often a test tried."""
    return lambda number: record_property("trials", number)


class Stages:
    """The pipeline on a local disk with no fault at all, as far as it was asked for: `stages["train"]`."""

    def __init__(self, forkserver: Forkserver, folder: Path) -> None:
        self._forkserver = forkserver
        self._folder = folder
        self._pipeline = Pipeline(str(folder / "store"), folder / "work")
        self._done: dict[str, Stage] = {}
        (folder / "store").mkdir()

    def __getitem__(self, wanted: str) -> Stage:
        for step in STEPS[len(self._done) : STEPS.index(wanted) + 1]:
            self._done[step] = self._run(step)
        return self._done[wanted]

    def _run(self, step: str) -> Stage:
        before = self._folder / f"before-{step}"
        shutil.copytree(self._pipeline.store, before)
        unkilled = crash_injection.measure(self._forkserver, self._pipeline.task(step))
        self._pipeline.note(step)
        return Stage(before, contents(open_store(self._pipeline.store)), unkilled, dict(self._pipeline.ids))


@pytest.fixture(scope="session")
def stages(forkserver: Forkserver, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages(forkserver, tmp_path_factory.mktemp("unkilled"))
