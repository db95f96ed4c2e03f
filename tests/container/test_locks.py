"""The locks of the images against the lock that everything else is tested with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
OURS_ALONE = {"tensorflow-cpu"}
"""What stands in `cpu.lock` instead of something else, in its very version."""


def pinned(path: str) -> dict[str, str]:
    """The version of each package of a lock."""
    return dict(PINNED.findall((ROOT / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize("image", ["cpu", "gpu"])
def test_an_image_has_the_versions_that_were_tested(image: str) -> None:
    tested = pinned("requirements.lock")
    for name, version in pinned(f"docker/{image}.lock").items():
        if name not in OURS_ALONE and not name.startswith("nvidia-"):
            assert version == tested[name], f"{name}: run `make lock`"


def test_tensorflow_without_gpu_code_is_of_the_same_version() -> None:
    assert pinned("docker/cpu.lock")["tensorflow-cpu"] == pinned("requirements.lock")["tensorflow"]


def test_tensorflow_is_not_in_the_image_twice() -> None:
    text = (ROOT / "docker/cpu.lock").read_text(encoding="utf-8")
    assert re.search(r"^tensorflow==\S+ ; platform_machine != 'x86_64'", text, re.MULTILINE)
    assert re.search(r"^tensorflow-cpu==\S+ ; platform_machine == 'x86_64'", text, re.MULTILINE)


@pytest.mark.parametrize("lock", ["cpu", "gpu", "build"])
def test_every_package_is_pinned_by_hash(lock: str) -> None:
    text = (ROOT / f"docker/{lock}.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)
