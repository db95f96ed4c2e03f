from __future__ import annotations

import math

import pytest

from gan.errors import ConfigError
from gan.util.formatting import (
    format_bytes,
    format_duration,
    format_number,
    format_percent,
    format_score,
    format_value,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("90s", 90), ("30m", 1800), ("24h", 86400), ("1.5d", 129600), ("0h", 0)]
)
def test_a_number_and_a_unit(text: str, expected: float) -> None:
    assert parse_duration(text, "--grace") == expected


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1w", "1 h", "1e3s", "inf"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--grace must be a number followed by s, m, h or d"):
        parse_duration(text, "--grace")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (754.0, "12 min 34 s"), (7500.0, "2 h 5 min")],
)
def test_times_for_people(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (10.0, "10"), (1234.5, "1,234"), (12.345, "12.3"), (6.314, "6.31"), (0.83, "0.830"),
        (0.01234, "0.0123"), (-0.0005, "-0.0005"), (1.234e-5, "1.2e-05"), (1.0, "1"),
    ],
)  # fmt: skip
def test_figures(value: float, text: str) -> None:
    assert format_number(value) == text


def test_words() -> None:
    assert format_percent(0.1234) == "12.3 %"


def test_a_value_has_four_digits_and_nothing_is_lost_of_others() -> None:
    assert [format_value(each) for each in (0.123456, 1234567.0, 1234567, "a", None)] == [
        "0.1235",
        "1.235e+06",
        "1234567",
        "a",
        "none",
    ]
    assert format_value(None, absent="-") == "-"


def test_a_score_has_four_digits_whatever_its_size() -> None:
    assert [format_score(each) for each in (3, 17.9153, 0.00001234567, -math.inf, None)] == [
        "3", "17.92", "1.235e-05", "-inf", "-",
    ]  # fmt: skip


def test_sizes_are_short() -> None:
    assert [format_bytes(count) for count in (0, 999, 1000, 999_499, 999_500, 2_000_000_000)] == [
        "0 B", "999 B", "1 KB", "999 KB", "1 MB", "2 GB",
    ]  # fmt: skip
