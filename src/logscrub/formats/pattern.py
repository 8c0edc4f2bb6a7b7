"""The plan for free text: RE2 expressions for the whole line, the more lenient for what others refuse."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.records import Int64Array

CUT_OFF = "_cut_off"
"""Ends the name of a group that holds a quoted value without its closing quote."""


@dataclass(frozen=True)
class Groups:
    """Lines that one expression fits: their indexes in the block, and the text (strings) of each group."""

    lines: Int64Array
    text: dict[str, pa.Array]


def match(text: pa.Array, lines: Int64Array, expressions: Iterable[str]) -> tuple[list[Groups], Int64Array]:
    """Match lines against expressions, each of which sees what those before it refused.

    Args:
        text: the lines, valid UTF-8 (strings).
        lines: their indexes in the block.
        expressions: RE2.

    Returns:
        What was captured, and the indexes of the lines that fit none.
    """
    captured = []
    for expression in expressions:
        if not len(text):
            break
        parts = pc.extract_regex(text, expression)
        valid = parts.is_valid()
        fits = valid.to_numpy(zero_copy_only=False)
        if not fits.any():
            continue
        fitting = parts if fits.all() else parts.filter(valid)
        captured.append(Groups(lines[fits], _groups(fitting)))
        text, lines = text.filter(pc.invert(valid)), lines[~fits]
    return captured, lines


def _groups(parts: pa.StructArray) -> dict[str, pa.Array]:
    groups = {field.name: values for field, values in zip(parts.type, parts.flatten(), strict=True)}
    for name in [name for name in groups if name.endswith(CUT_OFF)]:
        cut_off, whole = groups.pop(name), groups[name.removesuffix(CUT_OFF)]
        groups[name.removesuffix(CUT_OFF)] = pc.if_else(pc.equal(whole, ""), cut_off, whole)
    return groups


def split_lines(data: memoryview | bytes) -> pa.Array:
    r"""Give the lines of a block, valid UTF-8 without byte order mark or `\r` of line ends, as strings."""
    if not len(data):
        return pa.array([], pa.string())
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int32))
    text = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(data)])
    lines: pa.Array = pc.split_pattern(text, "\n").flatten()
    return lines[:-1] if bytes(data[-1:]) == b"\n" else lines


def name_groups(columns: Sequence[str]) -> list[str]:
    """Name the groups of values: the column, numbered from its second value on; "" captures nothing."""
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        seen[column] = seen.get(column, 0) + 1
        names.append(f"{column}__{seen[column]}" if column and seen[column] > 1 else column)
    return names
