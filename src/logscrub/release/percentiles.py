"""Percentiles of durations; at or above each lie at least k support units."""

import numpy as np
import pyarrow as pa

from logscrub.cells import Cells
from logscrub.durations import bucket_ms


def percentile(cells: Cells, percent: int, k: int) -> pa.Array:
    """Duration that so many percent of the hits of each cell do not exceed, in milliseconds.

    It may be that of one unit which has most of the hits: a dominant visitor is not hidden.

    By nearest rank over buckets, so within 1 % of the duration of one hit. It would be the figure of one
    support unit where only that one is as slow: it is null unless k units have a hit in its bucket or above.

    Args:
        cells: cells with durations, sorted by cell and bucket.
        percent: 1 to 99.
        k: the threshold.

    Returns:
        float64 of each cell; null where it would rest on fewer than k units.
    """
    d = cells.durations
    hits = np.bincount(d.cell, weights=d.hits, minlength=len(cells)).astype(np.int64)
    units = np.bincount(d.cell, weights=d.units, minlength=len(cells)).astype(np.int64)
    up_to_here, before = np.cumsum(d.hits), np.cumsum(np.r_[0, hits[:-1]])[: len(cells)]
    units_below = np.cumsum(d.units) - d.units - np.cumsum(np.r_[0, units[:-1]])[: len(cells)][d.cell]
    rank = before + -(-hits * percent // 100)
    row = np.searchsorted(up_to_here, rank)
    found = hits > 0
    row = np.where(found, row, 0)
    supported = found & ((units - units_below[row] if len(d.cell) else units) >= k)
    values = bucket_ms(d.bucket[row].astype(np.int64)) if len(d.cell) else np.zeros(len(cells))
    return pa.array(values, mask=~supported)
