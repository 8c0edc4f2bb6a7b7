"""Hits of one shard and day → partial cells of every table."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.cells import NO_DURATIONS, SEPARATOR, Cells, Durations, Supporters, among, empty_cells, nodes_of
from logscrub.columns import codes, compact_batch, pack, rows_of
from logscrub.durations import BUCKETS, NO_BUCKET
from logscrub.native.counting import CountedCells, Rows, count_cells
from logscrub.schemas import UNKNOWN, Column, TableSchema, table_schemas
from logscrub.traffic.elements import TableCells
from logscrub.traffic.hits import bot_layers, bots, numbered_visitors, support_units
from logscrub.traffic.robots import with_robots
from logscrub.traffic.visits import FACTS_OF_VISIT, FACTS_OF_VISITOR, VISIT_GAP_MS, Followed, follow

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]

_FILES = ("document", "archive")  # what people download
_SENT, _NOT_FOUND = (0, 200, 206, 304), (404, 410)
_DEPTHS = (1, 2, 3, 4, 6, 11, 21)  # page views at which the next word of `visit_depth` begins
_LENGTHS_MS = tuple(seconds * 1000 for seconds in (10, 30, 60, 180, 600, 1800))
_EVERYONE = 2**62  # as k: all supporters are listed
_DENSE_CELLS = 2**22  # so many possible cells are counted by place; more are sorted


def build_tables(
    hits: pa.RecordBatch,
    k: int,
    key_check: bytes,
    bot_rate: int | None = None,
    visit_gap_ms: int = VISIT_GAP_MS,
) -> dict[str, TableCells]:
    """Follow the visitors of one shard and day, and make the cells of every table.

    Args:
        hits: all hits of the shard and day (schema HITS).
        k: supporters are listed where there are fewer.
        key_check: key check value of the run.
        bot_rate: hits of a visitor-day above which it is a bot.
        visit_gap_ms: milliseconds of silence that end a visit.
    """
    hits = with_robots(hits, bot_rate)
    is_bot = bots(hits)
    people = follow(hits, np.flatnonzero(~is_bot), visit_gap_ms)
    of_bots = hits.filter(pa.array(is_bot))
    populations = _populations(people) | {"bot_hits": _of_bots(of_bots)}
    support = len(populations["hits"].units)
    tables = {}
    for name, table in table_schemas().items():
        cells, supporters = _table(table, populations[_coarsest(table)], k)
        tables[name] = TableCells(cells, supporters, support, key_check)
    tables["bots"] = replace(tables["bots"], layers=bot_layers(of_bots))
    return tables


@dataclass(frozen=True)
class _Population:
    """What a table counts.

    Attributes:
        hits: hits, those of one support unit together, and among these those of one visitor.
        rows: which of them are counted; None for all.
        visitor: number of the visitor of each counted hit.
        unit: place in `units` of the support unit of each visitor.
        units: distinct support units.
        measures: name to its share in each counted hit.
        bucket: bucket of the duration of each counted hit, where durations are counted.
    """

    hits: pa.RecordBatch
    rows: Ints | None
    visitor: Numbers
    unit: Numbers
    units: npt.NDArray[np.uint64]
    measures: dict[str, Ints]
    bucket: npt.NDArray[np.int16] | None = None

    def among(self, chosen: Flags, **measures: Flags | Ints) -> "_Population":
        """Some of the hits, with measures of their own."""
        rows = np.flatnonzero(chosen)
        counted = {name: shares[rows].astype(np.int64) for name, shares in measures.items()}
        return _Population(self.hits, rows, self.visitor[rows], self.unit, self.units, counted)

    def summed(self, starts: Ints) -> "_Population":
        """One row in place of the hits from each start to the next, which are of one visitor."""
        measures = {name: np.add.reduceat(hits, starts) for name, hits in self.measures.items()}
        hits = rows_of(self.hits, starts)
        return _Population(hits, None, self.visitor[starts], self.unit, self.units, measures)

    def column(self, name: str) -> tuple[pa.Array, npt.NDArray[np.int32]]:
        """Distinct values of a column of hits, and the code of each counted hit."""
        values = self.hits.column(name)
        if not pa.types.is_dictionary(values.type):
            values = values.dictionary_encode()
        return values.dictionary, codes(values) if self.rows is None else codes(values)[self.rows]


def _populations(people: Followed) -> dict[str, _Population]:
    hits, every = people.hits, np.ones(len(people.hits), dtype=bool)
    page_view = hits.column("page_view").to_numpy(zero_copy_only=False)
    measures = {
        "hits": every.astype(np.int64),
        "page_views": page_view.astype(np.int64),
        "visits": people.visit_start.astype(np.int64),
        "bytes": hits.column("bytes").to_numpy(),
        "bounces": people.bounce.astype(np.int64),
    }
    everyone = _population(hits, people.visitor_start, measures)
    bucket = hits.column("duration").to_numpy()
    timed = everyone.among(bucket != NO_BUCKET, hits=every)
    return {
        "hits": everyone,
        "visitors": everyone.summed(np.flatnonzero(people.visitor_start)),
        "visits": everyone.summed(np.flatnonzero(people.visit_start)),
        "page_views": everyone.among(page_view, page_views=page_view),
        "entries": everyone.among(people.entry, visits=people.entry),
        "exits": everyone.among(people.exit, visits=people.exit),
        "all_visits": _visits(people, everyone),
        "events": everyone.among(_are(hits, "event", lambda event: event != ""), hits=every),
        **_by_status(everyone, hits, measures),
        "timed_hits": replace(timed, bucket=bucket[bucket != NO_BUCKET]),
    }


def _by_status(
    everyone: _Population, hits: pa.RecordBatch, measures: dict[str, Ints]
) -> dict[str, _Population]:
    """Requests by how they were answered: downloads, what is not there, and errors."""
    status = hits.column("status").to_numpy()
    file = _are(hits, "content", _FILES.__contains__) & _are(hits, "method", "GET".__eq__)
    own = {"hits": measures["hits"], "bytes": measures["bytes"]}
    return {
        "downloads": everyone.among(file & np.isin(status, _SENT), **own),
        "not_found": everyone.among(np.isin(status, _NOT_FOUND), hits=own["hits"]),
        "errors": everyone.among(status // 100 == 5, hits=own["hits"]),  # noqa: PLR2004
    }


def _visits(people: Followed, everyone: _Population) -> _Population:
    """One row for each visit, with its page views and its length as words of the tables."""
    starts = np.flatnonzero(people.visit_start)
    visits = everyone.summed(starts)
    views, length = visits.measures["page_views"], people.visit_length[starts]
    words = {
        "depth": _word("visit_depth", "depth", np.searchsorted(_DEPTHS, views, side="right")),
        "length": _word("visit_length", "length", np.searchsorted(_LENGTHS_MS, length, side="right")),
    }
    hits = pa.Table.from_batches([visits.hits])
    for name, column in words.items():
        hits = hits.append_column(name, column)
    return replace(visits, hits=hits.combine_chunks().to_batches()[0] if len(starts) else visits.hits)


def _word(table: str, source: str, place: Ints) -> pa.DictionaryArray:
    column = next(column for column in table_schemas()[table].dimensions if column.source == source)
    words = pa.array(column.values, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), words)


def _are(hits: pa.RecordBatch, name: str, wanted: Callable[[str], bool]) -> Flags:
    column = hits.column(name)
    chosen = np.array([wanted(value) for value in column.dictionary.to_pylist()], dtype=bool)
    found: Flags = chosen[codes(column)] if len(chosen) else np.zeros(len(column), dtype=bool)
    return found


def _coarsest(table: TableSchema) -> str:
    """The population of a table, or one of fewer rows whose sums serve it as well."""
    sources = {columns[0].source for columns in table.sources}
    if table.population != "hits" or not sources <= {*FACTS_OF_VISITOR, *FACTS_OF_VISIT}:
        return table.population
    return "visitors" if sources <= set(FACTS_OF_VISITOR) else "visits"


def _of_bots(hits: pa.RecordBatch) -> _Population:
    order = np.argsort(numbered_visitors(hits.column("visitor")), kind="stable")
    hits = compact_batch(hits.take(pa.array(order)))
    visitor = codes(hits.column("visitor"))
    starts = np.r_[True, visitor[1:] != visitor[:-1]][: len(hits)]
    measures = {"hits": np.ones(len(hits), dtype=np.int64), "bytes": hits.column("bytes").to_numpy()}
    return _population(hits, starts, measures)


def _population(hits: pa.RecordBatch, visitor_start: Flags, measures: dict[str, Ints]) -> _Population:
    who = hits.column("visitor")
    units, unit = np.unique(support_units(who)[codes(who)[visitor_start]], return_inverse=True)
    visitor = (np.cumsum(visitor_start) - 1).astype(np.int32)
    return _Population(hits, None, visitor, unit.astype(np.int32), units, measures)


def _table(table: TableSchema, population: _Population, k: int) -> tuple[Cells, dict[str, int]]:
    names = table.cell_measures
    if len(population.visitor) == 0:
        return empty_cells(names), dict.fromkeys(names, 0)
    cell, nodes = _cells(table, population)
    folding = ~among(nodes, nodes_of(table.unfolded)) if table.unfolded else np.ones(len(nodes), dtype=bool)
    values = [population.measures[name] for name in names]
    counted = count_cells(
        Rows(cell, population.visitor, population.unit, values, population.bucket),
        folding,
        k=k if population.bucket is None else _EVERYONE,
        no_bucket=NO_BUCKET,
    )
    supporters = _supporters(counted, population.units)
    cells = Cells(
        nodes,
        names,
        counted.sums,
        counted.visitors,
        counted.counts,
        supporters.below(k, counted.counts),
        _durations(cell, population, supporters),
    )
    return cells, dict(zip(names, counted.support.tolist(), strict=True))


def _supporters(counted: CountedCells, units: npt.NDArray[np.uint64]) -> Supporters:
    """Those that were listed, sorted."""
    listed = counted.listed
    order = np.lexsort((listed.unit, listed.cell))
    return Supporters(listed.cell, units[listed.unit], listed.mask, listed.longest).take(order)


def _durations(cell: Numbers, population: _Population, supporters: Supporters) -> Durations:
    if population.bucket is None:
        return NO_DURATIONS
    key, hits = np.unique(cell.astype(np.int64) * BUCKETS + population.bucket, return_counts=True)
    measured = Durations(key // BUCKETS, (key % BUCKETS).astype(np.int16), hits, np.zeros_like(hits))
    none, one = np.zeros_like(supporters.cell), np.ones_like(supporters.cell)
    longest = Durations(supporters.cell, supporters.longest, none, one)
    return Durations.concatenate([measured, longest]).summed()


def _cells(table: TableSchema, population: _Population) -> tuple[Numbers, pa.StringArray]:
    """Cell number of each row of a population, and the node of each cell of the table."""
    given = [population.column(columns[0].source) for columns in table.sources]
    if not given:
        return np.zeros(len(population.visitor), dtype=np.int32), pa.array([""], type=pa.string())
    key, present, combinations = _combinations(
        [code for _, code in given], [len(values) for values, _ in given]
    )
    steps = [
        _steps(columns, values).take(pa.array(code))
        for columns, (values, _), code in zip(table.sources, given, combinations, strict=True)
    ]
    nodes = steps[0] if len(steps) == 1 else pc.binary_join_element_wise(*steps, SEPARATOR)
    distinct = nodes.dictionary_encode()  # several values may be one step
    number = np.zeros(int(present[-1]) + 1, dtype=np.int32)
    number[present] = distinct.indices.to_numpy()
    return number[key], distinct.dictionary


def _combinations(
    given: Sequence[Numbers], sizes: Sequence[int]
) -> tuple[npt.NDArray[np.integer], Ints, Sequence[npt.NDArray[np.integer]]]:
    """A key of each row's combination of codes, the keys that occur, and the codes that each stands for."""
    if math.prod(sizes) > _DENSE_CELLS:
        packed = pack([code.astype(np.int64) for code in given])
        distinct, first, key = np.unique(packed, return_index=True, return_inverse=True)
        return key, np.arange(len(distinct)), [code[first] for code in given]
    dense = given[0]
    for code, size in zip(given[1:], sizes[1:], strict=True):
        dense = dense * np.int32(size) + code
    occurs = np.zeros(math.prod(sizes), dtype=bool)
    occurs[dense] = True
    present = np.flatnonzero(occurs)
    return dense, present, np.unravel_index(present, sizes)


def _steps(columns: Sequence[Column], values: pa.Array) -> pa.StringArray:
    """Steps of a node that each value of hits gives: one for each column, more where it is a tree."""
    if columns[0].tree:
        marked = pc.replace_substring(values, "/", SEPARATOR + "/")
        return pc.replace_substring_regex(marked, rf"\A{SEPARATOR}", "")
    return pa.array([_step(columns, value) for value in values.to_pylist()], pa.string())


def _step(columns: Sequence[Column], value: str | int) -> str:
    if isinstance(value, int):
        return SEPARATOR.join(_class_of(value) if c.name == "status_class" else str(value) for c in columns)
    told = value.split(SEPARATOR)
    return SEPARATOR.join(told[c.part or 0] for c in columns)


def _class_of(status: int) -> str:
    return f"{status // 100}xx" if status else UNKNOWN
