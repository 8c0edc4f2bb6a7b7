"""The log formats that are known, by name."""

from logscrub.errors import UsageError
from logscrub.formats.apache import ACCESS_FORMATS
from logscrub.formats.json_lines import JsonEvents
from logscrub.formats.records import Format

FORMATS: tuple[Format, ...] = (*ACCESS_FORMATS, JsonEvents())
"""All formats, in the order in which the first wins where detection finds two equally good."""

_BY_NAME = {known.name: known for known in FORMATS}


def format_by_name(name: str) -> Format:
    """Give a format.

    Raises:
        UsageError: there is none of that name; the message lists those that exist.
    """
    if name not in _BY_NAME:
        raise UsageError(f"there is no such log format; known are: {', '.join(_BY_NAME)}")
    return _BY_NAME[name]
