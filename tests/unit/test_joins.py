"""Joins: how far a signal travels, what an audience withholds, merging under one key, long chains."""

import numpy as np
import pytest

from logscrub.config import Audience
from logscrub.errors import KeyMismatchError
from logscrub.privacy.children import NEVER, NO_DAY
from logscrub.privacy.components import connected_components
from logscrub.privacy.joins import SignalSet, Withheld

CHECK = b"checked!"
Record = dict[str, int]


def record(
    *,
    device: int = 0,
    session: int = 0,
    user: int = 0,
    pair: int = 0,
    withhold: bool = False,
    since: int = NEVER,
    day: int = 100,
) -> Record:
    return {
        "device": device and 1000 + device,
        "session": session and 2000 + session,
        "user": user and 3000 + user,
        "pair": pair and 9000 + pair,
        "withhold": withhold,
        "since": since,
        "day": day,
    }


def column(records: list[Record], name: str, dtype: type = np.uint64) -> np.ndarray:
    return np.array([r[name] for r in records], dtype)


def identifiers(records: list[Record]) -> list[np.ndarray]:
    return [column(records, kind) for kind in ("device", "session", "user")]


def collect(records: list[Record], check: bytes = CHECK) -> SignalSet:
    return SignalSet.from_records(
        identifiers(records),
        column(records, "pair"),
        column(records, "withhold", np.bool_),
        column(records, "since", np.int32),
        check,
    )


def mask(withheld: Withheld, records: list[Record], audience: Audience) -> list[bool]:
    return withheld.mask(
        identifiers(records),
        column(records, "pair"),
        column(records, "withhold", np.bool_),
        day=column(records, "day", np.int32),
        own_adult_since=column(records, "since", np.int32),
        audience=audience,
    ).tolist()


def withheld_of(records: list[Record], audience: Audience = Audience.GENERAL) -> list[bool]:
    return mask(collect(records).resolve(audience), records, audience)


def test_a_signal_travels_over_every_identifier_in_both_directions() -> None:
    records = [
        record(device=1),
        record(device=1, session=1),
        record(session=1, user=1),
        record(user=1, withhold=True),
        record(user=1, device=2),
        record(device=2, day=5),
        record(device=3, session=2),
        record(),
    ]
    assert withheld_of(records) == [True] * 6 + [False] * 2


def test_a_signal_travels_over_a_pair_for_one_hop_only() -> None:
    records = [
        record(device=1, withhold=True),
        record(device=1, pair=1),
        record(device=2, pair=1),  # the hop
        record(device=2, pair=2),  # another pair of the same device: kept
        record(pair=1),
        record(pair=2),
    ]
    assert withheld_of(records) == [True, True, True, False, True, False]


def test_a_signal_without_identifier_withholds_its_pair() -> None:
    records = [
        record(pair=1, withhold=True),
        record(pair=1, device=1),
        record(device=1),
        record(withhold=True),
    ]
    assert withheld_of(records) == [True, True, False, True]


def test_absent_identifiers_and_pairs_never_join() -> None:
    records = [record(withhold=True), record(), record(device=1), record(pair=1)]
    assert withheld_of(records) == [True, False, False, False]


def test_equal_digests_of_one_record_are_no_link() -> None:
    twice = np.array([7], np.uint64)
    found = SignalSet.from_records(
        [twice, twice], twice * 0, np.array([True]), np.array([NEVER], np.int32), CHECK
    )
    assert found.links.shape == (0, 2)
    assert found.resolve(Audience.GENERAL).ids.tolist() == [7]


def test_mixed_audience_keeps_only_people_known_to_be_13() -> None:
    records = [
        record(device=1, since=50, day=100),  # a birth date: since a day before
        record(device=1, session=1, day=60),
        record(session=1, day=49),  # before the proof
        record(session=1, day=NO_DAY),
        record(device=2, since=100, day=100),  # an age: since its own day
        record(device=2, day=99),
        record(device=2, day=101),
        record(device=3),
        record(pair=1, since=100, day=100),
        record(pair=1, day=100),  # proof does not travel by the pair
        record(),
    ]
    expected = [False, False, True, True, False, True, False, True, False, True, True]
    assert withheld_of(records, Audience.MIXED) == expected
    assert withheld_of(records) == [False] * 11
    assert withheld_of(records, Audience.CHILD_DIRECTED) == [True] * 11


