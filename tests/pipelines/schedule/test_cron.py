from __future__ import annotations

import datetime as dt

import pytest

from gan.errors import ConfigError
from pipelines.schedule.cron import Cron

# What robfig/cron 1.2.0, which Kubeflow's controller uses, says comes next: text, zone, after, the next four
KNOWN = [
    (
        "* * * * *",
        "UTC",
        "2026-11-23T21:00:30Z",
        "2026-11-23T21:01:00Z 2026-11-23T21:02:00Z 2026-11-23T21:03:00Z 2026-11-23T21:04:00Z",
    ),
    (
        "0 2 * * *",
        "UTC",
        "2026-12-30T02:00:00Z",
        "2026-12-31T02:00:00Z 2027-01-01T02:00:00Z 2027-01-02T02:00:00Z 2027-01-03T02:00:00Z",
    ),
    (
        "0 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-26T01:00:00Z 2026-10-27T01:00:00Z",
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-27T12:00:00Z",
        "2026-03-28T01:30:00Z 2026-03-30T00:30:00Z 2026-03-31T00:30:00Z 2026-04-01T00:30:00Z",
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-23T12:00:00Z",
        "2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-25T01:30:00Z 2026-10-26T01:30:00Z",
    ),
    (
        "*/20 9-17 * * mon-fri",
        "America/New_York",
        "2026-11-20T21:00:00Z",
        "2026-11-20T21:20:00Z 2026-11-20T21:40:00Z 2026-11-20T22:00:00Z 2026-11-20T22:20:00Z",
    ),
    (
        "0 0 29 2 *",
        "UTC",
        "2026-01-01T00:00:00Z",
        "2028-02-29T00:00:00Z 2032-02-29T00:00:00Z 2036-02-29T00:00:00Z 2040-02-29T00:00:00Z",
    ),
    (
        "0 12 1 * 1",
        "UTC",
        "2026-11-23T00:00:00Z",
        "2026-11-23T12:00:00Z 2026-11-30T12:00:00Z 2026-12-01T12:00:00Z 2026-12-07T12:00:00Z",
    ),
    (
        "0 12 */10 * 1",
        "UTC",
        "2026-11-23T00:00:00Z",
        "2026-12-21T12:00:00Z 2027-01-11T12:00:00Z 2027-02-01T12:00:00Z 2027-03-01T12:00:00Z",
    ),
    (
        "15,45 6 1-7 jan,JUL *",
        "Asia/Kolkata",
        "2026-11-23T00:00:00Z",
        "2027-01-01T00:45:00Z 2027-01-01T01:15:00Z 2027-01-02T00:45:00Z 2027-01-02T01:15:00Z",
    ),
    (
        "5/25 23 31 * ?",
        "UTC",
        "2026-11-23T00:00:00Z",
        "2026-12-31T23:05:00Z 2026-12-31T23:30:00Z 2026-12-31T23:55:00Z 2027-01-31T23:05:00Z",
    ),
    (
        "0 3 31 2 *",
        "UTC",
        "2026-11-23T00:00:00Z",
        "none",
    ),
    (
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-03T00:00:00Z",
        "2026-04-03T14:45:00Z 2026-04-04T14:45:00Z 2026-04-04T15:15:00Z 2026-04-05T15:15:00Z",
    ),
]


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(("text", "zone", "after", "following"), KNOWN)
def test_it_is_due_when_the_controller_thinks_so(text: str, zone: str, after: str, following: str) -> None:
    cron, now, found = Cron(text, zone), moment(after), []
    for _ in following.split():
        then = cron.next(now)
        found.append(then.strftime("%Y-%m-%dT%H:%M:%SZ") if then else "none")
        now = then or now
    assert " ".join(found) == following


def test_the_last_moment_of_a_span_and_of_an_empty_one() -> None:
    nightly = Cron("0 2 * * *", "Europe/Berlin")
    two_days_later = moment("2026-11-25T10:00:00Z")
    assert nightly.last(moment("2026-11-23T10:00:00Z"), two_days_later) == moment("2026-11-25T01:00:00Z")
    assert nightly.last(moment("2026-11-25T01:00:00Z"), two_days_later) is None
    assert nightly.last(moment("2026-11-25T00:59:59Z"), moment("2026-11-25T01:00:00Z")) == moment(
        "2026-11-25T01:00:00Z"
    )
    assert Cron("0 0 29 2 *", "UTC").last(moment("2026-11-23T10:00:00Z"), two_days_later) is None


def test_kubeflow_gets_six_fields() -> None:
    assert Cron(" 0  2 * * mon-fri ", "UTC").for_kubeflow == "0 0 2 * * mon-fri"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 2 * *", "five fields"),
        ("0 0 2 * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 2 * * *", 'minute must be made of .*got "60"'),
        ("0 24 * * *", "hour must"),
        ("0 2 0 * *", "day of the month must"),
        ("0 2 * 13 *", "month must be .* or jan to dec"),
        ("0 2 * * 7", "Sunday is 0"),
        ("0 2 * * 5-1", "day of the week must"),
        ("*/0 2 * * *", "minute must"),
        ("TZ=UTC 0 2 * *", "minute must"),
        ("0,,5 2 * * *", "minute must"),
        ("-5 2 * * *", "minute must"),
    ],
)
def test_what_the_controller_would_not_take_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Cron(text, "UTC")


@pytest.mark.parametrize("zone", ["", "Berlin", "../etc/passwd", "UTC+1"])
def test_a_zone_that_is_none(zone: str) -> None:
    with pytest.raises(ConfigError, match="IANA"):
        Cron("0 2 * * *", zone)
