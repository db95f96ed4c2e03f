"""Python with TensorFlow and without gan."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RunAlone = Callable[[str, Path], str]

PREPARE = """
import importlib.util, sys
sys.path.append({packages!r})
assert importlib.util.find_spec("gan") is None, "gan can be imported: the test proves nothing"
"""


@pytest.fixture
def run_alone() -> RunAlone:
    """Runs a script in a folder, with the installed packages but without `gan`; returns what it printed.

    -I leaves out PYTHONPATH and the current folder, -S the .pth files that an editable install of `gan` hangs on.
    """
    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None
    assert spec.origin is not None
    prepare = PREPARE.format(packages=str(Path(spec.origin).parent.parent))

    def run(script: str, folder: Path) -> str:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", prepare + script],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
