"""What a file that is no web log looks like: a guess that only its message holds."""

import re
from collections.abc import Callable

_LOOKED_AT = 200  # lines
_MOST = 0.5
_NEARLY_ALL = 0.9
_TIME = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d"
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

OTHERWISE = "text that is no web log"
"""What is said where nothing is recognised."""

_BEGINNINGS = (
    ("XML or HTML", rb"\s*<(?:\?xml|!DOCTYPE|html|[A-Za-z][\w:-]*[ >])"),
    ("a W3C log without requests, or with other values than #Fields names", rb"(?:#[^\n]*\n)*?#Fields:"),
    ("JSON that is not one object a line", rb"\s*\[\s*[{\[\]]|\s*\{\s*\n"),
)
_LINES = (
    ("JSON without the fields of a request", rb"\s*\{.*\}\s*$"),
    ("an access log of another format: paste its line with --log-format",
     rb".*\"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS) [^\"]* HTTP/"),
    ("an error log of nginx", rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]+\] "),
    ("an error log of Apache", rb"\[\w{3} " + _MONTH + rb" [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4}\] \["),
    ("a log of uWSGI", rb"\[pid: \d+\|app: "),
    ("syslog", rb"(?:<\d{1,3}>)?(?:" + _MONTH + rb" [ \d]\d \d\d:\d\d:\d\d|1 " + _TIME + rb"\S*|" + _TIME
     + rb"[\d.,]*(?:Z|[+-]\d\d:?\d\d)) \S+ \S+"),
    ("the output of containers without requests", rb"[\w.-]+ +\| |" + _TIME + rb"\S* std(?:out|err) [FP] "),
    ("an application log", rb"\[?" + _TIME + rb"|\d{10}(?:\d{3})?(?:\.\d+)? |\[?(?:DEBUG|INFO|WARN|ERROR)\b"),
)  # fmt: skip
_TRACE = rb"\s+at |#\d+ |\[stacktrace\]|Traceback |  File \"|Caused by:|\s*\.\.\. \d+ more|\"?\}"
_TABLES = ((b",", "CSV"), (b";", "CSV"), (b"\t", "tab-separated values"))


def looks_like(text: bytes) -> str:
    """Name what a text is, in words that quote nothing of it."""
    for name, beginning in _BEGINNINGS:
        if re.match(beginning, text):
            return name
    lines = [line for line in text.split(b"\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]
    for name, shape in _LINES:
        if _share(lines, re.compile(shape).match) >= _MOST:
            return name
    trace = re.compile(rb"(?:\[?" + _TIME + rb")|" + _TRACE).match
    if _share(lines, trace) >= _MOST:
        return "an application log with stack traces"
    return _table(lines) or OTHERWISE


def _share(lines: list[bytes], fits: Callable[[bytes], object]) -> float:
    return sum(1 for line in lines if fits(line)) / len(lines) if lines else 0.0


def _table(lines: list[bytes]) -> str | None:
    """Name of a table: nearly all of several lines have as many delimiters as the first, at least two."""
    for delimiter, name in _TABLES:
        width = lines[0].count(delimiter) if lines else 0
        same = _share(lines, lambda line, by=delimiter, of=width: line.count(by) == of)  # type: ignore[misc]
        if width > 1 and len(lines) > 1 and same >= _NEARLY_ALL:
            return name
    return None
