"""Promise 1: a step that was killed, however often, and is run again leaves what it leaves when nobody kills it.

Each step is killed again and again, three times on one store at most, and then run to its end. After each kill nothing
half published may be seen; in the end the store must hold the same as one whose step was never killed. GAN_TORTURE
sets the number of kills of a step, GAN_SEED another seed.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults import killer
from faults.conftest import Stage
from faults.contents import contents
from faults.killer import Kill
from faults.nursery import Nursery
from faults.steps import STEPS, Pipeline
from gan.steps.verify import verify
from gan.store import Store, open_store

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("GAN_TORTURE", "3"))
SEED = int(os.environ.get("GAN_SEED", "0"))
KILLS_IN_A_ROW = 3
KILLED = [step for step in STEPS if step != "gate"]


@pytest.mark.parametrize("step", KILLED)
def test_killed_on_a_local_disk(step: str, nursery: Nursery, stages: dict[str, Stage], tmp_path: Path) -> None:
    def fresh(number: int) -> Store:
        shutil.copytree(stages[step].before, tmp_path / str(number))
        return open_store(str(tmp_path / str(number)))

    torment(step, nursery, stages[step], fresh, tmp_path / "work")


def torment(
    step: str, nursery: Nursery, stage: Stage, fresh: Callable[[int], Store], folder: Path, kills: int = KILLS
) -> None:
    """Kill a step `kills` times on fresh stores, and hold each that it was finished on against an unkilled one."""
    where = killer.draw(random.Random(f"{SEED} {step}"), stage.unkilled)  # noqa: S311
    delivered = trials = 0
    while delivered < kills:
        trials += 1
        store = fresh(trials)
        pipeline = Pipeline(store.uri, folder, ids=stage.ids)
        history = list(kill_in_a_row(step, nursery, pipeline, where, min(KILLS_IN_A_ROW, kills - delivered)))
        delivered += len(history)
        told = f"seed {SEED}, step {step}, trial {trials}, kills {history}"
        print(told)
        killer.run(nursery, pipeline.task(step))
        assert stage.after.items() <= contents(store).items(), told


def kill_in_a_row(step: str, nursery: Nursery, pipeline: Pipeline, where: Iterator[Kill], most: int) -> Iterator[Kill]:
    """Kill a step until it is done or was killed `most` times; what others see meanwhile must be whole."""
    for _ in range(most):
        kill = next(where)
        if not killer.kill(nursery, pipeline.task(step), kill):
            return
        damages = verify(open_store(pipeline.store)).details["damages"]
        assert damages == [], f"seed {SEED}, step {step}, after {kill}"
        yield kill
