"""Cells of a day → the rows of a released table."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from logscrub.cells import SEPARATOR, Cells, among, nodes_of
from logscrub.release.fold import FOLDED, fold, without_rare_measures
from logscrub.release.gate import scan_values
from logscrub.release.percentiles import percentile
from logscrub.schemas import OTHER, Column, TableSchema

Value = str | int | None


@dataclass(frozen=True)
class ReleasedTable:
    """Rows of one table and day, ready to be written.

    Attributes:
        rows: the rows, sorted by their dimensions, in the schema of the table.
        gate_hits: detector to number of cells folded because their text looked like a person's data.
        all_folded: whether only one row is left of what had more.
        folded: amount of the first measure in folded rows.
    """

    rows: pa.Table
    gate_hits: dict[str, int]
    all_folded: bool
    folded: int = 0


def release_rows(table: TableSchema, cells: Cells, supporters: dict[str, int], k: int) -> ReleasedTable:
    """Fold, gate and render the cells of one table and day.

    A measure with fewer than k supporters in the whole table is null in every row. Where the first measure is
    such, the table is empty.

    Args:
        table: schema of the table.
        cells: all its cells, from all shards.
        supporters: support units with a share in each measure of the whole table.
        k: the threshold.
    """
    free = among(cells.node, nodes_of(table.unfolded))
    published, cells = cells.take(free), cells.take(~free)
    if not len(cells) or supporters[cells.names[0]] < k:
        return ReleasedTable(_render(table, published, frozenset()), {}, all_folded=False)
    cells, rare = without_rare_measures(cells, supporters, k)
    barred: dict[str, str] = {}
    while True:
        folded = fold(cells, k, barred=frozenset(barred))
        found = _gate(table, folded)
        if not found:
            break
        barred |= found
    hits = {detector: list(barred.values()).count(detector) for detector in sorted(set(barred.values()))}
    all_folded = len(folded) == 1 and len(cells) > 1
    of_folded = [node.endswith(FOLDED) for node in folded.node.to_pylist()]
    amount = int(folded.sums[np.array(of_folded, dtype=bool), 0].sum())
    rows = [_render(table, published, frozenset()), _render(table, folded, rare, k)]
    return ReleasedTable(_sorted(table, pa.concat_tables(rows)), hits, all_folded, amount)


def _gate(table: TableSchema, cells: Cells) -> dict[str, str]:
    """Nodes whose text looks like a person's data, and the detector that says so."""
    texts = {
        node: [value for value in dimension_values(table, node) if isinstance(value, str)]
        for node in cells.node.to_pylist()
    }
    distinct = sorted({text for of_node in texts.values() for text in of_node})
    found = {distinct[place]: detector for place, detector in scan_values(distinct).items()}
    return {node: found[text] for node, of_node in texts.items() for text in of_node if text in found}


def dimension_values(table: TableSchema, node: str) -> list[Value]:
    """Values of the dimensions at a node; the rest of a folded row is `(other)`, `/part/*` or null."""
    folded = node.endswith(FOLDED)
    steps = node.removesuffix(FOLDED).split(SEPARATOR) if node.removesuffix(FOLDED) else []
    values: list[Value] = []
    for number, column in enumerate(table.dimensions):
        if column.tree and number <= len(steps) and (number < len(steps) or (number and folded)):
            values.append("".join(steps[number:]).rstrip("/") + "/*" if folded else "".join(steps[number:]))
        elif number < len(steps):
            values.append(steps[number] if column.is_text else int(steps[number]))
        else:
            values.append(OTHER if column.is_text else None)
    return values


def _sorted(table: TableSchema, rows: pa.Table) -> pa.Table:
    names = [(column.name, "ascending") for column in table.dimensions]
    return rows.sort_by(names).combine_chunks() if names else rows.combine_chunks()


def _render(table: TableSchema, cells: Cells, rare: frozenset[str], k: int = 1) -> pa.Table:
    nodes = cells.node.to_pylist()
    values = [dimension_values(table, node) for node in nodes]
    columns: dict[str, pa.Array] = {}
    for number, column in enumerate(table.dimensions):
        columns[column.name] = pa.array([v[number] for v in values], type=column.field().type)
    for column in table.measures:
        if column.percentile is None:
            columns[column.name] = _measure(column, cells, nodes, rare)
        else:
            columns[column.name] = percentile(cells, column.percentile, k)
    return pa.Table.from_pydict(columns, schema=table.arrow())


def _measure(column: Column, cells: Cells, nodes: list[str], rare: frozenset[str]) -> pa.Array:
    if column.name == "visitors":
        # Nobody knows how many visitors overlapping cells share, so a folded row has no such figure.
        unknown = np.array([node.endswith(FOLDED) and not column.additive for node in nodes], dtype=bool)
        return pa.array(cells.visitors, mask=unknown)
    m = cells.names.index(column.name)
    return pa.array(cells.sums[:, m], mask=np.full(len(cells), column.name in rare))
