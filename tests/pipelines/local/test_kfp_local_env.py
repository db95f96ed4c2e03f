from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from gan.util.log import PROGRESS_SECONDS
from pipelines.local.kfp_local_env import kfp_local_env


def test_python3_leads_through_the_launcher_to_this_python() -> None:
    with kfp_local_env(progress_every_seconds=0.5):
        done = subprocess.run(
            ["python3", "-c", "import sys; print(sys.prefix)", "--function_to_execute", "step"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert os.environ[PROGRESS_SECONDS] == "0.5"
    begun, prefix, ended = (line for line in done.stdout.splitlines() if line)
    assert '"launched": "step"' in begun
    assert prefix == sys.prefix
    assert '"exit_code": 0' in ended


def test_a_variable_that_was_set_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRESS_SECONDS, "7")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with kfp_local_env(progress_every_seconds=0.5):
        pass
    assert os.environ[PROGRESS_SECONDS] == "7"
    assert "PYTHONSAFEPATH" not in os.environ


@pytest.mark.parametrize(("origin", "hidden"), [(None, True), ("/somewhere/docker/__init__.py", False)])
def test_a_folder_called_docker_is_no_package(
    origin: str | None, hidden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "docker", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None, origin=origin))
    with kfp_local_env(progress_every_seconds=1):
        assert (sys.modules.get("docker", "absent") is None) is hidden
    assert "docker" not in sys.modules


def test_a_docker_that_is_imported_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    package = importlib.import_module("json")
    monkeypatch.setitem(sys.modules, "docker", package)
    with kfp_local_env(progress_every_seconds=1):
        assert sys.modules["docker"] is package


def test_an_interpreter_in_a_folder_with_odd_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / 'it\'s a "python3" $HOME'
    odd.mkdir()
    (odd / "python").write_text('#!/bin/sh\necho "$0"\n')
    (odd / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(odd / "python"))
    with kfp_local_env(progress_every_seconds=1):
        done = subprocess.run(["python3"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{odd / 'python'}\n"
