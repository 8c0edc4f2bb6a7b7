"""Records that carry signals, and what a judge says of them, in words that a table can hold."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from logscrub.config import Settings
from logscrub.formats.records import record_batch
from logscrub.privacy.children import NEVER, Judge
from logscrub.signals import encode_signals

NOON = "2026-03-01T12:00:00"  # the first moment of 1 March in UTC-12
TODAY = "2026-03-01"
WITHHELD, KEPT = "withheld", "kept"

Place = Mapping[str, str | None]


def milliseconds(*times: str | None) -> pa.Array:
    return pa.array(
        [t and int(datetime.fromisoformat(t).replace(tzinfo=UTC).timestamp() * 1000) for t in times],
        pa.int64(),
    )


def epoch_day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def own(*sent: tuple[str, str]) -> dict[str, str]:
    """A record with signals in a column of their own."""
    return {"signals": encode_signals(sent)}


def records_of(rows: Sequence[Place]) -> pa.RecordBatch:
    """Records of the given columns (`signals`, `target`, `referrer`, `cookie`)."""
    names = sorted({name for row in rows for name in row})
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    encoded = {name: column.dictionary_encode() for name, column in columns.items()}
    return record_batch(np.arange(len(rows)), encoded)


def judged_records(records: pa.RecordBatch, times: pa.Array, settings: Settings | None = None) -> list[str]:
    """Of each record `withheld`, `kept`, or the day from which its person is known to be 13."""
    verdicts = Judge(settings or Settings())(records, times)
    return [
        _word(withhold, since)
        for withhold, since in zip(verdicts.withhold.tolist(), verdicts.adult_since.tolist(), strict=True)
    ]


def judged(
    *rows: Place, settings: Settings | None = None, times: Sequence[str | None] | None = None
) -> list[str]:
    """The same for rows of columns, of noon unless times are given."""
    return judged_records(records_of(rows), milliseconds(*(times or [NOON] * len(rows))), settings)


def _word(withhold: bool, since: int) -> str:
    if withhold:
        assert since == NEVER
        return WITHHELD
    return KEPT if since == NEVER else (date(1970, 1, 1) + timedelta(days=since)).isoformat()
