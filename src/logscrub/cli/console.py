"""Printing, so that whoever reads it cannot break a run by going away."""

import os
import re
import sys
from collections.abc import Iterable

import click

# What a terminal obeys or turns around, and what has no encoding: names of files may hold anything.
_UNPRINTABLE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)
_BYTE = 0xDC00


def printable(text: str) -> str:
    r"""Text that can be printed anywhere: control characters and bytes that are no text as `\x1b`."""

    def escaped(match: re.Match[str]) -> str:
        code = ord(match[0])
        byte = code - _BYTE if _BYTE < code <= _BYTE + 0xFF else code  # how Python holds a byte of a name
        return f"\\x{byte:02x}" if byte <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004

    encoding = sys.stdout.encoding or "ascii"
    return _UNPRINTABLE.sub(escaped, text).encode(encoding, "backslashreplace").decode(encoding)


def print_error(line: str) -> None:
    """Print a line on standard error."""
    click.echo(printable(line), err=True)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines on standard output."""
    try:
        for line in lines:
            click.echo(printable(line))
    except BrokenPipeError:
        # The reader of our output went away: that changes nothing about the run.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
