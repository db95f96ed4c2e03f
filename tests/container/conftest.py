"""The image under test: GAN_TEST_IMAGE names it, made by `make image`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.containers import LOCKED

IMAGE = os.environ.get("GAN_TEST_IMAGE", "gan-pipelines:dev")
PROBE = Path(__file__).with_name("probe.py")


@pytest.fixture(scope="session")
def docker() -> Any:
    """Docker's client."""
    client = pytest.importorskip("docker")
    try:
        return client.from_env()
    except client.errors.DockerException as error:
        pytest.skip(f"no Docker here: {error}")


@pytest.fixture(scope="session")
def image(docker: Any) -> Any:
    """The image, as Docker describes it."""
    from docker.errors import ImageNotFound

    try:
        return docker.images.get(IMAGE)
    except ImageNotFound:
        pytest.skip(f"there is no image {IMAGE}: `make image IMAGE={IMAGE}` makes it, GAN_TEST_IMAGE names another")


@pytest.fixture(scope="session")
def inside(docker: Any, image: Any) -> dict[str, Any]:
    """What the image holds, as a process in it sees it."""
    volumes = {str(PROBE): {"bind": "/probe.py", "mode": "ro"}}
    loose = {**LOCKED, "read_only": False}  # so that what could be written shows
    said = docker.containers.run(image.id, ["python3", "/probe.py"], remove=True, volumes=volumes, **loose)
    seen: dict[str, Any] = json.loads(said)
    return seen
