"""The surroundings in which `kfp.local` runs our components, with every trap of kfp 2.17 disarmed.

Everything that is changed here is put back at the end, and everything written lies in one temporary folder.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.runtime.pod_metadata import RESULTS_FOLDER
from gan.util.log import PROGRESS_SECONDS
from gan.util.scratch import scratch_folder
from pipelines.local import python_shim

IMAGE = "python"  # the subprocess runner ignores it, but warns of an image without this word


@contextmanager
def kfp_local_env(*, progress_every_seconds: float) -> Iterator[Path]:
    """Make `kfp.local` ready to run components in subprocesses; yields the folder that they leave their records in.

    Disarmed:
      - "python3" inside a parameter is replaced by `sys.executable`; so that is "python3" itself meanwhile, and the
        search path leads it to `pipelines.local.python_shim`;
      - a user's workspace is deleted after the run, and outputs land in the current folder: both are folders of ours;
      - its cache ignores changes in the library's code: it is off, our store knows better;
      - the shell wrapper leaves a temporary folder a step behind: it lands in ours;
      - a folder `docker` beside the package passes for the package docker: it is hidden.
    """
    with scratch_folder() as folder, warnings.catch_warnings():
        places = {place: folder / place for place in ("bin", "records", "tmp", "root", "workspace")}
        for place in places.values():
            place.mkdir()
        _write_python3(places["bin"] / "python3")
        variables = {
            "PATH": f"{places['bin']}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "TMPDIR": str(places["tmp"]),
            RESULTS_FOLDER: str(places["records"]),
            PROGRESS_SECONDS: str(progress_every_seconds),
            "PYTHONUNBUFFERED": "1",
            "PYTHONSAFEPATH": "1",  # a user's own gan.py in the current folder is not the library
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        }
        with _environment(variables), _docker_hidden(), _executable("python3"):
            _initialise(places["root"], places["workspace"])
            try:
                yield places["records"]
            finally:
                _forget()


def _write_python3(path: Path) -> None:
    command = shlex.join([sys.executable, "-I", "-S", str(Path(python_shim.__file__).resolve())])
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def _initialise(root: Path, workspace: Path) -> None:
    from kfp import local

    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(root),
        workspace_root=str(workspace),
        raise_on_error=True,
        enable_caching=False,
    )


def _forget() -> None:
    """Afterwards, calling a component makes a task again instead of running it."""
    from kfp.local import config

    config.LocalExecutionConfig.instance = None


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _executable(name: str) -> Iterator[None]:
    before = sys.executable
    sys.executable = name
    try:
        yield
    finally:
        sys.executable = before


@contextmanager
def _docker_hidden() -> Iterator[None]:
    if "docker" in sys.modules:
        yield
        return
    found = importlib.util.find_spec("docker")
    if found is not None and found.origin is not None:
        yield  # the real package
        return
    sys.modules["docker"] = None  # type: ignore[assignment]  # the import system's own way to say "there is none"
    try:
        yield
    finally:
        del sys.modules["docker"]
