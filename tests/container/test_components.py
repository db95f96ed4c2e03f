"""Every component in its image under Kubeflow's DockerRunner: no network, a read-only root, and no root user."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from container.probe import code_digest

from components.registry import STEPS, component
from components.runtime import result_file
from gan.config import Config, from_dict
from gan.config.sweep import Sweep
from gan.store import alias, open_store
from pipelines.dags.retraining import retraining
from pipelines.dags.sweep import sweep
from pipelines.dags.tasks import Tasks
from support.containers import Bench, kubeflow_in_docker

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NAME = "boxed"


def config() -> Config:
    """Real digits, with the narrowest networks there are; no gate."""
    return from_dict(
        {
            "name": NAME,
            "data": {"dataset": "digits"},
            "generator": {"width": 0.05, "latent_size": 8},
            "discriminator": {"width": 0.05},
            "train": {"steps": 4, "batch_size": 16, "checkpoint_every_steps": 2, "sample_every_steps": 2},
            "reference": {"epochs": 1},
            "evaluate": {"samples": 100, "kid_subsets": 2},
        }
    )


@pytest.fixture(scope="module")
def bench(image: Any, inside: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if inside["code"] != code_digest(ROOT):
        pytest.skip(f"{image.tags[0]} was built from other code than this: build it again with `make image`")
    with kubeflow_in_docker(tmp_path_factory.mktemp("bench")) as made:
        yield made


@pytest.fixture(scope="module")
def retrained(bench: Bench, image: Any) -> Bench:
    """A store in which the retraining pipeline has run, which has every step of the training pipeline too."""
    retraining(Tasks(image.tags[0], None))(config=config().to_yaml(), store=str(bench.store), name=NAME)
    return bench


@pytest.fixture(scope="module")
def swept(retrained: Bench, image: Any) -> Bench:
    """The same store after a sweep by Optuna: two trials, and the better one further on."""
    search = {"optimizer.beta_1": {"low": 0.0, "high": 0.5}}
    what = Sweep(search=search, trials=2, waves=2, rungs=(2, 4))
    pipeline = sweep(Tasks(image.tags[0], None), what.stages)
    pipeline(config=config().to_yaml(), store=str(retrained.store), name="swept", sweep=what.to_yaml())
    return retrained


@pytest.mark.parametrize("step", STEPS)
def test_each_step_does_its_work(swept: Bench, step: str) -> None:
    left = result_file.read(swept.records, step)
    assert left is not None
    assert left.outcome is not None, left.error


def test_each_pipeline_s_generator_is_live_at_the_end(swept: Bench) -> None:
    exported = result_file.read(swept.records, "export")  # the sweep's, which came last
    assert exported is not None
    assert exported.outcome is not None
    store = open_store(str(swept.store))
    assert alias.read(store, "swept").live == exported.outcome.id
    assert alias.read(store, NAME).live not in (None, exported.outcome.id)


def test_an_error_of_a_step_is_told_from_inside(bench: Bench, image: Any) -> None:
    bench.records.joinpath("promote.json").unlink(missing_ok=True)
    with contextlib.suppress(RuntimeError):  # kfp takes a container that is gone before it asks for a success
        component("promote", image.tags[0])(store=str(bench.store), name=NAME, generator_id="gen-missing")
    left = result_file.read(bench.records, "promote")
    assert left is not None
    assert "gen-missing" in str(left.error)
