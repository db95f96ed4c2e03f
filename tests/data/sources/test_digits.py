"""The digits of scikit-learn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits

from gan.data.sources.digits import Digits
from gan.data.sources.interface import Listing
from gan.errors import ConfigError


def scan(where: str | None = None, percent: int = 20) -> Listing:
    source = Digits()
    return source.scan(where, percent)


def test_values_are_scaled() -> None:
    listing, bunch = scan(), load_digits()
    found = np.stack([np.asarray(listing.read(each.key)) for each in listing.examples])
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[bunch.images == 16], 255)
    np.testing.assert_array_equal(found[bunch.images == 0], 0)
    np.testing.assert_array_equal(found[bunch.images == 8], 128)
    np.testing.assert_array_equal([each.label for each in listing.examples], bunch.target)
    assert listing.matches_published_checksums is True


def test_every_digit_is_on_both_sides() -> None:
    counts = Counter((each.split, each.label) for each in scan().examples)
    assert sum(counts.values()) == 1797
    assert sum(count for (split, _), count in counts.items() if split == "test") == pytest.approx(360, abs=40)
    assert min(counts.values()) > 15


def test_the_share_is_the_callers() -> None:
    test = [sum(each.split == "test" for each in scan(percent=percent).examples) for percent in (5, 50)]
    assert test == pytest.approx([90, 898], abs=60)


def test_there_is_no_source_to_give() -> None:
    with pytest.raises(ConfigError, match=r'take no data.source \(--source\); got "x"'):
        scan("x")
