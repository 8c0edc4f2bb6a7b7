"""Joins against an oracle that walks records one by one, and the laws of merging."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.config import Audience
from logscrub.privacy.children import NEVER, NO_DAY
from logscrub.privacy.joins import SignalSet, Withheld, connected_components

CHECK = b"checked!"


@dataclass(frozen=True)
class Record:
    ids: tuple[int, ...]
    pair: int
    withhold: bool
    since: int
    day: int


identifier = st.one_of(st.just(0), st.integers(1, 5))
records_of_all_kinds = st.builds(
    Record,
    ids=st.tuples(
        identifier, identifier.map(lambda v: v and v + 10), identifier.map(lambda v: v and v + 2**64 - 9)
    ),
    pair=st.integers(0, 4),
    withhold=st.sampled_from([False] * 6 + [True]),
    since=st.sampled_from([NEVER, NEVER, NEVER, -5, 1, 2, 3]),
    day=st.sampled_from([NO_DAY, 1, 2, 3]),
)
logs = st.lists(records_of_all_kinds, max_size=14)
audiences = st.sampled_from(list(Audience))


def columns(records: list[Record]) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    ids = [np.array([r.ids[kind] for r in records], np.uint64) for kind in range(3)]
    return (
        ids,
        np.array([r.pair for r in records], np.uint64),
        np.array([r.withhold for r in records], np.bool_),
    )


def collect(records: list[Record]) -> SignalSet:
    return SignalSet.from_records(*columns(records), np.array([r.since for r in records], np.int32), CHECK)


def mask(withheld: Withheld, records: list[Record], audience: Audience) -> list[bool]:
    return withheld.mask(
        *columns(records),
        day=np.array([r.day for r in records], np.int32),
        own_adult_since=np.array([r.since for r in records], np.int32),
        audience=audience,
    ).tolist()


def person(start: int, records: list[Record]) -> set[int]:
    """Indices of all records joined to one of them by identifiers."""
    found, todo = {start}, [start]
    while todo:
        ids = set(records[todo.pop()].ids) - {0}
        joined = {i for i, other in enumerate(records) if ids & set(other.ids)} - found
        found |= joined
        todo += joined
    return found


def oracle(records: list[Record], audience: Audience) -> list[bool]:
    people = [[records[i] for i in person(start, records)] for start in range(len(records))]
    child = [any(r.withhold for r in joined) for joined in people]
    pairs = {r.pair for r, is_child in zip(records, child, strict=True) if is_child} - {0}
    withheld = []
    for record, joined, is_child in zip(records, people, child, strict=True):
        known = any(r.since <= record.day for r in joined)
        unknown = {Audience.GENERAL: False, Audience.MIXED: not known, Audience.CHILD_DIRECTED: True}[
            audience
        ]
        withheld.append(is_child or record.pair in pairs or unknown)
    return withheld


@given(logs, audiences)
def test_what_is_withheld_is_what_the_oracle_withholds(records: list[Record], audience: Audience) -> None:
    assert mask(collect(records).resolve(audience), records, audience) == oracle(records, audience)


@given(st.lists(logs, min_size=1, max_size=4), audiences, st.randoms(use_true_random=False))
def test_neither_order_nor_blocks_matter(blocks: list[list[Record]], audience: Audience, random) -> None:
    records = [record for block in blocks for record in block]
    whole = collect(records)
    merged = SignalSet.merge([collect(block) for block in blocks])
    shuffled = random.sample(records, len(records))
    assert merged.to_bytes() == whole.to_bytes() == collect(shuffled).to_bytes()
    resolved = SignalSet.from_bytes(merged.to_bytes()).resolve(audience)
    assert resolved.to_bytes() == whole.resolve(audience).to_bytes()
    for block in blocks:
        again = mask(Withheld.from_bytes(resolved.to_bytes()), block, audience)
        assert again == mask(whole.resolve(audience), block, audience)


@given(logs, logs, logs)
def test_merging_is_associative_commutative_and_idempotent(
    one: list[Record], two: list[Record], three: list[Record]
) -> None:
    a, b, c = map(collect, (one, two, three))
    merge = SignalSet.merge
    expected = merge([a, b, c]).to_bytes()
    assert merge([merge([a, b]), c]).to_bytes() == merge([a, merge([b, c])]).to_bytes() == expected
    assert merge([c, a, b]).to_bytes() == merge([a, b, c, a]).to_bytes() == expected
    assert merge([a, a]).to_bytes() == merge([a]).to_bytes() == a.to_bytes()


@given(logs, logs)
def test_people_who_are_not_joined_to_a_child_do_not_notice_it(
    others: list[Record], child: list[Record]
) -> None:
    """Promise B at this layer: the set that masks kept people is the same with or without the child."""
    apart = [
        Record((*(i and i + 100 for i in r.ids[:2]), 0), r.pair and r.pair + 100, True, NEVER, r.day)
        for r in child
    ]
    alone = mask(collect(others).resolve(Audience.MIXED), others, Audience.MIXED)
    together = mask(collect(others + apart).resolve(Audience.MIXED), others, Audience.MIXED)
    assert alone == together


@settings(max_examples=200)
@given(
    st.integers(1, 40).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))
    )
)
def test_components_are_those_of_a_walk(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    ends = np.array(edges, np.int64).reshape(-1, 2)
    found = connected_components(count, ends[:, 0], ends[:, 1]).tolist()
    expected = list(range(count))
    for _ in range(count):
        for one, other in edges:
            expected[one] = expected[other] = min(expected[one], expected[other])
    same = [[found[i] == found[j] for i in range(count)] for j in range(count)]
    assert same == [[expected[i] == expected[j] for i in range(count)] for j in range(count)]
