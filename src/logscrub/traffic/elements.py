"""Cells of a table and day on their way between steps: Arrow IPC bytes, one for each shard."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.cells import Cells, Durations, Supporters, concatenate
from logscrub.errors import KeyMismatchError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TableCells:
    """Cells of one table and day, from one shard or from all of them.

    Attributes:
        cells: the cells.
        supporters: support units with a share in each summed measure of the whole table.
        support: support units of people with any hit on the day, whatever the table.
        key_check: key check value of the run.
        layers: of bots, hits that each layer told.
    """

    cells: Cells
    supporters: dict[str, int]
    support: int
    key_check: bytes
    layers: dict[str, int] = field(default_factory=dict)


_META = b"logscrub"
_LISTS = ("units", "masks", "longest", "buckets", "bucket hits", "bucket units")


def encode_cells(table: TableCells) -> bytes:
    """Arrow IPC bytes (zstd) of the cells of a table."""
    cells, s, d = table.cells, table.cells.supporters, table.cells.durations
    of_supporters, of_durations = _offsets(s.cell, len(cells)), _offsets(d.cell, len(cells))
    columns = {
        "node": cells.node,
        "visitors": pa.array(cells.visitors),
        "units": pa.ListArray.from_arrays(of_supporters, pa.array(s.unit)),
        "masks": pa.ListArray.from_arrays(of_supporters, pa.array(s.mask)),
        "longest": pa.ListArray.from_arrays(of_supporters, pa.array(s.longest)),
        "buckets": pa.ListArray.from_arrays(of_durations, pa.array(d.bucket)),
        "bucket hits": pa.ListArray.from_arrays(of_durations, pa.array(d.hits)),
        "bucket units": pa.ListArray.from_arrays(of_durations, pa.array(d.units)),
    }
    for m, name in enumerate(cells.names):
        columns[f"sum {name}"] = pa.array(cells.sums[:, m])
        columns[f"count {name}"] = pa.array(cells.counts[:, m])
    meta = json.dumps([cells.names, table.supporters, table.support, table.key_check.hex(), table.layers])
    batch = pa.RecordBatch.from_pydict(columns, metadata={_META: meta})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def decode_cells(element: bytes) -> TableCells:
    """The cells that `encode_cells` wrote."""
    batch = pa.ipc.open_stream(element, options=pa.ipc.IpcReadOptions(use_threads=False)).read_next_batch()
    names, supporters, support, check, layers = json.loads(batch.schema.metadata[_META])
    flat = {name: batch.column(name).values.to_numpy() for name in _LISTS}
    cells = Cells(
        batch.column("node"),
        tuple(names),
        _matrix(batch, "sum", names),
        batch.column("visitors").to_numpy(),
        _matrix(batch, "count", names),
        Supporters(_cells_of(batch.column("units")), flat["units"], flat["masks"], flat["longest"]),
        Durations(
            _cells_of(batch.column("buckets")), flat["buckets"], flat["bucket hits"], flat["bucket units"]
        ),
    )
    return TableCells(cells, supporters, support, bytes.fromhex(check), layers)


def _offsets(cell: Ints, cells: int) -> pa.Array:
    """Where the sorted rows of each cell begin, and where the last end."""
    return pa.array(np.r_[0, np.cumsum(np.bincount(cell, minlength=cells))].astype(np.int32))


def _cells_of(lists: pa.ListArray) -> Ints:
    sizes = np.diff(lists.offsets.to_numpy())
    return np.repeat(np.arange(len(sizes)), sizes)


def _matrix(batch: pa.RecordBatch, kind: str, names: Sequence[str]) -> Ints:
    return np.column_stack([batch.column(f"{kind} {name}").to_numpy() for name in names])


def join_shards(parts: Sequence[TableCells], k: int) -> TableCells:
    """All cells of a table and day, from the parts that the shards made of it.

    A support unit lives in one shard, so counts of supporters and visitors add up.

    Raises:
        KeyMismatchError: the parts were made under different keys.
    """
    check = parts[0].key_check
    if any(part.key_check != check for part in parts):
        raise KeyMismatchError
    cells = concatenate([part.cells for part in parts]).joined(k, disjoint=True)
    names = parts[0].cells.names
    supporters = {name: sum(part.supporters[name] for part in parts) for name in names}
    layers = sum((Counter(part.layers) for part in parts), Counter())
    return TableCells(
        cells, supporters, sum(part.support for part in parts), check, dict(sorted(layers.items()))
    )
