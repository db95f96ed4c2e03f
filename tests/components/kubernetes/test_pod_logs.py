from __future__ import annotations

from components.kubernetes.pod_logs import LineDeduplicator

FIRST = ["2026-11-23T22:12:45.100000000Z one", "2026-11-23T22:12:45.200000000Z "]
MORE = [*FIRST, "2026-11-23T22:12:45.200000001Z two words"]


def test_a_line_is_given_once_however_often_the_log_is_read() -> None:
    unseen = LineDeduplicator()
    assert list(unseen.of(FIRST)) == ["one", ""]
    assert list(unseen.of(FIRST)) == []
    assert list(unseen.of(MORE)) == ["two words"]


def test_lines_that_were_not_consumed_are_given_the_next_time() -> None:
    unseen = LineDeduplicator()
    assert next(unseen.of(MORE)) == "one"
    assert list(unseen.of(MORE)) == ["", "two words"]
