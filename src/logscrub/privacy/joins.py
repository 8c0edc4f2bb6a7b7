"""Who is withheld: one mergeable union-find over the identifiers of all records.

A signal on one record concerns every record that shares an identifier with it, directly or through others,
before or after, in whatever file. Step 1 of a run collects a `SignalSet` from every block, merges them in any
order and resolves the result into one `Withheld`, by which step 2 masks each block. Identifiers are
pseudonyms; all sets are sorted and unique, so equal inputs give equal bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.config import Audience
from logscrub.privacy.children import NEVER, Days
from logscrub.privacy.components import connected_components
from logscrub.privacy.identifiers import ID_KINDS, Ids, kind_of
from logscrub.privacy.pseudonyms import require_same

SHARED_BY = 1_000
"""An id that joins more others is taken for one that people share, such as a proxy's or an app's."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, repr=False, eq=False)
class SignalSet:
    """What blocks of records say of who is joined to whom, and of whom to withhold.

    Merging is a union of sets: associative, commutative and idempotent.

    Attributes:
        key_check: key check value of the pseudonyms.
        links: uint64 of shape (n, 2), identifiers that stand on one record, the smaller one first.
        pairs: uint64 of shape (n, 2), an identifier and the pair (address, agent and day) it was seen with.
        seed_ids: uint64, an identifier of each record that carries a signal to withhold.
        seed_pairs: uint64, the pair of each such record.
        adult_ids: uint64, identifiers with proof of an age of 13 or more.
        adult_since: int32, the first day (in UTC-12, since 1970-01-01) of that proof.
    """

    key_check: bytes
    links: Ids
    pairs: Ids
    seed_ids: Ids
    seed_pairs: Ids
    adult_ids: Ids
    adult_since: Days

    def __repr__(self) -> str:
        return "SignalSet(hidden)"

    @classmethod
    def from_records(
        cls, ids: Sequence[Ids], pair: Ids, withhold: Flags, adult_since: Days, key_check: bytes
    ) -> "SignalSet":
        """Collect the signals of a block of records.

        Every record with an identifier or a signal must be given, also a rejected one: the pair of a record
        with a single identifier is withheld too, once the identifier is.

        Args:
            ids: for each kind of identifier, a uint64 pseudonym for each record, 0 where absent.
            pair: uint64 pseudonym of address, agent and day; 0 where the address or the time is null.
            withhold: bool, the record carries a signal to withhold its person.
            adult_since: int32 day from which the record proves 13 years, `NEVER` where it does not.
            key_check: key check value of the pseudonyms.
        """
        first = np.zeros(len(pair), np.uint64)
        links = []
        for kind in ids:
            joined = (first != 0) & (kind != 0) & (first != kind)
            links.append(np.stack((first[joined], kind[joined]), axis=1))
            first = np.where(first == 0, kind, first)
        seen, proven = (first != 0) & (pair != 0), (first != 0) & (adult_since != NEVER)
        adult_ids, since = _earliest(first[proven], adult_since[proven])
        return cls(
            key_check=key_check,
            links=_unique_rows(np.sort(np.concatenate([_NO_ROWS, *links]), axis=1)),
            pairs=_unique_rows(np.stack((first[seen], pair[seen]), axis=1)),
            seed_ids=_unique_present(first[withhold]),
            seed_pairs=_unique_present(pair[withhold]),
            adult_ids=adult_ids,
            adult_since=since,
        )

    @classmethod
    def of_ids(cls, ids: Ids, key_check: bytes) -> "SignalSet":
        """A set that withholds whom these identifiers (uint64, 0 for none) are of."""
        nobody, nothing = np.zeros(0, np.uint64), np.zeros(0, np.int32)
        return cls(key_check, _NO_ROWS, _NO_ROWS, _unique_present(ids), nobody, nobody, nothing)

    @classmethod
    def merge(cls, parts: Sequence["SignalSet"]) -> "SignalSet":
        """Unite one or more sets, in any order.

        Raises:
            KeyMismatchError: they were made under different keys, so their joins would miss people.
        """
        for part in parts:
            require_same(parts[0].key_check, part.key_check)
        adult_ids, since = _earliest(
            np.concatenate([part.adult_ids for part in parts]),
            np.concatenate([part.adult_since for part in parts]),
        )
        return cls(
            key_check=parts[0].key_check,
            links=_unique_rows(np.concatenate([part.links for part in parts])),
            pairs=_unique_rows(np.concatenate([part.pairs for part in parts])),
            seed_ids=_unique_present(np.concatenate([part.seed_ids for part in parts])),
            seed_pairs=_unique_present(np.concatenate([part.seed_pairs for part in parts])),
            adult_ids=adult_ids,
            adult_since=since,
        )

    def resolve(self, audience: Audience) -> "Withheld":
        """Find everyone to withhold.

        All identifiers joined to a seed are withheld, and, one hop and never further, the pairs seen with
        them or with a seed. For a mixed audience the identifiers joined to a proof of 13 years, and to no
        seed, are known; the proof never travels by the pair.
        """
        nodes = np.unique(np.concatenate((self.links.ravel(), self.seed_ids, self.adult_ids)))
        edges = np.searchsorted(nodes, self.links)
        component = connected_components(len(nodes), edges[:, 0], edges[:, 1])
        seeded = np.zeros(len(nodes), np.bool_)
        seeded[component[np.searchsorted(nodes, self.seed_ids)]] = True
        withheld_ids = nodes[seeded[component]]
        since = np.full(len(nodes), NEVER, np.int32)
        if audience == Audience.MIXED:
            np.minimum.at(since, component[np.searchsorted(nodes, self.adult_ids)], self.adult_since)
            since[seeded] = NEVER
        known = since[component] != NEVER
        hop = self.pairs[_contains(withheld_ids, self.pairs[:, 0]), 1]
        return Withheld(
            key_check=self.key_check,
            ids=withheld_ids,
            pairs=_unique_present(np.concatenate((self.seed_pairs, hop))),
            known_ids=nodes[known],
            known_since=since[component][known],
            shared_kinds=np.unique(kind_of(self._shared())),
        )

    def _shared(self) -> Ids:
        ids, joined = np.unique(self.links, return_counts=True)
        return ids[joined > SHARED_BY]

    def to_bytes(self) -> bytes:
        """Arrow IPC bytes, equal for equal sets."""
        return _to_bytes(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SignalSet":
        """Read what `to_bytes` wrote."""
        columns, key_check = _from_bytes(data)
        for name in ("links", "pairs"):
            columns[name] = columns[name].reshape(-1, 2)
        return cls(key_check=key_check, **columns)


@dataclass(frozen=True, repr=False, eq=False)
class Withheld:
    """Whom to withhold in this run.

    Attributes:
        key_check: key check value of the pseudonyms; callers compare it with the one of their key.
        ids: sorted uint64 identifiers of children and opt-outs.
        pairs: sorted uint64 pairs (address, agent and day) of their records.
        known_ids: sorted uint64 identifiers of people known to be 13 or more (mixed audience only).
        known_since: int32, the day in UTC-12 from which each of them is known to be.
        shared_kinds: int64, places in `ID_KINDS` of kinds of which one id joins more than `SHARED_BY` others.
    """

    key_check: bytes
    ids: Ids
    pairs: Ids
    known_ids: Ids
    known_since: Days
    shared_kinds: npt.NDArray[np.int64]

    def __repr__(self) -> str:
        return "Withheld(hidden)"

    @property
    def shared_ids(self) -> list[str]:
        """Names of the kinds of ids that many people share."""
        return [ID_KINDS[kind] for kind in self.shared_kinds.tolist()]

    def mask(
        self,
        ids: Sequence[Ids],
        pair: Ids,
        own_withhold: Flags,
        *,
        day: Days,
        own_adult_since: Days,
        audience: Audience,
    ) -> Flags:
        """Which records of a block to withhold.

        Args:
            ids: as for `SignalSet.from_records`.
            pair: likewise.
            own_withhold: bool, the record's own verdict: it may have neither identifier nor pair.
            day: int32 day of each record in UTC-12, as `children.last_days` gives it.
            own_adult_since: int32 day from which the record itself proves 13 years.
            audience: general keeps people of unknown age, mixed withholds them (13 on one record does not
                clear earlier ones), child-directed withholds everyone.
        """
        if audience == Audience.CHILD_DIRECTED:
            return np.ones(len(pair), np.bool_)
        withheld = own_withhold | _contains(self.pairs, pair)
        for kind in ids:
            withheld |= _contains(self.ids, kind)
        if audience == Audience.MIXED:
            known = own_adult_since <= day
            for kind in ids:
                known |= self._known_since(kind) <= day
            withheld |= ~known
        return withheld

    def _known_since(self, ids: Ids) -> Days:
        if not len(self.known_ids):
            return np.full(len(ids), NEVER, np.int32)
        at = np.minimum(np.searchsorted(self.known_ids, ids), len(self.known_ids) - 1)
        return np.where(self.known_ids[at] == ids, self.known_since[at], np.int32(NEVER))

    def to_bytes(self) -> bytes:
        """Arrow IPC bytes, equal for equal sets."""
        return _to_bytes(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Withheld":
        """Read what `to_bytes` wrote."""
        columns, key_check = _from_bytes(data)
        return cls(key_check=key_check, **columns)


_NO_ROWS = np.empty((0, 2), np.uint64)


def _contains(members: Ids, values: Ids) -> Flags:
    """Which values are among sorted members; 0, the absent one, never is."""
    if not len(members):
        return np.zeros(len(values), np.bool_)
    found: Flags = members[np.minimum(np.searchsorted(members, values), len(members) - 1)] == values
    return found


def _unique_present(values: Ids) -> Ids:
    return np.unique(values[values != 0])


def _unique_rows(rows: Ids) -> Ids:
    ordered: Ids = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    is_new = np.ones(len(rows), np.bool_)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return ordered[is_new]


def _earliest(ids: Ids, since: Days) -> tuple[Ids, Days]:
    """Each identifier once, with its earliest day."""
    order = np.lexsort((since, ids))
    unique, start = np.unique(ids[order], return_index=True)
    return unique, since[order][start]


def _to_bytes(collection: SignalSet | Withheld) -> bytes:
    """One row of lists: the columns of a set differ in length."""
    values = {field.name: getattr(collection, field.name) for field in fields(collection)}
    key_check = values.pop("key_check")
    lists = {name: _one_list(array.ravel()) for name, array in values.items()}
    batch = pa.record_batch({"key_check": pa.array([key_check], pa.binary()), **lists})
    sink = pa.BufferOutputStream()
    # Pseudonyms look random: a stronger codec would only be slower.
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _one_list(array: npt.NDArray[np.generic]) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array([0, len(array)], pa.int64()), pa.array(array))


def _from_bytes(data: bytes) -> tuple[dict[str, npt.NDArray[Any]], bytes]:
    with pa.ipc.open_stream(data) as reader:
        batch = reader.read_next_batch()
    columns = {
        name: batch.column(name).values.to_numpy(zero_copy_only=False)
        for name in batch.schema.names
        if name != "key_check"
    }
    return columns, batch.column("key_check")[0].as_py()
