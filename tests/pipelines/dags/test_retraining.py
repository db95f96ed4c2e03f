from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gan.store import layout as store_runs
from gan.store import open_store
from pipelines.cli.main import main
from pipelines.compiled import compile_text
from pipelines.profiles.profile import load_profile
from support import live, runs
from support.receiver import Receiver


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return next(iter(yaml.safe_load_all(compile_text("retraining", "image:1", load_profile("cpu-small")))))


def test_a_webhook_that_nobody_has_set_up_keeps_no_run_from_its_end() -> None:
    """Backends before 2.17 heed `optional` of a volume, and not of a variable."""
    text = compile_text("retraining", "image:1", load_profile("cpu-small"))
    spec, platform = yaml.safe_load_all(text)
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    (mount,) = pods["exec-notify"]["secretAsVolume"]
    assert (mount["secretName"], mount["optional"]) == ("gan-notify", True)
    env = {
        each["name"]: each["value"] for each in spec["deploymentSpec"]["executors"]["exec-notify"]["container"]["env"]
    }
    assert env["GAN_WEBHOOK_FILE"] == f"{mount['mountPath']}/GAN_WEBHOOK_URL"
    assert [name for name, pod in pods.items() if "secretAsVolume" in pod] == ["exec-notify"], "nobody else sees it"


def tasks(spec: dict[str, Any], component: str | None) -> dict[str, Any]:
    found = spec["components"][component] if component else spec["root"]
    return dict(found["dag"]["tasks"])


def test_whatever_happens_somebody_is_told(spec: dict[str, Any]) -> None:
    root = tasks(spec, None)
    assert set(root) == {"exit-handler-1", "notify"}
    assert root["notify"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert root["notify"]["dependentTasks"] == ["exit-handler-1"]
    assert root["notify"]["inputs"]["parameters"]["status"]["taskFinalStatus"] == {"producerTask": "exit-handler-1"}


def test_nothing_is_trained_without_a_reason(spec: dict[str, Any]) -> None:
    night = tasks(spec, "comp-exit-handler-1")
    assert set(night) == {"preprocess", "decide", "condition-2"}
    assert night["condition-2"]["triggerPolicy"]["condition"].endswith("--decide-Output'] == true")


def test_every_step_after_the_decision_has_the_config_that_was_decided_upon(spec: dict[str, Any]) -> None:
    new = tasks(spec, "comp-condition-2")
    assert set(new) == {"reference", "train", "evaluate", "remeasure", "export", "gate", "release", "report"}
    for name, task in new.items():
        config = task["inputs"]["parameters"].get("config")
        assert config in (None, {"componentInputParameter": "pipelinechannel--decide-config"}), name
    assert "remeasure" in new["gate"]["dependentTasks"], "the live generator must be measured alike before"
    assert "release" in new["report"]["dependentTasks"]


def command(tmp_path: Path, pictures: Path) -> list[str]:
    config = tmp_path / "tiny.yaml"
    config.write_text(runs.config().to_yaml())
    flags = ["--pipeline", "retraining", "--config", str(config), "--set", f"data.source={pictures}"]
    return ["run", *flags, "--store", str(tmp_path / "store"), "--name", "pets", "--json"]


@pytest.mark.slow
def test_nothing_new_on_this_machine(tmp_path: Path, webhook: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    made = runs.make(tmp_path)
    live.go_live(made.store, runs.config(), made.dataset_id, made.reference_id)
    assert main(command(tmp_path, tmp_path / "pictures")) == 0
    record = json.loads(capsys.readouterr().out)
    reason = f"the data are those of the live generator, {made.dataset_id}"
    assert (record["trained"], record["promoted"], record["reasons"]) == (False, None, [reason])
    assert [step["step"] for step in record["steps"]] == ["preprocess", "decide", "notify"]
    assert webhook.texts == [f":zzz: *pets*: nothing new, so nothing was trained\n• {reason}"]
    assert store_runs.run_ids(made.store) == [made.run_id]


@pytest.mark.slow
def test_a_failure_on_this_machine(tmp_path: Path, webhook: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(tmp_path, tmp_path / "absent")) == 3
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert last_line.startswith("gan-pipelines: preprocess: no such file or folder")
    (text,) = webhook.texts
    assert text.startswith(":rotating_light: *pets*: the run failed in preprocess\n• no such file or folder")
    assert list(open_store(str(tmp_path / "store")).list("runs")) == []


@pytest.mark.parametrize("flag", ["--run-id", "--only"])
def test_what_a_retraining_decides_by_itself(tmp_path: Path, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command(tmp_path, tmp_path), flag, "train"]) == 2
    assert f"{flag} is of no use with --pipeline retraining" in capsys.readouterr().err
