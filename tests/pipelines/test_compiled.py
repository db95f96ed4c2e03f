from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest
import yaml
from kfp import components

from gan.errors import ConfigError
from pipelines.cli.main import make_parser
from pipelines.compiled import compile_pipeline, compile_text
from pipelines.profiles.profile import load_profile, profile_names
from pipelines.registry import PIPELINES

GOLDEN = Path(__file__).parents[1] / "golden"
IMAGE = "gan-pipelines:cpu"


def test_the_help_lists_all_pipelines_and_profiles() -> None:
    with pytest.raises(SystemExit), contextlib.redirect_stdout(io.StringIO()) as stdout:
        make_parser().parse_args(["submit", "--help"])
    assert all(name in stdout.getvalue() for name in (*PIPELINES, *profile_names()))


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_pipeline_has_the_steps_of_its_registry_entry(pipeline: str) -> None:
    spec = yaml.safe_load(compile_text(pipeline, IMAGE, None))
    executors = {re.sub(r"^exec-|-\d+$", "", name) for name in spec["deploymentSpec"]["executors"]}
    assert executors == set(PIPELINES[pipeline].steps)
    assert len(executors) == len(PIPELINES[pipeline].steps)


@pytest.mark.parametrize("profile", profile_names())
def test_the_training_pipeline_is_what_was_agreed(profile: str, tmp_path: Path) -> None:
    made = compile_pipeline("training", IMAGE, load_profile(profile), tmp_path / "made.yaml")
    agreed = GOLDEN / f"training-{profile}.yaml"
    assert made.read_text(encoding="utf-8") == agreed.read_text(encoding="utf-8"), "if this was wanted: make golden"


def test_kubeflow_reads_it_back() -> None:
    loaded = components.load_component_from_file(str(GOLDEN / "training-cpu-small.yaml"))
    assert loaded.name == "gan-training"
    assert set(loaded.component_spec.inputs) == {"config", "store", "name", "run_id", "train_cpu", "train_memory"}


def test_every_step_runs_in_the_image_that_was_asked_for(tmp_path: Path) -> None:
    image = "registry.example/gan@sha256:" + "0" * 64
    made = yaml.safe_load(compile_pipeline("training", image, None, tmp_path / "made.yaml").read_text())
    executors = made["deploymentSpec"]["executors"]
    assert {name.removeprefix("exec-") for name in executors} == set(PIPELINES["training"].steps)
    assert {executor["container"]["image"] for executor in executors.values()} == {image}
    assert not any("pip install" in str(executor) for executor in executors.values())


def test_the_shape_of_the_training_pipeline() -> None:
    spec, _ = yaml.safe_load_all((GOLDEN / "training-cpu-small.yaml").read_text(encoding="utf-8"))
    tasks = spec["root"]["dag"]["tasks"]
    assert "release" in tasks["report"]["dependentTasks"], "the report comes after the promotion or its omission"
    (condition,) = spec["components"]["comp-release"]["dag"]["tasks"].values()
    assert condition["triggerPolicy"]["condition"] == "inputs.parameter_values['pipelinechannel--passed'] == true"
    assert spec["components"]["comp-gate"]["outputDefinitions"]["parameters"]["Output"]["parameterType"] == "BOOLEAN"
    assert all(task["cachingOptions"] == {} for task in tasks.values())


@pytest.mark.parametrize(
    ("name", "out", "message"),
    [
        ("train", "made.yaml", 'unknown pipeline "train"; did you mean "training"?'),
        ("training", "made.json", "--out must end in .yaml"),
        ("training", "file/made.yaml", "there is no folder"),
        ("training", "folder.yaml", "can't write"),
    ],
)
def test_what_can_not_be_compiled(name: str, out: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigError) as caught:
        compile_pipeline(name, IMAGE, None, tmp_path / out)
    assert message in str(caught.value)
