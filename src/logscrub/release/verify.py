"""Check a release again from its bytes alone: manifest, hashes, schemas, vocabularies, k, sums, gate."""

import contextlib
import hashlib
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logscrub.release.gate import scan
from logscrub.release.manifest import MANIFEST_FOLDER, manifest_path, read_manifest
from logscrub.release.parquet import read_rows, table_path
from logscrub.release.store import Store
from logscrub.schemas import RESERVED, Column, TableSchema, table_schemas, vocabulary_names

_OF_BOTS = "bots"
_MANIFEST_NAME = re.compile(rf"{MANIFEST_FOLDER}/date=(\d{{4}}-\d\d-\d\d)\.json")


def released_days(store: Store) -> list[str]:
    """Days (YYYY-MM-DD) with a manifest, sorted."""
    return sorted(match[1] for path in store.paths() if (match := _MANIFEST_NAME.fullmatch(path)))


def verify(store: Store) -> Iterator[str]:
    """Problems of a release, one message each; none when it holds.

    Messages name file, table, column and check, never a value that stands in the release.

    Args:
        store: the release folder.
    """
    days = released_days(store)
    known = {manifest_path(day) for day in days}
    known |= {table_path(table, day) for table in table_schemas() for day in days}
    strays = [path for path in store.paths() if path not in known]
    for path in filter(is_of_release, strays):
        yield f"{path}: belongs to no released day: run the command that made it again"
    foreign = [path for path in strays if not is_of_release(path)]
    if foreign:
        yield f"{foreign[0]}: is no part of a release ({len(foreign)} in all): keep other files elsewhere"
    for day in days:
        yield from (f"{day}: {problem}" for problem in _day(store, day))
    yield from _zones(store, days)


def is_of_release(path: str) -> bool:
    """Whether a path of the folder is where only files of a release stand."""
    return path.partition("/")[0] in {MANIFEST_FOLDER, *table_schemas()}


def _zones(store: Store, days: list[str]) -> Iterator[str]:
    zones: dict[object, str] = {}
    for day in days:
        with contextlib.suppress(ValueError, RecursionError, OSError):  # told of the day
            zones.setdefault(str(read_manifest(store.read(manifest_path(day)) or b"").get("timezone")), day)
    first, *others = zones.values() or [""]
    for day in others:
        yield f"{day}: its time zone is not that of {first}: hits between them may count twice"


def _day(store: Store, day: str) -> Iterator[str]:
    try:
        manifest = read_manifest(store.read(manifest_path(day)) or b"")
    except (ValueError, RecursionError, OSError):
        yield "the manifest cannot be read"
        return
    problem = _manifest(manifest, day)
    if problem:
        yield problem
        return
    k = manifest["parameters"]["min_support"]
    own = _own_names(manifest)
    tables = {}
    for name, schema in table_schemas().items():
        rows, problem = _file(store, day, name, manifest["files"][name])
        if rows is None:
            yield f"{name}: {problem}"
        else:
            tables[name] = rows
            yield from (f"{name}: {problem}" for problem in _rows(schema, rows, k, own))
    if len(tables) == len(table_schemas()):
        yield from _sums(tables)


def _manifest(manifest: dict[str, Any], day: str) -> str | None:
    """What is wrong with a manifest, or None."""
    if manifest.get("date") != day or set(manifest["files"]) != set(table_schemas()):
        return "the manifest does not name this day and all its tables"
    if not all(isinstance(entry, dict) for entry in manifest["files"].values()):
        return "the manifest does not describe its files"
    parameters = manifest.get("parameters")
    k = parameters.get("min_support") if isinstance(parameters, dict) else None
    if not isinstance(k, int) or not 2 <= k < 2**63:  # noqa: PLR2004 - the smallest k that hides anybody
        return "the manifest names no threshold of 2 or more"
    if manifest.get("profile") != "internal" or manifest.get("shareable") is not False:
        return "the manifest promises more than the internal profile does"
    return None


def _file(store: Store, day: str, table: str, entry: dict[str, Any]) -> tuple[pa.Table | None, str]:
    try:
        data = store.read(table_path(table, day))
    except OSError:
        return None, "the file cannot be read"
    if data is None:
        return None, "the file is missing"
    if entry.get("path") != table_path(table, day) or hashlib.sha256(data).hexdigest() != entry.get("sha256"):
        return None, "the file is not the one that the manifest names"
    rows, problem = _content(data, table)
    if rows is not None and rows.num_rows != entry.get("rows"):
        return None, "the number of rows is not that of the manifest"
    return rows, problem


def _content(data: bytes, table: str) -> tuple[pa.Table | None, str]:
    try:
        rows = read_rows(data, table)
        rows.validate(full=True)
        footer = pq.ParquetFile(io.BytesIO(data)).metadata
    except ValueError:  # Arrow's errors too, which quote values
        return None, "not a Parquet file of this table's schema"
    if _has_dictionary(footer):
        return None, "the file has dictionary pages, which may hold values that stand in no row"
    return rows, ""


def _has_dictionary(footer: pq.FileMetaData) -> bool:
    groups = (footer.row_group(number) for number in range(footer.num_row_groups))
    return any(
        group.column(number).has_dictionary_page for group in groups for number in range(group.num_columns)
    )


def _own_names(manifest: dict[str, Any]) -> frozenset[str]:
    """Names of bots and sources that the operator gave, which stand in no vocabulary."""
    given = manifest["parameters"].get("own_names")
    named = [names for names in given.values() if isinstance(names, list)] if isinstance(given, dict) else []
    return frozenset(name for names in named for name in names if isinstance(name, str))


