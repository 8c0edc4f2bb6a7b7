"""What a day's tables became, and their publication: every table, then the manifest."""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

import pyarrow.compute as pc

from logscrub.cells import Cells
from logscrub.config import Settings
from logscrub.release.manifest import make_manifest, manifest_path, read_manifest
from logscrub.release.parquet import read_rows, table_path, write_rows
from logscrub.release.rows import release_rows
from logscrub.release.store import Store
from logscrub.schemas import TableSchema, table_schemas


class DayStatus(StrEnum):
    """What became of a day."""

    RELEASED = "released"
    REPLACED = "replaced"  # released before, with other content
    UNCHANGED = "unchanged"  # released before, with the same content
    LEFT_ALONE = "left_alone"  # released before, with other content
    FEWER_HITS = "fewer_hits"  # to be replaced by a release of fewer hits, and left alone
    UNDER_K = "under_k"  # fewer than k support units


@dataclass(frozen=True)
class PublishRules:
    """What to do with days that are released already, or have too little support.

    Attributes:
        asked: days (YYYY-MM-DD) that were asked for: without enough support they are released empty.
        replace: whether a released day of other content is replaced.
        force: whether it is replaced by a release of fewer hits too.
        databases: what stands in the manifest of the databases that told the places.
    """

    asked: tuple[str, ...] = ()
    replace: bool = False
    force: bool = False
    databases: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class TableRelease:
    """One table of one day, ready to be written.

    Attributes:
        table: its name.
        data: Parquet bytes.
        rows: number of rows.
        support: support units of people on the day.
        totals: sum of each measure over all cells, released or not.
        released: sum of each measure over the released rows; None where it is null.
        gate_hits: detector to number of cells it folded.
        all_folded: whether one row is left of what had more.
        folded: amount of the first measure in folded rows.
        visitors: of a table with one row for the day, visitors in it; None where there is no figure.
        layers: of bots, hits that each layer told.
    """

    table: str
    data: bytes
    rows: int
    support: int
    totals: dict[str, int]
    released: dict[str, int | None]
    gate_hits: dict[str, int]
    all_folded: bool
    folded: int = 0
    visitors: int | None = None
    layers: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """JSON text, the Parquet bytes in base64."""
        return json.dumps(asdict(self) | {"data": base64.b64encode(self.data).decode()})

    @classmethod
    def from_json(cls, text: str) -> "TableRelease":
        """The table that `to_json` wrote."""
        content: dict[str, Any] = json.loads(text)
        content["data"] = base64.b64decode(content["data"])
        return cls(**content)


def release_table(
    table: TableSchema, cells: Cells, supporters: dict[str, int], support: int, k: int
) -> TableRelease:
    """Fold, gate and write one table of one day.

    Args:
        table: its schema.
        cells: its cells, from all shards.
        supporters: support units with a share in each measure of the whole table.
        support: support units of people with any hit on the day.
        k: the threshold.
    """
    released = release_rows(table, cells, supporters, k)
    sums = {name: pc.sum(released.rows.column(name)).as_py() for name in cells.names}
    return TableRelease(
        table.name,
        write_rows(released.rows),
        released.rows.num_rows,
        support,
        cells.total(),
        sums,
        released.gate_hits,
        released.all_folded,
        released.folded,
        None if table.dimensions else pc.sum(released.rows.column("visitors")).as_py(),
    )


@dataclass(frozen=True)
class DayOutcome:
    """What became of a day, for the operator.

    Attributes:
        date: the day, YYYY-MM-DD.
        status: what became of it.
        hits: hits of people that stand in the release.
        bot_hits: hits of bots that stand in it.
        page_views: page views that stand in it; None where too few units support them.
        visits: visits that stand in it; None likewise.
        visitors: visitors that stand in it; None likewise.
        held_hits: hits that are in no released table, for want of support.
        held_bytes: bytes of released days that are in no released table, for want of support.
        rows: table to released rows.
        amounts: table to the sum of its first measure over the released rows.
        folded: table to the part of it in folded rows.
        gate_hits: table to detector to number of cells it folded.
        folded_tables: tables of which one row is left.
        bot_layers: hits of bots that each layer told, released or held.
    """

    date: str
    status: DayStatus
    hits: int
    bot_hits: int
    page_views: int | None
    visits: int | None
    visitors: int | None
    held_hits: int
    held_bytes: int
    rows: dict[str, int]
    amounts: dict[str, int]
    folded: dict[str, int]
    gate_hits: dict[str, dict[str, int]]
    folded_tables: list[str]
    bot_layers: dict[str, int]

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "DayOutcome":
        """The outcome that `to_json` wrote."""
        content: dict[str, Any] = json.loads(text)
        content["status"] = DayStatus(content["status"])
        return cls(**content)


