"""Promise 2: a preempted run saves within its grace period and resumes; a run that was declared dead harms nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.conftest import Stages
from faults.forkserver import Forkserver
from faults.steps import Pipeline
from faults.storage import S3, SOAK, behind_proxy, fill
from faults.training import began_from, begin, preempt, run_id_of, step_of, trained
from gan.errors import FencedError
from gan.store import open_store
from gan.train.checkpoint.files import Checkpoints

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def second_forkserver() -> Iterator[Forkserver]:
    with Forkserver() as made:
        yield made


@pytest.mark.parametrize("kind", ["gs", S3] if SOAK else [S3])
def test_preempted_with_storage_and_while_it_hangs(
    kind: str, forkserver: Forkserver, stages: Stages, tmp_path: Path
) -> None:
    with behind_proxy(kind) as storage:
        fill(storage.good(), stages["train"].before)
        pipeline = Pipeline(storage.uri, tmp_path / "work", storage.environment, dict(stages["train"].ids))

        first = begin(forkserver, pipeline)
        seen = trained(first, 30)
        saved = preempt(first)
        assert saved >= seen
        run_id = run_id_of(storage.good())
        assert Checkpoints(storage.good(), run_id).steps()[-1] == saved

        second = begin(forkserver, pipeline)
        assert began_from(second) == saved
        seen = trained(second, saved + 30)
        storage.proxy.freeze()
        second.wait_for(lambda: storage.proxy.counts["frozen"] or None)
        saved = preempt(second)
        storage.proxy.thaw()
        assert Checkpoints(storage.good(), run_id).steps()[-1] == saved

        third = begin(forkserver, pipeline)
        assert began_from(third) == saved
        trained(third, saved + 1)
        assert preempt(third) > saved


@pytest.mark.parametrize("kind", ["local", S3] if SOAK else [S3])
def test_of_two_attempts_the_older_is_fenced_and_the_newer_keeps_what_it_saved(
    kind: str, forkserver: Forkserver, second_forkserver: Forkserver, stages: Stages, tmp_path: Path
) -> None:
    with behind_proxy(S3) as storage:
        uri = storage.uri if kind == S3 else str(tmp_path / "store")
        store = storage.good() if kind == S3 else open_store(uri)
        fill(store, stages["train"].before)
        older, newer = (
            Pipeline(uri, tmp_path / name, storage.environment, dict(stages["train"].ids))
            for name in ("older", "newer")
        )
        thought_dead = begin(forkserver, older)
        trained(thought_dead, 30)
        thought_dead.send(signal.SIGSTOP)

        taking_over = begin(second_forkserver, newer)
        began = began_from(taking_over)
        trained(taking_over, began + 60)
        thought_dead.send(signal.SIGCONT)
        assert thought_dead.exit_code() == FencedError.exit_code, thought_dead.err[-4000:]
        assert "attempt 2 took over" in thought_dead.err

        trained(taking_over, step_of(taking_over) + 30)
        saved = preempt(taking_over)
        checkpoints = Checkpoints(store, run_id_of(store))
        assert checkpoints.steps()[-1] == saved
        for step in checkpoints.steps():
            checkpoints.check(step)
            assert step <= began or checkpoints.uri(step).endswith("-2")
