"""Dictionary columns: work on distinct values, never on records.

A text column inside the run is a `pa.DictionaryArray`: int32 codes into its distinct values.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.dictionary(pa.int32(), pa.string())

Answer = TypeVar("Answer")


class Memo(Generic[Answer]):
    """Remembers the answers of a function over distinct values, from block to block, in bounded memory.

    Threads may share one.
    """

    def __init__(self, function: Callable[[list[str]], Sequence[Answer]], limit: int = 200_000) -> None:
        self._function = function
        self._limit = limit
        self._answers: dict[str, Answer] = {}
        self._lock = threading.Lock()

    def __call__(self, distinct: Iterable[str]) -> list[Answer]:
        """Answer for each of the distinct values, in their order."""
        values = list(distinct)
        with self._lock:
            if len(self._answers) + len(values) > self._limit:
                self._answers.clear()
            new = [value for value in values if value not in self._answers]
            if new:
                self._answers.update(zip(new, self._function(new), strict=True))
            return [self._answers[value] for value in values]


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
    return pa.DictionaryArray.from_arrays(pa.array(mapping[codes(column)]), encoded.dictionary)


def compact(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """Drop distinct values that no record uses, so that filtered values are in no byte of the column.

    Arrow keeps them: a filtered dictionary column still holds every value of before.
    """
    distinct = len(column.dictionary)
    used = np.zeros(distinct + 1, dtype=bool)
    old = codes(column)
    used[old] = True
    used[distinct] = False
    new = (np.cumsum(used) - 1).astype(np.int32)
    present = np.flatnonzero(used)
    indices = pa.array(new[old], mask=old == distinct) if column.null_count else pa.array(new[old])
    return pa.DictionaryArray.from_arrays(indices, column.dictionary.take(pa.array(present)))


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


def pack(keys: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """One int64 for each row that orders rows as the non-negative keys do, the first key counting most."""
    packed, span = _dense(keys[0])
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
