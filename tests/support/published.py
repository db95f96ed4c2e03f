"""A store with made-up objects of the published formats, for steps that only read and link them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gan.store import Store, immutable, open_store
from gan.store.records import verdicts

Make = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def make_generator(store: Store, tmp_path: Path) -> Make:
    """Publishes a generator of run `run_id`, with a verdict or the weights of another if asked; returns its id."""

    def make(
        run_id: str,
        *,
        verdict: bool | None = None,
        against: str | None = None,
        name: str = "faces",
        weights: str | None = None,
        reference_id: str = "ref-1",
        anchors: dict | None = None,
        next_anchors: dict | None = None,
    ) -> str:
        folder = tmp_path / f"generator-{run_id}"
        folder.mkdir()
        metadata = {"run_id": run_id, "step": 10, "reference_id": reference_id, "checkpoint_sha256": weights or run_id}
        (folder / "generator.json").write_text(json.dumps(metadata))
        (folder / "evaluation.json").write_text(json.dumps({"identity": {"samples": 100}}))
        (folder / "weights").write_bytes(run_id.encode() * 100)
        files = immutable.files_below(folder)
        generator_id = immutable.sums_id("gen", files)
        immutable.publish(store, "generator", generator_id, files)
        if verdict is not None:
            tree = {
                "generator_id": generator_id,
                "name": name,
                "live_generator_id": against,
                "anchors": anchors if anchors is not None else {"fid": against} if against else {},
                "next_anchors": next_anchors or {"fid": generator_id},
                "passed": verdict,
                "reasons": [] if verdict else ["fid 9 is above 5"],
            }
            verdicts.write(store, run_id, tree)
        return generator_id

    return make
