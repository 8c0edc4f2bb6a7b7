"""The manifest of a released day, written last: a day without one is not released."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from logscrub import __version__
from logscrub.config import Settings
from logscrub.release.parquet import table_path
from logscrub.schemas import SCHEMA_VERSION

MANIFEST_FOLDER = "_manifest"


def manifest_path(date: str) -> str:
    """Path of the manifest of a day inside a release."""
    return f"{MANIFEST_FOLDER}/date={date}.json"


def make_manifest(
    date: str,
    files: dict[str, tuple[bytes, int]],
    settings: Settings,
    databases: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """JSON bytes of a manifest; nothing in it depends on withheld records, layout or clock.

    Args:
        date: the day, YYYY-MM-DD, in the reporting time zone.
        files: table name to Parquet bytes and number of rows.
        settings: those of the run.
        databases: type, build time and SHA-256 of the databases that told the places.
    """
    content = {
        "schema_version": SCHEMA_VERSION,
        "tool": f"logscrub {__version__}",
        "date": date,
        "timezone": settings.timezone,
        "profile": "internal",
        "shareable": False,
        "parameters": {
            "min_support": settings.min_support,
            "support": settings.support.value,
            "audience": settings.audience.value,
            "own_names": {
                "bots": sorted({bot.name for bot in settings.bots}),
                "sources": sorted({source.name for source in settings.sources}),
            },
        },
        "geography": [dict(database) for database in databases],
        "policy_sha256": settings.policy_hash(),
        "files": {
            table: {
                "path": table_path(table, date),
                "rows": rows,
                "sha256": hashlib.sha256(data).hexdigest(),
            }
            for table, (data, rows) in files.items()
        },
    }
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def read_manifest(data: bytes) -> dict[str, Any]:
    """Parsed manifest.

    Raises:
        ValueError: it is not a manifest this version can read.
    """
    try:
        content = json.loads(data)
        known = content["schema_version"] == SCHEMA_VERSION and isinstance(content["files"], dict)
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise ValueError("not a manifest of this version")
    return dict(content)
