"""Percentiles by brute force: what they say, and that each rests on k support units, in every layout."""

from collections import defaultdict

import numpy as np
import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logscrub.cells import SEPARATOR, Cells, Durations, Supporters
from logscrub.durations import BUCKETS, bucket_ms, buckets
from logscrub.release.fold import FOLDED, fold
from logscrub.release.percentiles import percentile
from logscrub.traffic.elements import TableCells, decode_cells, encode_cells, join_shards

K = 3

Hit = tuple[tuple[str, ...], int, int]

hits = st.lists(
    st.tuples(
        st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(tuple),
        st.integers(1, 9),
        st.integers(0, 6).map(lambda n: n * 100),
    ),
    min_size=1,
    max_size=60,
)


def cells_of(people: list[Hit]) -> Cells:
    """Cells of a shard that holds these hits."""
    nodes = sorted({SEPARATOR.join(node) for node, _, _ in people})
    place = {node: n for n, node in enumerate(nodes)}
    cell = np.array([place[SEPARATOR.join(node)] for node, _, _ in people])
    unit = np.array([who for _, who, _ in people], np.uint64)
    bucket = np.array([bucket for _, _, bucket in people], np.int16)
    supporters = Supporters(cell, unit, np.ones(len(people), np.uint8), bucket).union()
    counts = supporters.count(len(nodes), 1)
    sums = np.bincount(cell, minlength=len(nodes)).astype(np.int64)[:, None]
    none, one = np.zeros(len(cell), np.int64), np.ones(len(cell), np.int64)
    of_units = np.ones(len(supporters.cell), np.int64)
    durations = Durations.concatenate(
        [
            Durations(cell, bucket, one, none),
            Durations(supporters.cell, supporters.longest, of_units - 1, of_units),
        ]
    ).summed()
    return Cells(
        pa.array(nodes),
        ("hits",),
        sums,
        np.zeros(len(nodes), np.int64),
        counts,
        supporters.below(K, counts),
        durations,
    )


def folded(people: list[Hit], shards: int) -> Cells:
    parts = [[hit for hit in people if hit[1] % shards == shard] for shard in range(shards)]
    elements = [encode_cells(TableCells(cells_of(part), {"hits": K}, 0, b"k")) for part in parts if part]
    return fold(join_shards([decode_cells(element) for element in elements], K).cells, K)


def rows(cells: Cells) -> dict[str, list[float | None]]:
    figures = [percentile(cells, percent, K).to_pylist() for percent in (50, 90, 99)]
    return {node: [column[at] for column in figures] for at, node in enumerate(cells.node.to_pylist())}


def hits_of(cells: Cells) -> dict[str, int]:
    return dict(zip(cells.node.to_pylist(), cells.sums[:, 0].tolist(), strict=True))


def members(nodes: list[str], people: list[Hit]) -> dict[str, list[Hit]]:
    """Hits of each released row: those of its own node, else of the nearest folded row above."""
    found: dict[str, list[Hit]] = defaultdict(list)
    for hit in people:
        path = list(hit[0])
        row = SEPARATOR.join(path)
        while row not in nodes:
            path.pop()
            row = SEPARATOR.join(path) + FOLDED
        found[row].append(hit)
    return found


@settings(max_examples=300)
@given(hits, st.integers(1, 4))
def test_percentiles_rest_on_k_units_and_are_right(people: list[Hit], shards: int) -> None:
    if len({who for _, who, _ in people}) < K:
        return
    cells = folded(people, shards)
    released = rows(cells)
    assert released == rows(folded(people, 1))
    found = members(list(released), people)
    # A folded row may have joined that of the root, past the rows between: which hits it has, no name tells.
    assume({row: len(of_row) for row, of_row in found.items()} == hits_of(cells))
    for row, of_row in found.items():
        ordered = sorted(bucket for _, _, bucket in of_row)
        for percent, figure in zip((50, 90, 99), released[row], strict=True):
            bucket = ordered[-(-len(ordered) * percent // 100) - 1]
            units = {who for _, who, longer in of_row if longer >= bucket}
            if figure is not None:
                assert figure == bucket_ms(np.array([bucket]))[0]
                assert len(units) >= K
            elif not row.endswith(FOLDED):
                assert len(units) < K


@given(st.integers(0, 86_400_000_000))
def test_a_bucket_is_within_one_percent(micros: int) -> None:
    (bucket,) = buckets(pa.array([micros], pa.int64()))
    assert 0 <= bucket < BUCKETS
    assert abs(bucket_ms(np.array([bucket]))[0] * 1000 - micros) <= max(0.5, micros * 0.01)


def test_what_is_no_duration_has_no_bucket() -> None:
    assert buckets(pa.array([None, -1, 86_400_000_001], pa.int64())).tolist() == [-1, -1, -1]
