"""Follow visitors through a day: visits, their referrer, entry and exit, and what a visitor-day uses."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.cells import SEPARATOR
from logscrub.columns import codes, pack, ranks, relabel, rows_of
from logscrub.durations import NO_BUCKET
from logscrub.schemas import NONE, UNKNOWN
from logscrub.traffic.hits import STORED, numbered_visitors

VISIT_GAP_MS = 30 * 60 * 1000
"""A longer silence of a visitor ends the visit (30 minutes, as Matomo, Plausible and Google Analytics)."""

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

FACTS_OF_VISITOR = ("system", "browser", "place", "language", "network")
"""Columns of hits that are the same in all hits of a visitor-day, once it was followed."""

FACTS_OF_VISIT = ("referrer", "campaign")
"""Columns of hits that are the same in all hits of a visit, once it was followed."""

_TIE_TEXTS = ("host", *FACTS_OF_VISIT, *FACTS_OF_VISITOR)
_TELLING_PART = {"system": 1}  # a device alone tells no system
_DIRECT, _INTERNAL = (SEPARATOR.join((medium, NONE)) for medium in ("direct", "internal"))
_BY_COOKIE = SEPARATOR + STORED
_NO_CAMPAIGN = SEPARATOR.join((NONE, NONE, NONE))


@dataclass(frozen=True)
class Followed:
    """Hits in the order of their visitors and times, and what the order tells.

    Attributes:
        hits: sorted hits, those of a support unit together; referrer and campaign are those of the visit;
            software, place, language and network those of the visitor-day.
        visitor_start: first hit of each visitor.
        visit_start: first hit of each visit.
        entry: first page view of each visit.
        exit: last page view of each visit.
        bounce: first hit of each visit with exactly one page view.
        visit_length: milliseconds from the first to the last hit of the visit, at its first hit.
    """

    hits: pa.RecordBatch
    visitor_start: Flags
    visit_start: Flags
    entry: Flags
    exit: Flags
    bounce: Flags
    visit_length: Rows


def follow(hits: pa.RecordBatch, people: Rows, gap_ms: int = VISIT_GAP_MS) -> Followed:
    """Find the visits in the hits of people of one day.

    A visit is a run of hits of one visitor with no longer gaps and of one campaign: a campaign that
    is not the one of the visit so far begins a new one (as in Matomo). A campaign that a cookie tells begins
    none, since it repeats in all hits of the visitor: the first one counts where the visit has no other.

    Args:
        hits: all hits of the visitors concerned, in any order, and those of bots.
        people: which of them are of people.
        gap_ms: milliseconds of silence that end a visit.
    """
    hits = rows_of(hits, _order(hits, people))
    visitor, time = codes(hits.column("visitor")), _ints(hits, "time")
    page_view = hits.column("page_view").to_numpy(zero_copy_only=False)
    new_visitor = np.r_[True, visitor[1:] != visitor[:-1]][: len(hits)]
    new_visit = new_visitor | np.r_[True, np.diff(time) > gap_ms][: len(hits)]
    new_visit |= _new_campaigns(hits.column("campaign"), new_visit)
    starts = np.flatnonzero(new_visit)
    entries = _first(page_view, starts)
    exits = _last(page_view, starts)
    views = np.add.reduceat(page_view.astype(np.int64), starts) if len(starts) else starts
    hits = _with_source_of_visit(hits, starts)
    hits = _with_facts_of_visitor(hits, np.flatnonzero(new_visitor))
    return Followed(
        hits,
        new_visitor,
        new_visit,
        _flags(len(hits), entries[entries < len(hits)]),
        _flags(len(hits), exits[exits >= 0]),
        _flags(len(hits), starts[views == 1]),
        _lengths(time, starts),
    )


def _lengths(time: Rows, starts: Rows) -> Rows:
    lengths = np.zeros(len(time), dtype=np.int64)
    lengths[starts] = time[np.r_[starts[1:], len(time)] - 1] - time[starts] if len(starts) else 0
    return lengths


def _order(hits: pa.RecordBatch, people: Rows) -> Rows:
    """Hits of people by support unit, visitor and time.

    Ties: page views first, then path, status, method, bytes, the rest.
    Rows that tie in all of it are alike in every column that matters, so that line order never shows.
    """
    visitor, time = numbered_visitors(hits.column("visitor"))[people], _ints(hits, "time")[people]
    order = _by_visitor_and_time(visitor, time)
    visitor, time, order = visitor[order], time[order], people[order]
    tied = np.r_[False, (visitor[1:] == visitor[:-1]) & (time[1:] == time[:-1])][: len(order)]
    # Pages and their parts share a second; few rows share more, and those alone are compared in full.
    order, tied = _with_ties_broken(order, tied, functools.partial(_first_tie_breaker, hits))
    return _with_ties_broken(order, tied, functools.partial(_last_tie_breaker, hits))[0]


def _by_visitor_and_time(visitor: npt.NDArray[np.int32], time: Rows) -> Rows:
    """Rows sorted by the number of their visitor, then by time; numpy sorts 16 bits by counting."""
    order = np.argsort(time, kind="stable")
    for shift in range(0, int(visitor.max(initial=0)).bit_length(), 16):
        order = order[np.argsort((visitor[order] >> shift).astype(np.uint16), kind="stable")]
    return order


def _with_ties_broken(order: Rows, tied: Flags, breaker: Callable[[Rows], Rows]) -> tuple[Rows, Flags]:
    """Order runs of rows that tie with the one before by another key, and tell which tie still."""
    in_run = tied | np.r_[tied[1:], False][: len(tied)]
    rows, run = order[in_run], np.cumsum(~tied)[in_run]
    key = breaker(rows)
    place = np.argsort(pack([run, key]))
    order, key, run = order.copy(), key[place], run[place]
    order[in_run] = rows[place]
    still = np.zeros(len(tied), dtype=bool)
    still[in_run] = np.r_[False, (run[1:] == run[:-1]) & (key[1:] == key[:-1])][: len(run)]
    return order, still


def _first_tie_breaker(hits: pa.RecordBatch, rows: Rows) -> Rows:
    not_viewed = ~hits.column("page_view").to_numpy(zero_copy_only=False)[rows]
    return pack([not_viewed.astype(np.int64), ranks(hits.column("path"))[rows]])


def _last_tie_breaker(hits: pa.RecordBatch, rows: Rows) -> Rows:
    tied = hits.take(pa.array(rows))
    status, sent = _ints(tied, "status").astype(np.int64), _ints(tied, "bytes")
    duration = _ints(tied, "duration").astype(np.int64) - NO_BUCKET
    return pack(
        [status, ranks(tied.column("method")), sent, duration, *(ranks(tied.column(n)) for n in _TIE_TEXTS)]
    )


def _new_campaigns(campaign: pa.DictionaryArray, new_visit: Flags) -> Flags:
    """First hits of campaigns that are not the one before them in the visit."""
    values = campaign.dictionary.to_pylist()
    told = np.array([bool(value) and not value.endswith(_BY_COOKIE) for value in values], dtype=bool)
    code = codes(campaign)
    rows = np.flatnonzero(told[code])
    code, visit = code[rows], np.cumsum(new_visit)[rows]
    goes_on = (visit[1:] == visit[:-1]) & (code[1:] == code[:-1])
    return _flags(len(campaign), rows[np.r_[True, ~goes_on][: len(rows)]])


def _with_source_of_visit(hits: pa.RecordBatch, starts: Rows) -> pa.RecordBatch:
    """Give every hit the referrer and campaign of its visit.

    The referrer is the first external one of the visit, else how it began. The campaign is that of its first
    hit, since any other one would have begun a visit; else the first that a cookie tells.
    """
    lengths = np.diff(np.r_[starts, len(hits)])
    referrer = hits.column("referrer")
    labels = [value or _DIRECT for value in referrer.dictionary.to_pylist()]
    external = np.array([label not in (_DIRECT, _INTERNAL) for label in labels], dtype=bool)
    first = _first(external[codes(referrer)], starts)
    chosen = np.repeat(np.where(first < len(hits), first, starts), lengths)
    campaign = hits.column("campaign")
    values = campaign.dictionary.to_pylist()
    known = np.array([bool(value) for value in values], dtype=bool)
    first = _first(known[codes(campaign)], starts)
    campaigns = [value.removesuffix(_BY_COOKIE) or _NO_CAMPAIGN for value in values]
    told = np.repeat(np.where(first < len(hits), first, starts), lengths)
    return _replaced(
        hits,
        {
            "referrer": _taken(relabel(referrer, labels, _DIRECT), chosen),
            "campaign": _taken(relabel(campaign, campaigns, _NO_CAMPAIGN), told),
        },
    )


def _with_facts_of_visitor(hits: pa.RecordBatch, starts: Rows) -> pa.RecordBatch:
    """Give every hit the software, place, language and network of its visitor's first hit that tells it."""
    lengths = np.diff(np.r_[starts, len(hits)])
    columns: dict[str, pa.DictionaryArray] = {}
    for name in FACTS_OF_VISITOR:
        column = hits.column(name)
        if len(column.dictionary) > 1:
            known = np.array([_tells(name, value) for value in column.dictionary.to_pylist()], dtype=bool)
            first = _first(known[codes(column)], starts)
            chosen = np.repeat(np.where(first < len(hits), first, starts), lengths)
            columns[name] = _taken(column, chosen)
    return _replaced(hits, columns)


def _tells(name: str, value: str) -> bool:
    parts = value.split(SEPARATOR)
    if name == "network":
        return any(part != UNKNOWN for part in parts)
    return parts[_TELLING_PART.get(name, 0)] != UNKNOWN


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
    return pc.take(column, pa.array(rows), boundscheck=False)


def _replaced(hits: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    arrays = [columns.get(name, hits.column(name)) for name in hits.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=hits.schema)


def _ints(hits: pa.RecordBatch, name: str) -> npt.NDArray:  # type: ignore[type-arg]
    numbers: npt.NDArray = hits.column(name).to_numpy(zero_copy_only=False)  # type: ignore[type-arg]
    return numbers
