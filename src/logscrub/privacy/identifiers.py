"""Pseudonyms of the ids of records: of each kind as many as a record has."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.columns import spread
from logscrub.privacy.pseudonyms import EphemeralKey, normalise_identifiers, pseudonyms
from logscrub.signals import BETWEEN_VALUES

ID_KINDS = ("user_id", "device_id", "client_id", "session_id")
"""Kinds of ids; the first known one that is not a session makes a visitor."""

_KIND_BITS = np.uint64(62)
_SPARE = np.uint64(2)

Ids = npt.NDArray[np.uint64]


def kind_of(ids: Ids) -> npt.NDArray[np.int64]:
    """Place in `ID_KINDS` of the kind of each pseudonym, which its first two bits hold."""
    return (ids >> _KIND_BITS).astype(np.int64)


def record_ids(key: EphemeralKey, kind: str, column: pa.DictionaryArray) -> list[Ids]:
    """Pseudonyms of the ids of a kind, the first, second, … of each record.

    Args:
        key: the key of the run.
        kind: one of `ID_KINDS`.
        column: dictionary of strings; several ids of a record stand in one, with `BETWEEN_VALUES` between.

    Returns:
        uint64 arrays, one entry for each record, 0 where a record has no such id: sentinels are none.
    """
    if column.null_count == len(column):
        return []
    distinct = column.dictionary
    if not pc.any(pc.match_substring(distinct, BETWEEN_VALUES)).as_py():
        return [spread(column, _pseudonyms(key, kind, distinct), 0)]
    return _spread_all(
        column, key, kind, [(text or "").split(BETWEEN_VALUES) for text in distinct.to_pylist()]
    )


def listed_ids(
    key: EphemeralKey, kind: str, column: pa.DictionaryArray, ids: Sequence[Sequence[str]]
) -> list[Ids]:
    """The same for ids that were found in the distinct values of a column: a list of ids for each value."""
    return _spread_all(column, key, kind, ids) if any(ids) else []


def _spread_all(
    column: pa.DictionaryArray, key: EphemeralKey, kind: str, ids: Sequence[Sequence[str]]
) -> list[Ids]:
    owner = np.repeat(np.arange(len(ids)), [len(own) for own in ids])
    found = _pseudonyms(key, kind, pa.array([one for own in ids for one in own], pa.string()))
    owner, found = owner[found != 0], found[found != 0]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    table = np.zeros((int(rank.max(initial=-1)) + 1, len(ids)), np.uint64)
    table[rank, owner] = found
    return [spread(column, row, 0) for row in table]


def _pseudonyms(key: EphemeralKey, kind: str, distinct: pa.StringArray) -> Ids:
    found = pseudonyms(key, kind, normalise_identifiers(distinct))
    tagged = found >> _SPARE | np.uint64(ID_KINDS.index(kind)) << _KIND_BITS
    # The rest of a pseudonym may be 0 by chance; 0 as a whole stands for none.
    return np.where(found == 0, np.uint64(0), np.maximum(tagged, np.uint64(1)))
