r"""What collectors write before each line of a log: syslog, container runtimes, Docker.

A prefix is taken off all lines of a block at once; what is left is a block of the same lines for the format
behind it. A line without the prefix is passed on as it is, so that the format tells what becomes of it.
"""

import json
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from logscrub.formats.records import Format, Parsed, Reader
from logscrub.text.blocks import Block, data_of, line_starts, lines_of, sanitize

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_PRIORITY = r"<\d{1,3}>"  # RFC 3164 section 4.1.1
# A name of a host ends before a blank, and not with a colon, which would make it the tag. A tag is longer
# than the 32 letters of RFC 3164 where rsyslog and containers write one; `@cee:` is its cookie before JSON.
_TAGGED = r"(?:[^ ]{0,254}[^ :] )?[A-Za-z0-9_./()@~+-]{1,128}(?:\[[^\]\n ]{0,64}\])?: +(?:@cee: ?)?"
_RFC_3164 = rf"(?:{_PRIORITY})?(?:(?:{_MONTHS}) [ \d]\d \d\d:\d\d:\d\d|{_ISO}) {_TAGGED}"
# RFC 5424 section 6: version, time, host, app, process, message id, structured data; then a blank and text.
_ELEMENT = r'\[(?:[^\]"\\\n]|"(?:[^"\\\n]|\\.)*")*\]'
_RFC_5424 = (
    rf"(?:{_PRIORITY})?1 (?:-|{_ISO}) [^ \n]+ [^ \n]+ [^ \n]+ [^ \n]+ (?:-|(?:{_ELEMENT})+) ?\x{{FEFF}}?"
)
_COLOUR = r"(?:\x1b\[[\d;]{0,16}m)*"

_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u(?:[0-9abcefABCEF][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2}))*"'
_PLAIN = r'"[^"\\\x00-\x1f]*"'
# As Docker writes it, in any order but `log` first. Half characters, which Arrow refuses, do not fit.
_JSON_FILE = (
    rf'\A\{{"log":{_STRING}(?:,"(?:stream|time)":{_PLAIN}|'
    rf',"attrs":\{{(?:{_PLAIN}:{_PLAIN},?)*\}})*\}}[ \t\r]*\n?\z'
)
_MIN_READ = 1024


class Prefix(Protocol):
    """What stands before, or around, each line of a log."""

    @property
    def name(self) -> str:
        """What it is called in the name of a format, before the colon."""

    def stands_before(self, lines: pa.Array) -> pa.Array:
        """Tell which lines (strings) look as if they had the prefix (booleans)."""

    def take_off(self, lines: pa.Array) -> pa.Array:
        """Take the prefix off lines: strings in and out, each with its newline; the others stay the same."""


@dataclass(frozen=True)
class TextPrefix:
    """A prefix that an expression (RE2) describes."""

    name: str
    expression: str

    def stands_before(self, lines: pa.Array) -> pa.Array:
        """Tell which lines have the prefix."""
        return pc.match_substring_regex(lines, rf"\A(?:{self.expression})")

    def take_off(self, lines: pa.Array) -> pa.Array:
        """Take the prefix off lines."""
        return pc.replace_substring_regex(lines, rf"\A(?:{self.expression})", "", max_replacements=1)


@dataclass(frozen=True)
class DockerJson:
    r"""Docker's driver `json-file`: `{"log":"…\n","stream":"stdout","time":"…"}`.

    https://docs.docker.com/engine/logging/drivers/json-file/
    """

    name: str = "docker"

    def stands_before(self, lines: pa.Array) -> pa.Array:
        """Tell which lines begin as Docker's do."""
        return pc.match_substring_regex(lines, r'\A\{ ?"log" ?: ?"')

    def take_off(self, lines: pa.Array) -> pa.Array:
        """Give the lines inside; newlines inside of a line become blanks.

        What Docker writes is read with Arrow at once, another object one line at a time: to the same values.
        """
        usual = pc.match_substring_regex(lines, _JSON_FILE)
        if pc.all(usual).as_py():
            return _one_line(_read_logs(lines))
        taken, usual_rows = _read_logs(lines.filter(usual)), usual.to_numpy(zero_copy_only=False)
        odd_rows = np.flatnonzero(~usual_rows)
        odd = [_log_of(line) for line in lines.take(pa.array(odd_rows)).to_pylist()]
        read = np.zeros(len(lines), bool)
        read[odd_rows[[line is not None for line in odd]]] = True
        odd_lines = _one_line(pa.array([line for line in odd if line is not None], pa.string()))
        inside = pc.replace_with_mask(lines, usual, _one_line(taken))
        return pc.replace_with_mask(inside, pa.array(read), odd_lines)


