from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gan.errors import NotFoundError
from gan.ids import sha256
from gan.steps.promote import promote
from gan.steps.verify import verify
from gan.store import Store


def add_checkpoint(store: Store, run_id: str, state: bytes) -> None:
    store.write(f"runs/{run_id}/run.json", json.dumps({"dataset_id": "d"}).encode())
    store.write(f"runs/{run_id}/checkpoints/00000010/state.safetensors", state)
    record = {"step": 10, "sha256": sha256(state)}
    store.write(f"runs/{run_id}/checkpoints/00000010/checkpoint.json", json.dumps(record).encode())


def test_a_sound_store(store: Store, make_generator: Callable[..., str]) -> None:
    assert verify(store).details == {"checked": [], "damages": []}
    generator = make_generator("r1", verdict=True)
    add_checkpoint(store, "r1", b"state")
    promote(store, generator, "faces")
    outcome = verify(store)
    assert outcome.details["damages"] == []
    assert set(outcome.details["checked"]) == {generator, "r1", "faces"}


def test_each_kind_of_damage_is_named(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1", verdict=True)
    promote(store, generator, "faces")
    add_checkpoint(store, "r1", b"state")
    store.write("runs/r1/checkpoints/00000010/state.safetensors", b"stale")
    add_checkpoint(store, "r2", b"state")
    store.write("runs/r2/checkpoints/00000010/checkpoint.json", b"{}")
    add_checkpoint(store, "r3", b"state")
    store.delete("runs/r3/checkpoints/00000010/state.safetensors")
    store.write("promoted/other.json", b"{}")
    store.delete(f"generators/{generator}/weights")
    damages = "\n".join(verify(store).details["damages"])
    assert "weights is missing" in damages
    assert f"state.safetensors has SHA-256 {sha256(b'stale')}; expected {sha256(b'state')}" in damages
    assert "r2/checkpoints/00000010/checkpoint.json is damaged" in damages
    assert "r3/checkpoints/00000010/state.safetensors is missing" in damages
    assert "other.json is damaged" in damages
    assert len(verify(store, ["r1"]).details["damages"]) == 1


def test_a_pointer_to_nothing_is_damage(store: Store, make_generator: Callable[..., str]) -> None:
    generator = make_generator("r1", verdict=True)
    promote(store, generator, "faces")
    store.delete(f"generators/{generator}/SHA256SUMS")
    (damage,) = verify(store, ["faces"]).details["damages"]
    assert f"points to {generator}, which is not in the store" in damage


def test_an_unknown_id(store: Store) -> None:
    with pytest.raises(NotFoundError, match='nothing in the store is called "x"'):
        verify(store, ["x"])
