"""Local times without an offset to UTC."""

import zoneinfo
from datetime import UTC, datetime, timedelta

import numpy as np

from logscrub.formats.records import Int64Array

_QUARTER_MS = 15 * 60 * 1000  # offsets of zones change on quarters of an hour
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_000_000_000_000, 253_000_000_000_000  # years 5 to 9987, which datetime can hold


def to_utc(local_ms: Int64Array, zone: str) -> Int64Array:
    """Read milliseconds of the epoch, counted on a local clock, as UTC.

    A local time that comes twice, when summer time ends, is the first of the two; one that is skipped, when
    it begins, is read as if the clock had gone on.

    Args:
        local_ms: what the clock showed, as if it were UTC.
        zone: IANA name of the zone of the clock.
    """
    if zone == "UTC":
        return local_ms
    quarter, row = np.unique(np.clip(local_ms, _FIRST, _LAST) // _QUARTER_MS, return_inverse=True)
    info = zoneinfo.ZoneInfo(zone)
    offsets = [_offset_ms(int(q) * _QUARTER_MS, info) for q in quarter.tolist()]
    utc: Int64Array = local_ms - np.array(offsets, dtype=np.int64)[row]
    return utc


def _offset_ms(local_ms: int, zone: zoneinfo.ZoneInfo) -> int:
    local = (_EPOCH + timedelta(milliseconds=local_ms)).replace(tzinfo=zone)
    offset = local.utcoffset() or timedelta()
    return offset // timedelta(milliseconds=1)
