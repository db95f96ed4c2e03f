"""A split as arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan.data import load as module
from gan.data.load import load_split
from gan.errors import ConfigError
from support.remote import Remote


def pixels(number: int) -> Any:
    return np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)


def test_everything_comes_back(make_dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 7)
    arrays = load_split(*make_dataset(attributes=4), "train")
    assert arrays.ids == [str(number) for number in range(50)]
    np.testing.assert_array_equal(arrays.pixels, [pixels(number) for number in range(50)])
    np.testing.assert_array_equal(arrays.labels, np.arange(50) % 3)
    np.testing.assert_array_equal(arrays.attributes, [[1 if n >> b & 1 else -1 for b in range(4)] for n in range(50)])
    assert (arrays.pixels.dtype, arrays.labels.dtype, arrays.attributes.dtype) == (np.uint8, np.int32, np.int8)


def test_without_attributes(make_dataset: Any) -> None:
    assert load_split(*make_dataset(5), "train").attributes.shape == (5, 0)


def test_a_seeded_subset(make_dataset: Any) -> None:
    made = make_dataset()
    some, same, other = (load_split(*made, "train", max_examples=20, seed=seed) for seed in (1, 1, 2))
    assert len(set(some.ids)) == 20
    assert some.ids == same.ids != other.ids
    np.testing.assert_array_equal(some.pixels, [pixels(int(number)) for number in some.ids])
    assert load_split(*made, "train", max_examples=50).ids == load_split(*made, "train", max_examples=99).ids


@pytest.mark.parametrize("max_examples", [0, -1])
def test_a_subset_of_nothing(max_examples: int, make_dataset: Any) -> None:
    with pytest.raises(ConfigError, match=f"at least 1.*got {max_examples}"):
        load_split(*make_dataset(3), "train", max_examples=max_examples)


def test_from_a_bucket_the_same(
    make_dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store, dataset = make_dataset()
    arrays = load_split(Remote(store.root), dataset, "train")
    np.testing.assert_array_equal(arrays.pixels, load_split(store, dataset, "train").pixels)
    size = sum(shard.bytes for shard in dataset.splits["train"].shards)
    last = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (last["event"], last["done"], last["total"]) == ("fetch shards", size, size)
