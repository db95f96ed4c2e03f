from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gan.config.sweep import Sweep
from gan.store import alias, open_store
from pipelines.cli.main import main
from pipelines.compiled import compile_text
from pipelines.profiles.profile import load_profile, profile_names
from support import bad_inputs, runs


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    sweep = Sweep(grid={"optimizer.beta_1": [0.0, 0.5]}, rungs=(1, 2, 3, 4))
    return next(iter(yaml.safe_load_all(compile_text("sweep", "image:1", load_profile("cpu-small"), sweep))))


def test_each_stage_waits_for_the_one_before(spec: dict[str, Any]) -> None:
    root = spec["root"]["dag"]["tasks"]
    stages = ["", "-2", "-3", "-4"]
    assert [f"propose{number}" in root for number in [*stages, "-5"]] == [True, True, True, True, False]
    for before, after in itertools.pairwise(stages):
        assert f"stage{before}" in root[f"propose{after}"]["dependentTasks"]
    assert "stage-4" in root["choose"]["dependentTasks"]
    assert root["propose-3"]["inputs"]["parameters"]["stage"]["runtimeValue"]["constant"] == 2


def test_trials_run_side_by_side_in_pods_like_those_that_train(spec: dict[str, Any]) -> None:
    loop = spec["components"]["comp-stage"]["dag"]["tasks"]["for-loop-1"]
    assert loop["iteratorPolicy"]["parallelismLimit"] == 4
    for name in profile_names():
        profile = load_profile(name)
        assert profile.resources("trial").accelerator == profile.resources("train").accelerator
        assert profile.resources("trial").memory == profile.resources("train").memory


def test_the_best_goes_live(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = bad_inputs.folder(tmp_path / "pictures", 80)
    config = tmp_path / "tiny.yaml"
    tree = runs.config().to_dict()
    tree["data"]["source"] = str(pictures)
    config.write_text(yaml.safe_dump(tree))
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text("grid: {optimizer.beta_1: [0.0, 0.5]}\nrungs: [2]\n")
    store = tmp_path / "store"
    flags = ["--pipeline", "sweep", "--sweep", str(sweep), "--config", str(config), "--store", str(store), "--json"]
    assert main(["run", *flags]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [each["step"] for each in record["steps"]].count("trial") == 2
    assert [row["steps"] for row in record["table"]] == [2, 2]
    assert record["point"] == record["table"][0]["point"]
    assert alias.read(open_store(str(store)), "tiny").live == record["generator_id"]


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--pipeline", "sweep"], 2, "--pipeline sweep needs to know what to try"),
        (["--sweep", "x.yaml"], 2, "--sweep x.yaml is of no use with --pipeline training"),
        (["--pipeline", "sweep", "--sweep", "absent.yaml"], 4, "there is no sweep absent.yaml"),
        (["--pipeline", "sweep", "--sweep", "x", "--only", "train"], 2, "--only is of no use with --pipeline sweep"),
        (["--pipeline", "trainin"], 2, 'unknown pipeline "trainin"; did you mean "training"?'),
    ],
)
def test_flags_that_do_not_fit_are_told(
    flags: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--config", "digits", "--store", str(tmp_path), *flags]) == code
    assert message in capsys.readouterr().err
