"""Formats that a user pastes: a line of a server's configuration, or a field map."""

import re
from collections.abc import Callable, Collection
from urllib.parse import quote, unquote

from logscrub.errors import UsageError
from logscrub.formats import nginx
from logscrub.formats.access import is_signal, name_of_signal
from logscrub.formats.apache import compile_log_format
from logscrub.formats.expressions import Value
from logscrub.formats.json_fields import KINDS, FieldMap, parse_field_map
from logscrub.formats.json_lines import JsonFormat
from logscrub.formats.lines import LineFormat
from logscrub.formats.nginx import compile_nginx, json_keys, read_statement
from logscrub.formats.records import Format
from logscrub.schemas import signal_catalogue
from logscrub.signals import Catalogue

_APACHE_STATEMENT = re.compile(r"\s*(?:LogFormat|CustomLog|GlobalLog)\s", re.IGNORECASE)
_NGINX_STATEMENT = re.compile(r"\s*log_format\s")
_DIRECTIVE = re.compile(r"%[<>!,\d]*(?:\{[^}]*\})?[<>!,\d]*[A-Za-z^]")
_VARIABLE = re.compile(r"\$\{?[a-z]\w*\}?")
_FIELD_MAP = re.compile(r"\s*\w+=[^\s$%\"']+(?:[\s,]+\w+=[^\s$%\"']+)*[\s,]*")
_MAP_FIELDS = {"target": "path"}  # fields of a map that a variable's value is called otherwise

_COSTS = {
    "time": "without a time no line can be counted",
    "address": "without an address visitors cannot be told apart, and there are no countries and networks",
    "user_agent": "without a user agent there are no browsers, systems and devices, and bots cannot be told",
    "status": "without a status errors and redirects count as pages that were seen",
    "target": "without a request or a path there are no pages",
}

NEEDED = frozenset({"time", "address", "target"})
"""Columns without which a release holds little; the others are missing from many a usual log."""


def compile_pasted(
    text: str, source_timezone: str = "UTC", catalogue: Catalogue | None = None
) -> LineFormat | JsonFormat:
    """Compile a pasted format, told by what it is made of.

    Args:
        text: a LogFormat of Apache, a log_format of nginx (also a JSON one), or a field map as
            `parse_field_map` reads it.
        source_timezone: IANA name of the zone of times that are written without one.
        catalogue: the signals that are known; by default those of schemas/signals.toml.

    Returns:
        A format whose name, `kind:quoted text`, is enough to compile it again by `COMPILERS`.

    Raises:
        UsageError: it is none of these, or malformed; the message says where.
    """
    kind = _kind(text)
    return _COMPILERS[kind](text, source_timezone, catalogue or signal_catalogue())


def costs(fields: frozenset[str], of: Collection[str] = _COSTS) -> list[str]:
    """Say what the columns of `RECORDS` that a log lacks cost; a forwarded address is one too.

    Args:
        fields: the columns that it has.
        of: columns to speak of.
    """
    fields |= {"address"} if "forwarded" in fields else set()
    return [cost for field, cost in _COSTS.items() if field in of and field not in fields]


def _kind(text: str) -> str:
    if _APACHE_STATEMENT.match(text):
        return "apache"
    if _NGINX_STATEMENT.match(text):
        return "nginx"
    if _FIELD_MAP.fullmatch(text):
        return "json"
    directives, variables = len(_DIRECTIVE.findall(text)), len(_VARIABLE.findall(text))
    if not directives and not variables and "%" not in text:
        raise UsageError(
            "this is no log format: paste a LogFormat of Apache (%h %t …), a log_format of nginx "
            "($remote_addr …), or a field map (time=ts address=client.ip …)"
        )
    return "nginx" if variables > directives else "apache"


def _apache(text: str, source_timezone: str, catalogue: Catalogue) -> LineFormat:
    return compile_log_format(text, source_timezone=source_timezone, catalogue=catalogue)


def _nginx(text: str, source_timezone: str, catalogue: Catalogue) -> LineFormat | JsonFormat:
    if not read_statement(text).is_json:
        return compile_nginx(text, catalogue=catalogue)
    ranked = [
        (value.rank, _field_of(value, catalogue), key)
        for key, variable in json_keys(text).items()
        if (value := nginx.value_of(variable, catalogue)).column
    ]
    named = [(name_of_signal(field) if is_signal(field) else field, key) for _, field, key in sorted(ranked)]
    entries = tuple((field, key) for field, key in named if field in KINDS or field in catalogue.by_name)
    if not entries:
        raise UsageError("the JSON log_format holds no variable that says anything about a visit")
    return JsonFormat(
        f"nginx:{quote(text, safe='')}",
        FieldMap(entries),
        re.compile(rb"\{"),
        source_timezone,
        catalogue=catalogue,
    )


def _field_of(value: Value, catalogue: Catalogue) -> str:
    """Field of a map that a variable is; of a cookie by itself the signal that it holds, if it is one."""
    if value.column == "cookie" and value.key:
        return catalogue.cookie.get(value.key.lower(), "")
    return _MAP_FIELDS.get(value.column, value.column)


def _json(text: str, source_timezone: str, catalogue: Catalogue) -> JsonFormat:
    return JsonFormat(
        f"json:{quote(text, safe='')}",
        parse_field_map(text, catalogue),
        re.compile(rb"\{"),
        source_timezone,
        catalogue=catalogue,
    )


_COMPILERS: dict[str, Callable[[str, str, Catalogue], LineFormat | JsonFormat]] = {
    "apache": _apache,
    "nginx": _nginx,
    "json": _json,
}


def _of_name(kind: str) -> Callable[[str, str, Catalogue], Format]:
    return lambda quoted, source_timezone, catalogue: _COMPILERS[kind](
        unquote(quoted), source_timezone, catalogue
    )


COMPILERS: dict[str, Callable[[str, str, Catalogue], Format]] = {kind: _of_name(kind) for kind in _COMPILERS}
"""For each kind what makes the format of a name, of quoted text, the zone of local times, and signals."""
