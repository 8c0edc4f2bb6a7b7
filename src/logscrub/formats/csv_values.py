"""Arrow's CSV reader over the lines of a block, each of which is a row or a misfit."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import csv

_MIN_READ = 1024


def read_values(
    data: memoryview | bytes | pa.Buffer,
    lines: int,
    names: Sequence[str],
    types: Mapping[str, pa.DataType],
    *,
    delimiter: str,
    quote: str | bool,
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Read lines as values between delimiters.

    Args:
        data: the lines, valid UTF-8.
        lines: how many they are.
        names: names of the values of a line.
        types: those that are asked for, and the type of each.
        delimiter: what stands between two values.
        quote: what values may stand in; False where nothing is a quote.

    Returns:
        The lines of the right width; number (from 1) and text of the others.

    Raises:
        RuntimeError: the reader failed or lost count of the lines; the message holds none of them.
    """
    misfits: list[tuple[int, str]] = []

    def refuse(row: Any) -> str:
        misfits.append((row.number, row.text))
        return "skip"

    buffer = pa.py_buffer(data)
    table = pa.schema(list(types.items())).empty_table()
    if buffer.size:
        options = _options(buffer.size, delimiter, quote, names, types)
        options["parse_options"].invalid_row_handler = refuse
        try:
            table = csv.read_csv(pa.BufferReader(buffer), **options)
        except pa.ArrowException:
            table = None  # raised out here: Arrow's messages quote the line, also as __context__
    if table is None:
        raise RuntimeError("the CSV reader refused a block")
    if table.num_rows + len(misfits) != lines:
        raise RuntimeError("the CSV reader gave another number of lines than the block has")
    return table, misfits


def _options(
    size: int, delimiter: str, quote: str | bool, names: Sequence[str], types: Mapping[str, pa.DataType]
) -> dict[str, Any]:
    return {
        "read_options": csv.ReadOptions(
            use_threads=False, block_size=max(size + 1, _MIN_READ), column_names=list(names)
        ),
        "parse_options": csv.ParseOptions(
            delimiter=delimiter,
            quote_char=quote,
            double_quote=False,
            escape_char=False,
            newlines_in_values=False,
            ignore_empty_lines=False,
        ),
        "convert_options": csv.ConvertOptions(
            include_columns=list(types),
            column_types=dict(types),
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    }
