"""Hits of one shard and day → partial cells of every table."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.cells import SEPARATOR, Cells, Supporters, empty_cells
from logscrub.columns import codes, pack, relabel
from logscrub.schemas import UNKNOWN, Column, TableSchema, table_schemas
from logscrub.traffic.elements import TableCells
from logscrub.traffic.hits import bots
from logscrub.traffic.visits import Followed, follow

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def build_tables(hits: pa.RecordBatch, k: int, key_check: bytes) -> dict[str, TableCells]:
    """Follow the visitors of one shard and day, and make the cells of every table.

    Args:
        hits: all hits of the shard and day (schema HITS).
        k: supporters are listed where there are fewer.
        key_check: key check value of the run.
    """
    is_bot = bots(hits)
    people = follow(hits.filter(pa.array(~is_bot)))
    populations = _populations(people, hits.filter(pa.array(is_bot)))
    support = len(np.unique(people.hits.column("unit").to_numpy()))
    tables = {}
    for name, table in table_schemas().items():
        population, measures = populations[table.population]
        cells, supporters = _table(table, population, measures, k)
        tables[name] = TableCells(cells, supporters, support, key_check)
    return tables


def _populations(
    people: Followed, of_bots: pa.RecordBatch
) -> dict[str, tuple[pa.RecordBatch, dict[str, Ints]]]:
    """Hits and summed measures of each population that tables are made of."""
    hits = people.hits
    page_view = hits.column("page_view").to_numpy(zero_copy_only=False)
    measures = {
        "hits": np.ones(len(hits), dtype=np.int64),
        "page_views": page_view.astype(np.int64),
        "visits": people.visit_start.astype(np.int64),
        "bytes": hits.column("bytes").to_numpy(),
        "bounces": people.bounce.astype(np.int64),
    }

    def chosen(rows: Flags, **counted: Flags) -> tuple[pa.RecordBatch, dict[str, Ints]]:
        return hits.filter(pa.array(rows)), {n: v[rows].astype(np.int64) for n, v in counted.items()}

    bot_measures = {
        "hits": np.ones(len(of_bots), dtype=np.int64),
        "bytes": of_bots.column("bytes").to_numpy(),
    }
    return {
        "hits": (hits, measures),
        "page_views": chosen(page_view, page_views=page_view),
        "entries": chosen(people.entry, visits=people.entry),
        "exits": chosen(people.exit, visits=people.exit),
        "bot_hits": (of_bots, bot_measures),
    }


def _table(
    table: TableSchema, hits: pa.RecordBatch, measures: dict[str, Ints], k: int
) -> tuple[Cells, dict[str, int]]:
    names = cell_measures(table)
    if len(hits) == 0:
        return empty_cells(names), dict.fromkeys(names, 0)
    columns = [_dimension(column, hits) for column in table.dimensions]
    cell, first = _grouped(columns, len(hits))
    values = np.column_stack([measures[name] for name in names])
    sums = np.zeros((len(first), len(names)), dtype=np.int64)
    np.add.at(sums, cell, values)
    unit = hits.column("unit").to_numpy()
    supporters = _supporters(cell, unit, values)
    counts = supporters.count(len(first), len(names))
    visitors = _distinct(cell, hits.column("visitor").to_numpy(), len(first))
    node = _nodes([column.take(pa.array(first)) for column in columns], table, len(first))
    whole = _supporters(np.zeros_like(cell), unit, values).count(1, len(names))[0]
    cells = Cells(node, names, sums, visitors, counts, supporters.below(k, counts))
    return cells, dict(zip(names, whole.tolist(), strict=True))


def cell_measures(table: TableSchema) -> tuple[str, ...]:
    """Measures that cells of a table carry: the summed ones, and bounces where the table has them."""
    return table.summed + tuple(c.name for c in table.measures if not c.additive and c.name != "visitors")


def _dimension(column: Column, hits: pa.RecordBatch) -> pa.DictionaryArray:
    """Values of a dimension as text."""
    if column.name == "status_class":
        status = hits.column("status").dictionary_encode()
        return relabel(
            status, [f"{s // 100}xx" if s else UNKNOWN for s in status.dictionary.to_pylist()], UNKNOWN
        )
    values = hits.column(column.source)
    if pa.types.is_dictionary(values.type):
        return values
    values = values.dictionary_encode()
    return relabel(values, [str(v) for v in values.dictionary.to_pylist()], UNKNOWN)


def _grouped(columns: Sequence[pa.DictionaryArray], rows: int) -> tuple[Ints, Ints]:
    """Cell number of each row, and the first row of each cell."""
    if not columns:
        return np.zeros(rows, dtype=np.int64), np.zeros(1, dtype=np.int64)
    key = pack([codes(column).astype(np.int64) for column in columns])
    _, first, cell = np.unique(key, return_index=True, return_inverse=True)
    return cell.astype(np.int64), first.astype(np.int64)


def _supporters(cell: Ints, unit: npt.NDArray[np.uint64], values: Ints) -> Supporters:
    """Who has a non-zero share in which measure of which cell."""
    bits = np.uint8(1) << np.arange(values.shape[1], dtype=np.uint8)
    mask = ((values != 0) * bits).sum(axis=1).astype(np.uint8)
    return Supporters(cell, unit, mask).union()


def _distinct(cell: Ints, visitor: npt.NDArray[np.uint64], cells: int) -> Ints:
    order = np.lexsort((visitor, cell))
    cell, visitor = cell[order], visitor[order]
    new = np.r_[True, (np.diff(cell) != 0) | (visitor[1:] != visitor[:-1])]
    return np.bincount(cell[new], minlength=cells).astype(np.int64)


def _nodes(columns: Sequence[pa.DictionaryArray], table: TableSchema, cells: int) -> pa.StringArray:
    """Node of each cell: its dimensions, the path split before each slash."""
    if not columns:
        return pa.array([""] * cells, type=pa.string())
    steps = []
    for column, values in zip(table.dimensions, columns, strict=True):
        text = values.cast(pa.string())
        if column.tree:
            text = pc.utf8_ltrim(pc.replace_substring(text, "/", SEPARATOR + "/"), characters=SEPARATOR)
        steps.append(text)
    return steps[0] if len(steps) == 1 else pc.binary_join_element_wise(*steps, SEPARATOR)
