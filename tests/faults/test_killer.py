"""The killer kills where its seed says, and counts what it kills."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import killer
from faults.killer import Kill, Unkilled
from faults.nursery import Nursery, Task
from support import world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


def task(folder: Path) -> Task:
    source, store = world.folder(folder / "pictures"), folder / "store"
    arguments = ["preprocess", "--dataset", "folder", "--source", str(source), "--image-size", "8", "--workers", "1"]
    one_at_a_time = {"GAN_STORE_THREADS": "1"}  # else the operations are not as many every time
    return Task([*arguments, "--store", str(store)], str(folder / "log"), environment=one_at_a_time, watched=str(store))


def objects(folder: Path) -> list[Path]:
    return [path for path in (folder / "store").rglob("*") if path.is_file() and ".tmp" not in path.parts]


def test_the_seed_decides() -> None:
    def drawn(seed: int) -> list[Kill]:
        return list(itertools.islice(killer.draw(random.Random(seed), Unkilled(5.0, 30)), 50))  # noqa: S311

    assert drawn(1) == drawn(1) != drawn(2)
    for kill in drawn(1):
        assert (kill.seconds is None) != (kill.operation is None)
        assert kill.seconds is None or 0 <= kill.seconds <= 5
        assert kill.operation is None or 1 <= kill.operation <= 30


def test_it_kills_before_the_first_operation_and_before_the_last(nursery: Nursery, tmp_path: Path) -> None:
    work = task(tmp_path)
    assert killer.kill(nursery, work, Kill(operation=1))
    assert not (tmp_path / "store").exists()
    unkilled = killer.measure(nursery, work)
    whole = objects(tmp_path)
    assert whole
    assert killer.kill(nursery, task(tmp_path / "second"), Kill(operation=unkilled.operations))
    assert killer.measure(nursery, task(tmp_path / "second")).operations < unkilled.operations
    assert len(objects(tmp_path / "second")) == len(whole)


def test_it_kills_at_a_moment_or_finds_the_command_done(nursery: Nursery, tmp_path: Path) -> None:
    assert killer.kill(nursery, task(tmp_path), Kill(seconds=0.0))
    assert not (tmp_path / "store").exists()
    assert not killer.kill(nursery, task(tmp_path), Kill(seconds=600))
    assert objects(tmp_path)


def test_a_command_that_fails_by_itself_is_told(nursery: Nursery, tmp_path: Path) -> None:
    wrong = Task(["preprocess", "--dataset", "no-such"], str(tmp_path / "log"))
    with pytest.raises(AssertionError, match="no-such"):
        killer.run(nursery, wrong)
    with pytest.raises(AssertionError, match="no-such"):
        killer.kill(nursery, wrong, Kill(seconds=600))
