"""Every component's own function, as its pod would call it, on real digits with tiny networks."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl.types.type_annotations import get_io_artifact_class, is_artifact_wrapped_in_Output

from components.registry import STEPS, component
from gan import config as configs
from gan.export import metadata
from gan.store import alias, immutable, open_store
from pipelines.registry import PIPELINES

TRAINING = PIPELINES["training"].steps

TINY = [
    "data.image_size=8",
    "generator.width=0.05",
    "discriminator.width=0.05",
    "generator.latent_size=8",
    "train.steps=4",
    "train.batch_size=16",
    "train.checkpoint_every_steps=2",
    "train.sample_every_steps=4",
    "train.log_every_steps=1",
    "reference.epochs=1",
    "evaluate.samples=64",
    "evaluate.kid_subsets=2",
    "gate.max_pixel_difference=0.01",
    "gate.limits={}",
]


class Chain:
    """Calls one component after the other, each with the outputs of those before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = str(folder / "store")
        self.config = configs.load("digits", TINY).to_yaml()
        self.outputs: dict[str, Any] = {}
        self.artifacts: dict[tuple[str, str], Any] = {}

    def call(self, step: str, **inputs: Any) -> Any:
        artifacts = {
            name: kind(name=name, uri=str(self.folder / f"{step}-{name}"), metadata={})
            for name, kind in artifacts_of(step).items()
        }
        self.artifacts.update({(step, name): artifact for name, artifact in artifacts.items()})
        function = component(step, "any-image").python_func
        self.outputs[step] = function(store=self.store, **inputs, **artifacts)
        return self.outputs[step]

    def text(self, step: str, name: str) -> str:
        return Path(self.artifacts[step, name].path).read_text(encoding="utf-8")


def artifacts_of(step: str) -> dict[str, Any]:
    parameters = inspect.signature(STEPS[step].function).parameters.values()
    annotations = {each.name: each.annotation for each in parameters}
    outputs = {name: kind for name, kind in annotations.items() if is_artifact_wrapped_in_Output(kind)}
    return {name: get_io_artifact_class(kind) for name, kind in outputs.items()}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    made = Chain(tmp_path_factory.mktemp("chain"))
    dataset_id = made.call("preprocess", config=made.config)
    reference_id = made.call("reference", config=made.config, dataset_id=dataset_id)
    run_id = made.call("train", config=made.config, dataset_id=dataset_id)
    checkpoint = made.call("evaluate", config=made.config, run_id=run_id, reference_id=reference_id)
    generator_id = made.call(
        "export", config=made.config, run_id=run_id, reference_id=reference_id, checkpoint=checkpoint
    )
    made.call("gate", config=made.config, generator_id=generator_id, name="live")
    made.call("promote", generator_id=generator_id, name="live")
    made.call("report", run_id=run_id)
    return made


@pytest.mark.slow
def test_every_component_hands_on_what_its_step_made(chain: Chain) -> None:
    outputs = chain.outputs
    assert list(outputs) == list(TRAINING)
    assert outputs["preprocess"].startswith("digits-")
    assert outputs["reference"].startswith("ref-")
    assert outputs["train"].startswith("digits-")
    assert outputs["evaluate"] in {"2", "4"}
    assert outputs["export"].startswith("gen-")
    assert outputs["gate"] is True
    assert outputs["promote"] == outputs["export"] == alias.read(open_store(chain.store), "live").live
    assert Path(outputs["report"]).is_file()


@pytest.mark.slow
def test_kubeflow_gets_the_scores_beside_those_of_real_data(chain: Chain) -> None:
    scores = chain.artifacts["evaluate", "scores"].metadata
    assert {"fid", "real_fid", "precision", "coverage", "real_coverage"} <= set(scores)
    table = chain.text("evaluate", "summary")
    assert "**fid[digits-cnn:" in table
    assert "| score | generator | interval | real data |" in table


@pytest.mark.slow
def test_kubeflow_gets_the_mode_histograms_as_bars(chain: Chain) -> None:
    assert chain.text("evaluate", "histogram").count('class="mode"') == 10


@pytest.mark.slow
def test_kubeflow_gets_pictures_figures_and_the_generator(chain: Chain) -> None:
    assert 'src="data:image/png;base64,' in chain.text("train", "samples")
    assert "generator, step 4: " in chain.text("train", "curves")
    assert chain.artifacts["train", "figures"].metadata["steps"] == 4
    assert "images_per_second" in chain.text("preprocess", "summary")
    assert "accuracy" in chain.text("reference", "summary")
    model = chain.artifacts["export", "generator"]
    assert model.metadata["generator_id"] == chain.outputs["export"]
    assert Path(model.path).read_bytes()[:2] == b"PK"
    assert chain.outputs["train"] in chain.text("export", "card")


@pytest.mark.slow
def test_kubeflow_gets_the_verdict_the_promotion_and_the_report(chain: Chain) -> None:
    assert chain.text("gate", "verdict").startswith("## Passed")
    assert chain.outputs["export"] in chain.text("promote", "summary")
    page = chain.text("report", "page")
    assert page == Path(chain.outputs["report"]).read_text(encoding="utf-8")
    assert chain.outputs["train"] in page


@pytest.mark.slow
def test_scores_are_those_of_the_config_that_the_step_was_given(chain: Chain) -> None:
    """The run keeps the config that it was begun with; a later one scores and exports as it says itself."""
    run_id, (reference_id,) = chain.outputs["train"], immutable.ids(open_store(chain.store), "reference")
    before = {step: chain.outputs[step] for step in ("evaluate", "export")}
    again = Chain(chain.folder)
    again.config = configs.load("digits", [*TINY, "evaluate.samples=48", "evaluate.checkpoint=latest"]).to_yaml()
    inputs = {"config": again.config, "run_id": run_id, "reference_id": reference_id}
    assert again.call("evaluate", **inputs) == "4"
    generator_id = again.call("export", **inputs, checkpoint="4")
    published = metadata.read_evaluation(open_store(chain.store), generator_id)
    assert published is not None
    assert published["identity"]["samples"] == 48
    inputs["config"] = chain.config
    assert chain.call("evaluate", **inputs) == before["evaluate"]
    assert chain.call("export", **inputs, checkpoint=before["evaluate"]) == before["export"]


@pytest.mark.slow
def test_an_error_of_a_step_is_one_line_and_its_exit_code(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        chain.call("export", config=chain.config, run_id="nobody", reference_id="ref-1", checkpoint="1")
    assert left.value.code == 4
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("{")]
    assert line.startswith("export: ")
    assert "nobody" in line


def test_a_wrong_name_is_found_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Chain(tmp_path)
    with pytest.raises(SystemExit) as left:
        made.call("preprocess", config="loss: {name: hing}")
    assert left.value.code == 2
    assert 'preprocess: unknown loss.name "hing"; did you mean "hinge"?' in capsys.readouterr().err
    assert not Path(made.store).exists()


def test_every_step_is_compiled_without_installing_anything() -> None:
    for step in TRAINING:
        made = component(step, "registry/image:1")
        executor = made.pipeline_spec.deployment_spec["executors"][f"exec-{step}"]["container"]
        assert executor["image"] == "registry/image:1"
        assert "pip" not in json.dumps(list(executor["command"]))
