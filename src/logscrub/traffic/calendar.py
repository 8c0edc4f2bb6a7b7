"""Days and hours of the reporting time zone."""

import datetime
import zoneinfo

import numpy as np
import numpy.typing as npt

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
