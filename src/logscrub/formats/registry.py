"""The log formats that are known, by name."""

import functools

from logscrub.errors import UsageError
from logscrub.formats.apache import ACCESS_FORMATS
from logscrub.formats.json_lines import JsonEvents
from logscrub.formats.records import Format

FORMATS: tuple[Format, ...] = (*ACCESS_FORMATS, JsonEvents())
"""All formats, in the order in which the first wins where detection finds two equally good."""

_BY_NAME = {known.name: known for known in FORMATS}


@functools.lru_cache(maxsize=256)
def format_by_name(name: str, source_timezone: str = "UTC") -> Format:
    """Give a format.

    Args:
        name: name of a known format.
        source_timezone: IANA name of the zone of times that are written without one.

    Raises:
        UsageError: there is none of that name; the message lists those that exist.
    """
    del source_timezone  # no known format writes times without a zone
    if name not in _BY_NAME:
        raise UsageError(f"there is no such log format; known are: {', '.join(_BY_NAME)}")
    return _BY_NAME[name]
