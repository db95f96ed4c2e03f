from __future__ import annotations

from pathlib import Path

from components.registry import component
from gan.result import StepResult
from pipelines.local import local_run
from pipelines.local.kfp_local_env import IMAGE
from pipelines.request import RunRequest, resolve


def inputs(request: RunRequest, step: str) -> dict[str, str]:
    return local_run._inputs(request, step, component(step, IMAGE))


def test_one_step_alone_is_given_the_request_and_what_the_steps_before_it_made(tmp_path: Path) -> None:
    request = resolve("digits", [], store=str(tmp_path))
    given = {"config": request.config.to_yaml(), "store": request.store_uri}
    local_run.put_output(request, "preprocess", StepResult("d", "/d"))
    assert inputs(request, "preprocess") == given
    assert inputs(request, "train") == {**given, "dataset_id": "d"}, "run_id and workers have defaults"
    local_run.put_output(request, "train", StepResult("r", "/r"))
    assert inputs(request, "report") == {"store": request.store_uri, "run_id": "r"}


def test_a_run_id_of_the_user_is_that_of_every_step(tmp_path: Path) -> None:
    request = resolve("digits", [], store=str(tmp_path), run_id="mine")
    local_run.put_output(request, "preprocess", StepResult("d", "/d"))
    assert inputs(request, "train")["run_id"] == inputs(request, "report")["run_id"] == "mine"
