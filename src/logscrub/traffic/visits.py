"""Follow visitors through a day: visits, their referrer, entry and exit, and what a visitor-day uses."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.columns import codes, pack, ranks, relabel
from logscrub.schemas import NONE, UNKNOWN

VISIT_GAP_MS = 30 * 60 * 1000
"""A longer silence of a visitor ends the visit (30 minutes, as Matomo, Plausible and Google Analytics)."""

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

_SOFTWARE = ("device", "system", "system_version", "browser", "browser_version")
_TIE_TEXTS = ("path", "method", "host", "medium", "source", *_SOFTWARE)


@dataclass(frozen=True)
class Followed:
    """Hits in the order of their visitors and times, and what the order tells.

    Attributes:
        hits: sorted hits; medium and source are those of the visit, software that of the visitor-day.
        visit_start: first hit of each visit.
        entry: first page view of each visit.
        exit: last page view of each visit.
        bounce: first hit of each visit with exactly one page view.
    """

    hits: pa.RecordBatch
    visit_start: Flags
    entry: Flags
    exit: Flags
    bounce: Flags


def follow(hits: pa.RecordBatch) -> Followed:
    """Find the visits in the hits of people of one day.

    A visit is a run of hits of one visitor with gaps of at most 30 minutes.

    Args:
        hits: all hits of the visitors concerned, in any order.
    """
    hits = hits.take(pa.array(_order(hits)))
    visitor, time = _ints(hits, "visitor"), _ints(hits, "time")
    page_view = hits.column("page_view").to_numpy(zero_copy_only=False)
    new_visitor = np.r_[True, visitor[1:] != visitor[:-1]][: len(hits)]
    new_visit = new_visitor | np.r_[True, np.diff(time) > VISIT_GAP_MS][: len(hits)]
    starts = np.flatnonzero(new_visit)
    entries = _first(page_view, starts)
    exits = _last(page_view, starts)
    views = np.add.reduceat(page_view.astype(np.int64), starts) if len(starts) else starts
    hits = _with_referrer_of_visit(hits, starts)
    hits = _with_software_of_visitor(hits, np.flatnonzero(new_visitor))
    return Followed(
        hits,
        new_visit,
        _flags(len(hits), entries[entries < len(hits)]),
        _flags(len(hits), exits[exits >= 0]),
        _flags(len(hits), starts[views == 1]),
    )


def _order(hits: pa.RecordBatch) -> Rows:
    """Order by visitor and time; ties: page views first, then path, status, method, bytes, then all the rest.

    Rows that tie in all of it are alike in every column that matters, so that line order never shows.
    """
    text = {name: ranks(hits.column(name)) for name in _TIE_TEXTS}
    status, sent = _ints(hits, "status").astype(np.int64), _ints(hits, "bytes")
    not_viewed = (~hits.column("page_view").to_numpy(zero_copy_only=False)).astype(np.int64)
    keys = [not_viewed, text["path"], status, text["method"], sent]
    tie = pack([*keys, *(text[name] for name in _TIE_TEXTS[2:])])
    return np.lexsort((tie, _ints(hits, "time"), _ints(hits, "visitor")))


def _with_referrer_of_visit(hits: pa.RecordBatch, starts: Rows) -> pa.RecordBatch:
    """Give every hit the medium and source of its visit: its first external referrer, else how it began."""
    medium = hits.column("medium")
    labels = [value or "direct" for value in medium.dictionary.to_pylist()]
    external = np.array([label not in ("direct", "internal") for label in labels], dtype=bool)
    first = _first(external[codes(medium)], starts)
    chosen = np.where(first < len(hits), first, starts)
    spread = np.repeat(chosen, np.diff(np.r_[starts, len(hits)]))
    medium = relabel(medium, labels, "direct")
    source = hits.column("source")
    source = relabel(source, [value or NONE for value in source.dictionary.to_pylist()], NONE)
    return _replaced(hits, {"medium": _taken(medium, spread), "source": _taken(source, spread)})


def _with_software_of_visitor(hits: pa.RecordBatch, starts: Rows) -> pa.RecordBatch:
    """Give every hit the software of its visitor-day: that of the visitor's first hit which tells it."""
    lengths = np.diff(np.r_[starts, len(hits)])
    columns: dict[str, pa.DictionaryArray] = {}
    for telling, names in (("system", _SOFTWARE[:3]), ("browser", _SOFTWARE[3:])):
        column = hits.column(telling)
        known = np.array([value != UNKNOWN for value in column.dictionary.to_pylist()], dtype=bool)
        first = _first(known[codes(column)], starts)
        spread = np.repeat(np.where(first < len(hits), first, starts), lengths)
        columns |= {name: _taken(hits.column(name), spread) for name in names}
    return _replaced(hits, columns)


def _first(flags: Flags, starts: Rows) -> Rows:
    """Row of the first true flag of each run, or the number of rows where it has none."""
    rows = np.where(flags, np.arange(len(flags)), len(flags))
    return np.minimum.reduceat(rows, starts) if len(starts) else starts


def _last(flags: Flags, starts: Rows) -> Rows:
    """Row of the last true flag of each run, or -1."""
    rows = np.where(flags, np.arange(len(flags)), -1)
    return np.maximum.reduceat(rows, starts) if len(starts) else starts


def _flags(size: int, rows: Rows) -> Flags:
    flags = np.zeros(size, dtype=bool)
    flags[rows] = True
    return flags


def _taken(column: pa.DictionaryArray, rows: Rows) -> pa.DictionaryArray:
    return column.take(pa.array(rows))


def _replaced(hits: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    arrays = [columns.get(name, hits.column(name)) for name in hits.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=hits.schema)


def _ints(hits: pa.RecordBatch, name: str) -> npt.NDArray:  # type: ignore[type-arg]
    numbers: npt.NDArray = hits.column(name).to_numpy(zero_copy_only=False)  # type: ignore[type-arg]
    return numbers
