"""The reference of the released tables, made from their schemas.

`python -m logscrub.cli.tables` prints it, which is kept as TABLES.md.
"""

from collections.abc import Iterator

from logscrub.schemas import Column, TableSchema, table_schemas

_INTRODUCTION = """\
# Tables

What a release holds. This page is made from [schemas/tables/](schemas/tables), which code, Parquet metadata
and `verify` read too. Each table is one Parquet file a day, `<table>/date=YYYY-MM-DD/part-0.parquet`; `date`
stands in the path only.

Texts are never null: `(other)` is what was folded, `(unknown)` what is absent or outside the vocabulary,
`(none)` what is known to be absent. Numbers that are dimensions are null where they were folded. A measure
that adds up may be summed over rows; the others may not, and are null in rows where their sum would be wrong
or would rest on too few. No measure of visitors adds up over days.
"""


def table_reference() -> str:
    """The reference as Markdown: population, columns, types, units and vocabularies of every table."""
    return "\n".join([_INTRODUCTION, *(line for table in table_schemas().values() for line in _lines(table))])


def _lines(table: TableSchema) -> Iterator[str]:
    yield f"## `{table.name}`\n"
    yield f"{table.title}. It counts {table.population_meaning}.\n"
    if table.unfolded:
        yield f"Rows of {len(table.unfolded)} published crawlers are never folded: a crawler is nobody.\n"
    if table.dimensions:
        yield "| dimension | type | what it is | values |"
        yield "|---|---|---|---|"
        yield from (f"| `{c.name}` | {c.type} | {c.description} | {_values(c)} |" for c in table.dimensions)
        yield ""
    yield "| measure | type | unit | what it is | adds up |"
    yield "|---|---|---|---|---|"
    for c in table.measures:
        yield f"| `{c.name}` | {c.type} | {c.unit} | {c.description} | {'yes' if c.additive else 'no'} |"
    yield ""


def _values(column: Column) -> str:
    """What values a dimension may have, besides the reserved words."""
    if column.values:
        return ", ".join(f"`{value}`" for value in column.values)
    if column.vocabulary:
        return _link(column.vocabulary)
    shared = (
        f"in the form {_code(column.pattern)}" if column.pattern else "text of logs, let through by the gate"
    )
    if column.vocabularies:
        named = ", ".join(f"{key}: {_link(name)}" for key, name in column.vocabularies.items())
        return f"{named}; else {shared}"
    if column.tree:
        return "path with its ids replaced; folds up to `/shop/*`"
    return shared if column.is_text else "number"


def _link(vocabulary: str) -> str:
    return f"[{vocabulary}](schemas/vocabularies/{vocabulary}.json)"


def _code(expression: str) -> str:
    return "`" + expression.replace("|", r"\|") + "`"


if __name__ == "__main__":
    print(table_reference(), end="")  # noqa: T201
