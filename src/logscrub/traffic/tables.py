"""Hits of one shard and day → partial cells of every table."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.cells import NO_DURATIONS, SEPARATOR, Cells, Durations, Supporters, among, empty_cells, nodes_of
from logscrub.columns import codes, compact_batch, pack
from logscrub.durations import BUCKETS, NO_BUCKET
from logscrub.schemas import UNKNOWN, Column, TableSchema, table_schemas
from logscrub.traffic.elements import TableCells
from logscrub.traffic.hits import bot_layers, bots, support_units
from logscrub.traffic.robots import with_robots
from logscrub.traffic.visits import FACTS_OF_VISIT, FACTS_OF_VISITOR, VISIT_GAP_MS, Followed, follow

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_FILES = ("document", "archive")  # what people download
_SENT, _NOT_FOUND = (0, 200, 206, 304), (404, 410)
_DEPTHS = (1, 2, 3, 4, 6, 11, 21)  # page views at which the next word of `visit_depth` begins
_LENGTHS_MS = tuple(seconds * 1000 for seconds in (10, 30, 60, 180, 600, 1800))
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
        hits: hits, in the order of their visitors.
        rows: which of them are counted; None for all.
        visitor: number of the visitor of each counted hit.
        unit: place in `units` of the support unit of each visitor.
        units: distinct support units.
        measures: name to its share in each counted hit.
        bucket: bucket of the duration of each counted hit, where durations are counted.
    """

    hits: pa.RecordBatch
    rows: Ints | None
    visitor: Ints
    unit: Ints
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
        hits = self.hits.take(pa.array(starts))
        return _Population(hits, None, self.visitor[starts], self.unit, self.units, measures)

    def column(self, name: str) -> tuple[pa.Array, npt.NDArray[np.int32]]:
        """Distinct values of a column of hits, and the code of each counted hit."""
        values = self.hits.column(name)
        if not pa.types.is_dictionary(values.type):
            values = values.dictionary_encode()
        return values.dictionary, codes(values) if self.rows is None else codes(values)[self.rows]

    @functools.cached_property
    def visitor_start(self) -> Flags:
        """Which counted hits are the first of their visitor."""
        starts: Flags = np.r_[True, self.visitor[1:] != self.visitor[:-1]][: len(self.visitor)]
        return starts


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
    hits = compact_batch(hits.take(pa.array(np.argsort(codes(hits.column("visitor")), kind="stable"))))
    visitor = codes(hits.column("visitor"))
    starts = np.r_[True, visitor[1:] != visitor[:-1]][: len(hits)]
    measures = {"hits": np.ones(len(hits), dtype=np.int64), "bytes": hits.column("bytes").to_numpy()}
    return _population(hits, starts, measures)


def _population(hits: pa.RecordBatch, visitor_start: Flags, measures: dict[str, Ints]) -> _Population:
    who = hits.column("visitor")
    units, unit = np.unique(support_units(who)[codes(who)[visitor_start]], return_inverse=True)
    visitor = np.cumsum(visitor_start) - 1
    return _Population(hits, None, visitor, unit.astype(np.int64), units, measures)


def _table(table: TableSchema, population: _Population, k: int) -> tuple[Cells, dict[str, int]]:
    names = table.cell_measures
    if len(population.visitor) == 0:
        return empty_cells(names), dict.fromkeys(names, 0)
    runs, nodes = _runs(table, population)
    sums = np.zeros((len(nodes), len(names)), dtype=np.int64)
    for m in range(len(names)):
        np.add.at(sums[:, m], runs.cell, runs.values[m])
    supporters = runs.supporters(population)
    counts = supporters.count(len(nodes), len(names))
    cells = Cells(
        nodes,
        names,
        sums,
        runs.visitors(len(nodes)),
        counts,
        supporters.below(k, counts),
        _durations(runs, population, supporters),
    )
    folding = ~among(nodes, nodes_of(table.unfolded))[runs.cell] if table.unfolded else None
    support = [runs.support(m, population, folding) for m in range(len(names))]
    return cells, dict(zip(names, support, strict=True))