def publish_day(
    store: Store, date: str, tables: Mapping[str, TableRelease], settings: Settings, rules: PublishRules
) -> DayOutcome:
    """Write all tables of a day, the manifest last; a day that is released already is left alone.

    A file of a released day that was lost or damaged is written again, if it is the one the manifest names.

    Args:
        store: the release folder.
        date: the day, YYYY-MM-DD.
        tables: every table of the day, or none where it has no hits.
        settings: those of the run.
        rules: what to do with days that are released already.
    """
    tables = tables or {name: _of_nobody(table) for name, table in table_schemas().items()}
    before = store.read(manifest_path(date))
    if tables["days"].support < settings.min_support:
        if date not in rules.asked and not (before and rules.replace):
            return _outcome(date, DayStatus.UNDER_K if before is None else DayStatus.LEFT_ALONE, tables)
        tables = {name: _emptied(table) for name, table in tables.items()}
    files = {name: (table.data, table.rows) for name, table in sorted(tables.items())}
    manifest = make_manifest(date, files, settings, rules.databases)
    same = before is not None and _files_of(before) == _files_of(manifest)
    if before is not None and not same:
        if not rules.replace:
            return _outcome(date, DayStatus.LEFT_ALONE, tables)
        if not rules.force and _hits_in(tables) < _hits_released(store, date):
            return _outcome(date, DayStatus.FEWER_HITS, tables)
        store.remove(manifest_path(date))
    for name, (data, _) in files.items():
        path = table_path(name, date)
        if not same or store.read(path) != data:
            store.write(path, data)
    if same:
        return _outcome(date, DayStatus.UNCHANGED, tables)
    store.write(manifest_path(date), manifest)
    return _outcome(date, DayStatus.RELEASED if before is None else DayStatus.REPLACED, tables)


def _of_nobody(table: TableSchema) -> TableRelease:
    """The release of a table that has no cells."""
    nothing = dict.fromkeys(table.cell_measures, 0)
    data = write_rows(table.arrow().empty_table())
    return TableRelease(table.name, data, 0, 0, nothing, dict.fromkeys(nothing), {}, all_folded=False)


def _emptied(table: TableRelease) -> TableRelease:
    """The release of a table none of whose hits may be shown; what there is stands in the account."""
    nobody = _of_nobody(table_schemas()[table.table])
    return replace(nobody, support=table.support, totals=table.totals)


def _hits_in(tables: Mapping[str, TableRelease]) -> int:
    return sum(tables[name].released["hits"] or 0 for name in ("days", "bots"))


def _hits_released(store: Store, date: str) -> float:
    """Hits of people and bots that stand in the release of a day; endless where it cannot be read."""
    try:
        released = [read_rows(store.read(table_path(n, date)) or b"", n) for n in ("days", "bots")]
    except ValueError:
        return math.inf
    return sum(pc.sum(rows.column("hits")).as_py() or 0 for rows in released)


def _files_of(manifest: bytes) -> object:
    """What a manifest says of its files: a newer version of the tool may release the same content."""
    try:
        return read_manifest(manifest)["files"]
    except ValueError:
        return None


def _outcome(date: str, status: DayStatus, tables: Mapping[str, TableRelease]) -> DayOutcome:
    people, of_bots = tables["days"], tables["bots"]
    all_hits = people.totals["hits"] + of_bots.totals["hits"]
    all_bytes = people.totals["bytes"] + of_bots.totals["bytes"]
    in_release = status in (DayStatus.RELEASED, DayStatus.REPLACED, DayStatus.UNCHANGED)
    hits, bot_hits = ((t.released["hits"] or 0) if in_release else 0 for t in (people, of_bots))
    sent = sum((t.released["bytes"] or 0) for t in (people, of_bots)) if in_release else 0
    released = tables if in_release else {}
    return DayOutcome(
        date,
        status,
        hits,
        bot_hits,
        people.released["page_views"] if in_release else None,
        people.released["visits"] if in_release else None,
        people.visitors if in_release else None,
        all_hits - hits - bot_hits,
        all_bytes - sent,
        {name: table.rows for name, table in released.items()},
        {name: _first(table) for name, table in released.items()},
        {name: table.folded for name, table in released.items()},
        {name: table.gate_hits for name, table in released.items() if table.gate_hits},
        [name for name, table in sorted(released.items()) if table.all_folded],
        of_bots.layers,
    )


def _first(table: TableRelease) -> int:
    """Sum of the first measure over the released rows."""
    return table.released[next(iter(table.totals))] or 0
