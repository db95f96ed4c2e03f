from __future__ import annotations

import json
import platform
from pathlib import Path

import tensorflow as tf

from gan.train.logging.provenance import describe


def test_versions_and_devices_are_json(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Abacus 3000\n")
    described = describe(info)
    assert json.loads(json.dumps(described)) == described
    assert described["tensorflow"] == tf.__version__
    assert described["python"] == platform.python_version()
    assert described["processor"] == "Abacus 3000"


def test_a_processor_without_a_name_is_reported_by_its_family(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    assert describe(info)["processor"] == platform.machine()
    info.write_text("flags: fpu\n")
    assert describe(info)["processor"] == platform.machine()
