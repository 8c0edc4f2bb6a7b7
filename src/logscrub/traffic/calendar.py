"""Days and hours of the reporting time zone."""

import datetime
import zoneinfo
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logscrub.errors import UsageError

_MINUTE_MS = 60 * 1000
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_EPOCH = datetime.date(1970, 1, 1)
_LIMIT_MS = 250_000_000_000_000  # the year 9892: beyond it the standard library knows no dates


def local_time(time_ms: npt.NDArray[np.int64], timezone: str) -> npt.NDArray[np.int64]:
    """Milliseconds since 1970-01-01 00:00 on the clocks of a time zone.

    Zones change their offset on a minute (St. John's did at 00:01): each distinct one is looked up once.

    Args:
        time_ms: milliseconds since 1970-01-01 UTC.
        timezone: IANA name.
    """
    if timezone == "UTC" or not len(time_ms):
        return time_ms
    zone = zoneinfo.ZoneInfo(timezone)
    minutes, place = np.unique(np.clip(time_ms, 0, _LIMIT_MS) // _MINUTE_MS, return_inverse=True)
    offsets = np.array([_offset_ms(int(minute), zone) for minute in minutes], dtype=np.int64)
    return time_ms + offsets[place]


def _offset_ms(minute: int, zone: zoneinfo.ZoneInfo) -> int:
    moment = datetime.datetime.fromtimestamp(minute * 60, tz=zone)
    offset = moment.utcoffset()
    return int(offset.total_seconds() * 1000) if offset else 0


def days_and_hours(
    time_ms: npt.NDArray[np.int64], timezone: str
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """Day (days since 1970-01-01) and hour (0 to 23) of each time on the clocks of a time zone."""
    local = local_time(time_ms, timezone)
    return (local // _DAY_MS).astype(np.int32), (local % _DAY_MS // _HOUR_MS).astype(np.int8)


def date_text(day: int) -> str:
    """YYYY-MM-DD of days since 1970-01-01."""
    return (_EPOCH + datetime.timedelta(days=int(day))).isoformat()


_MOST_DAYS = 3660


@dataclass(frozen=True)
class DayRange:
    """Days that a run is asked for, the last one included; numbers are days since 1970-01-01."""

    first: int
    last: int

    def dates(self) -> tuple[str, ...]:
        """All of them, YYYY-MM-DD."""
        return tuple(date_text(day) for day in range(self.first, self.last + 1))

    def holds(self, day: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which of the days are asked for."""
        held: npt.NDArray[np.bool_] = (day >= self.first) & (day <= self.last)
        return held


def today(now_ms: int, timezone: str) -> int:
    """The day that is not over yet, in days since 1970-01-01 on the clocks of a time zone."""
    return int(days_and_hours(np.array([now_ms], dtype=np.int64), timezone)[0][0])


def day_range(first: str, last: str | None, now_ms: int, timezone: str) -> DayRange:
    """Read the days that a run is asked for.

    Args:
        first: YYYY-MM-DD, or `yesterday`.
        last: the same, included; None for yesterday.
        now_ms: the time of the run, epoch milliseconds.
        timezone: IANA name of the zone whose days are reported.

    Raises:
        UsageError: no such date, a day that is not over, or no day between the two.
    """
    days = DayRange(_day(first, now_ms, timezone), _day(last or "yesterday", now_ms, timezone))
    if days.last < days.first:
        raise UsageError(f"{date_text(days.first)} is after {date_text(days.last)}: give the first day first")
    if days.last >= today(now_ms, timezone):
        raise UsageError(f"{date_text(days.last)} is not over yet in {timezone}: ask for it when it is")
    if days.last - days.first >= _MOST_DAYS:
        raise UsageError(f"more than {_MOST_DAYS:,} days are asked for: check the dates")
    return days


def _day(text: str, now_ms: int, timezone: str) -> int:
    if text == "yesterday":
        return today(now_ms, timezone) - 1
    try:
        return (datetime.datetime.strptime(text, "%Y-%m-%d").date() - _EPOCH).days
    except ValueError:
        raise UsageError(f"{text}: give a date as YYYY-MM-DD, or yesterday") from None
