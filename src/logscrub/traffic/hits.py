"""The scrubbed schema: a hit holds no value that a visitor typed, only pseudonyms and released words.

Hits travel between steps as Arrow IPC bytes, one for each range, date and shard.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.cells import SEPARATOR
from logscrub.columns import TEXT, codes, compact_batch, numbered
from logscrub.errors import KeyMismatchError

VISITOR = pa.dictionary(pa.int32(), pa.binary(16))

HITS = pa.schema(
    [
        ("visitor", VISITOR),  # pseudonyms of the visitor and of its support unit
        ("time", pa.int64()),  # epoch milliseconds
        ("weekday", pa.int8()),  # 1 (Monday) to 7, of the reporting time zone
        ("hour", pa.int8()),
        ("status", pa.int16()),  # 0 when none was logged
        ("bytes", pa.int64()),
        ("page_view", pa.bool_()),
        ("duration", pa.int16()),  # bucket of the time taken to serve; NO_BUCKET when none was logged
        ("host", TEXT),
        ("path", TEXT),
        ("content", TEXT),  # class of the file; '(none)' for events of apps
        ("event", TEXT),  # name of the event; '' for what is none
        ("method", TEXT),
        ("referrer", TEXT),  # medium and source of the hit's own referrer; '' when it has none
        ("campaign", TEXT),  # source, medium, name of the hit's campaign, `STORED` if by cookie; '' for none
        ("system", TEXT),  # device, system, version
        ("browser", TEXT),  # browser, version
        ("place", TEXT),  # country, region
        ("language", TEXT),
        ("network", TEXT),  # connection, carrier
        ("bot", TEXT),  # purpose, name and layer; '' for people
    ]
)
"""Columns of hits. What belongs together stands in one text, `SEPARATOR` between its parts."""

STORED = "stored"
"""Last part of a campaign that a cookie tells: it repeats in all hits of the visitor, and begins no visit."""

_KEY_CHECK = b"key_check"


def visitors(visitor: npt.NDArray[np.uint64], unit: npt.NDArray[np.uint64]) -> pa.DictionaryArray:
    """Column `visitor` of hits, from the pseudonyms of each hit's visitor and support unit."""
    pairs = pa.py_buffer(np.column_stack([visitor, unit]))
    return pa.Array.from_buffers(pa.binary(16), len(visitor), [None, pairs]).dictionary_encode()


def support_units(column: pa.DictionaryArray) -> npt.NDArray[np.uint64]:
    """Support unit of each distinct visitor of a column `visitor`."""
    distinct = column.dictionary
    pairs = np.frombuffer(distinct.buffers()[1] or b"", dtype=np.uint64).reshape(-1, 2)
    return pairs[distinct.offset : distinct.offset + len(distinct), 1]


def numbered_visitors(column: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    """Number of each hit's visitor, such that visitors of one support unit follow each other."""
    order = np.argsort(support_units(column), kind="stable")
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    numbers: npt.NDArray[np.int32] = number[codes(column)]
    return numbers


def encode_hits(hits: pa.RecordBatch, key_check: bytes) -> bytes:
    """Arrow IPC bytes (zstd) of a batch of hits, holding only the distinct values its records use."""
    compacted = _narrowed(compact_batch(hits))
    schema = compacted.schema.with_metadata({_KEY_CHECK: key_check})
    sink = pa.BufferOutputStream()
    # Small buffers are not worth handing to other threads, which have their own work.
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False)
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        writer.write_batch(compacted.replace_schema_metadata({_KEY_CHECK: key_check}))
    return bytes(sink.getvalue())


def _narrowed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Dictionary codes in the smallest type that holds them: 3 to 4 times fewer bytes to shuffle."""
    arrays = []
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            distinct = len(column.dictionary)
            width = pa.int8() if distinct < 2**7 else pa.int16() if distinct < 2**15 else pa.int32()
            column = numbered(column.indices.cast(width, safe=False), column.dictionary)  # noqa: PLW2901
        arrays.append(column)
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def decode_hits(elements: Sequence[bytes], key_check: bytes | None = None) -> tuple[pa.RecordBatch, bytes]:
    """Hits of several elements as one batch with shared distinct values, and the key check they carry.

    Raises:
        KeyMismatchError: the elements were made under different keys.
    """
    batches = []
    for element in elements:
        alone = pa.ipc.IpcReadOptions(use_threads=False)
        batch = pa.ipc.open_stream(element, options=alone).read_next_batch()
        found = batch.schema.metadata[_KEY_CHECK]
        if key_check is not None and found != key_check:
            raise KeyMismatchError
        key_check = found
        batches.append(
            pa.RecordBatch.from_arrays(
                [c.cast(f.type) if c.type != f.type else c for c, f in zip(batch.columns, HITS, strict=True)],
                schema=HITS,
            )
        )
    if key_check is None:
        raise ValueError("no elements")
    return concatenate_hits(batches), key_check


def concatenate_hits(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch of all hits, dictionaries unified."""
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    return table.to_batches(max_chunksize=None)[0] if table.num_rows else batches[0]


def bots(hits: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    """Which hits are of bots."""
    column = hits.column("bot")
    named = np.array([bool(name) for name in column.dictionary.to_pylist()], dtype=bool)
    chosen: npt.NDArray[np.bool_] = named[column.indices.to_numpy()]
    return chosen


def bot_layers(hits: pa.RecordBatch) -> dict[str, int]:
    """How many hits of bots each layer told (`enrich.user_agents.Layer`)."""
    column = hits.column("bot")
    count = np.bincount(column.indices.to_numpy(), minlength=len(column.dictionary)).tolist()
    layers: dict[str, int] = {}
    for label, number in zip(column.dictionary.to_pylist(), count, strict=True):
        if label and number:
            layer = label.rpartition(SEPARATOR)[2]
            layers[layer] = layers.get(layer, 0) + number
    return dict(sorted(layers.items()))


def with_bots(hits: pa.RecordBatch, chosen: npt.NDArray[np.bool_], label: str) -> pa.RecordBatch:
    """The same hits, the chosen ones told as those of a bot: purpose, name and layer."""
    if not chosen.any():
        return hits
    column = hits.column("bot")
    code = np.where(chosen, np.int32(len(column.dictionary)), column.indices.to_numpy())
    told = pa.DictionaryArray.from_arrays(
        pa.array(code), pa.concat_arrays([column.dictionary, pa.array([label], pa.string())])
    )
    place = hits.schema.get_field_index("bot")
    return hits.set_column(place, hits.schema.field(place), told)
