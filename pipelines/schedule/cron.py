"""Cron expressions of five fields in a time zone, read as Kubeflow's controller reads them.

The fields are those of robfig/cron 1, which the controller uses: lists, ranges, steps, names of months and days.
Where neither the day of the month nor that of the week begins with a star, either of them is enough.
A time that clocks show twice is due twice; one that they skip is not due.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from gan.errors import ConfigError

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, tuple(MONTHS)),
    ("day of the week", 0, 6, tuple(DAYS)),
)
MAX_YEARS = 5  # the controller searches no further
_PART = re.compile(r"(\*|\?|(?P<first>\w+)(-(?P<last>\w+))?)(/(?P<step>\d+))?")


@dataclass(frozen=True)
class Cron:
    """The times at which a schedule is due, all in UTC."""

    text: str
    zone: str
    _allowed: tuple[frozenset[int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words = self.text.split()
        if len(words) != len(FIELDS):
            raise ConfigError(
                'cron must have five fields, as in "0 2 * * *": minute, hour, day of the month, month, day of the '
                f'week; got "{self.text}"'
            )
        object.__setattr__(self, "text", " ".join(words))
        object.__setattr__(self, "_allowed", tuple(map(_parse, words, FIELDS)))
        zone_of(self.zone)

    @property
    def for_kubeflow(self) -> str:
        """Kubeflow's six fields; the first one is the seconds."""
        return f"0 {self.text}"

    def next(self, after: dt.datetime) -> dt.datetime | None:
        """The first due time after `after`; None where there is none within five years."""
        day = after.astimezone(self._zone).date()
        for _ in range(MAX_YEARS * 366):
            moments = _moments_of(self, day)
            later = bisect_right(moments, after)
            if later < len(moments):
                return moments[later]
            day += dt.timedelta(days=1)
        return None

    def last(self, after: dt.datetime, until: dt.datetime) -> dt.datetime | None:
        """The last due time after `after` and not after `until`; None where there is none."""
        day, first = until.astimezone(self._zone).date(), after.astimezone(self._zone).date()
        while day >= first:
            moments = _moments_of(self, day)
            before = bisect_right(moments, until)
            if before:
                return moments[before - 1] if moments[before - 1] > after else None
            day -= dt.timedelta(days=1)
        return None

    @cached_property
    def _zone(self) -> ZoneInfo:
        return zone_of(self.zone)

    def on_day(self, day: dt.date) -> list[dt.datetime]:
        """The due times of one day of the zone's calendar, in order."""
        if not self._day_matches(day):
            return []
        minutes, hours, *_ = self._allowed
        times = [dt.time(hour, minute) for hour in hours for minute in minutes]
        return sorted({moment for time in times for moment in self._moments(day, time)})

    def _moments(self, day: dt.date, time: dt.time) -> Iterator[dt.datetime]:
        """When the zone's clocks show a time: once; twice or never on days when they are changed."""
        for fold in (0, 1):
            shown = dt.datetime.combine(day, time, self._zone).replace(fold=fold)
            moment = shown.astimezone(dt.UTC)
            if moment.astimezone(self._zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
                yield moment

    def _day_matches(self, day: dt.date) -> bool:
        _, _, days, months, weekdays = self._allowed
        if day.month not in months:
            return False
        of_month, of_week = day.day in days, day.isoweekday() % 7 in weekdays
        if any(word[0] in "*?" for part in (2, 4) for word in self.text.split()[part].split(",")):
            return of_month and of_week
        return of_month or of_week


@lru_cache(maxsize=64)
def _moments_of(cron: Cron, day: dt.date) -> list[dt.datetime]:
    return cron.on_day(day)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of a name.

    Raises:
        ConfigError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ConfigError(
            f'time_zone must be a name of the IANA list such as UTC or Europe/Berlin; got "{name}"'
        ) from None


def _parse(text: str, field_spec: tuple[str, int, int, tuple[str, ...]]) -> frozenset[int]:
    """The values that one field allows."""
    _, low, high, names = field_spec
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _error(text, field_spec)
        try:
            first = _number(match["first"], names, low) if match["first"] else low
            last = _number(match["last"], names, low) if match["last"] else first
            step = int(match["step"] or 1)
        except ValueError:
            raise _error(text, field_spec) from None
        if not match["first"] or (match["step"] and not match["last"]):
            last = high
        if not low <= first <= last <= high or step < 1:
            raise _error(text, field_spec)
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(word: str, names: tuple[str, ...], low: int) -> int:
    return names.index(word.lower()) + low if word.lower() in names else int(word)


def _error(text: str, field_spec: tuple[str, int, int, tuple[str, ...]]) -> ConfigError:
    name, low, high, names = field_spec
    words = f" or {names[0]} to {names[-1]}" if names else ""
    remedy = "; Sunday is 0" if names[:1] == ("sun",) else ""
    return ConfigError(
        f"cron's {name} must be made of *, {low} to {high}{words}, ranges (1-5), steps (*/15) and lists (1,15)"
        f'{remedy}; got "{text}"'
    )
