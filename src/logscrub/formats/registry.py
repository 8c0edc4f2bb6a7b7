"""The log formats that are known, by name."""

import difflib
import functools
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

from logscrub.errors import UsageError
from logscrub.formats.catalogue import LINE_FORMATS
from logscrub.formats.json_catalogue import JSON_FORMATS
from logscrub.formats.json_fields import FieldMap, with_signals
from logscrub.formats.mixed import Mixed
from logscrub.formats.pasted import COMPILERS, compile_pasted
from logscrub.formats.prefixes import PREFIX_BY_NAME, Prefixed
from logscrub.formats.records import Format
from logscrub.formats.w3c import W3cExtended
from logscrub.schemas import signal_catalogue
from logscrub.signals import Catalogue, Signal

FORMATS: tuple[Format, ...] = (*LINE_FORMATS, *JSON_FORMATS, W3cExtended())
"""All formats, in the order in which the first wins where detection finds two equally good."""

_AND = "+"
_BEHIND = ":"
_ALIASES = {
    **dict.fromkeys(("iis", "cloudfront", "aws_cloudfront", "w3c_extended", "zeek"), "w3c"),
    **dict.fromkeys(("apache", "apache2", "nginx", "ncsa_extended", "clf"), "combined"),
}
_BY_NAME = {known.name: known for known in FORMATS}


@functools.lru_cache(maxsize=256)
def format_by_name(name: str, source_timezone: str = "UTC", signals: tuple[Signal, ...] = ()) -> Format:
    """Give a format.

    Args:
        name: name of a known format; `prefix:name` of one behind a prefix; any of these with `+` between for
            files in which several stand, the first goes first.
        source_timezone: IANA name of the zone of times that are written without one.
        signals: those of the configuration, beside the ones of schemas/signals.toml.

    Raises:
        UsageError: there is none of that name; the message lists those that exist.
    """
    parts = tuple(dict.fromkeys(name.split(_AND)))
    catalogue = signal_catalogue(signals)
    formats = tuple(_compile(part, source_timezone, catalogue) for part in parts)
    return formats[0] if len(formats) == 1 else Mixed(formats)


def forced_format(name: str) -> str:
    """Check the name of a format that a user asks for, and give it as plans hold it.

    Raises:
        UsageError: there is none of that name; the message lists those that exist.
    """
    return format_by_name(name.strip()).name


def check_signals(signals: tuple[Signal, ...]) -> None:
    """Check the signals of a configuration before anything is read.

    Raises:
        UsageError: one has the name of another, or of a field, or stands where another does.
    """
    with_signals(FieldMap(()), signal_catalogue(signals), (), of_events=True)


def told_name(name: str) -> str:
    """Name of a format as messages have it: a pasted one is told by what it is."""
    pasted = {"apache": "your LogFormat", "nginx": "your log_format", "json": "your field map"}
    return pasted.get(name.partition(_BEHIND)[0], name)


def asked_format(name: str | None, pasted: str | None, signals: tuple[Signal, ...] = ()) -> str | None:
    """Name of the format that a user asks for, by its name or as it is pasted; None for neither.

    Raises:
        UsageError: there is none of that name, or the pasted text is no format.
    """
    if pasted is not None:
        return compile_pasted(pasted, catalogue=signal_catalogue(signals)).name
    return None if name is None else forced_format(name)


def _compile(name: str, source_timezone: str, catalogue: Catalogue) -> Format:
    """Make the format of one name, without a plus sign."""
    first, colon, rest = name.partition(_BEHIND)
    if colon and first in COMPILERS:
        return COMPILERS[first](rest, source_timezone, catalogue)
    if colon and first in PREFIX_BY_NAME:
        return Prefixed(PREFIX_BY_NAME[first], _compile(rest, source_timezone, catalogue))
    if name not in _BY_NAME:
        alike = _ALIASES.get(name.lower()) or next(iter(difflib.get_close_matches(name, _BY_NAME, n=1)), None)
        hint = f"did you mean {alike}? known" if alike else "known"
        raise UsageError(
            f"there is no such log format; {hint} are: {', '.join(_BY_NAME)}; any of these behind "
            f"{', '.join(prefix + _BEHIND for prefix in PREFIX_BY_NAME)}; and several with {_AND} between"
        )
    return _adapted(_BY_NAME[name], source_timezone=source_timezone, catalogue=catalogue)


def _adapted(known: Any, **settings: Any) -> Format:
    """Give a format with those of the settings that matter to it."""
    own = {field.name for field in fields(known)} if is_dataclass(known) else set()
    return cast(Format, replace(known, **{name: value for name, value in settings.items() if name in own}))
