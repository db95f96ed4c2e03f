from __future__ import annotations

from pathlib import Path

import pytest

from gan.errors import NotFoundError
from gan.result import StepResult
from pipelines.local import local_run
from pipelines.request import RunRequest, resolve


def request(folder: Path, *sets: str, run_id: str | None = None) -> RunRequest:
    return resolve("digits", sets, store=str(folder), run_id=run_id)


def made(identity: str, **details: object) -> StepResult:
    return StepResult(identity, "/somewhere", details=details)


def test_what_a_step_made_is_found_by_the_steps_after_it(tmp_path: Path) -> None:
    for step, result in {
        "preprocess": made("d"), "reference": made("ref"), "train": made("run"),
        "evaluate": made("run", step=500), "export": made("gen"), "gate": made("gen"),
    }.items():  # fmt: skip
        local_run.put_output(request(tmp_path), step, result)
    found = {value: local_run.get_input(request(tmp_path), "report", value) for value in local_run.PRODUCERS}
    assert found == {
        "dataset_id": "d", "reference_id": "ref", "run_id": "run", "checkpoint": "500", "generator_id": "gen",
    }  # fmt: skip


def test_only_the_keys_that_decided_it_matter(tmp_path: Path) -> None:
    for step in ("preprocess", "reference", "train"):
        local_run.put_output(request(tmp_path), step, made(step))
    assert local_run.get_input(request(tmp_path, "train.steps=9"), "train", "dataset_id") == "preprocess"
    assert local_run.get_input(request(tmp_path, "train.steps=9"), "evaluate", "reference_id") == "reference"
    for other in (request(tmp_path, "train.steps=9"), request(tmp_path, run_id="mine")):
        with pytest.raises(NotFoundError, match="train has not run yet"):
            local_run.get_input(other, "evaluate", "run_id")
    with pytest.raises(NotFoundError, match="reference has not run yet"):
        local_run.get_input(request(tmp_path, "reference.epochs=9"), "evaluate", "reference_id")
    with pytest.raises(NotFoundError, match="preprocess has not run yet"):
        local_run.get_input(request(tmp_path, "data.image_size=8"), "train", "dataset_id")


def test_another_threshold_asks_for_no_other_generator(tmp_path: Path) -> None:
    for step, result in {"train": made("run"), "evaluate": made("run", step=5), "export": made("gen")}.items():
        local_run.put_output(request(tmp_path), step, result)
    assert local_run.get_input(request(tmp_path, "gate.limits.fid=1"), "gate", "generator_id") == "gen"
    assert local_run.get_input(request(tmp_path, "evaluate.samples=9"), "evaluate", "run_id") == "run"
    with pytest.raises(NotFoundError, match="evaluate has not run yet"):
        local_run.get_input(request(tmp_path, "evaluate.samples=9"), "export", "checkpoint")


def test_a_relative_source_is_another_one_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    store = tmp_path / "s"
    monkeypatch.chdir(tmp_path / "a")
    local_run.put_output(request(store, "data.source=faces"), "preprocess", made("d"))
    monkeypatch.chdir(tmp_path / "b")
    same = request(store, f"data.source={tmp_path}/a/faces")
    assert local_run.get_input(same, "train", "dataset_id") == "d"
    with pytest.raises(NotFoundError, match="preprocess has not run yet"):
        local_run.get_input(request(store, "data.source=faces"), "train", "dataset_id")


def test_the_error_says_what_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        local_run.get_input(request(tmp_path), "train", "dataset_id")
    assert "train needs the dataset_id that preprocess makes" in str(caught.value)
    assert "--only preprocess" in str(caught.value)
