"""Identities: labels, differences, and the refusal to compare."""

from __future__ import annotations

import dataclasses

import pytest

from gan.config import Evaluate
from gan.errors import IdentityError
from gan.metrics.identity import PROTOCOL, Identity, differences, require_same

IDENTITY = Identity(
    purpose="final", dataset_id="mnist-0123456789ab", split="test", image_size=28, channels=1, crop=None,
    crop_offset=None, resizer="bicubic", feature_network="mnist-cnn", feature_hash="1a2b3c4d5e6f", reference_hash="77",
    reference_images=10_000, samples=10_000, batch_size=250, seed=0, neighbours=5, kid_subsets=100,
    kid_subset_size=1000, confidence=0.95, confidence_threshold=0.9,
)  # fmt: skip


def test_label_is_never_plain_fid() -> None:
    assert IDENTITY.label == "fid[mnist-cnn:1a2b3c]"


def test_every_key_of_the_protocol_is_part_of_it_but_those_that_change_no_score() -> None:
    """Which checkpoint is scored, by how many images it is chosen, and which scores are computed."""
    assert {item.name for item in dataclasses.fields(Evaluate)} - set(PROTOCOL) == {
        "checkpoint", "selection_samples", "metrics",
    }  # fmt: skip


@pytest.mark.parametrize("field", [item.name for item in dataclasses.fields(Identity)])
def test_each_field_that_differs_is_named(field: str) -> None:
    other = {**IDENTITY.to_json(), field: "other"}
    found = differences(IDENTITY.to_json(), other)
    assert len(found) == 1
    assert found[0].startswith(field)
    with pytest.raises(IdentityError, match=rf"the scores can't be compared.*{field}.*'other'.*; do this"):
        require_same(IDENTITY.to_json(), other, "the scores", "do this")


def test_a_field_that_one_lacks_differs() -> None:
    assert differences({"a": 1}, {}) == ["a (1 and 'nothing')"]


def test_equal_identities_pass() -> None:
    require_same(IDENTITY.to_json(), IDENTITY.to_json(), "the scores", "")
