"""The manifests as kubectl builds them, and a real API server where KUBECONFIG leads to one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

K8S = Path(__file__).resolve().parents[2] / "k8s"
Manifest = dict[str, Any]


@cache
def _built(folder: Path) -> tuple[Manifest, ...]:
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(each for each in yaml.safe_load_all(done.stdout) if each)


@pytest.fixture(scope="session")
def build() -> Callable[[str | Path], list[Manifest]]:
    """The objects of a folder below k8s/, or of any other folder."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl in PATH, whose kustomize builds the manifests")
    return lambda folder: [*_built(K8S / folder)]


@pytest.fixture(scope="session")
def api_server() -> str:
    """The server of KUBECONFIG, or a skip that says why there is none."""
    if "KUBECONFIG" not in os.environ or shutil.which("kubectl") is None:
        pytest.skip("needs kubectl and a cluster: set KUBECONFIG")
    command = ["kubectl", "version", "--request-timeout=10s", "--output=json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        pytest.skip(f"no cluster at KUBECONFIG={os.environ['KUBECONFIG']}: {done.stderr.strip()}")
    return str(yaml.safe_load(done.stdout)["serverVersion"]["gitVersion"])
