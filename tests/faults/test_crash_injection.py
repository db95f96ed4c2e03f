"""The killer kills where its seed says, and counts what it kills."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import crash_injection
from faults.crash_injection import Kill, Unkilled
from faults.forkserver import Forkserver, Task
from support import bad_inputs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def forkserver() -> Iterator[Forkserver]:
    with Forkserver() as made:
        yield made


def task(folder: Path) -> Task:
    source, store = bad_inputs.folder(folder / "pictures"), folder / "store"
    arguments = ["preprocess", "--dataset", "folder", "--source", str(source), "--image-size", "8", "--workers", "1"]
    one_at_a_time = {"GAN_STORE_THREADS": "1"}  # else the operations are not as many every time
    return Task([*arguments, "--store", str(store)], str(folder / "log"), environment=one_at_a_time, watched=str(store))


def objects(folder: Path) -> list[Path]:
    return [path for path in (folder / "store").rglob("*") if path.is_file() and ".tmp" not in path.parts]


def test_the_seed_decides() -> None:
    def drawn(seed: int) -> list[Kill]:
        return list(itertools.islice(crash_injection.draw(random.Random(seed), Unkilled(5.0, 30)), 50))  # noqa: S311

    assert drawn(1) == drawn(1) != drawn(2)
    for kill in drawn(1):
        assert (kill.seconds is None) != (kill.operation is None)
        assert kill.seconds is None or 0 <= kill.seconds <= 5
        assert kill.operation is None or 1 <= kill.operation <= 30


def test_it_kills_before_the_first_operation_and_before_the_last(forkserver: Forkserver, tmp_path: Path) -> None:
    work = task(tmp_path)
    assert crash_injection.kill(forkserver, work, Kill(operation=1))
    assert not (tmp_path / "store").exists()
    unkilled = crash_injection.measure(forkserver, work)
    whole = objects(tmp_path)
    assert whole
    assert crash_injection.kill(forkserver, task(tmp_path / "second"), Kill(operation=unkilled.operations))
    assert crash_injection.measure(forkserver, task(tmp_path / "second")).operations < unkilled.operations
    assert len(objects(tmp_path / "second")) == len(whole)


def test_it_kills_at_a_moment_or_finds_the_command_done(forkserver: Forkserver, tmp_path: Path) -> None:
    assert crash_injection.kill(forkserver, task(tmp_path), Kill(seconds=0.0))
    assert not (tmp_path / "store").exists()
    assert not crash_injection.kill(forkserver, task(tmp_path), Kill(seconds=600))
    assert objects(tmp_path)


def test_a_command_that_fails_by_itself_is_reported(forkserver: Forkserver, tmp_path: Path) -> None:
    wrong = Task(["preprocess", "--dataset", "no-such"], str(tmp_path / "log"))
    with pytest.raises(AssertionError, match="no-such"):
        crash_injection.run(forkserver, wrong)
    with pytest.raises(AssertionError, match="no-such"):
        crash_injection.kill(forkserver, wrong, Kill(seconds=600))
