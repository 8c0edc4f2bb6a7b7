"""Run duckdb_tables.sql over combined logs and print the totals of its tables as JSON.

python benchmarks/duckdb_tables.py access.log [--threads 2] [--own example.com]
python benchmarks/duckdb_tables.py --release stats
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

SQL = Path(__file__).with_suffix(".sql")
TOTALS = {
    "days": ("hits", "page_views", "visits", "visitors", "bytes"),
    "hours": ("hits", "page_views", "visits", "bytes"),
    "responses": ("hits", "bytes"),
    "referrers": ("hits", "page_views", "visits"),
    "campaigns": ("hits", "page_views", "visits"),
    "pages": ("page_views",),
    "entries": ("visits",),
    "exits": ("visits",),
    "bots": ("hits", "bytes"),
}
"""Measures of each table that add up."""


def totals(files: Sequence[str], threads: int, own: str) -> dict[str, dict[str, int]]:
    """Make the tables, in memory, and return the sum of each of their measures that adds up.

    Args:
        files: combined logs, plain or gzip, with times in UTC.
        threads: threads of DuckDB.
        own: domain whose referrers are internal.

    Raises:
        duckdb.Error: a file is no combined log.
    """
    with duckdb.connect(config={"threads": threads}) as database:
        for statement in database.extract_statements(SQL.read_text(encoding="utf-8")):
            given = {"files": list(files), "own": own}
            named = statement.named_parameters
            database.execute(statement, {name: given[name] for name in named} if named else None)
        return {table: _sums(database, table, measures) for table, measures in TOTALS.items()}


def released_totals(stats: str) -> dict[str, dict[str, int]]:
    """Return the same of the tables of a release of logscrub."""
    with duckdb.connect() as database:
        return {
            table: _sums(database, f"read_parquet('{stats}/{table}/*/*.parquet')", measures)
            for table, measures in TOTALS.items()
        }


def _sums(database: duckdb.DuckDBPyConnection, source: str, measures: Sequence[str]) -> dict[str, int]:
    sums = ", ".join(f"coalesce(sum({measure}), 0)::BIGINT" for measure in measures)
    row = database.execute(f"SELECT {sums} FROM {source}").fetchone()  # noqa: S608 - our own names
    return dict(zip(measures, row or (), strict=True))


def main(argv: list[str] | None = None) -> None:
    """Print the totals of the files of the command line."""
    parser = argparse.ArgumentParser(prog="duckdb_tables.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--release", metavar="FOLDER", help="tell the totals of a release of logscrub")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--own", default="example.com", help="domain whose referrers are internal")
    options = parser.parse_args(argv)
    if bool(options.files) == bool(options.release):
        parser.error("give files or --release")
    if options.release:
        print(json.dumps(released_totals(options.release)))
    else:
        print(json.dumps(totals(options.files, options.threads, options.own)))


if __name__ == "__main__":
    main()
