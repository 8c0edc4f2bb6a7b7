"""nginx's log formats: `log_format` statements, as they stand in a configuration.

Variables: https://nginx.org/en/docs/varindex.html; the statement: ngx_http_log_module.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from logscrub.errors import UsageError
from logscrub.formats import apache
from logscrub.formats.access import signal_value
from logscrub.formats.apache import ADDRESS, HOST, PORT_AFTER_HOST, WORD
from logscrub.formats.expressions import ANY, SIZE, STATUS, Part, Value
from logscrub.formats.lines import LineFormat
from logscrub.formats.time_formats import CLF, Clock
from logscrub.formats.times import CLF_PATTERN
from logscrub.schemas import signal_catalogue
from logscrub.signals import Catalogue

_RFC_3339 = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})"
_BEFORE_VALUE = {"host": '[^ /?"]+', "path": "[^ ?]*"}

# The rank says which of several values for a column counts. Of addresses: what a balancer says by the PROXY
# protocol, then the client as the realip module found it, then the peer.
_VARIABLES = {
    "proxy_protocol_addr": Value("address", "[^ ]*", 0),
    "remote_addr": Value("address", ADDRESS, 1),
    "realip_remote_addr": Value("address", ADDRESS, 2),
    "proxy_add_x_forwarded_for": Value("forwarded", ANY, 0),
    "msec": Value("time", r"\d{1,12}\.\d{3}", 0),
    "time_iso8601": Value("time", _RFC_3339, 1),
    "time_local": Value("time", CLF_PATTERN, 2),
    "request": Value("request"),
    "request_method": Value("method", WORD),
    "request_uri": Value("target"),
    "uri": Value("path", ANY, 0),
    "document_uri": Value("path", ANY, 1),
    "args": Value("query", ANY, 0),
    "query_string": Value("query", ANY, 1),
    "is_args": Value("", r"\??"),
    "status": Value("status", STATUS),
    "body_bytes_sent": Value("bytes", SIZE, 0),
    "bytes_sent": Value("bytes", SIZE, 1),
    "request_time": Value("duration_s", r"\d{1,9}\.\d{1,6}|-"),
    "host": Value("host", HOST, 0),
    "http_host": Value("host", HOST, 1),
    "server_name": Value("host", HOST, 2),
}
_EXACT = {
    "pid": r"\d+",
    "connection": r"\d+",
    "connection_requests": r"\d+",
    "request_length": r"\d+",
    "pipe": "[p.]",
    "server_port": r"\d{1,5}|-",
    "remote_port": r"\d{1,5}|-",
    "scheme": "[a-z]*",
    "server_protocol": "[^ ]*",
    "gzip_ratio": r"[\d.]+|-",
    "upstream_cache_status": "[A-Z]+|-",
}
"""What variables that are read over may hold; of others only what follows them tells."""

_STATEMENT = re.compile(
    r"\s*log_format\s+(?P<name>[^\s'\"]+)\s+(?:escape=(?P<escape>\w+)\s+)?", re.IGNORECASE
)
_PIECE = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^\s;'\"][^\s;]*)|(;))\s*", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_BARE = re.compile(r"([:\[,]\s*)(\$(?:\w+|\{\w+\}))(?=\s*[,}\]])")
_ESCAPE = re.compile(r"\\(['\"\\])")
_ONE_SAYS_IT = frozenset({"time", "bytes"})
_ONE_PIECE = re.compile(r"\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True)
class Statement:
    """A log_format statement.

    Attributes:
        name: what the configuration calls it, or None where only the format was given.
        escape: `default`, `json` or `none`.
        text: the format, its pieces put together.
    """

    name: str | None
    escape: str
    text: str

    @property
    def is_json(self) -> bool:
        """Whether lines in the format are JSON objects."""
        return self.text.lstrip().startswith("{") and '"' in self.text


def read_statement(text: str) -> Statement:
    """Take a `log_format name [escape=…] '…' '…';` statement, or a format by itself, apart.

    Raises:
        UsageError: the statement does not end where its pieces end.
    """
    head = _STATEMENT.match(text)
    if head is None:
        stripped = text.strip().removesuffix(";").strip()
        quoted = stripped[:1] == stripped[-1:] == "'" or _ONE_PIECE.fullmatch(stripped)
        pieces = _pieces(stripped) if quoted else None
        return Statement(None, "default", text if pieces is None else pieces)
    pieces = _pieces(text[head.end() :])
    if not pieces:
        raise UsageError("the log_format statement holds no format: paste it whole, to its semicolon")
    return Statement(head["name"], head["escape"] or "default", pieces)


def _pieces(text: str) -> str | None:
    """Put quoted pieces together; None where the text is not made of such."""
    whole, at = "", 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None or (match[3] and not whole and not text.startswith(match[3])):
            return None
        if match[4]:
            break
        piece = next(group for group in match.groups() if group is not None)
        whole += _ESCAPE.sub(r"\1", piece) if match[3] is None else piece
        at = match.end()
    return whole


def compile_nginx(
    text: str,
    *,
    name: str | None = None,
    mark: re.Pattern[bytes] | None = None,
    catalogue: Catalogue | None = None,
) -> LineFormat:
    """Compile a log_format.

    Args:
        text: the whole statement, or the format alone.
        name: name of the format; by default it holds the text.
        mark: what a file in the format must hold.
        catalogue: the signals that are known; by default those of schemas/signals.toml.

    Raises:
        UsageError: there is no variable in it, or a `$` begins none; the message says where.
    """
    parts = parts_of(read_statement(text).text, {}, catalogue)
    if not any(isinstance(part, Value) for part in parts):
        raise UsageError("the log format holds no variable: nginx writes them as $remote_addr")
    parts, clock = _one_time(_with_ports(_without_doubles(parts)))
    return LineFormat(name or f"nginx:{quote(text, safe='')}", tuple(parts), clock, mark)


def parts_of(log_format: str, own: Mapping[str, Value], catalogue: Catalogue | None = None) -> list[Part]:
    """Take a text with variables apart.

    Args:
        log_format: `$name` or `${name}` between literal text.
        own: values of variables that are not nginx's, or mean something else.
        catalogue: the signals that are known; by default those of schemas/signals.toml.

    Raises:
        UsageError: a `$` begins no variable; the message says where.
    """
    parts: list[Part] = []
    at = 0
    for match in _VARIABLE.finditer(log_format):
        parts += _literal(log_format, at, match.start())
        variable = match[1] or match[2]
        parts.append(own[variable] if variable in own else value_of(variable, catalogue))
        at = match.end()
    return parts + _literal(log_format, at, len(log_format))


def json_keys(text: str) -> dict[str, str]:
    """Tell which variable each key of a JSON log_format holds.

    Args:
        text: the whole statement, or the format alone.

    Returns:
        For each key, with those above it before it (`http.status`), the variable without `$`. Keys of fixed
        text, or of several variables, are left out.

    Raises:
        UsageError: the format is no JSON object.
    """
    log_format = read_statement(text).text
    quoted = _BARE.sub(r'\1"\2"', log_format)
    try:
        keys = json.loads(quoted)
    except ValueError:
        keys = None
    if not isinstance(keys, dict):
        raise UsageError("the JSON log_format is no JSON object once its variables have values")
    return _variables(keys, "")


def _variables(keys: Mapping[str, object], above: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in keys.items():
        if isinstance(value, dict):
            found |= _variables(value, f"{above}{key}.")
        elif isinstance(value, str) and (match := _VARIABLE.fullmatch(value)):
            found[above + key] = match[1] or match[2]
    return found


def _literal(log_format: str, start: int, stop: int) -> list[Part]:
    text = log_format[start:stop]
    if "$" in text:
        place = start + text.index("$") + 1
        raise UsageError(f"the log format is malformed at character {place}: a $ begins no variable there")
    return [text] if text else []


def value_of(variable: str, catalogue: Catalogue | None = None) -> Value:
    """Tell what a variable is: its column is "" where it has no use."""
    catalogue = catalogue or signal_catalogue()
    if variable in _VARIABLES:
        return _VARIABLES[variable]
    if variable.startswith("http_"):
        return apache.request_header(variable.removeprefix("http_").replace("_", "-"), catalogue)
    if variable.startswith("cookie_"):
        return Value("cookie", ANY, 1, variable.removeprefix("cookie_"))
    if variable.startswith("arg_"):
        name = catalogue.query.get(variable.removeprefix("arg_").lower())
        return Value(signal_value(name, variable)) if name else Value("")
    return Value("", _EXACT.get(variable, ANY))


def _without_doubles(parts: list[Part]) -> list[Part]:
    """Of times and sizes take the best that there is: the others say the same less well."""
    best = {
        column: min(
            (part.rank for part in parts if isinstance(part, Value) and part.column == column), default=0
        )
        for column in ("time", "bytes")
    }
    return [
        replace(part, column="")
        if isinstance(part, Value) and part.rank > best.get(part.column, part.rank)
        else part
        for part in parts
    ]


def _with_ports(parts: list[Part]) -> list[Part]:
    """Let a port after a host be missing; end a host or a path that a value follows where that begins."""
    given: list[Part] = []
    for part, after in zip(parts, [*parts[1:], ""], strict=True):
        if not isinstance(part, Value):
            given.append(part)
        elif part.column in _BEFORE_VALUE and isinstance(after, Value):
            given.append(replace(part, expression=_BEFORE_VALUE[part.column]))
        elif part.expression == _EXACT["server_port"] and given[-1:] == [":"] and _is_host(given[:-1]):
            given[-1] = Value("", PORT_AFTER_HOST)
        else:
            given.append(part)
    return given


def _is_host(parts: list[Part]) -> bool:
    return bool(parts) and isinstance(parts[-1], Value) and parts[-1].column == "host"


def _one_time(parts: list[Part]) -> tuple[list[Part], Clock | None]:
    """Keep the first time of each format: the others of its kind are the same."""
    given: list[Part] = []
    timed: Value | None = None
    for part in parts:
        if isinstance(part, Value) and part.column == "time" and timed is not None:
            given.append(replace(part, column=""))
            continue
        given.append(part)
        timed = part if isinstance(part, Value) and part.column == "time" else timed
    is_clf = timed is not None and timed.expression == CLF_PATTERN
    return given, Clock((CLF,)) if is_clf else None