@dataclass(frozen=True)
class _Runs:
    """Hits of one visitor in one cell that follow each other, as one: there are far fewer of them.

    Attributes:
        start: place of the first hit of each run.
        cell: cell of each run.
        visitor: visitor of each run.
        values: for each measure its sum over each run.
        longest: bucket of the longest duration of each run.
    """

    start: Ints
    cell: Ints
    visitor: Ints
    values: list[Ints]
    longest: npt.NDArray[np.int16]

    def support(self, measure: int, population: _Population, among: Flags | None = None) -> int:
        """Number of support units with a non-zero share in a measure, over all runs or some."""
        shares = self.values[measure] != 0
        backing = np.zeros(len(population.units), dtype=bool)
        backing[population.unit[self.visitor[shares if among is None else shares & among]]] = True
        return int(backing.sum())

    def supporters(self, population: _Population) -> Supporters:
        """Who has a non-zero share in which measure of which cell."""
        mask = np.zeros(len(self.cell), dtype=np.uint8)
        for m, values in enumerate(self.values):
            mask |= (values != 0).astype(np.uint8) << np.uint8(m)
        key = self.cell * len(population.units) + population.unit[self.visitor]
        order = np.argsort(key)
        key = key[order]
        first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
        cell, unit = np.divmod(key[first], len(population.units))
        return Supporters(
            cell,
            population.units[unit],
            np.bitwise_or.reduceat(mask[order], first),
            np.maximum.reduceat(self.longest[order], first),
        )

    def visitors(self, cells: int) -> Ints:
        """Distinct visitors of each cell."""
        if (np.diff(self.visitor) > 0).all():  # each visitor is in one cell
            return np.bincount(self.cell, minlength=cells)
        count = int(self.visitor[-1]) + 1
        pair = np.sort(self.cell * count + self.visitor)
        return np.bincount(pair[np.r_[True, pair[1:] != pair[:-1]]] // count, minlength=cells)


def _runs(table: TableSchema, population: _Population) -> tuple[_Runs, pa.StringArray]:
    """Runs of the hits of a population, and the node of each cell of the table."""
    given = [population.column(columns[0].source) for columns in table.sources]
    begins = population.visitor_start.copy()
    for _, code in given:
        begins[1:] |= code[1:] != code[:-1]
    start = np.flatnonzero(begins)
    parts = [
        _part(columns, values, code[start])
        for columns, (values, code) in zip(table.sources, given, strict=True)
    ]
    cell, nodes = _grouped(parts, len(start))
    values = [np.add.reduceat(population.measures[name], start) for name in table.cell_measures]
    if population.bucket is None:
        longest = np.full(len(start), NO_BUCKET, dtype=np.int16)
    else:
        longest = np.maximum.reduceat(population.bucket, start)
    return _Runs(start, cell, population.visitor[start], values, longest), nodes


def _durations(runs: _Runs, population: _Population, supporters: Supporters) -> Durations:
    if population.bucket is None:
        return NO_DURATIONS
    cell = np.repeat(runs.cell, np.diff(runs.start, append=len(population.bucket)))
    key, hits = np.unique(cell * BUCKETS + population.bucket, return_counts=True)
    measured = Durations(key // BUCKETS, (key % BUCKETS).astype(np.int16), hits, np.zeros_like(hits))
    none, one = np.zeros_like(supporters.cell), np.ones_like(supporters.cell)
    longest = Durations(supporters.cell, supporters.longest, none, one)
    return Durations.concatenate([measured, longest]).summed()


@dataclass(frozen=True)
class _Part:
    """Dimensions of a table that come from one column of hits, as steps of nodes."""

    code: Ints
    steps: pa.StringArray


def _part(columns: Sequence[Column], values: pa.Array, code: npt.NDArray[np.int32]) -> _Part:
    steps = pa.array([_steps(columns, value) for value in values.to_pylist()], pa.string())
    distinct = steps.dictionary_encode()
    return _Part(distinct.indices.to_numpy().astype(np.int64)[code], distinct.dictionary)


def _steps(columns: Sequence[Column], value: str | int) -> str:
    """Steps of a node that one value of hits gives: one for each column, more where it is a tree."""
    if isinstance(value, int):
        return SEPARATOR.join(_class_of(value) if c.name == "status_class" else str(value) for c in columns)
    if columns[0].tree:
        return value.replace("/", SEPARATOR + "/").removeprefix(SEPARATOR)
    told = value.split(SEPARATOR)
    return SEPARATOR.join(told[c.part or 0] for c in columns)


def _class_of(status: int) -> str:
    return f"{status // 100}xx" if status else UNKNOWN


def _grouped(parts: Sequence[_Part], rows: int) -> tuple[Ints, pa.StringArray]:
    """Cell number of each row, and the node of each cell."""
    if not parts:
        return np.zeros(rows, dtype=np.int64), pa.array([""], type=pa.string())
    cell, first = _numbered(parts, rows)
    steps = [part.steps.take(pa.array(part.code[first])) for part in parts]
    return cell, steps[0] if len(steps) == 1 else pa.compute.binary_join_element_wise(*steps, SEPARATOR)


def _numbered(parts: Sequence[_Part], rows: int) -> tuple[Ints, Ints]:
    """Number of each row's combination of codes, and a row of each combination."""
    span = int(np.prod([len(part.steps) for part in parts], dtype=np.float64))
    if span > _DENSE_CELLS:
        key = pack([part.code for part in parts])
        _, first, cell = np.unique(key, return_index=True, return_inverse=True)
        return cell.astype(np.int64), first.astype(np.int64)
    key = parts[0].code
    for part in parts[1:]:
        key = key * len(part.steps) + part.code
    place = np.full(span, -1, dtype=np.int64)
    place[key] = np.arange(rows)
    used = place >= 0
    return (np.cumsum(used) - 1)[key], place[used]
