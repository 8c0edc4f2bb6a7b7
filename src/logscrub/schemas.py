"""Load what stands under schemas/: tables, vocabularies, signals, and the Arrow schemas made of them."""

import itertools
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pyarrow as pa

from logscrub.errors import UsageError
from logscrub.signals import Catalogue, Signal

OTHER = "(other)"
UNKNOWN = "(unknown)"
NONE = "(none)"
RESERVED = frozenset({OTHER, UNKNOWN, NONE})
"""Words of text dimensions that no input can produce: folded, absent or outside the vocabulary, not there."""

SCHEMA_VERSION = 1

_TYPES = {
    "string": pa.string(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int64": pa.int64(),
    "double": pa.float64(),
}


@dataclass(frozen=True)
class Column:
    """One column of a released table, as schemas/tables/NAME.json says it.

    Where `vocabularies` are given, the value of the dimension before it chooses the vocabulary, and `pattern`
    is of the values that none is chosen for.
    """

    name: str
    type: str
    kind: str
    unit: str
    description: str
    additive: bool = False
    vocabulary: str | None = None
    vocabularies: Mapping[str, str] | None = None
    values: Sequence[str] | None = None
    pattern: str | None = None
    hit_column: str | None = None
    part: int | None = None
    percentile: int | None = None
    tree: bool = False

    @property
    def source(self) -> str:
        """Name of the column of hits that holds it."""
        return self.hit_column or self.name

    @property
    def is_text(self) -> bool:
        """Whether it holds text, whose reserved words stand for what is folded or unknown."""
        return self.type == "string"

    def field(self) -> pa.Field:
        """Arrow field with its meaning as metadata, which Parquet carries."""
        metadata = {"unit": self.unit, "description": self.description}
        if self.kind == "measure":
            metadata["additive"] = str(self.additive).lower()
        if self.vocabulary:
            metadata["vocabulary"] = self.vocabulary
        return pa.field(self.name, _TYPES[self.type], nullable=not self.is_text, metadata=metadata)

    def allowed(self) -> frozenset[str] | None:
        """Words that may stand in the column, reserved ones apart; None where no closed list exists."""
        if self.values is not None:
            return frozenset(self.values)
        return vocabulary_names(self.vocabulary) if self.vocabulary else None


@dataclass(frozen=True)
class TableSchema:
    """One released table.

    `unfolded` are dimensions of rows that are released whatever their support, since they are of nobody.
    """

    name: str
    title: str
    population: str
    population_meaning: str
    columns: tuple[Column, ...]
    unfolded: frozenset[tuple[str, ...]] = frozenset()

    @property
    def dimensions(self) -> tuple[Column, ...]:
        """Dimensions in fold order."""
        return tuple(c for c in self.columns if c.kind == "dimension")

    @property
    def measures(self) -> tuple[Column, ...]:
        """Measures in their order."""
        return tuple(c for c in self.columns if c.kind == "measure")

    @property
    def summed(self) -> tuple[str, ...]:
        """Additive measures that are sums over hits; their supporters decide whether a row is small."""
        return tuple(c.name for c in self.measures if c.additive and c.name != "visitors")

    @property
    def cell_measures(self) -> tuple[str, ...]:
        """Measures that cells carry: the summed ones, and bounces where the table has them."""
        others = (c.name for c in self.measures if not c.additive and c.percentile is None)
        return self.summed + tuple(name for name in others if name != "visitors")

    @property
    def sources(self) -> list[list[Column]]:
        """Dimensions in fold order, those together that come from one column of hits."""
        return [list(columns) for _, columns in itertools.groupby(self.dimensions, lambda c: c.source)]

    @property
    def visitors_add_up(self) -> bool:
        """Whether every visitor stands in exactly one row."""
        return any(c.name == "visitors" and c.additive for c in self.measures)

    def arrow(self) -> pa.Schema:
        """Arrow schema of the Parquet files."""
        return pa.schema([c.field() for c in self.columns])


def _root() -> Traversable:
    shipped = resources.files("logscrub") / "_schemas"
    # An editable install has no copy inside the package: the repository's own folder serves.
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "schemas"


def _load(name: str) -> Any:
    return json.loads((_root() / name).read_text(encoding="utf-8"))


@cache
def table_schemas() -> dict[str, TableSchema]:
    """All released tables by name, in their documented order."""
    names = [entry.name for entry in (_root() / "tables").iterdir() if entry.name.endswith(".json")]
    loaded = sorted((_load(f"tables/{name}") for name in names), key=lambda table: int(table["order"]))
    return {table["name"]: _table(table) for table in loaded}


def _table(raw: dict[str, Any]) -> TableSchema:
    columns = tuple(Column(**column) for column in raw["columns"])
    unfolded = _published_crawlers() if raw.get("unfolded") == "published crawlers" else frozenset()
    return TableSchema(
        raw["name"], raw["title"], raw["population"], raw["population_meaning"], columns, unfolded
    )


def _published_crawlers() -> frozenset[tuple[str, str]]:
    """Purpose and name of the crawlers that their operators, and not people, run."""
    names = vocabulary("bots")["names"]
    return frozenset(
        (bot["purpose"], name) for name, bot in names.items() if bot["families"] and bot["purpose"] != "tool"
    )


@cache
def vocabulary(name: str) -> dict[str, Any]:
    """Content of schemas/vocabularies/NAME.json; its `names` are the only words ever released."""
    loaded: dict[str, Any] = _load(f"vocabularies/{name}.json")
    return loaded


@cache
def reference(name: str) -> dict[str, Any]:
    """Content of schemas/NAME.json: what is looked up, and never released as such."""
    loaded: dict[str, Any] = _load(f"{name}.json")
    return loaded


@cache
def vocabulary_names(name: str) -> frozenset[str]:
    """Released words of a vocabulary."""
    return frozenset(vocabulary(name)["names"])


@cache
def signal_catalogue(configured: tuple[Signal, ...] = ()) -> Catalogue:
    """The signals of schemas/signals.toml, and those of a configuration.

    Raises:
        UsageError: a configured one has the name of another, or stands where another does.
    """
    loaded = tomllib.loads((_root() / "signals.toml").read_text(encoding="utf-8"))
    try:
        return Catalogue([*(Signal(**signal) for signal in loaded["signal"]), *configured])
    except ValueError as error:
        problem = str(error)
    raise UsageError(f"configuration: signals: {problem}")
