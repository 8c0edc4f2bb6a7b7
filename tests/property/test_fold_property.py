"""What section 'Release' of ARCHITECTURE.md says the fold gives, by brute force."""

from collections import defaultdict
from itertools import combinations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.cells import NO_DURATIONS, SEPARATOR, Cells, Supporters
from logscrub.durations import NO_BUCKET
from logscrub.release.fold import FOLDED, fold, without_rare_measures

MEASURES = ("hits", "page_views")
K = 3

Contribution = tuple[tuple[str, ...], int, tuple[int, int]]

contributions = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple),
        st.integers(1, 8),
        st.tuples(st.integers(0, 3), st.integers(0, 2)),
    ),
    min_size=1,
    max_size=25,
)


def cells_of(people: list[Contribution]) -> Cells:
    """Cells as one shard that holds everybody would make them."""
    nodes = sorted({SEPARATOR.join(node) for node, _, _ in people})
    place = {node: n for n, node in enumerate(nodes)}
    sums = np.zeros((len(nodes), 2), dtype=np.int64)
    visitors = np.zeros(len(nodes), dtype=np.int64)
    cell, unit, mask = [], [], []
    for node, who, values in people:
        at = place[SEPARATOR.join(node)]
        sums[at] += values
        visitors[at] += 1
        cell.append(at)
        unit.append(who)
        mask.append(sum(1 << m for m, value in enumerate(values) if value))
    longest = np.full(len(cell), NO_BUCKET, np.int16)
    pairs = Supporters(np.array(cell), np.array(unit, np.uint64), np.array(mask, np.uint8), longest)
    supporters = pairs.union()
    counts = supporters.count(len(nodes), 2)
    return Cells(pa.array(nodes), MEASURES, sums, visitors, counts, supporters.below(K, counts), NO_DURATIONS)


def covers(row: str, node: str) -> bool:
    """Whether a released row may hold the cell of a node."""
    if not row.endswith(FOLDED):
        return row == node
    prefix = row.removesuffix(FOLDED)
    return prefix == "" or node.startswith(prefix + SEPARATOR)


def whole_supporters(people: list[Contribution]) -> dict[str, int]:
    return {name: len({who for _, who, values in people if values[m]}) for m, name in enumerate(MEASURES)}


@settings(max_examples=500, deadline=None)
@given(contributions)
def test_every_sum_of_rows_rests_on_nobody_or_on_k(people: list[Contribution]) -> None:
    supporters = whole_supporters(people)
    cells, rare = without_rare_measures(cells_of(people), supporters, K)
    released = fold(cells, K)
    if all(not people_of for people_of in (supporters[n] for n in MEASURES if n not in rare)):
        return
    assigned = assign(people, released)
    rows = released.node.to_pylist()
    for m, name in enumerate(MEASURES):
        if name in rare:
            assert released.sums[:, m].sum() == 0
            continue
        assert released.sums[:, m].sum() == sum(values[m] for _, _, values in people)
        for size in range(1, min(len(rows), 4) + 1):
            for chosen in combinations(rows, size):
                behind = {who for row in chosen for _, who, values in assigned[row] if values[m]}
                assert not behind or len(behind) >= K


def assign(people: list[Contribution], released: Cells) -> dict[str, list[Contribution]]:
    """Contributions behind each row: of its own cell, or of those it is the nearest folded row above.

    The sums of the rows are recounted from the contributions.
    """
    rows = released.node.to_pylist()
    behind: dict[str, list[Contribution]] = defaultdict(list)
    for person in people:
        node = SEPARATOR.join(person[0])
        home = max(
            (row for row in rows if covers(row, node)), key=lambda row: (not row.endswith(FOLDED), len(row))
        )
        behind[home].append(person)
    for n, row in enumerate(rows):
        for m in range(2):
            if released.sums[n, m] and released.sums[:, m].any():
                assert released.sums[n, m] == sum(values[m] for _, _, values in behind[row])
    return behind


@settings(max_examples=200, deadline=None)
@given(contributions, st.integers(1, 5))
def test_the_fold_does_not_depend_on_the_layout(people: list[Contribution], shards: int) -> None:
    from logscrub.traffic.elements import TableCells, join_shards

    supporters = whole_supporters(people)
    parts = []
    for shard in range(shards):
        mine = [person for person in people if person[1] % shards == shard]
        if mine:
            parts.append(TableCells(cells_of(mine), whole_supporters(mine), 0, b"k"))
    whole = join_shards([TableCells(cells_of(people), supporters, 0, b"k")], K)
    joined = join_shards(parts, K)
    assert joined.supporters == supporters
    one, many = (fold(without_rare_measures(t.cells, supporters, K)[0], K) for t in (whole, joined))
    assert one.node.equals(many.node)
    assert np.array_equal(one.sums, many.sums)
    assert np.array_equal(one.visitors, many.visitors)


def test_a_wrong_threshold_is_caught() -> None:
    """The brute force above can fail: cells of one person stand out where the fold is told k = 1."""
    people: list[Contribution] = [(("a",), 1, (1, 1)), (("b",), 2, (1, 1)), (("b",), 3, (1, 1))]
    released = fold(cells_of(people), 1)
    assert "a" in released.node.to_pylist()
