"""Fold small cells into `(other)` of their parent, so that nothing is dropped and nobody stands out.

A cell is small when any of its non-zero summed measures has fewer than k supporters. From the deepest
level up, small cells join the `(other)` of their parent; an `(other)` that is still small moves up with
them; at the root the smallest visible row that can help joins it. Each step is an exact union of
supporters, so the result does not depend on how the work was laid out. See section 'Release' of
ARCHITECTURE.md for what it promises.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.cells import SEPARATOR, Cells, among, concatenate

FOLDED = SEPARATOR + "*"
"""Last step of the node of a folded row: the rest of its parent."""


Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def fold(cells: Cells, k: int, *, barred: frozenset[str] = frozenset()) -> Cells:
    """Rows that may be released: visible cells, and folded rows whose node ends with FOLDED.

    Args:
        cells: all cells of one table and day, one for each node, from all shards; measures that fewer than k
            units support in the whole table must be all zero (see `without_rare_measures`).
        k: the threshold.
        barred: nodes, of cells or of folded rows, that must not be shown whatever their support.

    Returns:
        Cells sorted by node. The sums of every measure equal those of the input.
    """
    small = cells.small(k) | among(cells.node, barred)
    visible, pending = cells.take(~small), cells.take(small)
    for depth in range(_depth(cells.node), 0, -1):
        here = _depths(pending.node) == depth
        others = pending.take(here)
        others = others.renamed(_parents(others.node)).joined(k, disjoint=False)
        still_small = others.small(k) | among(_folded(others.node), barred)
        if depth == 1:
            return _at_root(visible, others, k)
        folded = others.take(~still_small)
        visible = concatenate([visible, folded.renamed(_folded(folded.node))])
        pending = concatenate([pending.take(~here), others.take(still_small)])
    return visible


def _at_root(visible: Cells, other: Cells, k: int) -> Cells:
    """Let visible rows join the `(other)` of the whole table, smallest first, until it is not small.

    Only a row with a share in a short measure can help, and as it has k supporters of it, one is enough.
    """
    place = np.empty(len(visible), dtype=np.int64)
    nodes = visible.node.to_pylist()
    place[sorted(range(len(visible)), key=lambda row: (visible.sums[row, 0], nodes[row]))] = range(
        len(visible)
    )
    joined = np.zeros(len(visible), dtype=bool)
    while len(other) and other.small(k).any() and not joined.all():
        short = ((other.counts > 0) & (other.counts < k)).any(axis=0)
        helps = np.flatnonzero((visible.sums[:, short] != 0).any(axis=1) & ~joined)
        row = helps[np.argmin(place[helps])]
        joined[row] = True
        joining = visible.take(np.arange(len(visible)) == row).renamed(pa.array([""], type=pa.string()))
        other = concatenate([other, joining]).joined(k, disjoint=False)
    return _sorted(concatenate([visible.take(~joined), other.renamed(_folded(other.node))]))


def without_rare_measures(cells: Cells, supporters: dict[str, int], k: int) -> tuple[Cells, frozenset[str]]:
    """Clear the measures which fewer than k units support in the whole table: they can be shown nowhere.

    Returns:
        The cells with those measures zero, and the names of the measures, to be released as null.
    """
    rare = frozenset(name for name in cells.names if 0 < supporters[name] < k)
    kept = np.array([name not in rare for name in cells.names])
    bits = np.uint8(sum(1 << m for m, name in enumerate(cells.names) if name not in rare))
    pairs = replace(cells.supporters, mask=cells.supporters.mask & bits)
    return replace(cells, sums=cells.sums * kept, counts=cells.counts * kept, supporters=pairs), rare


def _depths(node: pa.StringArray) -> Numbers:
    """Number of steps of each node; the root has none."""
    steps = np.asarray(pc.count_substring(node, SEPARATOR).to_numpy(zero_copy_only=False)) + 1
    return np.where(np.asarray(pc.equal(node, "").to_numpy(zero_copy_only=False)), 0, steps)


def _depth(node: pa.StringArray) -> int:
    return int(_depths(node).max(initial=0))


def _parents(node: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring_regex(node, f"(^|{SEPARATOR})[^{SEPARATOR}]*$", "")


def _folded(node: pa.StringArray) -> pa.StringArray:
    if len(node) == 0:
        return node
    return pc.binary_join_element_wise(node, FOLDED, "")


def _sorted(cells: Cells) -> Cells:
    return cells.joined(1, disjoint=True)
