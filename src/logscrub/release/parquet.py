"""Rows of a table as the bytes of a Parquet file that holds nothing else."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from logscrub.schemas import table_schemas


def table_path(table: str, date: str) -> str:
    """Path of the file of a table and day (YYYY-MM-DD) inside a release."""
    return f"{table}/date={date}/part-0.parquet"


def write_rows(rows: pa.Table) -> bytes:
    """Parquet bytes: zstd, plain strings, no dictionary pages, no bloom filters, nothing of the run.

    Arrow keeps values of filtered rows in dictionaries, so none may be left.

    Raises:
        TypeError: a column is dictionary-encoded.
    """
    if any(pa.types.is_dictionary(field.type) for field in rows.schema):
        raise TypeError("dictionary columns may hold values of rows that are not released")
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd", use_dictionary=False, write_statistics=True)
    return sink.getvalue()


def read_rows(data: bytes, table: str) -> pa.Table:
    """Rows of a released file.

    Raises:
        ValueError: the bytes are no Parquet file of this table's schema; nothing of them is quoted.
    """
    try:
        rows = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError):
        rows = None
    if rows is None or not rows.schema.equals(table_schemas()[table].arrow(), check_metadata=True):
        raise ValueError("not a Parquet file of this table's schema")
    return rows
