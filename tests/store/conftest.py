from __future__ import annotations

from pathlib import Path

import pytest

from gan.store import Store, open_store


@pytest.fixture(params=["local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store in turn: whatever a store promises is tested on all of them."""
    return open_store(f"{tmp_path}/{request.param}")
