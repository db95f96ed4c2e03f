"""Promise 1: a step that was killed any number of times and run again leaves the same result as an uninterrupted one.

Each step is killed again and again, three times on one store at most, and then run to its end. After each kill nothing
half published may be seen; in the end the store must hold the same as one whose step was never killed, and after
`gan gc` nothing else. GAN_SOAK sets the number of kills of a step, GAN_SEED another seed.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faults import crash_injection
from faults.conftest import Count, Stage, Stages
from faults.contents import contents
from faults.crash_injection import Kill
from faults.forkserver import Forkserver
from faults.steps import STEPS, Pipeline
from faults.storage import S3, SEED, SOAK, fill, on_server
from gan.admin.gc import gc
from gan.admin.gc_scan import Rules
from gan.admin.verify import verify
from gan.store import LocalStore, Store, open_store

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("GAN_SOAK", "3"))
KILLS_IN_A_ROW = 3
KILLED = [step for step in STEPS if step != "gate"]
TWO_DAYS = 2 * 24 * 3600


@pytest.mark.parametrize("step", KILLED)
def test_killed_on_a_local_disk(
    step: str, forkserver: Forkserver, stages: Stages, tmp_path: Path, trials: Count
) -> None:
    def fresh(trial: int) -> Store:
        shutil.copytree(stages[step].before, tmp_path / str(trial))
        return open_store(str(tmp_path / str(trial)))

    def swept(store: Store) -> dict[str, str]:
        assert isinstance(store, LocalStore)
        _age(store)
        gc(store, delete=True)
        assert list(store.incomplete_uploads()) == []
        return contents(store)

    trials(KILLS)
    torment(step, forkserver, stages[step], fresh, swept, Pipeline("", tmp_path / "work", ids=stages[step].ids))


@pytest.mark.parametrize("step", ["preprocess", "train", "promote"])
@pytest.mark.parametrize("kind", ["gs", S3] if SOAK else [S3])
def test_killed_on_a_bucket(
    kind: str, step: str, forkserver: Forkserver, stages: Stages, tmp_path: Path, trials: Count
) -> None:
    with on_server(kind) as (server, bucket):

        def fresh(trial: int) -> Store:
            store = open_store(f"{server.scheme}://{bucket}/{trial}")
            fill(store, stages[step].before)
            return store

        def swept(store: Store) -> dict[str, str]:
            if step != "preprocess":  # nothing refers to a dataset before there is a run
                gc(store, Rules(grace_seconds=0), delete=True)
            return contents(store)

        untouched = fresh(0)
        unkilled = crash_injection.measure(
            forkserver, Pipeline(untouched.uri, tmp_path, server.environment, stages[step].ids).task(step)
        )
        assert contents(untouched) == stages[step].after
        stage = replace(stages[step], unkilled=unkilled)
        trials(KILLS)
        work = Pipeline("", tmp_path / "work", server.environment, stage.ids)
        torment(step, forkserver, stage, fresh, swept, work, swept(untouched))


def test_gc_itself_is_killed(forkserver: Forkserver, stages: Stages, tmp_path: Path, trials: Count) -> None:
    full = tmp_path / "full"
    shutil.copytree(stages["promote"].before, full)
    pipeline = Pipeline(str(full), tmp_path / "work", ids=stages["promote"].ids)
    crash_injection.run(forkserver, pipeline.task("preprocess", "--image-size", "12"))  # nothing refers to this one
    shutil.copytree(full, tmp_path / "before")
    unkilled = crash_injection.measure(forkserver, pipeline.task("gc"))
    stage = Stage(tmp_path / "before", contents(open_store(str(full))), unkilled, pipeline.ids)
    assert stage.after == stages["gate"].after

    def fresh(trial: int) -> Store:
        shutil.copytree(stage.before, tmp_path / str(trial))
        return open_store(str(tmp_path / str(trial)))

    trials(KILLS)
    torment("gc", forkserver, stage, fresh, contents, pipeline)


def torment(
    step: str,
    forkserver: Forkserver,
    stage: Stage,
    fresh: Callable[[int], Store],
    swept: Callable[[Store], dict[str, str]],
    work: Pipeline,
    expected: dict[str, str] | None = None,
) -> None:
    """Kill a step `KILLS` times on fresh stores, and hold each that it was finished on against an unkilled one.

    `swept` gives what a store holds after gc; `work` is the step's pipeline but for the store.
    """
    where = crash_injection.draw(random.Random(f"{SEED} {step}"), stage.unkilled)  # noqa: S311
    delivered = trial = 0
    while delivered < KILLS:
        trial += 1
        store = fresh(trial)
        pipeline = replace(work, store=store.uri)
        history = list(kill_in_a_row(step, forkserver, pipeline, where, min(KILLS_IN_A_ROW, KILLS - delivered)))
        delivered += len(history)
        told = f"seed {SEED}, step {step}, trial {trial}, kills {history}"
        print(told)
        crash_injection.run(forkserver, pipeline.task(step))
        found = contents(store)
        assert {key: found.get(key) for key in stage.after} == stage.after, told
        assert swept(store) == (expected or stage.after), told
        assert verify(store).details["damages"] == [], told


def kill_in_a_row(
    step: str, forkserver: Forkserver, pipeline: Pipeline, where: Iterator[Kill], most: int
) -> Iterator[Kill]:
    """Kill a step until it is done or was killed `most` times; what others see meanwhile must be whole."""
    for _ in range(most):
        kill = next(where)
        if not crash_injection.kill(forkserver, pipeline.task(step), kill):
            return
        damages = verify(open_store(pipeline.store)).details["damages"]
        assert damages == [], f"seed {SEED}, step {step}, after {kill}"
        yield kill


def _age(store: LocalStore) -> None:
    """Make everything two days old, except the cache entries that the last command made."""
    for path in store.root.rglob("*"):
        if path.is_file() and "recipes" not in path.parts:
            past = path.stat().st_mtime - TWO_DAYS
            os.utime(path, (past, past))
