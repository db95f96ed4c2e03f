"""Runs the examples of docs/judges.md, and compares its table of keys with what is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from gan.metrics.features import feature_networks
from gan.metrics.features.formats import description

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "judges.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r'^```\w+ title="(.+?)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL))


def run(folder: Path, script: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_gives_what_the_page_says(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run(tmp_path, "make_network.py")
    (told,) = re.findall(r"^It prints `(.+?)`", PAGE, re.MULTILINE)
    assert run(tmp_path, "try_network.py").strip().endswith(told)
    run(tmp_path, "make_saved_model.py")
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    first, second = (feature_networks.open(str(tmp_path / each)) for each in ("my-network.keras", "my-network"))
    np.testing.assert_allclose(first.extract(images).features, second.extract(images).features, atol=1e-6)


def test_the_table_has_every_key() -> None:
    table = PAGE.partition("| key |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [*description.REQUIRED, *description.OPTIONAL]


def test_every_scale_can_be_read() -> None:
    scales = re.findall(r"`(\{offset: .+?\})`", PAGE.partition("Common scales")[2])
    assert len(scales) == 4
    for scale in scales:
        text = f"{{name: x, input_size: null, channels: 3, features: y, scale: {scale}}}"
        description.parse(text.encode(), "x.yaml")
