"""The stream of batches: complete, deterministic, resumable anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan.data.input import Batches
from gan.data.spec import Split
from gan.data.stage import stage
from gan.errors import ConfigError, DataError, IntegrityError

EXAMPLES = 50


@pytest.fixture
def make_batches(make_dataset: Any) -> Any:
    made: dict[str, Any] = {}

    def make(*, batch_size: int = 8, seed: int = 3, flip: bool = False, **options: Any) -> Batches:
        if "dataset" not in made:
            made["store"], made["dataset"] = make_dataset(EXAMPLES, **options)
        dataset = made["dataset"]
        paths = stage(made["store"], dataset, "train")
        return Batches(dataset, paths, split="train", batch_size=batch_size, seed=seed, flip=flip)

    return make


def taken(batches: Batches, first: int, count: int) -> list[dict[str, Any]]:
    return list(batches.from_batch(first).take(count).as_numpy_iterator())


def originals() -> Any:
    return np.stack([np.random.default_rng(n).integers(0, 256, (4, 4, 3), np.uint8) for n in range(EXAMPLES)])


def numbers(batch: dict[str, Any]) -> list[int]:
    """Which example each image is, whether mirrored or not."""
    found = np.rint((batch["images"] + 1) * 127.5).astype(np.uint8)
    known = {image.tobytes(): n for n, image in enumerate(originals())}
    known |= {np.ascontiguousarray(image[:, ::-1]).tobytes(): n for n, image in enumerate(originals())}
    return [known[image.tobytes()] for image in found]


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
    spec = make_batches().from_batch(0).element_spec
    assert spec["images"].shape.as_list() == [8, 4, 4, 3]
    assert spec["labels"].shape.as_list() == [8]


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
        records, flips = batches.draw(np.int64(number))
        ids = [tf.train.Example.FromString(each).features.feature["id"].bytes_list.value[0] for each in records]
        assert [int(each) for each in ids] == numbers(batch)
        expected = [originals()[int(n)][:, :: -1 if flip else 1] for n, flip in zip(ids, flips, strict=True)]
        np.testing.assert_allclose(batch["images"], np.stack(expected) / 127.5 - 1, atol=1e-6)
    assert not make_batches(flip=False).draw(np.int64(0))[1].any()


def test_a_batch_of_everything(make_batches: Any) -> None:
    batches = make_batches(batch_size=EXAMPLES)
    assert batches.per_epoch == 1
    assert [sorted(numbers(batch)) for batch in taken(batches, 0, 2)] == [list(range(EXAMPLES))] * 2


def test_over_many_epochs_none_is_forgotten(make_batches: Any) -> None:
    seen = {n for batch in taken(make_batches(batch_size=40), 0, 12) for n in numbers(batch)}
    assert seen == set(range(EXAMPLES))


def test_shards_are_mixed(make_batches: Any) -> None:
    """Written in the order 0, 1, 2, ...: a first batch from one shard would hold neighbours."""
    chosen = numbers(taken(make_batches(), 0, 1)[0])
    assert max(chosen) - min(chosen) > 15


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
    for n, turned in zip((n for batch in plain for n in numbers(batch)), differs, strict=True):
        turns.setdefault(n, set()).add(bool(turned))
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
    import dataclasses

    store, dataset = make_dataset(EXAMPLES)
    paths = stage(store, dataset, "train")
    longer = dataclasses.replace(dataset, splits={"train": Split(60, dataset.splits["train"].shards)})
    with pytest.raises(IntegrityError, match=r"hold 50 examples, .* says 60"):
        Batches(longer, paths, split="train", batch_size=8, seed=0, flip=False)
