from __future__ import annotations

from pathlib import Path

import pytest

from gan.config import explain, names
from gan.errors import NotFoundError

TEXT = """name: mine
loss: {name: hinge}
train:
  steps: 70
  beta_1: 0.0
regularisers:
  kl: {weight: 0.5}
gate: {margin: 0.1, limits: {recall: 0.6}}
"""


@pytest.fixture
def origins(tmp_path: Path) -> dict[str, tuple[object, str]]:
    file = tmp_path / "mine.yaml"
    file.write_text(TEXT)
    sets = ["train.seed=3", "train.generator_learning_rate={name: cosine, start: 1.0e-4, end: 0}", "gate.limits.fid=9"]
    return {each.path: (each.value, each.origin.removeprefix(f"{file}:")) for each in explain(str(file), sets)}


@pytest.mark.parametrize(
    ("path", "value", "origin"),
    [
        ("name", "mine", "1"),
        ("loss.name", "hinge", "2"),
        ("train.steps", 70, "4"),
        ("optimizer.beta_1", 0.0, "5"),  # by its earlier name
        ("regularisers.kl.weight", 0.5, "7"),
        ("regularisers.kl.estimator", "gaussian", "default"),
        ("gate.margin.fid", 0.1, "8"),
        ("gate.limits.recall", 0.6, "8"),
        ("gate.limits.fid", 9.0, "--set"),
        ("train.seed", 3, "--set"),
        ("train.generator_learning_rate.start", 1e-4, "--set"),
        ("train.batch_size", 64, "default"),
    ],
)
def test_each_value_has_its_origin(
    origins: dict[str, tuple[object, str]], path: str, value: object, origin: str
) -> None:
    assert origins[path] == (value, origin)


@pytest.mark.parametrize("name", names())
def test_every_shipped_experiment_can_be_explained(name: str) -> None:
    found = explain(name)
    assert {each.origin.partition(":")[0] for each in found} == {"default", name}
    assert len({each.path for each in found}) == len(found)


def test_an_unknown_experiment_is_named() -> None:
    with pytest.raises(NotFoundError, match='did you mean "mnist"'):
        explain("mnst")
