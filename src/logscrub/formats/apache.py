"""Apache's log formats: LogFormat strings, as they stand in a configuration.

Directives: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html, mod_logio.html and mod_ssl.html.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote

from logscrub.errors import UsageError
from logscrub.formats.access import signal_value
from logscrub.formats.expressions import ANY, SIZE, STATUS, Part, Value
from logscrub.formats.lines import LineFormat
from logscrub.formats.records import HINTS
from logscrub.formats.time_formats import CLF, Clock
from logscrub.formats.times import CLF_PATTERN
from logscrub.schemas import signal_catalogue
from logscrub.signals import Catalogue

_TOKEN = re.compile(r"[^\"%{}\s]*")
IDENT = "[^ .:,]+"  # of RFC 1413; what looks like a host or an address is not in its place
WORD, ADDRESS, COUNT, PORT = "[^ ]+", '[^ "]+', r"-?\d{1,18}|-", r"\d{1,5}|-"
HOST = "[^ ]+?"
NUMBER = r"-?\d{1,15}|-"
PORT_AFTER_HOST = r"(?::(?:\d{1,5}|-))?"
"""With its colon: `%v` and `%v:%p` are one format."""

# The rank says which of several values for a column counts: the address that mod_remoteip found over the host
# name over the peer, the name that the server knows itself by over what the client asked for.
_PLAIN = {
    "a": Value("address", ADDRESS, 0),
    "h": Value("address", ADDRESS, 1),
    "A": Value("", WORD),
    "B": Value("bytes", SIZE, 0),
    "b": Value("bytes", SIZE, 1),
    "O": Value("bytes", SIZE, 2),
    "I": Value("", COUNT),
    "S": Value("", COUNT),
    "D": Value("duration_us", NUMBER, 0),
    "T": Value("duration_s", NUMBER, 0),
    "f": Value(""),
    "H": Value("", "[^ ]*"),
    "k": Value("", COUNT),
    "l": Value("", IDENT),
    "L": Value("", WORD),
    "m": Value("method", WORD),
    "p": Value("", PORT),
    "P": Value("", WORD),
    "q": Value("query", r"(?:\?.*?)?"),
    "r": Value("request"),
    "R": Value("", "[^ ]*"),
    "s": Value("status", STATUS),
    "u": Value(""),
    "U": Value("path"),
    "v": Value("host", HOST, 0),
    "V": Value("host", HOST, 1),
    "X": Value("", "[X+-]"),
}
HEADERS = {
    "referer": Value("referrer"),
    "user-agent": Value("user_agent"),
    "accept-language": Value("language"),
    "cookie": Value("cookie"),
    **{header: Value(name) for header, name in HINTS.items()},
    "host": Value("host", ANY, 2),
    "x-forwarded-for": Value("forwarded", ANY, 0),
    "forwarded": Value("forwarded", ANY, 1),
    "x-real-ip": Value("forwarded", ANY, 2),
    "cf-connecting-ip": Value("forwarded", ANY, 3),
    "true-client-ip": Value("forwarded", ANY, 4),
}
"""By the lower-case name of a request header; nginx and others log the same."""


def request_header(name: str, catalogue: Catalogue) -> Value:
    """What a request header is: its column is "" where it has no use."""
    found = catalogue.header.get(name.lower())
    return Value(signal_value(found, name.lower())) if found else HEADERS.get(name.lower(), Value(""))


_PARAMETERS: dict[str, dict[str, Value]] = {
    "a": {"c": Value("address", ADDRESS, 2)},
    "h": {"c": Value("address", ADDRESS, 3)},
    "p": dict.fromkeys(("canonical", "local", "remote"), _PLAIN["p"]),
    "P": dict.fromkeys(("pid", "tid", "hextid"), _PLAIN["P"]),
    "T": {"us": Value("duration_us", NUMBER), "ms": Value("duration_ms", NUMBER), "s": _PLAIN["T"]},
}
_NEEDS_PARAMETER = frozenset(("C", "e", "i", "n", "o", "x", "c", "^ti", "^to"))
_DIRECTIVE = re.compile(
    r"%(?P<modifiers>(?:[<>!,]|\d{3}|\{[^}]*\})*)(?P<name>\^[A-Za-z]{2}|[A-Za-z%])?|[^%]+", re.DOTALL
)
_PARAMETER = re.compile(r"\{([^}]*)\}")
_STATEMENT = re.compile(r"\s*(LogFormat|CustomLog|GlobalLog)\s", re.IGNORECASE)
_ARGUMENT = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|(\S+)", re.DOTALL)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_FINEST = ("duration_us", "duration_ms", "duration_s")


@dataclass(frozen=True)
class _Time:
    """A time in a format, before it is known whether all of them together tell one."""

    form: str
    may_lack: bool

    def value(self, clock: Clock) -> Value:
        """What a line holds in its place."""
        expression = CLF_PATTERN if self.form == CLF else clock.expressions[0]
        return Value("time", f"(?:{expression})|-" if self.may_lack else expression)


def compile_log_format(
    text: str,
    *,
    name: str | None = None,
    mark: re.Pattern[bytes] | None = None,
    source_timezone: str = "UTC",
    catalogue: Catalogue | None = None,
) -> LineFormat:
    r"""Compile a LogFormat string.

    Args:
        text: the string, with or without the quotes around it (`\"` is a quote), or the whole statement:
            `LogFormat "…" nickname` or `CustomLog file "…"`.
        name: name of the format; by default it holds the text.
        mark: what a file in the format must hold.
        source_timezone: IANA name of the zone of times that are written without one.
        catalogue: the signals that are known; by default those of schemas/signals.toml.

    Raises:
        UsageError: a directive is malformed or unknown; the message says where.
    """
    log_format = _log_format(text)
    parts: list[Part | _Time] = []
    for match in _DIRECTIVE.finditer(log_format):
        if match[0].startswith("%"):
            parts += _parts(match, parts, catalogue or signal_catalogue())
        else:
            parts.append(match[0])
    clock, timed = _with_clock(parts)
    return LineFormat(
        name or f"apache:{quote(text, safe='')}",
        tuple(_merged(_without_doubles(timed))),
        clock,
        mark,
        source_timezone,
    )


def _log_format(text: str) -> str:
    """Take the format out of a statement and its quotes."""
    if statement := _STATEMENT.match(text):
        arguments = list(_ARGUMENT.finditer(text, statement.end()))
        place = 0 if statement[1].lower() == "logformat" else 1
        if place >= len(arguments) or "%" not in arguments[place][0]:
            raise UsageError(
                f"{statement[1]} holds no log format: paste the LogFormat statement of its nickname"
            )
        text = next(group for group in arguments[place].groups() if group is not None)
    else:
        whole = _ARGUMENT.fullmatch(text.strip())
        if whole is not None and whole[3] is None:
            text = whole[1] if whole[1] is not None else whole[2]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)


def _parts(match: re.Match[str], before: list[Part | _Time], catalogue: Catalogue) -> list[Part | _Time]:
    """What one directive stands for; the part before it may change with it."""
    modifiers, name, place = match["modifiers"], match["name"], match.start() + 1
    if name is None:
        raise UsageError(f"the log format is malformed at character {place}: a % begins no directive there")
    if name == "%":
        return ["%"]
    parameters = _PARAMETER.findall(modifiers)
    parameter = parameters[-1] if parameters else None
    if name == "t":
        form = parameter or ""
        may_lack = any(mark.isdigit() for mark in _PARAMETER.sub("", modifiers))
        if form.removesuffix(":") in {"", "begin", "end"}:
            return [_Time(f"[{CLF}]", may_lack)] if may_lack else ["[", _Time(CLF, may_lack), "]"]
        return [_Time(form, may_lack)]
    if name == "p" and before and _is_host(before[:-1]) and before[-1] == ":":
        before.pop()
        return [Value("", PORT_AFTER_HOST)]
    if parameter is not None and name in _NEEDS_PARAMETER and not _TOKEN.fullmatch(parameter):
        raise UsageError(f"the log format is malformed at character {place}: a brace is not closed there")
    value = _value(name, parameter, catalogue)
    if value is None:
        shown = f"%{{{parameter}}}{name}" if parameter is not None else f"%{name}"
        raise UsageError(f"the log format has an unknown directive at character {place}: {shown}")
    if value.column:
        value = replace(value, rank=value.rank * 3 + _request_rank(_PARAMETER.sub("", modifiers)))
    return [value]


def _request_rank(modifiers: str) -> int:
    """The request after internal redirects is the one that was answered, so `%>s` counts over `%s`."""
    last = next((mark for mark in reversed(modifiers) if mark in "<>"), "")
    return {">": 0, "": 1, "<": 2}[last]


def _is_host(parts: list[Part | _Time]) -> bool:
    return bool(parts) and isinstance(parts[-1], Value) and parts[-1].column == "host"


def _value(name: str, parameter: str | None, catalogue: Catalogue) -> Value | None:
    if parameter is None or (parameter == "" and name not in _NEEDS_PARAMETER):
        return _PLAIN.get(name)
    if name == "i":
        return request_header(parameter, catalogue)
    if name == "C":
        return Value("cookie", ANY, 1, parameter)
    if name in _NEEDS_PARAMETER:
        return Value("")
    known = _PARAMETERS.get(name, {})
    return known.get(parameter.lower())


def _with_clock(parts: list[Part | _Time]) -> tuple[Clock | None, list[Part]]:
    """Read the times together; where they tell no second, they are read over."""
    times = [part for part in parts if isinstance(part, _Time)]
    clock = Clock(tuple(time.form for time in times))
    known = bool(times) and clock.is_complete
    given: list[Part] = []
    for part in parts:
        if isinstance(part, _Time):
            value = part.value(Clock((part.form,)))
            given.append(value if known else replace(value, column=""))
        else:
            given.append(part)
    return (clock if known else None), given


def _without_doubles(parts: list[Part]) -> list[Part]:
    """Read over what says the same less well: sizes with headers, and coarser durations."""
    columns = {part.column for part in parts if isinstance(part, Value)}
    sizes = [part.rank for part in parts if isinstance(part, Value) and part.column == "bytes"]
    least = min(sizes, default=0)
    finest = next((name for name in _FINEST if name in columns), "")

    given: list[Part] = []
    for part in parts:
        if isinstance(part, Value):
            coarser = part.column in _FINEST and part.column != finest
            doubled = coarser or (part.column == "bytes" and part.rank > least)
            given.append(replace(part, column="") if doubled else part)
        else:
            given.append(part)
    return given


def _merged(parts: list[Part]) -> list[Part]:
    """Join pieces of literal text that stand next to each other."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return merged


_CLF = r"%h %l %u %t \"%r\" %>s %b"
_EXTENDED = r" \"%{Referer}i\" \"%{User-Agent}i\""

ACCESS_FORMATS = tuple(
    compile_log_format(log_format, name=name)
    for name, log_format in (
        ("common", _CLF),
        ("combined", _CLF + _EXTENDED),  # nginx calls the same lines combined
        ("vhost_common", "%v:%p " + _CLF),
        ("vhost_combined", "%v:%p " + _CLF + _EXTENDED),
    )
)
"""The formats of the Apache documentation, https://httpd.apache.org/docs/2.4/mod/mod_log_config.html."""
