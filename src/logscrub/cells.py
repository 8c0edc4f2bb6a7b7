"""Cells: sums of measures at a node of a table's tree, with who supports them.

A node is a path through the dimensions, `SEPARATOR` between its steps. Each measure of a cell has a count of
support units with a non-zero share in it. Where the count is below k the units themselves are listed, so that
the union of small cells is exact; where it is k or more no list is needed, and none is kept.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.durations import BUCKETS, NO_BUCKET

SEPARATOR = "\x1f"

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Supporters:
    """Pairs of a cell and a support unit.

    Attributes:
        cell: number of the cell.
        unit: pseudonym of the unit.
        mask: a bit for each summed measure the unit has a share in.
        longest: bucket of the longest duration of the unit in the cell; `NO_BUCKET` where none was measured.
    """

    cell: Ints
    unit: npt.NDArray[np.uint64]
    mask: npt.NDArray[np.uint8]
    longest: npt.NDArray[np.int16]

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> "Supporters":
        """Some of the pairs."""
        return Supporters(self.cell[rows], self.unit[rows], self.mask[rows], self.longest[rows])

    def union(self) -> "Supporters":
        """One pair for each cell and unit, its bits joined, sorted."""
        if len(self.cell) == 0:
            return self
        s = self.take(np.lexsort((self.unit, self.cell)))
        first = np.flatnonzero(np.r_[True, (np.diff(s.cell) != 0) | (s.unit[1:] != s.unit[:-1])])
        mask, longest = np.bitwise_or.reduceat(s.mask, first), np.maximum.reduceat(s.longest, first)
        return Supporters(s.cell[first], s.unit[first], mask, longest)

    def count(self, cells: int, measures: int) -> Ints:
        """Units for each cell and measure; assumes pairs occur once."""
        counts = np.zeros((cells, measures), dtype=np.int64)
        for m in range(measures):
            counts[:, m] = np.bincount(self.cell[(self.mask >> m) & 1 == 1], minlength=cells)
        return counts

    def below(self, k: int, counts: Ints) -> "Supporters":
        """Only bits of measures whose count is below k, and only pairs with such a bit."""
        short = (counts < k).astype(np.uint8)
        bits = (short << np.arange(counts.shape[1], dtype=np.uint8)).sum(axis=1).astype(np.uint8)
        mask = self.mask & bits[self.cell] if len(self.cell) else self.mask
        return replace(self, mask=mask).take(mask != 0)


@dataclass(frozen=True)
class Durations:
    """How long the hits of cells took: rows of a cell and a bucket.

    Attributes:
        cell: number of the cell.
        bucket: bucket of durations (see `logscrub.durations`).
        hits: hits of the cell in the bucket.
        units: support units whose longest duration in the cell is in the bucket.
    """

    cell: Ints
    bucket: npt.NDArray[np.int16]
    hits: Ints
    units: Ints

    def renumbered(self, chosen: npt.NDArray[np.bool_], number: Ints) -> "Durations":
        """Rows of the chosen cells, under their new numbers."""
        kept = chosen[self.cell]
        return Durations(number[self.cell[kept]], self.bucket[kept], self.hits[kept], self.units[kept])

    def summed(self) -> "Durations":
        """One row for each cell and bucket, sorted."""
        if not len(self.cell):
            return self
        key, row = np.unique(self.cell * BUCKETS + self.bucket, return_inverse=True)
        hits, units = np.zeros(len(key), dtype=np.int64), np.zeros(len(key), dtype=np.int64)
        np.add.at(hits, row, self.hits)
        np.add.at(units, row, self.units)
        return Durations(key // BUCKETS, (key % BUCKETS).astype(np.int16), hits, units)

    @staticmethod
    def concatenate(parts: Sequence["Durations"]) -> "Durations":
        """All rows of the parts."""
        return Durations(
            np.concatenate([p.cell for p in parts]),
            np.concatenate([p.bucket for p in parts]),
            np.concatenate([p.hits for p in parts]),
            np.concatenate([p.units for p in parts]),
        )


_NONE = np.zeros(0, dtype=np.int64)
NO_DURATIONS = Durations(_NONE, _NONE.astype(np.int16), _NONE, _NONE)
"""Durations of tables that measure none."""


@dataclass(frozen=True)
class Cells:
    """Cells of one table and day.

    Attributes:
        node: node of each cell.
        names: summed measures, in the order of the columns of `sums` and `counts` and of mask bits.
        sums: int64, cells by measures.
        visitors: int64, distinct visitors of each cell.
        counts: support units of each cell and measure.
        supporters: the units of measures with a count below k.
        durations: durations of the hits of each cell, where the table has percentiles.
    """

    node: pa.StringArray
    names: tuple[str, ...]
    sums: Ints
    visitors: Ints
    counts: Ints
    supporters: Supporters = field(repr=False)
    durations: Durations = field(repr=False)

    def __len__(self) -> int:
        return len(self.node)

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Cells":
        """Cells where `chosen` is true."""
        renumbered = np.cumsum(chosen) - 1
        s = self.supporters.take(chosen[self.supporters.cell])
        return Cells(
            self.node.filter(pa.array(chosen)),
            self.names,
            self.sums[chosen],
            self.visitors[chosen],
            self.counts[chosen],
            replace(s, cell=renumbered[s.cell]),
            self.durations.renumbered(chosen, renumbered),
        )

    def renamed(self, node: pa.StringArray) -> "Cells":
        """The same cells at other nodes."""
        return replace(self, node=node)

    def small(self, k: int) -> npt.NDArray[np.bool_]:
        """Whether any non-zero measure of a cell has fewer than k supporters."""
        few: npt.NDArray[np.bool_] = (self.counts > 0) & (self.counts < k)
        return np.asarray(few.any(axis=1), dtype=bool)

    def total(self) -> dict[str, int]:
        """Sum of each measure over all cells."""
        return dict(zip(self.names, self.sums.sum(axis=0).tolist(), strict=True))

    def joined(self, k: int, *, disjoint: bool) -> "Cells":
        """One cell for each node, sorted by node.

        Args:
            k: lists of supporters are dropped where a count reaches it.
            disjoint: True for the parts of one cell from several shards, which share no unit, so that their
                counts add up; False for cells whose supporters overlap and whose union must be taken.
        """
        encoded = self.node.dictionary_encode()
        order = pa.compute.sort_indices(encoded.dictionary).to_numpy()
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        group = rank[encoded.indices.to_numpy()]
        size, measures = len(order), len(self.names)
        sums = np.zeros((size, measures), dtype=np.int64)
        np.add.at(sums, group, self.sums)
        visitors = np.zeros(size, dtype=np.int64)
        np.add.at(visitors, group, self.visitors)
        s = self.supporters
        supporters = replace(s, cell=group[s.cell]).union()
        counts = np.zeros((size, measures), dtype=np.int64)
        if disjoint:
            np.add.at(counts, group, self.counts)
        else:
            np.maximum.at(counts, group, self.counts)
            counts = np.maximum(counts, supporters.count(size, measures))
        durations = (
            replace(self.durations, cell=group[self.durations.cell])
            if disjoint
            else self._durations_of_union(group, supporters, k)
        )
        node = encoded.dictionary.take(pa.array(order))
        return Cells(
            node, self.names, sums, visitors, counts, supporters.below(k, counts), durations.summed()
        )

    def _durations_of_union(self, group: Ints, supporters: Supporters, k: int) -> Durations:
        """Durations of unions of cells whose supporters may overlap.

        From lists the longest duration of each unit is exact. Where a cell has no list, the union has no
        fewer units at or above any duration than the largest such cell, whose figures stand for it.
        """
        most = self.counts[:, 0]
        unlisted = np.flatnonzero(most >= k)
        largest = unlisted[np.lexsort((-most[unlisted], group[unlisted]))]
        largest = largest[np.r_[True, np.diff(group[largest]) != 0][: len(largest)]]
        d = self.durations
        known = Durations(group[d.cell], d.bucket, d.hits, np.where(np.isin(d.cell, largest), d.units, 0))
        exact = supporters.take(~np.isin(supporters.cell, group[largest]) & (supporters.longest > NO_BUCKET))
        none, one = np.zeros(len(exact.cell), dtype=np.int64), np.ones(len(exact.cell), dtype=np.int64)
        return Durations.concatenate([known, Durations(exact.cell, exact.longest, none, one)])


def concatenate(parts: Sequence[Cells]) -> Cells:
    """All cells of the parts, side by side."""
    offsets = np.cumsum([0, *(len(p) for p in parts[:-1])])
    return Cells(
        pa.concat_arrays([p.node for p in parts]),
        parts[0].names,
        np.concatenate([p.sums for p in parts]),
        np.concatenate([p.visitors for p in parts]),
        np.concatenate([p.counts for p in parts]),
        Supporters(
            np.concatenate([p.supporters.cell + o for p, o in zip(parts, offsets, strict=True)]),
            np.concatenate([p.supporters.unit for p in parts]),
            np.concatenate([p.supporters.mask for p in parts]),
            np.concatenate([p.supporters.longest for p in parts]),
        ),
        Durations.concatenate(
            [replace(p.durations, cell=p.durations.cell + o) for p, o in zip(parts, offsets, strict=True)]
        ),
    )


def empty_cells(names: tuple[str, ...]) -> Cells:
    """No cells."""
    none = np.zeros((0, len(names)), dtype=np.int64)
    nobody = Supporters(
        np.zeros(0, dtype=np.int64),
        np.zeros(0, dtype=np.uint64),
        np.zeros(0, dtype=np.uint8),
        np.zeros(0, dtype=np.int16),
    )
    node = pa.array([], type=pa.string())
    return Cells(node, names, none, np.zeros(0, dtype=np.int64), none.copy(), nobody, NO_DURATIONS)


def among(node: pa.StringArray, wanted: Collection[str]) -> npt.NDArray[np.bool_]:
    """Tell which nodes are among the wanted ones."""
    found = pc.is_in(node, value_set=pa.array(sorted(wanted), type=pa.string()))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def nodes_of(rows: Collection[tuple[str, ...]]) -> frozenset[str]:
    """Nodes of rows whose dimensions are given in their order."""
    return frozenset(map(SEPARATOR.join, rows))
