from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gan.errors import ClusterError, ConfigError
from gan.util.ids import sha256
from pipelines.kfp.api_errors import UnsureError
from pipelines.kfp.connection import connect
from pipelines.kfp.endpoint import Address
from pipelines.kfp.submit import PreparedRun, prepare, start
from pipelines.kfp.upload import upload
from pipelines.profiles.profile import load_profile
from pipelines.request import resolve
from support import kfp_api
from support.kfp_api import LOST, Api, Said

TEXT = "pipelineInfo: {name: gan-training}\n"
VERSION = f"training-{sha256(TEXT.encode())[:16]}"
PIPELINES = "/apis/v2beta1/pipelines"
VERSIONS = f"{PIPELINES}/p1/versions"
UPLOAD = f"POST {PIPELINES}/upload_version"
RUNS = "/apis/v2beta1/runs"
EXPERIMENTS = "/apis/v2beta1/experiments"
THERE = Said({"pipeline_versions": [{"pipeline_id": "p1", "pipeline_version_id": "v1", "name": VERSION}]})


@pytest.fixture
def api() -> Iterator[Api]:
    routes = {
        f"GET {PIPELINES}": Said({"pipelines": [{"pipeline_id": "p1", "name": "gan-training"}]}),
        f"GET {VERSIONS}": THERE,
        f"GET {EXPERIMENTS}": Said({"experiments": [{"experiment_id": "e1"}]}),
        f"GET {RUNS}": Said({}),
        f"POST {RUNS}": Said({"run_id": "r1", "display_name": "digits-1"}),
    }
    with kfp_api.serve(routes) as served:
        yield served


def uploaded(api: Api) -> str:
    with connect(Address(api.url)) as connection:
        version = upload(connection, "training", TEXT, "about")
    assert (version.pipeline_id, version.name) == ("p1", VERSION)
    return version.version_id


def test_a_version_that_is_there_is_not_sent_again(api: Api) -> None:
    assert uploaded(api) == "v1"
    assert not api.of(UPLOAD)
    (asked,) = api.of(f"GET {VERSIONS}")
    assert VERSION in asked.query["filter"][0]


def test_a_first_version_is_sent_with_all_above_it(api: Api) -> None:
    api.routes[f"GET {PIPELINES}"] = Said({})
    api.routes[f"POST {PIPELINES}"] = Said({"pipeline_id": "p1"})
    api.routes[f"GET {VERSIONS}"] = Said({})
    api.routes[UPLOAD] = Said({"pipeline_version_id": "v2"})
    assert uploaded(api) == "v2"
    (made,) = api.of(f"POST {PIPELINES}")
    assert made.json == {"name": "gan-training", "display_name": "gan-training"}
    (sent,) = api.of(UPLOAD)
    assert TEXT.encode() in sent.body
    assert (sent.query["name"], sent.query["pipelineid"]) == ([VERSION], ["p1"])


@pytest.mark.parametrize("said", [kfp_api.error(409, "already exists", 6), LOST], ids=["taken", "lost"])
def test_what_somebody_else_sent_meanwhile_is_found(api: Api, said: Said) -> None:
    api.routes[f"GET {VERSIONS}"] = [Said({}), THERE]
    api.routes[UPLOAD] = said
    assert uploaded(api) == "v1"


def test_a_refused_upload_is_reported(api: Api) -> None:
    api.routes[f"GET {VERSIONS}"] = Said({})
    api.routes[UPLOAD] = kfp_api.error(400, "InvalidInputError: not a pipeline", 3)
    with pytest.raises(ClusterError, match="not a pipeline"):
        uploaded(api)


JOB = PreparedRun(
    "training", "gan:dev", load_profile("cpu-small"), TEXT, {"config": "name: digits", "store": "s3://b/p"}
)


def started(api: Api) -> Any:
    with connect(Address(api.url)) as connection:
        run, version = start(connection, JOB, "digits")
    assert version.version_id == "v1"
    return run.run_id


def test_a_run_is_started_with_what_was_asked_for(api: Api) -> None:
    assert started(api) == "r1"
    (asked,) = api.of(f"POST {RUNS}")
    sent = asked.json
    assert sent.pop("display_name").startswith("digits-")
    assert sent == {
        "description": "pipeline training, profile cpu-small, image gan:dev",
        "experiment_id": "e1",
        "pipeline_version_reference": {"pipeline_id": "p1", "pipeline_version_id": "v1"},
        "runtime_config": {"parameters": JOB.parameters},
        "service_account": "gan-run",
    }


def test_a_run_whose_answer_was_lost_is_not_started_twice(api: Api) -> None:
    api.routes[f"POST {RUNS}"] = LOST
    api.routes[f"GET {RUNS}"] = Said({"runs": [{"run_id": "r7"}]})
    assert started(api) == "r7"
    (asked,) = api.of(f"POST {RUNS}")
    assert asked.json["display_name"] in api.of(f"GET {RUNS}")[0].query["filter"][0]


def test_a_run_that_was_lost_before_it_was_heard_of_is_started(api: Api) -> None:
    api.routes[f"POST {RUNS}"] = [LOST, Said({"run_id": "r8"})]
    assert started(api) == "r8"
    api.routes[f"POST {RUNS}"] = LOST
    with pytest.raises(UnsureError, match="may have been carried out"):
        started(api)


def prepared(*sets: str, store: str = "s3://bucket/p", pipeline: str = "training") -> PreparedRun:
    request = resolve("digits", sets, store=store)
    return prepare(pipeline, request, load_profile("cpu-small"), "gan:dev", allow_tag=True)


def test_a_job_is_the_compiled_pipeline_with_its_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)  # submitting needs no credentials of the store
    job = prepared("train.steps=60", store="s3://bucket/p/")
    assert sorted(job.parameters) == ["config", "name", "run_id", "store"]
    assert yaml.safe_load(job.parameters["config"])["train"]["steps"] == 60
    assert job.parameters["store"] == "s3://bucket/p"
    assert "image: gan:dev" in job.text


def test_what_no_pod_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"store \(--store\) is /.*, on this machine, where no pod can read it"):
        prepared(store=str(tmp_path))
    with pytest.raises(ConfigError, match=r"data\.source is /"):
        prepared("data.source=./images")
    with pytest.raises(ConfigError, match=r"reference\.feature_network is /.*copy it to a bucket"):
        prepared("reference.feature_network=./classify_image_graph_def.pb")
    for published in ("gs://bucket/classify_image_graph_def.pb", "imagenet"):
        job = prepared(f"reference.feature_network={published}", "gate.limits.high_confidence=null")
        assert f"feature_network: {published}" in job.parameters["config"]
    with pytest.raises(ConfigError, match='did you mean "training"'):
        prepared(pipeline="trainin")


@pytest.mark.parametrize("dataset", ["celeba", "folder"])
def test_data_that_are_nowhere_are_asked_for_before_a_pod_does(dataset: str) -> None:
    with pytest.raises(ConfigError, match=rf"data\.source is needed for {dataset}: a folder .*data\.source=gs://"):
        prepared(f"data.dataset={dataset}")
    assert prepared(f"data.dataset={dataset}", "data.source=gs://bucket/raw").parameters


def test_a_pipeline_that_takes_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"root": {"inputDefinitions": {"parameters": {"config": {}, "extra": {}, "more": {"isOptional": True}}}}}
    monkeypatch.setattr("pipelines.kfp.submit.compile_text", lambda *_: yaml.safe_dump(spec))
    with pytest.raises(ConfigError, match="the pipeline training takes extra, which a config"):
        prepared()