def _rows(schema: TableSchema, rows: pa.Table, k: int, own: frozenset[str]) -> Iterator[str]:
    folding = _without_unfolded(schema, rows)
    for column in schema.measures:
        if column.percentile is None:
            yield from _measure(column, rows.column(column.name), folding.column(column.name), k)
    yield from _percentiles(schema, rows)
    for column in schema.dimensions:
        yield from _dimension(column, rows.column(column.name), own)
    for before, column in itertools.pairwise(schema.dimensions):
        if column.vocabularies:
            yield from _chosen_words(column, rows.column(before.name), rows.column(column.name), own)
    names = [(column.name, "ascending") for column in schema.dimensions]
    if names and not rows.equals(rows.sort_by(names)):
        yield "the rows are not sorted"
    distinct = rows.group_by([name for name, _ in names]).aggregate([]).num_rows if names else 1
    if rows.num_rows > distinct:
        yield "a row occurs twice"


def _without_unfolded(schema: TableSchema, rows: pa.Table) -> pa.Table:
    """The rows that rest on k support units: those of published crawlers rest on nobody."""
    if not schema.unfolded:
        return rows
    dimensions = zip(*(rows.column(column.name).to_pylist() for column in schema.dimensions), strict=True)
    return rows.filter(pa.array([values not in schema.unfolded for values in dimensions], pa.bool_()))


def _measure(column: Column, values: pa.ChunkedArray, folding: pa.ChunkedArray, k: int) -> Iterator[str]:
    if pc.any(pc.less(values, 0)).as_py():
        yield f"{column.name}: a figure is negative"
    known = folding.drop_null()
    if pc.any(pc.and_(pc.greater(known, 0), pc.less(known, k))).as_py():
        yield f"{column.name}: a figure rests on fewer than {k} support units"


def _percentiles(schema: TableSchema, rows: pa.Table) -> Iterator[str]:
    columns = [column for column in schema.measures if column.percentile is not None]
    if any(pc.any(pc.less(rows.column(column.name), 0)).as_py() for column in columns):
        yield "a percentile is negative"
    for lower, higher in itertools.pairwise(columns):
        below, above = rows.column(lower.name), rows.column(higher.name)
        alone = pc.and_(below.is_null(), above.is_valid())
        if pc.any(pc.less(above, below)).as_py() or pc.any(alone).as_py():
            yield f"{higher.name}: a percentile is below {lower.name}, or stands where that is null"


def _dimension(column: Column, values: pa.ChunkedArray, own: frozenset[str]) -> Iterator[str]:
    if not column.is_text:
        yield from _numbers(column, values)
        return
    words = set(values.unique().to_pylist())
    allowed = column.allowed()
    if None in words:
        yield f"{column.name}: null stands where a reserved word should"
        words.discard(None)
    plain = words - RESERVED
    if allowed is not None and column.vocabulary == _OF_BOTS:
        allowed |= own
    if allowed is not None and not plain <= allowed:
        yield f"{column.name}: {len(plain - allowed)} values are not in the vocabulary"
    if not column.vocabularies and not _have_form(column, plain):
        yield f"{column.name}: a value does not have the form of the column"
    for detector in sorted({found for word in plain if (found := scan(word))}):
        yield f"{column.name}: a value looks like personal data ({detector})"


def _have_form(column: Column, words: Iterable[str]) -> bool:
    return not column.pattern or all(re.fullmatch(column.pattern, word) for word in words)


def _chosen_words(
    column: Column, before: pa.ChunkedArray, values: pa.ChunkedArray, own: frozenset[str]
) -> Iterator[str]:
    """What is wrong with a column whose vocabulary the dimension before it chooses."""
    chosen: dict[str | None, set[str]] = {}
    for choice, word in zip(before.to_pylist(), values.to_pylist(), strict=True):
        if word not in RESERVED | own and word is not None:
            chosen.setdefault((column.vocabularies or {}).get(choice), set()).add(word)
    if not _have_form(column, chosen.pop(None, ())):
        yield f"{column.name}: a value does not have the form of the column"
    foreign = sum(len(words - vocabulary_names(name)) for name, words in chosen.items() if name)
    if foreign:
        yield f"{column.name}: {foreign} values are not in the vocabulary"


def _numbers(column: Column, values: pa.ChunkedArray) -> Iterator[str]:
    low, high = {"hour": (0, 23), "status": (0, 599), "weekday": (1, 7)}[column.name]
    known = values.drop_null()
    if pc.any(pc.or_(pc.less(known, low), pc.greater(known, high))).as_py():
        yield f"{column.name}: a value is outside {low} to {high}"


def _sums(tables: dict[str, pa.Table]) -> Iterator[str]:
    """Tables of one population have one sum of each measure; page views of pages are those of days."""
    expected = {("hits", name): _sum(tables["days"], name) for name in tables["days"].schema.names}
    expected["page_views", "page_views"] = _sum(tables["days"], "page_views") or 0
    expected["all_visits", "visits"] = _sum(tables["days"], "visits")
    expected["exits", "visits"] = _sum(tables["entries"], "visits")
    for name, schema in table_schemas().items():
        added = [*schema.summed, *(["visitors"] if schema.visitors_add_up else [])]
        for measure in added:
            wanted = expected.get((schema.population, measure), _sum(tables[name], measure))
            if _sum(tables[name], measure) != wanted and not _both_nothing(
                _sum(tables[name], measure), wanted
            ):
                yield f"{name}: {measure} do not add up to those of the other tables"


def _sum(rows: pa.Table, measure: str) -> int | None:
    total: int | None = pc.sum(rows.column(measure)).as_py()
    return total


def _both_nothing(one: int | None, other: int | None) -> bool:
    return not one and not other
