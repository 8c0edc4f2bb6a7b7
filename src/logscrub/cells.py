"""Cells: sums of measures at a node of a table's tree, with who supports them.

A node is a path through the dimensions, `SEPARATOR` between its steps. Each measure of a cell has a count of
support units with a non-zero share in it. Where the count is below k the units themselves are listed, so that
the union of small cells is exact; where it is k or more no list is needed, and none is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SEPARATOR = "\x1f"

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Supporters:
    """Pairs of a cell and a support unit, with a bit for each summed measure the unit has a share in."""

    cell: Ints
    unit: npt.NDArray[np.uint64]
    mask: npt.NDArray[np.uint8]

    def union(self) -> "Supporters":
        """One pair for each cell and unit, its bits joined, sorted."""
        if len(self.cell) == 0:
            return self
        order = np.lexsort((self.unit, self.cell))
        cell, unit, mask = self.cell[order], self.unit[order], self.mask[order]
        first = np.flatnonzero(np.r_[True, (np.diff(cell) != 0) | (unit[1:] != unit[:-1])])
        return Supporters(cell[first], unit[first], np.bitwise_or.reduceat(mask, first))

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
        kept = mask != 0
        return Supporters(self.cell[kept], self.unit[kept], mask[kept])


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
    """

    node: pa.StringArray
    names: tuple[str, ...]
    sums: Ints
    visitors: Ints
    counts: Ints
    supporters: Supporters = field(repr=False)

    def __len__(self) -> int:
        return len(self.node)

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Cells":
        """Cells where `chosen` is true."""
        renumbered = np.cumsum(chosen) - 1
        kept = chosen[self.supporters.cell] if len(self) else np.zeros(0, dtype=bool)
        s = self.supporters
        return Cells(
            self.node.filter(pa.array(chosen)),
            self.names,
            self.sums[chosen],
            self.visitors[chosen],
            self.counts[chosen],
            Supporters(renumbered[s.cell[kept]], s.unit[kept], s.mask[kept]),
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
        supporters = Supporters(group[s.cell], s.unit, s.mask).union()
        counts = np.zeros((size, measures), dtype=np.int64)
        if disjoint:
            np.add.at(counts, group, self.counts)
        else:
            np.maximum.at(counts, group, self.counts)
            counts = np.maximum(counts, supporters.count(size, measures))
        node = encoded.dictionary.take(pa.array(order))
        return Cells(node, self.names, sums, visitors, counts, supporters.below(k, counts))


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
        ),
    )


def empty_cells(names: tuple[str, ...]) -> Cells:
    """No cells."""
    none = np.zeros((0, len(names)), dtype=np.int64)
    supporters = Supporters(
        np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.uint8)
    )
    return Cells(
        pa.array([], type=pa.string()), names, none, np.zeros(0, dtype=np.int64), none.copy(), supporters
    )
