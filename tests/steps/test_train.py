from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan.config import Config, from_dict, from_yaml, override
from gan.errors import ConfigError, DivergedError, FencedError, IntegrityError, NotFoundError, Stopped, StoreError
from gan.steps.train import plan, train
from gan.store import LocalStore, Store, open_store
from gan.train.checkpoint import attempts
from gan.train.checkpoint.attempts import take_over
from gan.train.checkpoint.files import Checkpoints
from gan.train.logging.metrics_log import read_metrics
from gan.train.nan_guard import NanGuard
from gan.train.run import default_run_id, read_run

STEPS, PER_EPOCH = 14, 5
TINY = {
    "name": "tiny",
    "data": {"dataset": "digits", "image_size": 8},
    "generator": {"width": 0.03, "latent_size": 6, "conditional": True},
    "discriminator": {"width": 0.05},
    "train": {
        "steps": STEPS,
        "batch_size": 256,
        "checkpoint_every_steps": 6,
        "sample_every_steps": 7,
        "log_every_steps": 3,
    },
}


def tiny(*sets: str) -> Config:
    return override(from_dict(TINY), sets)


@pytest.fixture(scope="module")
def never_stopped(prepared: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The last state of a run that nothing disturbed."""
    root = tmp_path_factory.mktemp("never-stopped") / "store"
    shutil.copytree(prepared[0], root)
    store = open_store(str(root))
    run_id = train(store, tiny(), prepared[1]).id
    return state_bytes(store, run_id)


def state_bytes(store: Store, run_id: str, step: int = STEPS) -> bytes:
    return store.read(f"runs/{run_id}/checkpoints/{Path(Checkpoints(store, run_id).uri(step)).name}/state.safetensors")


def files(store: Store) -> dict[str, float]:
    return {item.key: item.modified for item in store.list()}


def test_a_run_is_begun_finished_and_found_finished(
    store: Store, dataset_id: str, never_stopped: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    made = train(store, tiny(), dataset_id)
    assert made.id == default_run_id(tiny(), dataset_id)
    assert made.uri == store.uri_of(f"runs/{made.id}")
    assert not made.skipped
    assert made.details["steps"] == made.details["checkpoint"] == STEPS
    assert made.details["resumed_from"] is None
    assert made.details["dataset_id"] == dataset_id
    assert made.details["images_per_second"] > 0
    assert 0 <= made.details["data_wait_share"] <= 1
    assert state_bytes(store, made.id) == never_stopped
    run = read_run(store, made.id)
    assert run.config == tiny()
    assert run.environment["tensorflow"].startswith("2.")

    before = files(store)
    again = train(store, tiny(), dataset_id)
    assert again.skipped
    assert again.details["resumed_from"] == again.details["steps"] == STEPS
    assert files(store) == before
    assert "is finished: it has 14 steps; nothing to do" in capsys.readouterr().err

    stricter = override(tiny(), ["gate.limits.fid=1"])
    assert train(store, stricter, dataset_id).id == made.id
    assert read_run(store, made.id).config == stricter
    assert state_bytes(store, made.id) == never_stopped


@pytest.mark.parametrize("first", [PER_EPOCH, PER_EPOCH + 3])
def test_more_steps_continue_the_run_in_the_middle_of_an_epoch_or_at_its_end(
    store: Store, dataset_id: str, never_stopped: bytes, first: int
) -> None:
    train(store, tiny(f"train.steps={first}"), dataset_id, run_id="mine")
    grown = train(store, tiny(), dataset_id, run_id="mine")
    assert grown.details["resumed_from"] == first
    assert state_bytes(store, "mine") == never_stopped
    assert read_run(store, "mine").config.train.steps == STEPS
    with pytest.raises(ConfigError, match=rf"train\.steps \(was 14, now {first}; it may only grow\)"):
        train(store, tiny(f"train.steps={first}"), dataset_id, run_id="mine")


def test_a_budget_is_planned_once_and_kept_by_the_run(store: Store, dataset_id: str) -> None:
    config = tiny("train.budget=1000images", "train.batch_size=100")
    made = train(store, config, dataset_id)
    assert made.details["steps"] == 10
    assert read_run(store, made.id).config.train.steps == 10
    again = train(store, config, dataset_id)
    assert again.skipped
    assert again.id == made.id


def test_a_time_is_no_budget_for_several_workers(
    store: Store, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = json.dumps({"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}})
    monkeypatch.setenv("TF_CONFIG", several)
    with pytest.raises(ConfigError, match=r'train\.budget="10m" is a time, which several workers .* 500kimages'):
        train(store, tiny("train.budget=10m"), dataset_id)


def test_auto_precision_is_settled_when_the_run_begins(store: Store, dataset_id: str) -> None:
    config = tiny("train.precision=auto", "train.steps=1")
    made = train(store, config, dataset_id)
    assert made.details["precision"] in ("float32", "mixed_bfloat16", "mixed_float16")
    assert read_run(store, made.id).precision == made.details["precision"]


@pytest.fixture
def signal_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, signal.Signals], None]:
    """Has this process sent a signal while a step is under way."""
    watch = NanGuard.watch

    def at(wanted: int, number: signal.Signals) -> None:
        def watching(guard: NanGuard, step: int, metrics: Any) -> None:
            watch(guard, step, metrics)
            if step == wanted:
                os.kill(os.getpid(), number)

        monkeypatch.setattr(NanGuard, "watch", watching)

    return at


class Signalling(LocalStore):
    """Sends this process a signal when a key that matches is written."""

    def __init__(self, root: Path, number: signal.Signals, *patterns: str) -> None:
        super().__init__(root)
        self.number = number
        self.patterns = patterns

    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        self._signal(key)
        super().write(key, data, if_absent=if_absent)

    def upload(self, key: str, path: Path, *, if_absent: bool = False) -> None:
        self._signal(key)
        super().upload(key, path, if_absent=if_absent)

    def _signal(self, key: str) -> None:
        if any(re.search(pattern, key) for pattern in self.patterns):
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_even_twice_and_while_saving_saves_and_says_how_to_resume(
    store: LocalStore, dataset_id: str, never_stopped: bytes, signal_at: Any, number: signal.Signals, code: int
) -> None:
    signal_at(7, number)
    signalled = Signalling(store.root, number, "00000007-1/state.safetensors", "00000007-1/checkpoint.json")
    with pytest.raises(Stopped) as caught:
        train(signalled, tiny(), dataset_id)
    run_id = default_run_id(tiny(), dataset_id)
    assert Checkpoints(store, run_id).steps() == [6, 7]
    assert caught.value.exit_code == code
    assert caught.value.advice == (
        f"Step 7 is saved. Resume with: gan train --store {store.uri} --config "
        f"{store.root}/runs/{run_id}/config.yaml --dataset-id {dataset_id} --run-id {run_id}"
    )
    resumed = train(store, tiny(), dataset_id)
    assert resumed.details["resumed_from"] == 7
    assert state_bytes(store, run_id) == never_stopped


def test_a_signal_before_the_first_step_says_that_none_was_done(store: LocalStore, dataset_id: str) -> None:
    with pytest.raises(Stopped, match=r"^No step is saved yet\. Resume with: gan train "):
        train(Signalling(store.root, signal.SIGTERM, "run.json"), tiny(), dataset_id)


def test_a_signal_in_the_last_step_finds_the_run_done(store: LocalStore, dataset_id: str, signal_at: Any) -> None:
    signal_at(STEPS, signal.SIGTERM)
    assert train(store, tiny(), dataset_id).details["steps"] == STEPS


def test_if_the_store_is_not_a_folder_the_same_command_resumes(
    store: LocalStore, dataset_id: str, signal_at: Any
) -> None:
    class Remote(LocalStore):
        def local_path(self, key: str) -> Path | None:  # type: ignore[override]
            return super().local_path(key) if key.startswith("datasets/") else None

    signal_at(7, signal.SIGTERM)
    with pytest.raises(Stopped) as caught:
        train(Remote(store.root), tiny(), dataset_id, run_id="mine")
    assert caught.value.advice.endswith("Resume with: the same command again")


def test_an_attempt_that_was_thought_dead_is_fenced_out(
    store: LocalStore, dataset_id: str, never_stopped: bytes
) -> None:
    run_id = default_run_id(tiny(), dataset_id)

    class Elsewhere(LocalStore):
        """A newer attempt begins while this one uploads step 6."""

        def upload(self, key: str, path: Path, *, if_absent: bool = False) -> None:
            super().upload(key, path, if_absent=if_absent)
            if "00000006-1/" in key:
                take_over(store, run_id)

    with pytest.raises(FencedError, match=r"attempt 1 at run tiny-.* ends here, because attempt 2 took over"):
        train(Elsewhere(store.root), tiny(), dataset_id)
    assert Checkpoints(store, run_id).steps() == [6]
    assert train(store, tiny(), dataset_id).details["resumed_from"] == 6
    assert state_bytes(store, run_id) == never_stopped
    assert [(each.number, each.from_step) for each in attempts.read(store, run_id)] == [(1, 0), (2, None), (3, 6)]


def test_a_finished_run_makes_no_attempt(store: LocalStore, dataset_id: str) -> None:
    run_id = train(store, tiny("train.steps=1"), dataset_id).id
    train(store, tiny("train.steps=1"), dataset_id)
    assert len(attempts.read(store, run_id)) == 1


LOCKSTEP = """
import sys
from gan.train.nan_guard import NanGuard
watch = NanGuard.watch
def lockstep(self, step, metrics):
    watch(self, step, metrics)
    print(step, flush=True)
    sys.stdin.readline()
NanGuard.watch = lockstep
from gan.cli.main import main
raise SystemExit(main(sys.argv[1:]))
"""


def train_until(step: int, act: Callable[[subprocess.Popen[str]], None], arguments: list[str]) -> tuple[int, str]:
    """Run the real command in its own process, which waits after each step; act on it when `step` is reached."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKSTEP, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == step:
            act(process)
            break
        process.stdin.write("\n")
        process.stdin.flush()
    _, errors = process.communicate()
    return process.returncode, errors


@pytest.mark.slow
def test_an_interrupted_terminated_and_killed_process_ends_with_the_same_result(
    store: LocalStore, dataset_id: str, never_stopped: bytes, tmp_path: Path
) -> None:
    first, second, third = sorted(np.random.default_rng().choice(np.arange(1, STEPS), 3, replace=False).tolist())
    history = f"stopped after steps {first} and {second}, killed after {third}"
    (tmp_path / "tiny.yaml").write_text(tiny().to_yaml())
    given = ["train", "--config", str(tmp_path / "tiny.yaml"), "--dataset-id", dataset_id, "--store", store.uri]

    code, errors = train_until(first, lambda process: process.send_signal(signal.SIGINT), given)
    assert code == 130, errors
    resume = shlex.split(errors.strip().splitlines()[-1].partition("Resume with: ")[2])
    assert resume[:2] == ["gan", "train"], errors
    code, errors = train_until(second, lambda process: process.send_signal(signal.SIGTERM), resume[1:])
    assert code == 143, errors
    code, errors = train_until(third, lambda process: process.kill(), given)
    assert code == -signal.SIGKILL, errors
    last = train(store, tiny(), dataset_id)
    # It was killed within a step, before that step could be saved.
    assert last.details["resumed_from"] == max(second, (third - 1) // 6 * 6), history
    assert state_bytes(store, last.id) == never_stopped, history
    assert [line["step"] for line in read_metrics(store, last.id)] == [3, 6, 9, 12, 14], history


class TestBadInput:
    """One GanError each, and nothing published."""

    @pytest.mark.parametrize(
        ("sets", "error", "message"),
        [
            (["loss.name=hing"], ConfigError, 'did you mean "hinge"'),
            (["generator.name=dcgam"], ConfigError, 'did you mean "dcgan"'),
            (["train.batch_size=5000"], ConfigError, r"train\.batch_size must be at most the \d+ training images"),
        ],
    )
    def test_a_config_that_does_not_fit(
        self, store: Store, dataset_id: str, sets: list[str], error: type[Exception], message: str
    ) -> None:
        before = files(store)
        with pytest.raises(error, match=message):
            train(store, tiny(*sets), dataset_id)
        with pytest.raises(error, match=message):
            plan(store, tiny(*sets), dataset_id)
        assert files(store) == before

    def test_an_unknown_dataset(self, store: Store) -> None:
        with pytest.raises(NotFoundError, match='no dataset "digits-0"'):
            train(store, tiny(), "digits-0")
        assert files(store) == {}

    def test_a_run_id_that_leaves_the_store(self, store: Store, dataset_id: str) -> None:
        with pytest.raises(ConfigError, match="run id must be"):
            train(store, tiny(), dataset_id, run_id="../x")

    def test_a_damaged_shard(self, store: LocalStore, dataset_id: str) -> None:
        shard = next((store.root / "datasets" / dataset_id).glob("train*"))
        shard.write_bytes(shard.read_bytes()[:-1] + b"\0")
        with pytest.raises(IntegrityError, match=re.escape(shard.name)):
            train(store, tiny(), dataset_id)
        assert not [key for key in files(store) if "checkpoints" in key]

    def test_another_config_under_the_same_run_id(self, store: Store, dataset_id: str) -> None:
        train(store, tiny("train.steps=1"), dataset_id, run_id="mine")
        before = files(store)
        with pytest.raises(ConfigError, match=r"loss\.name \(was 'non_saturating', now 'hinge'\)"):
            train(store, tiny("loss.name=hinge"), dataset_id, run_id="mine")
        assert files(store) == before

    def test_a_checkpoint_of_another_config(self, store: LocalStore, dataset_id: str) -> None:
        for run_id, seed in (("one", 1), ("two", 2)):
            train(store, tiny("train.steps=1", f"train.seed={seed}"), dataset_id, run_id=run_id)
        shutil.rmtree(store.root / "runs/two/checkpoints")
        shutil.copytree(store.root / "runs/one/checkpoints", store.root / "runs/two/checkpoints")
        with pytest.raises(ConfigError, match="checkpoint 1 of run two was made by another config"):
            train(store, tiny("train.seed=2"), dataset_id, run_id="two")

    def test_every_checkpoint_damaged(self, store: LocalStore, dataset_id: str) -> None:
        train(store, tiny("train.steps=1"), dataset_id, run_id="mine")
        (store.root / "runs/mine/checkpoints/00000001-1/state.safetensors").write_bytes(b"")
        with pytest.raises(IntegrityError, match="every checkpoint of run mine is damaged"):
            train(store, tiny(), dataset_id, run_id="mine")

    def test_a_weight_that_overflows(self, store: Store, dataset_id: str) -> None:
        with pytest.raises(
            DivergedError, match=r"diverged at step 1: .*generator_gradient_norm not finite; no checkpoint"
        ):
            train(store, tiny("regularisers.kl.weight=1e38"), dataset_id)
        assert not [key for key in files(store) if "checkpoints" in key]

    def test_a_store_that_refuses_to_be_written(self, store: LocalStore, dataset_id: str) -> None:
        class Refusing(LocalStore):
            def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
                raise StoreError(f"no permission for {key}; make the folder writable for this user")

        with pytest.raises(StoreError, match="no permission for runs/"):
            train(Refusing(store.root), tiny(), dataset_id)


def test_a_plan_says_what_would_be_done_and_writes_nothing(store: Store, dataset_id: str) -> None:
    before = files(store)
    made = plan(store, tiny(), dataset_id)
    assert files(store) == before
    assert made.id == default_run_id(tiny(), dataset_id)
    assert from_yaml(made.details["config"]) == tiny()
    assert made.details["resumed_from"] is None
    assert made.details["generator_parameters"] > 0
    assert made.details["discriminator_parameters"] > 0
    json.dumps(made.to_dict())


def test_a_plan_says_where_a_run_would_resume(store: Store, dataset_id: str) -> None:
    train(store, tiny("train.steps=2"), dataset_id, run_id="mine")
    made: Any = plan(store, tiny(), dataset_id, run_id="mine")
    assert made.details["resumed_from"] == 2
