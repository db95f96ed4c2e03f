"""Training while shards are still on their way."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from gan.config import Config, from_dict
from gan.data import spec
from gan.data.shards.fetcher import ShardFetcher
from gan.errors import IntegrityError, Stopped
from gan.steps.preprocess import preprocess
from gan.steps.train import train
from gan.store import Store, open_store
from gan.train.checkpoint.files import Checkpoints
from support.remote import Gated

STEPS = 7
State = dict[str, npt.NDArray[np.generic]]


def config() -> Config:
    """Two epochs of digits in batches of 256."""
    return from_dict(
        {
            "name": "tiny",
            "data": {"dataset": "digits", "image_size": 8, "shard_mib": 0.1},
            "generator": {"width": 0.03, "latent_size": 6},
            "discriminator": {"width": 0.05},
            "train": {"steps": STEPS, "batch_size": 256, "log_every_steps": 1},
        }
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with the real digits at 8 x 8 in several shards, and their id."""
    root = tmp_path_factory.mktemp("prepared")
    return root, preprocess(open_store(str(root)), config().data, workers=1).id


@pytest.fixture(scope="module")
def from_a_folder(prepared: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> State:
    """The weights of a run whose shards lay in a local folder."""
    root = tmp_path_factory.mktemp("folder") / "store"
    shutil.copytree(prepared[0], root)
    store = open_store(str(root))
    return state(store, train(store, config(), prepared[1]).id, STEPS)


def state(store: Store, run_id: str, step: int) -> State:
    return Checkpoints(store, run_id).load(step)[0]


@pytest.fixture
def gated(prepared: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Gated, str, str]:
    """A store out of which the last shard is not let, the dataset's id, and the name of that shard."""
    root, dataset_id = prepared
    shutil.copytree(root, tmp_path / "store")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shards = spec.load(open_store(str(root)), dataset_id).split("train").shards
    assert len(shards) > 2
    return Gated(tmp_path / "store", shards[-1].name), dataset_id, shards[-1].name


def same(some: State, others: State) -> bool:
    return some.keys() == others.keys() and all(np.array_equal(some[name], others[name]) for name in some)


def test_streamed_and_local_data_give_the_same_result(gated: tuple[Gated, str, str], from_a_folder: State) -> None:
    store, dataset_id, last = gated
    store.gates[last].set()
    assert same(state(store, train(store, config(), dataset_id).id, STEPS), from_a_folder)
    assert last in store.downloaded


def test_a_signal_ends_the_wait_for_a_shard(
    gated: tuple[Gated, str, str], from_a_folder: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps that the first shards allowed are saved, and the run resumes from there."""
    store, dataset_id, last = gated
    patient = ShardFetcher.wait

    def wait(self: ShardFetcher, numbers: range) -> bool:
        if numbers[-1] == len(self.shards) - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return patient(self, numbers)

    with monkeypatch.context() as patch:
        patch.setattr(ShardFetcher, "wait", wait)
        with pytest.raises(Stopped) as caught:
            train(store, config(), dataset_id)
    assert caught.value.exit_code == 143
    (run_id,) = (path.name for path in (store.root / "runs").iterdir())
    (step,) = Checkpoints(store, run_id).steps()
    assert 0 < step < STEPS
    assert last not in store.downloaded
    store.gates[last].set()
    assert train(store, config(), dataset_id).details["resumed_from"] == step
    assert same(state(store, run_id, STEPS), from_a_folder)


def test_a_damaged_shard_ends_training_as_itself(gated: tuple[Gated, str, str]) -> None:
    store, dataset_id, last = gated
    store.gates[last].set()
    path = store.root / "datasets" / dataset_id / last
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(IntegrityError, match=f"{last} has SHA-256 .*; expected"):
        train(store, config(), dataset_id)
