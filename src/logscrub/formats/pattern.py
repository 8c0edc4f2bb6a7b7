"""The plan for free text: one RE2 expression for the whole line."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.access import Captured
from logscrub.formats.delimited import Layout
from logscrub.formats.records import Int64Array
from logscrub.formats.times import CLF_PATTERN

_CUT_OFF = "_cut_off"


@dataclass(frozen=True)
class Matched:
    """What was captured (None when nothing), and the indexes of the lines that do not fit, not sorted."""

    captured: Captured | None
    rejected: Int64Array


def match(text: pa.Array, lines: Int64Array, layout: Layout) -> Matched:
    """Match lines against the expression of a format.

    Args:
        text: the lines, valid UTF-8 (strings).
        lines: their indexes in the block.
        layout: the format.
    """
    if not len(text):
        return Matched(None, lines)
    parts = pc.extract_regex(text, line_expression(layout))
    fits = parts.is_valid().to_numpy(zero_copy_only=False)
    if not fits.any():
        return Matched(None, lines)
    parts = parts.filter(parts.is_valid())
    groups = {field.name: values for field, values in zip(parts.type, parts.flatten(), strict=True)}
    time = groups.pop("time").cast(pa.binary()).dictionary_encode()
    last = layout.quoted[-1]
    if (cut_off := groups.pop(last + _CUT_OFF, None)) is not None:
        groups[last] = pc.if_else(pc.equal(groups[last], ""), cut_off, groups[last])
    columns = {name: values.dictionary_encode() for name, values in groups.items()}
    return Matched(Captured(lines[fits], time, columns), lines[np.flatnonzero(~fits)])


@lru_cache(maxsize=64)
def line_expression(layout: Layout) -> str:
    r"""Compile a format to one RE2 expression for a whole line.

    A quoted value ends at the first quote after which the rest of the line fits: as servers write `\"` for a
    quote, this is the closing one. Quoted values after the request may be missing from the end. The last
    quoted value may be cut off; text after it is read over, as the forwarded address in nginx's `main`.
    """
    first, *others = layout.quoted
    rest = ""
    for at in reversed(range(len(others))):
        name, gap, lead = others[at], layout.gaps[at + 1], layout.separators[at]
        value = _last_value(name) if at == len(others) - 1 else rf'"(?P<{name}>.*?)"{gap}{rest}'
        rest = f"(?:{lead}{value})?"
    return rf'(?s)\A{layout.head} \[(?P<time>{CLF_PATTERN})\] "(?P<{first}>.*?)"{layout.gaps[0]}{rest} *\z'


def _last_value(name: str) -> str:
    closed = rf'(?P<{name}>(?:[^"\\]|\\.)*)"(?: .*)?'
    cut_off = rf'(?P<{name}{_CUT_OFF}>.*?)"?'
    return rf'"(?:{closed}|{cut_off})'
