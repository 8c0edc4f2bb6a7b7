"""Dictionary columns: work on distinct values, never on records.

A text column inside the run is a `pa.DictionaryArray`: int32 codes into its distinct values.
"""

import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.dictionary(pa.int32(), pa.string())


class Memo:
    """Remembers what a function says of distinct values, from block to block, in bounded memory.

    The values are looked up by Arrow, and only new ones reach the function, which may be slow Python. Threads
    may share one.
    """

    def __init__(self, function: Callable[[list[str]], Sequence[pa.Array]], limit: int = 100_000) -> None:
        """Remember the answers of a function: distinct strings in, columns aligned to them out."""
        self._function = function
        self._limit = limit
        self._known: tuple[pa.StringArray, list[pa.Array]] | None = None
        self._lock = threading.Lock()

    def __call__(self, distinct: pa.StringArray) -> list[pa.Array]:
        """The columns of answers, aligned to the distinct values."""
        known = self._known
        place = _places(distinct, known)
        if place is None or place.null_count:
            with self._lock:
                known = self._learn(distinct)
            place = _places(distinct, known)
        return [answers.take(place) for answers in known[1]] if known else []

    def _learn(self, distinct: pa.StringArray) -> tuple[pa.StringArray, list[pa.Array]]:
        known = self._known
        if known and len(known[0]) + len(distinct) > self._limit:
            known = None
        place = _places(distinct, known)
        new = distinct if place is None else distinct.filter(place.is_null())
        answers = list(self._function(new.to_pylist()))
        if known:
            new = pa.concat_arrays([known[0], new])
            answers = [pa.concat_arrays(pair) for pair in zip(known[1], answers, strict=True)]
        self._known = new, answers
        return self._known


def _places(
    distinct: pa.StringArray, known: tuple[pa.StringArray, list[pa.Array]] | None
) -> pa.Int32Array | None:
    return pc.index_in(distinct, value_set=known[0]) if known else None


def codes(column: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    """Codes of a column; null is the code one past the last distinct value."""
    indices = column.indices
    if indices.null_count:
        indices = indices.fill_null(len(column.dictionary))
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.int32)


def spread(column: pa.DictionaryArray, answers: npt.NDArray, null: object) -> npt.NDArray:  # type: ignore[type-arg]
    """Answers over the distinct values, spread over the records; `null` where the column is null."""
    table = np.empty(len(answers) + 1, dtype=answers.dtype)
    table[:-1] = answers
    table[-1] = null
    return table[codes(column)]


def numbered(indices: pa.Array, values: pa.Array) -> pa.DictionaryArray:
    """A column of values by their numbers, which are not checked: only for numbers of our own making."""
    return pa.DictionaryArray.from_arrays(indices, values, safe=False)


def rows_of(batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """Some rows of a batch by their places, which are not checked, no more than it has."""
    places = pa.array(rows)
    arrays = [
        column.slice(0, len(rows)) if _is_constant(column) else pc.take(column, places, boundscheck=False)
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _is_constant(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and len(column.dictionary) == 1 and not column.null_count


def relabel(
    column: pa.DictionaryArray, labels: Sequence[str] | pa.StringArray, null: str
) -> pa.DictionaryArray:
    """Replace each distinct value by its label; equal labels become one value, null becomes `null`.

    Args:
        column: dictionary<int32, string>.
        labels: one label for each value of the column's dictionary.
        null: label of null.
    """
    given = labels if isinstance(labels, pa.Array) else pa.array(labels, type=pa.string())
    encoded = pa.concat_arrays([given, pa.array([null], type=pa.string())]).dictionary_encode()
    mapping = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int32)
    return numbered(pa.array(mapping[codes(column)]), encoded.dictionary)


def compact(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """Drop distinct values that no record uses, so that filtered values are in no byte of the column.

    Arrow keeps them: a filtered dictionary column still holds every value of before.
    """
    distinct = len(column.dictionary)
    used = np.zeros(distinct + 1, dtype=bool)
    old = codes(column)
    used[old] = True
    if used[:distinct].all():
        return column
    used[distinct] = False
    new = (np.cumsum(used) - 1).astype(np.int32)
    present = np.flatnonzero(used)
    indices = pa.array(new[old], mask=old == distinct) if column.null_count else pa.array(new[old])
    return numbered(indices, column.dictionary.take(pa.array(present)))


def compact_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Compact every dictionary column of a batch."""
    arrays = [compact(c) if pa.types.is_dictionary(c.type) else c for c in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def ranks(column: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Place of each record's value among the sorted distinct values; the same however codes are dealt."""
    values = column.dictionary
    rank = np.empty(len(values) + 1, dtype=np.int64)
    order = pc.sort_indices(values).to_numpy()
    rank[order] = np.arange(len(values))
    rank[-1] = len(values)
    return rank[codes(column)]


def row_of_each(kind: npt.NDArray[np.integer], kinds: int) -> npt.NDArray[np.int64]:
    """One of the rows of each kind, of which every number below `kinds` has some."""
    row = np.empty(kinds, dtype=np.int64)
    row[kind] = np.arange(len(kind))
    return row


def pack(keys: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """One int64 for each row that orders rows as the non-negative keys do, the first key counting most."""
    packed, span = keys[0], int(keys[0].max(initial=0)) + 1
    for key in keys[1:]:
        width = int(key.max(initial=0)) + 1
        if span * width >= _PACK_LIMIT:
            packed, span = _dense(packed)
            key, width = _dense(key)  # noqa: PLW2901
        packed = packed * width + key
        span *= width
    return packed


_PACK_LIMIT = 2**62


def _dense(key: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], int]:
    distinct, place = np.unique(key, return_inverse=True)
    return place.astype(np.int64), max(1, len(distinct))
