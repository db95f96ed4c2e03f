"""The stream of batches: complete, deterministic, resumable anywhere."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan.data.input import Batches
from gan.data.spec import Split
from gan.errors import ConfigError, DataError, IntegrityError
from support.remote import Gated

EXAMPLES = 50


@pytest.fixture
def make_batches(make_dataset: Any, request: pytest.FixtureRequest) -> Any:
    made: dict[str, Any] = {}

    def make(*, batch_size: int = 8, seed: int = 3, flip: bool = False, **options: Any) -> Batches:
        if "dataset" not in made:
            made["store"], made["dataset"] = make_dataset(EXAMPLES, **options)
        dataset = made["dataset"]
        batches = Batches(made["store"], dataset, split="train", batch_size=batch_size, seed=seed, flip=flip)
        request.addfinalizer(batches.close)
        return batches

    return make


def taken(batches: Batches, first: int, count: int) -> list[dict[str, Any]]:
    """Batches as NumPy arrays."""
    stream = itertools.islice(batches.from_batch(first), count)
    return [{name: value.numpy() for name, value in batch.items()} for batch in stream]


def originals() -> Any:
    return np.stack([np.random.default_rng(n).integers(0, 256, (4, 4, 3), np.uint8) for n in range(EXAMPLES)])


def numbers(batch: dict[str, Any]) -> list[int]:
    """Which example each image is, whether mirrored or not."""
    found = np.rint((batch["images"] + 1) * 127.5).astype(np.uint8)
    number_of = {image.tobytes(): n for n, image in enumerate(originals())}
    number_of |= {np.ascontiguousarray(image[:, ::-1]).tobytes(): n for n, image in enumerate(originals())}
    return [number_of[image.tobytes()] for image in found]


def test_shapes_ranges_and_values(make_batches: Any) -> None:
    (batch,) = taken(make_batches(), 0, 1)
    assert batch["images"].dtype == np.float32
    assert batch["images"].shape == (8, 4, 4, 3)
    assert batch["labels"].dtype == np.int32
    chosen = numbers(batch)
    np.testing.assert_array_equal(batch["labels"], np.asarray(chosen) % 3)
    np.testing.assert_allclose(batch["images"], originals()[chosen] / 127.5 - 1, atol=1e-6)
    assert batch["images"].min() >= -1
    assert batch["images"].max() <= 1


def test_static_shapes_are_known(make_batches: Any) -> None:
    seen = []
    tf.function(lambda batch: seen.append((batch["images"].shape, batch["labels"].shape)))(
        next(make_batches().from_batch(0))
    )
    assert seen == [((8, 4, 4, 3), (8,))]


@pytest.mark.parametrize("flip", [False, True])
def test_any_start_continues_the_stream(flip: bool, make_batches: Any) -> None:
    batches = make_batches(flip=flip)
    assert batches.per_epoch == 6
    whole = taken(batches, 0, 20)
    for first in (0, 1, 5, 6, 7, 11, 12, 17):
        for expected, found in zip(whole[first:], taken(make_batches(flip=flip), first, 20 - first), strict=True):
            np.testing.assert_array_equal(expected["images"], found["images"])
            np.testing.assert_array_equal(expected["labels"], found["labels"])


def test_an_epoch_holds_each_example_at_most_once(make_batches: Any) -> None:
    stream = [n for batch in taken(make_batches(), 0, 18) for n in numbers(batch)]
    for epoch in range(3):
        seen = stream[epoch * 48 : (epoch + 1) * 48]
        assert len(set(seen)) == 48
    assert stream[:48] != stream[48:96]


def test_what_is_drawn_is_what_is_read(make_batches: Any) -> None:
    batches = make_batches(flip=True)
    for number, batch in enumerate(taken(batches, 4, 4), start=4):
        records, flips = batches.read_part(np.int64(number))
        ids = [tf.train.Example.FromString(each).features.feature["id"].bytes_list.value[0] for each in records]
        assert [int(each) for each in ids] == numbers(batch)
        expected = [originals()[int(n)][:, :: -1 if flip else 1] for n, flip in zip(ids, flips, strict=True)]
        np.testing.assert_allclose(batch["images"], np.stack(expected) / 127.5 - 1, atol=1e-6)
    unflipped = make_batches(flip=False)
    taken(unflipped, 0, 1)
    assert not unflipped.read_part(np.int64(0))[1].any()


def test_a_batch_of_everything(make_batches: Any) -> None:
    batches = make_batches(batch_size=EXAMPLES)
    assert batches.per_epoch == 1
    assert [sorted(numbers(batch)) for batch in taken(batches, 0, 2)] == [list(range(EXAMPLES))] * 2


def test_over_many_epochs_none_is_forgotten(make_batches: Any) -> None:
    seen = {n for batch in taken(make_batches(batch_size=40), 0, 12) for n in numbers(batch)}
    assert seen == set(range(EXAMPLES))


def test_shards_are_mixed_after_the_first_epoch(make_batches: Any) -> None:
    """Written in the order 0, 1, 2, ...: a batch from one shard would hold neighbours."""
    batches = make_batches()
    first, later = (numbers(taken(batches, number, 1)[0]) for number in (0, batches.per_epoch))
    assert max(first) - min(first) < 15
    assert max(later) - min(later) > 15


def test_the_seed_decides_and_nothing_else_does(make_batches: Any) -> None:
    tf.keras.utils.set_random_seed(1)
    first = numbers(taken(make_batches(), 0, 1)[0])
    tf.keras.utils.set_random_seed(2)
    assert numbers(taken(make_batches(), 0, 1)[0]) == first
    assert numbers(taken(make_batches(seed=4), 0, 1)[0]) != first


def test_about_half_is_mirrored_and_differently_each_epoch(make_batches: Any) -> None:
    plain, mirrored = (taken(make_batches(flip=flip), 0, 60) for flip in (False, True))
    differs = [
        (a != b).any()
        for x, y in zip(plain, mirrored, strict=True)
        for a, b in zip(x["images"], y["images"], strict=True)
    ]
    assert 0.42 < np.mean(differs) < 0.58
    for x, y in zip(plain, mirrored, strict=True):
        assert numbers(x) == numbers(y)
    turns: dict[int, set[bool]] = {}
    for n, flipped in zip((n for batch in plain for n in numbers(batch)), differs, strict=True):
        turns.setdefault(n, set()).add(bool(flipped))
    assert sum(len(each) == 2 for each in turns.values()) > EXAMPLES * 0.9


def test_without_classes_labels_are_what_was_written(make_batches: Any) -> None:
    batch = taken(make_batches(labelled=False, attributes=2), 0, 1)[0]
    assert sorted(batch) == ["images", "labels"]


@pytest.mark.parametrize(
    ("batch_size", "kind", "says"),
    [(51, DataError, "50 examples, fewer than one batch of 51; lower train.batch_size"), (0, ConfigError, "got 0")],
)
def test_batches_that_can_not_be(batch_size: int, kind: type[Exception], says: str, make_batches: Any) -> None:
    with pytest.raises(kind, match=says):
        make_batches(batch_size=batch_size)


def test_shards_of_another_dataset(make_dataset: Any) -> None:
    store, dataset = make_dataset(EXAMPLES)
    longer = dataclasses.replace(dataset, splits={"train": Split(60, dataset.splits["train"].shards)})
    with pytest.raises(IntegrityError, match=r"hold 50 examples, .* says 60"):
        Batches(store, longer, split="train", batch_size=8, seed=0, flip=False)


def same(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> bool:
    return all((x[name] == y[name]).all() for x, y in zip(some, others, strict=True) for name in ("images", "labels"))


@pytest.fixture
def streamed(make_dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes streams from a store that holds back the shards of these numbers until their gates are set."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made, dataset = make_dataset(EXAMPLES)
    shards = dataset.splits["train"].shards

    def make(*held: int, **options: Any) -> tuple[Batches, dict[int, threading.Event]]:
        store = Gated(made.root, *(shards[number].name for number in held))
        gates = {number: store.gates[shards[number].name] for number in held}
        return Batches(store, dataset, split="train", batch_size=8, seed=3, flip=True, **options), gates

    make.counts = [shard.examples for shard in shards]  # type: ignore[attr-defined]
    return make


def test_the_first_batch_is_there_before_the_last_shard(streamed: Any, make_batches: Any) -> None:
    last = len(streamed.counts) - 1
    batches, gates = streamed(last)
    with batches:
        stream = batches.from_batch(0)
        found = [next(stream) for _ in range(4)]
        gates[last].set()
        found += itertools.islice(stream, 16)
    expected = taken(make_batches(flip=True), 0, 20)
    assert same(expected, [{name: value.numpy() for name, value in batch.items()} for batch in found])


def test_each_batch_waits_for_its_own_shards_alone(streamed: Any, make_batches: Any) -> None:
    batches, gates = streamed(*range(len(streamed.counts)))
    expected = taken(make_batches(flip=True), 0, 6)
    starts = list(itertools.accumulate(streamed.counts, initial=0))
    with batches:
        stream = batches.from_batch(0)
        for number, batch in enumerate(expected):
            for shard, gate in gates.items():
                if starts[shard] < (number + 1) * 8:
                    gate.set()
            assert (next(stream)["images"].numpy() == batch["images"]).all()
        for gate in gates.values():
            gate.set()


def test_a_resumed_first_epoch_begins_with_the_shard_it_stands_at(streamed: Any, make_batches: Any) -> None:
    batches, gates = streamed(0)
    with batches:
        found = taken(batches, 2, 4)  # the rest of the epoch
        gates[0].set()
    assert same(taken(make_batches(flip=True), 2, 4), found)


def test_later_epochs_need_every_shard(streamed: Any, make_batches: Any) -> None:
    batches, _ = streamed()
    with batches:
        found = taken(batches, 7, 8)
    assert same(taken(make_batches(flip=True), 7, 8), found)


def test_damage_is_raised_as_itself(make_dataset: Any) -> None:
    store, dataset = make_dataset(EXAMPLES)
    shard = dataset.splits["train"].shards[-1]
    path = store.root / "datasets" / dataset.id / shard.name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with (
        Batches(store, dataset, split="train", batch_size=8, seed=0, flip=False) as batches,
        pytest.raises(IntegrityError, match=f"{shard.name} has SHA-256"),
    ):
        taken(batches, 0, 12)


def test_the_stream_ends_where_waiting_is_given_up(streamed: Any) -> None:
    last = len(streamed.counts) - 1
    stopped = threading.Event()
    batches, gates = streamed(last, stopped=stopped.is_set)
    with batches:
        stream = batches.from_batch(0)
        next(stream)
        stopped.set()
        assert len(list(stream)) < batches.per_epoch
        gates[last].set()


def test_a_closed_stream_has_ended(make_batches: Any) -> None:
    batches = make_batches()
    stream = batches.from_batch(0)
    next(stream)
    batches.close()
    assert list(stream) == []


def test_one_shard_gives_the_order_on_record(make_dataset: Any) -> None:
    """The first epoch of one shard is the permutation of (seed, 0), as it was before shards were streamed."""
    store, dataset = make_dataset(EXAMPLES, shard_bytes=10**6)
    assert len(dataset.splits["train"].shards) == 1
    with Batches(store, dataset, split="train", batch_size=8, seed=3, flip=False) as batches:
        found = [n for batch in taken(batches, 0, 6) for n in numbers(batch)]
    assert found == np.random.default_rng([3, 0]).permutation(EXAMPLES)[:48].tolist()