def test_a_child_wins_over_proof_of_13() -> None:
    records = [
        record(device=1, user=1, since=0),
        record(user=1, withhold=True, pair=1),
        record(device=2, since=0, pair=1),
        record(device=2, since=0, pair=2),
    ]
    assert withheld_of(records, Audience.MIXED) == [True, True, True, False]
    resolved = collect(records).resolve(Audience.MIXED)
    assert 1001 not in resolved.known_ids
    assert 1002 in resolved.known_ids


def test_known_people_are_listed_for_a_mixed_audience_only() -> None:
    signals = collect([record(device=1, since=3)])
    assert signals.resolve(Audience.MIXED).known_since.tolist() == [3]
    assert len(signals.resolve(Audience.GENERAL).known_ids) == 0


def test_a_block_knows_the_signals_of_others() -> None:
    one, other = [record(device=1, session=1)], [record(session=1, withhold=True, pair=4)]
    resolved = SignalSet.merge([collect(one), collect(other)]).resolve(Audience.GENERAL)
    assert mask(resolved, one, Audience.GENERAL) == [True]
    assert mask(resolved, [record(pair=4)], Audience.GENERAL) == [True]
    assert mask(resolved, [], Audience.GENERAL) == []


def test_sets_of_two_keys_are_refused() -> None:
    with pytest.raises(KeyMismatchError):
        SignalSet.merge([collect([record(device=1)]), collect([record(device=2)], b"another!")])


def test_bytes_hold_the_whole_set() -> None:
    signals = collect([record(device=1, session=1, pair=1, since=4), record(user=2, pair=2, withhold=True)])
    for empty_or_not in (signals, collect([])):
        again = SignalSet.from_bytes(empty_or_not.to_bytes())
        assert again.to_bytes() == empty_or_not.to_bytes()
        assert again.key_check == CHECK
        resolved = again.resolve(Audience.MIXED)
        assert Withheld.from_bytes(resolved.to_bytes()).to_bytes() == resolved.to_bytes()
        assert SignalSet.merge([again, again]).to_bytes() == again.to_bytes()
    read = Withheld.from_bytes(signals.resolve(Audience.MIXED).to_bytes())
    assert mask(read, [record(user=2), record(device=1)], Audience.MIXED) == [True, False]


def test_printing_shows_nothing_of_whom_is_withheld() -> None:
    signals = collect([record(device=1, withhold=True)])
    assert repr(signals) == "SignalSet(hidden)"
    assert repr(signals.resolve(Audience.GENERAL)) == "Withheld(hidden)"


@pytest.mark.parametrize("order", ["sorted", "reversed", "random", "zigzag"])
def test_long_chains_converge(order: str) -> None:
    count = 100_000
    names = {
        "sorted": np.arange(count),
        "reversed": np.arange(count)[::-1],
        "random": np.random.default_rng(7).permutation(count),
        "zigzag": np.stack((np.arange(count // 2), np.arange(count // 2, count)), axis=1).ravel(),
    }[order]
    assert len(np.unique(connected_components(count, names[:-1], names[1:]))) == 1
    cut = np.arange(count - 1) != 1234
    component = connected_components(count, names[:-1][cut], names[1:][cut])
    assert len(np.unique(component[names[:1235]])) == len(np.unique(component[names[1235:]])) == 1
    assert component[names[0]] != component[names[-1]]


def test_a_long_chain_of_records_is_withheld_to_its_end() -> None:
    count = 100_000
    rng = np.random.default_rng(11)
    chain = rng.permutation(count + 1).astype(np.uint64) + np.uint64(1)
    withhold = np.zeros(count, np.bool_)
    withhold[-1] = True
    nothing = np.zeros(count, np.uint64)
    found = SignalSet.from_records(
        [chain[:-1], chain[1:]], nothing, withhold, np.full(count, NEVER, np.int32), CHECK
    )
    assert len(found.resolve(Audience.GENERAL).ids) == count + 1