def _read_logs(lines: pa.Array) -> pa.Array:
    """Read the value `log` of lines that all fit `_JSON_FILE`."""
    if not len(lines):
        return pa.array([], pa.string())
    data = data_of(lines)
    try:
        table = arrow_json.read_json(
            pa.BufferReader(data),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=max(data.size + 1, _MIN_READ)),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=pa.schema([("log", pa.string())]), unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowException:
        pass  # raised out here: Arrow's messages quote the line
    else:
        if table.num_rows == len(lines):
            return table.column("log").combine_chunks()
    return pa.array([_log_of(line) for line in lines.to_pylist()], pa.string())


def _log_of(line: str) -> str | None:
    """Read one object; None where it is none, or has no text of the name `log`."""
    if not line.lstrip(" \t").startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    text = value.get("log") if isinstance(value, dict) else None
    # Half a character is no text: as everywhere, it becomes U+FFFD.
    return (
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(text, str) else None
    )


def _one_line(values: pa.Array) -> pa.Array:
    """Make lines of values: one newline each, at the end."""
    inner = pc.replace_substring(pc.utf8_rtrim(values, "\r\n"), "\n", " ")
    return pc.binary_join_element_wise(inner, pa.scalar("\n"), "")


PREFIXES: tuple[Prefix, ...] = (
    TextPrefix("syslog", f"{_RFC_3164}|{_RFC_5424}"),
    # https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
    TextPrefix("cri", rf"{_ISO} (?:stdout|stderr) F(?::[^ \n]*)? "),
    DockerJson(),
    TextPrefix("compose", rf"{_COLOUR}[A-Za-z0-9][\w.-]{{0,254}} +\| {_COLOUR}"),
)
"""The known prefixes. Parts of lines (CRI's `P`) do not have the prefix: none of them is a line of a log."""

PREFIX_BY_NAME = {prefix.name: prefix for prefix in PREFIXES}


def prefixed_lines(block: Block, prefix: Prefix) -> npt.NDArray[np.bool_]:
    """Tell which lines of a block look as if they had a prefix."""
    data = bytes(sanitize(block.data))
    found = prefix.stands_before(lines_of(data, line_starts(Block(data, 0))))
    result: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return result


def strip(block: Block, prefix: Prefix) -> Block:
    """Take the prefix off the lines of a block: the same number of lines, in their order."""
    data = bytes(sanitize(block.data))
    if not data:
        return block
    lines = prefix.take_off(lines_of(data, line_starts(Block(data, 0))))
    return Block(memoryview(data_of(lines)), block.offset)


@dataclass(frozen=True)
class Prefixed:
    """A format behind a prefix; times of the prefix are not used."""

    prefix: Prefix
    inner: Format

    mark = None
    is_plain = False

    @property
    def name(self) -> str:
        """Name of the prefix, a colon, name of the format."""
        return f"{self.prefix.name}:{self.inner.name}"

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry."""
        return self.inner.fields

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that its lines have places for."""
        return self.inner.signals

    @property
    def has_directives(self) -> bool:
        """Whether lines of the format behind it mean what directives before them say."""
        return self.inner.has_directives

    def reader(self) -> Reader:
        """What reads one file."""
        return _PrefixedReader(self.prefix, self.inner.reader()) if self.has_directives else self

    def parse(self, block: Block) -> Parsed:
        """Parse lines that stand at the beginning of a file."""
        return self.inner.parse(strip(block, self.prefix))


@dataclass(frozen=True)
class _PrefixedReader:
    prefix: Prefix
    inner: Reader

    @property
    def fields(self) -> frozenset[str]:
        return self.inner.fields

    @property
    def signals(self) -> frozenset[str]:
        return self.inner.signals

    def parse(self, block: Block) -> Parsed:
        return self.inner.parse(strip(block, self.prefix))
