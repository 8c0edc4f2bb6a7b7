"""Formats of Apache (mod_log_config) as data, compiled to the delimited and the pattern plan."""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from logscrub.formats import access, delimited, pattern
from logscrub.formats.delimited import Layout
from logscrub.formats.records import Parsed, Reader, carries_identifiers, merge
from logscrub.text.blocks import Block, sanitize

# What each directive captures, as RE2; the remote user and the ident are read over, never captured.
_DIRECTIVES = {
    "%v": r"(?P<host>[^ ]+?)",
    ":%p": r"(?::(?:\d{1,5}|-))?",  # with its colon: `%v` and `%v:%p` are one format
    "%h": r"(?P<address>[^ ]+)",
    "%l": r"[^ ]+",
    "%u": r".*?",
    "%>s": r"(?P<status>\d{1,4}|-)",
    "%b": r"(?P<bytes>-?\d{1,18}|-)",
}
_QUOTED = {"%r": "request", "%{Referer}i": "referrer", "%{User-Agent}i": "user_agent"}
_TIME = " %t "
_TOKENS = re.compile(r":%p|%>?(?:\{[^}]*\})?[a-zA-Z]|[^%:]+|:")
_COLUMNS = {"request": ("method", "target")}


def compile_log_format(log_format: str) -> Layout:
    r"""Compile a LogFormat string, as it stands between quotes in an Apache configuration.

    Args:
        log_format: directives of the table above; `%t` stands before the first quote, and each pair of
            `\"` holds exactly one directive.
    """
    parts = log_format.replace('\\"', '"').split('"')
    gaps = parts[2::2]
    separators = tuple(gap[len(gap.rstrip(" ")) :] for gap in gaps)
    return Layout(
        head=_expression(parts[0].removesuffix(_TIME)),
        quoted=tuple(_QUOTED[part] for part in parts[1::2]),
        gaps=tuple(_expression(gap.removesuffix(end)) for gap, end in zip(gaps, separators, strict=True)),
        separators=separators,
    )


def _expression(text: str) -> str:
    return "".join(_DIRECTIVES.get(token) or re.escape(token) for token in _TOKENS.findall(text))


@dataclass(frozen=True)
class AccessFormat:
    """An access log format given by an Apache LogFormat string."""

    name: str
    log_format: str

    @cached_property
    def layout(self) -> Layout:
        """The compiled format."""
        return compile_log_format(self.log_format)

    @cached_property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry."""
        expressions = (self.layout.head, *self.layout.gaps)
        named = [name for part in expressions for name in re.findall(r"\?P<(\w+)>", part)]
        quoted = [column for name in self.layout.quoted for column in _COLUMNS.get(name, (name,))]
        return frozenset(["time", *named, *quoted])

    mark = None
    has_directives = False

    def reader(self) -> Reader:
        """The format itself: each line stands for itself."""
        return self

    @property
    def carries_identifiers(self) -> bool:
        """Whether a line can hold an id or a signal."""
        return carries_identifiers(self.fields)

    def parse(self, block: Block) -> Parsed:
        """Parse a block: the delimited plan first, then the pattern plan for the lines that it refused."""
        data = sanitize(block.data)
        split = delimited.split(data, self.layout)
        matched = pattern.match(split.refused, split.refused_lines, self.layout)
        batches = [access.to_records(part) for part in (split.captured, matched.captured) if part is not None]
        return Parsed(merge(batches), np.sort(matched.rejected), split.blank, split.lines)


_CLF = r"%h %l %u %t \"%r\" %>s %b"
_EXTENDED = r" \"%{Referer}i\" \"%{User-Agent}i\""

ACCESS_FORMATS = (
    AccessFormat("common", _CLF),
    AccessFormat("combined", _CLF + _EXTENDED),  # nginx calls the same lines combined
    AccessFormat("vhost_common", "%v:%p " + _CLF),
    AccessFormat("vhost_combined", "%v:%p " + _CLF + _EXTENDED),
)
"""The formats of the Apache documentation, https://httpd.apache.org/docs/2.4/mod/mod_log_config.html."""
