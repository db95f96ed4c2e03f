"""The record of a generator's directions: as it was written, checked, and refused where a probe predicts poorly."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gan.errors import ConfigError, IntegrityError
from gan.export import directions
from gan.export.directions import MIN_AUC, Direction, Directions
from gan.export.probes import Probe
from gan.store import Store, open_store

VECTOR = np.array([0.6, 0.8, 0.0])
FOUND = Directions(
    "gen-1",
    "ref-1",
    "cnn:012345",
    100,
    {
        "Smiling": Direction(VECTOR, MIN_AUC, 0.4, 0.9),
        "Hat": Direction(VECTOR, MIN_AUC - 0.01, 0.04),
        "Bald": Direction(VECTOR, None, 0.0012),
        "No_Beard": Direction(VECTOR, None, 0.9988),
    },
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def test_they_are_read_as_they_were_written(store: Store) -> None:
    assert directions.read(store, "gen-1") is None
    directions.write(store, FOUND)
    read = directions.read(store, "gen-1")
    assert read is not None
    assert read.to_json() == FOUND.to_json()
    assert list(read.by_name) == list(FOUND.by_name)
    assert directions.generator_of(directions.key_of("gen-1")) == "gen-1"
    assert directions.generator_of("directions/two words.json") is None
    assert directions.generator_of("directions/gen-1/more.json") is None


def test_rounded_vectors_keep_their_length() -> None:
    vector = np.full(512, 512**-0.5)
    (made,) = directions.named([Probe(vector, 0.9, 0.1)], ["a"], {"a": 0.8}).values()
    assert np.linalg.norm(made.vector) == pytest.approx(1.0, abs=1e-4)
    assert made.network_accuracy == 0.8


@pytest.mark.parametrize(("accuracy", "doubtful"), [(None, False), (0.75, False), (0.749, True)])
def test_what_the_network_hardly_recognises_is_doubtful(accuracy: float | None, doubtful: bool) -> None:
    assert Direction(VECTOR, 0.9, 0.1, accuracy).is_doubtful is doubtful


def test_a_damaged_record_is_not_used(store: Store) -> None:
    directions.write(store, FOUND)
    assert list(directions.damages(store, "gen-1")) == []
    assert list(directions.damages(store, "gen-2")) == []
    key = directions.key_of("gen-1")
    store.write(key, store.read(key).replace(b"0.6", b"0.7"))
    with pytest.raises(IntegrityError, match=r"gen-1\.json is damaged.*gan directions finds them again"):
        directions.read(store, "gen-1")
    assert len(list(directions.damages(store, "gen-1"))) == 1
    directions.write(store, FOUND)
    store.write(directions.key_of("gen-2"), store.read(key))
    with pytest.raises(IntegrityError, match="it is of gen-1"):
        directions.read(store, "gen-2")


def test_those_of_another_method_are_found_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    directions.write(store, FOUND)
    monkeypatch.setattr(directions, "METHOD", directions.METHOD + 1)
    assert directions.read(store, "gen-1") is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Smilling", r'unknown --direction "Smilling"; did you mean "Smiling"\? Known: Bald, Hat, No_Beard, Smiling'),
        ("Hat", r"--direction Hat: .* AUC of 0\.69 on held-out images, and needs at least 0\.70.*Usable: Smiling"),
        ("Bald", r"--direction Bald: 0\.12% of the generated images show it, too few"),
        ("No_Beard", r"99\.88% of the generated images show it, too many"),
    ],
)
def test_what_can_not_be_used_is_explained(name: str, message: str) -> None:
    assert FOUND.usable("--direction", "Smiling").auc == MIN_AUC
    with pytest.raises(ConfigError, match=message):
        FOUND.usable("--direction", name)


def test_where_none_can_be_used_the_message_says_none() -> None:
    weak = dataclasses.replace(FOUND, by_name={"Hat": FOUND.by_name["Hat"]})
    with pytest.raises(ConfigError, match="Usable: none"):
        weak.usable("--keep", "Hat")
