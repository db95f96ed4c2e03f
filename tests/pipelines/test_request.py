from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gan import config as configs
from gan.errors import ConfigError, NotFoundError
from pipelines.request import RunRequest, resolve


def test_the_parameters_are_the_whole_resolved_request(tmp_path: Path) -> None:
    request = resolve("digits", ["train.steps=7"], store=str(tmp_path / "s"), run_id="r1")
    parameters = request.parameters()
    assert configs.from_yaml(parameters["config"]) == configs.load("digits", ["train.steps=7"])
    assert (parameters["store"], parameters["name"], parameters["run_id"]) == (str(tmp_path / "s"), "digits", "r1")


def test_a_relative_store_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve("digits", [], store="./store", name="live").parameters()["store"] == str(tmp_path / "store")


def test_relative_files_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = ["data.source=faces", "reference.feature_network=./net.pb"]
    monkeypatch.chdir(tmp_path)
    config = resolve("digits", sets, store="s").config
    assert config.data.source == str(tmp_path / "faces")
    assert config.reference.feature_network == str(tmp_path / "net.pb")
    elsewhere = resolve("digits", ["data.source=https://host/a.zip"], store="s").config
    assert elsewhere.data.source == "https://host/a.zip"
    assert elsewhere.reference.feature_network is None
    assert (
        resolve("digits", ["reference.feature_network=imagenet"], store="s").config.reference.feature_network
        == "imagenet"
    )


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"name_or_file": "digit"}, NotFoundError, 'did you mean "digits"'),
        ({"sets": ["train.step=7"]}, ConfigError, 'did you mean "train.steps"'),
        ({"store": "ftp://host/x"}, ConfigError, "ftp://host/x"),
        ({"name": "a/b"}, ConfigError, "--name"),
        ({"run_id": "../x"}, ConfigError, "--run-id"),
    ],
)
def test_what_is_wrong_is_told_before_any_step(
    changes: dict[str, object], kind: type[Exception], message: str, tmp_path: Path
) -> None:
    arguments: dict[str, object] = {"name_or_file": "digits", "sets": [], "store": str(tmp_path)}
    arguments.update(changes)
    with pytest.raises(kind) as caught:
        resolve(arguments.pop("name_or_file"), arguments.pop("sets"), **arguments)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("by", "sets", "message"),
    [
        ("fidd", [], 'unknown sweep.by: "fidd"; did you mean "fid"'),
        ("mind", [], "sweep.by: mind needs mind in evaluate.metrics"),
        ("coverage", [], None),
        ("mind", ["evaluate.metrics=fid,prdc,modes,mind", "gate.limits={}"], None),
    ],
)
def test_a_sweep_goes_by_a_score_that_is_computed(
    by: str, sets: list[str], message: str | None, tmp_path: Path
) -> None:
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(f"grid: {{optimizer.beta_1: [0.0, 0.5]}}\nby: {by}\n")
    if message is None:
        resolved = resolve("digits", sets, store=str(tmp_path), sweep=str(sweep)).sweep
        assert resolved is not None
        assert resolved.by == by
    else:
        with pytest.raises(ConfigError, match=message):
            resolve("digits", sets, store=str(tmp_path), sweep=str(sweep))


def test_what_kubeflow_would_replace_is_refused(tmp_path: Path) -> None:
    request: RunRequest = resolve("digits", ["data.source='{{$.inputs}}'"], store=str(tmp_path))
    with pytest.raises(ConfigError, match="config must not contain"):
        request.parameters()


def test_a_request_is_checked_without_tensorflow() -> None:
    """Its import takes seconds, and prints notices among the lines of a run."""
    program = "import sys, pipelines.local.summary, pipelines.request; raise SystemExit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
