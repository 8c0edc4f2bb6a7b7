"""Sums, visitors and supporters of the cells of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logscrub.native.library import LIBRARY, address, with_scratch

MAX_MEASURES = 8
"""Measures of a table that `count_cells` can sum."""

Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Rows:
    """Rows to count, those of one support unit together, and among these those of one visitor.

    Attributes:
        cell: number of the cell of each row.
        visitor: number of the visitor of each row.
        unit: number of the support unit of each visitor.
        values: for each measure, of which there are `MAX_MEASURES` at most, the share of each row.
        bucket: bucket of durations of each row; None where they are not counted.
    """

    cell: Numbers
    visitor: Numbers
    unit: Numbers
    values: Sequence[Ints]
    bucket: npt.NDArray[np.int16] | None = None


@dataclass(frozen=True)
class Listed:
    """Supporters of measures that have fewer than k.

    Attributes:
        cell: number of the cell.
        unit: number of the support unit.
        mask: a bit for each such measure in which the unit has a share.
        longest: longest bucket of the unit in the cell.
    """

    cell: Ints
    unit: Ints
    mask: npt.NDArray[np.uint8]
    longest: npt.NDArray[np.int16]


@dataclass(frozen=True)
class CountedCells:
    """What was counted.

    Attributes:
        sums: by cell and measure.
        counts: support units with a share in it, by cell and measure.
        visitors: distinct visitors of each cell.
        support: support units with a share in each measure, over the cells that fold.
        listed: supporters, cell by cell in no order.
    """

    sums: Ints
    counts: Ints
    visitors: Ints
    support: Ints
    listed: Listed


def count_cells(rows: Rows, folds: npt.NDArray[np.bool_], *, k: int, no_bucket: int) -> CountedCells:
    """Count rows by cell.

    Args:
        rows: the rows.
        folds: whether each cell takes part in the fold.
        k: supporters are listed where there are fewer.
        no_bucket: longest bucket of who has none.

    Raises:
        MemoryError: there is none left.
    """
    cells, measures = len(folds), len(rows.values)
    sums, counts = np.zeros((cells, measures), np.int64), np.zeros((cells, measures), np.int64)
    visitors, support = np.zeros(cells, np.int64), np.zeros(measures, np.int64)
    room = min(len(rows.cell), cells * measures * (k - 1))
    cell, unit = np.empty(room, np.int64), np.empty(room, np.int64)
    mask, longest = np.empty(room, np.uint8), np.empty(room, np.int16)
    values = [np.ascontiguousarray(shares) for shares in rows.values]
    pointers = np.array([shares.ctypes.data for shares in values], np.uintp)
    found = with_scratch(
        LIBRARY.count_cells,
        len(rows.cell),
        *(address(numbers) for numbers in (rows.cell, rows.visitor, rows.unit)),
        len(rows.unit),
        address(pointers),
        measures,
        None if rows.bucket is None else address(rows.bucket),
        no_bucket,
        address(folds),
        cells,
        k,
        room,
        *(address(array) for array in (sums, counts, visitors, support, cell, unit, mask, longest)),
    )
    listed = Listed(cell[:found], unit[:found], mask[:found], longest[:found])
    return CountedCells(sums, counts, visitors, support, listed)
