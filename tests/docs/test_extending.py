"""Does what docs/extending.md says, in a copy of the repository, to the letter.

A fenced block is a file to write (`python title="..."`), an edit to make (`diff`: after each `@@`, lines to find, to
drop and to add), or commands to run (`console`).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r'^```(\w+)(?: title="(.+?)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SMALL = ["--set=generator.width=0.05", "--set=discriminator.width=0.05", "--set=train.batch_size=8"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    for part in ("gan", "components", "pipelines", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def edit(copy: Path, diff: str) -> None:
    for name, hunks in re.findall(r"^--- a/.*\n\+\+\+ b/(.*)\n((?:^(?!---).*\n)*)", diff, re.MULTILINE):
        file = copy / name
        text = file.read_text(encoding="utf-8")
        for hunk in hunks.split("@@\n")[1:]:
            lines = hunk.splitlines()
            before = "".join(f"{line[1:]}\n" for line in lines if line[:1] in {" ", "-"})
            after = "".join(f"{line[1:]}\n" for line in lines if line[:1] in {" ", "+"})
            assert text.count(before) == 1, f"{name} has these lines {text.count(before)} times:\n{before}"
            text = text.replace(before, after)
        file.write_text(text, encoding="utf-8")


def run(copy: Path, command: list[str]) -> str:
    modules = {"gan": "gan", "gan-pipelines": "pipelines.cli.main", "pytest": "pytest"}
    command = [sys.executable, "-m", modules[command[0]], *command[1:]]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def test_every_section_has_commands() -> None:
    assert list(SECTIONS) == ["A loss", "A network", "A data set", "A metric", "A step", "A pipeline"]
    assert all("```console" in section for section in SECTIONS.values())


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_is_true(title: str, copy: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall(SECTIONS[title])
    for kind, name, text in blocks:
        if kind == "python":
            assert not (copy / name).exists()
            (copy / name).write_text(text, encoding="utf-8")
        elif kind == "diff":
            edit(copy, text)
    given = {"npz": str(tmp_path / "some.npz"), "out": str(tmp_path / "training.yaml"), "digits": ""}
    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28), np.uint8)
    np.savez(given["npz"], images=images, labels=np.arange(60) % 3)
    for line in "".join(text for kind, _, text in blocks if kind == "console").splitlines():
        if "{digits}" in line and not given["digits"]:
            given["digits"] = run(copy, ["gan", "preprocess", "--dataset", "digits", "--image-size", "16"])
        command = shlex.split(line.removeprefix("$ ").format(**given))
        if command[:2] == ["gan", "train"]:
            command += SMALL
        if command[0] == "pytest":
            command += ["-n", "0", "-p", "no:cacheprovider"]
        run(copy, command)
    compiled = {"A step": "exec-gallery", "A pipeline": "gan-rescoring"}.get(title)
    if compiled is not None:
        assert compiled in Path(given["out"]).read_text(encoding="utf-8")
