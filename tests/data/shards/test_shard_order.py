"""The packing order."""

from __future__ import annotations

import random

from gan.data.shards.shard_order import packing_order
from gan.data.sources.interface import ExampleRef


def refs(count: int) -> list[ExampleRef]:
    return [
        ExampleRef(f"{i:03}", ("train", "valid", "test", "extra")[i % 4], "f", i, label=i // 100) for i in range(count)
    ]


def test_splits_come_in_order_and_the_listing_order_does_not_matter() -> None:
    examples = refs(400)
    shuffled = random.Random(0).sample(examples, len(examples))  # noqa: S311
    ordered = packing_order(examples)
    assert ordered == packing_order(shuffled)
    assert sorted(ordered, key=lambda each: each.id) == examples
    assert list(dict.fromkeys(each.split for each in ordered)) == ["train", "valid", "test", "extra"]


def test_classes_are_mixed() -> None:
    """Listed class by class, packed so that each class is about equally often in each half."""
    train = [each.label for each in packing_order(refs(400)) if each.split == "train"]
    for label in range(4):
        assert 6 <= train[:50].count(label) <= 19


def test_the_order_is_fixed_for_ever() -> None:
    """A change here changes the id of every dataset: raise FORMAT then."""
    assert [each.id for each in packing_order(refs(24)) if each.split == "train"] == ORDER


ORDER = ["000", "016", "008", "004", "020", "012"]
