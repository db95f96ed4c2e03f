from __future__ import annotations

from datetime import UTC, datetime

from pipelines.kubernetes.times import parse_time, seconds_between

EIGHT = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)


def test_moments_without_a_zone_are_in_utc() -> None:
    assert parse_time("2026-11-29T08:00:00") == parse_time("2026-11-29T09:00:00+01:00") == EIGHT
    assert parse_time("") is None
    assert parse_time("at eight") is None


def test_the_time_between_two_moments() -> None:
    assert seconds_between(EIGHT, EIGHT.replace(minute=1)) == 60
    assert seconds_between(EIGHT.replace(minute=1), EIGHT) == 0
    assert seconds_between(None, EIGHT) == 0
    assert seconds_between(EIGHT.replace(year=2020), None) > 86400
