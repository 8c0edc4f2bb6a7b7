"""Which records carry a signal that withholds a person, and which prove that their person is 13 or more.

Every signal is read on its distinct values only. A child wins over any other signal of the same record, and
a signal that was sent but cannot be read counts as a child: it fails closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.privacy.ages import (
    ADULT_YEARS,
    NOT_SENT_TEXTS,
    Reading,
    Unclear,
    age_years,
    normalise,
    under_13_until,
)

FLAG_SIGNALS = ("child", "coppa", "opt_out")
SIGNALS = (*FLAG_SIGNALS, "age", "birth_date")

NEVER = int(np.iinfo(np.int32).max)  # an adult_since after every day
NO_DAY = int(np.iinfo(np.int32).min)  # the day of a record without a readable time: before every adult_since

# 0 is no evidence of an adult: it is what systems send for everyone (OpenRTB 2.6, regs.coppa).
_SAYS_NO = NOT_SENT_TEXTS | {"false", "0", "0.0", "-0.0", "no", "off", "n", "f"}

_SAYS_NOTHING, _SAYS_CHILD, _SAYS_ADULT = range(3)
_DAY_MS = 86_400_000
_UTC_MINUS_12_MS = 43_200_000
_EPOCH = 719_163  # date(1970, 1, 1).toordinal()

Days = npt.NDArray[np.int32]


@dataclass(frozen=True, repr=False, eq=False)
class Verdicts:
    """What each record says of its person.

    Attributes:
        withhold: bool, a child or an opt-out.
        adult_since: int32, days since 1970-01-01 in UTC-12 from which this record proves its person to be 13
            or more; `NEVER` where it does not, and wherever `withhold` is true.
    """

    withhold: npt.NDArray[np.bool_]
    adult_since: Days


def last_days(time_ms: pa.Array) -> Days:
    """Day of each record in UTC-12, the last place on earth to reach a date.

    Args:
        time_ms: int64, milliseconds since 1970-01-01 UTC, null where unreadable.

    Returns:
        int32 days since 1970-01-01; `NO_DAY` where the time is null.
    """
    milliseconds = pc.fill_null(time_ms, 0).to_numpy(zero_copy_only=False)
    # Shifting days cannot overflow; shifting milliseconds could turn the far past into the future.
    days = np.clip(
        milliseconds // _DAY_MS - (milliseconds % _DAY_MS < _UTC_MINUS_12_MS), NO_DAY + 1, NEVER - 1
    )
    return np.where(time_ms.is_valid().to_numpy(zero_copy_only=False), days, NO_DAY).astype(np.int32)


def judge(columns: Mapping[str, pa.DictionaryArray], time_ms: pa.Array) -> Verdicts:
    """Read the signals of a block of records.

    Args:
        columns: dictionary-encoded text of the columns `child`, `coppa`, `opt_out`, `age` and `birth_date`;
            a column that is missing was not sent. Numbers come as the repr of a float.
        time_ms: int64 time of each record, milliseconds since 1970-01-01 UTC, null where unreadable. Without
            a time a birth date withholds its person, whatever it is, and an age proves nothing.

    Returns:
        A verdict for each record.
    """
    days = last_days(time_ms)
    withhold = np.zeros(len(days), np.bool_)
    adult_since = np.full(len(days), NEVER, np.int32)
    sent = {name: columns[name] for name in SIGNALS if name in columns}
    sent = {name: column for name, column in sent.items() if column.null_count < len(column)}
    for name in FLAG_SIGNALS:
        if name in sent:
            withhold |= _flagged(sent[name])
    for name, judge_column in (("age", _judge_age), ("birth_date", _judge_birth_date)):
        if name in sent:
            child, since = judge_column(sent[name], days)
            withhold |= child
            adult_since = np.minimum(adult_since, since)
    adult_since[withhold] = NEVER
    return Verdicts(withhold, adult_since)


def _flagged(column: pa.DictionaryArray) -> npt.NDArray[np.bool_]:
    said = [text is not None and normalise(text) not in _SAYS_NO for text in _distinct(column)]
    return np.array([*said, False], np.bool_)[_positions(column)]


def _judge_age(column: pa.DictionaryArray, days: Days) -> tuple[npt.NDArray[np.bool_], Days]:
    """Child, and adult since: an age in years is a fact of its own day."""
    said = [_SAYS_NOTHING if text is None else _age_says(text) for text in _distinct(column)]
    says = np.array([*said, _SAYS_NOTHING], np.uint8)[_positions(column)]
    proven = (says == _SAYS_ADULT) & (days != NO_DAY)
    return says == _SAYS_CHILD, np.where(proven, days, np.int32(NEVER))


def _age_says(text: str) -> int:
    years = age_years(text)
    if years is Unclear.NOT_SENT:
        return _SAYS_NOTHING
    if years is Unclear.UNREADABLE or years < ADULT_YEARS:
        return _SAYS_CHILD
    return _SAYS_ADULT


def _judge_birth_date(column: pa.DictionaryArray, days: Days) -> tuple[npt.NDArray[np.bool_], Days]:
    """Child, and adult since: the 13th birthday by the latest reading that is no birth in the future."""
    found = [Unclear.NOT_SENT if text is None else under_13_until(text) for text in _distinct(column)]
    positions = _positions(column)
    sent = np.array([*(readings is not Unclear.NOT_SENT for readings in found), False], np.bool_)[positions]
    until = np.full(len(days), NEVER, np.int32)
    for born_on, sure_from in _reading_tables([() if isinstance(r, Unclear) else r for r in found]):
        until = np.where(born_on[positions] <= days, sure_from[positions], until)
    child = sent & (until > days)
    return child, np.where(sent & ~child, until, np.int32(NEVER))


def _reading_tables(found: list[tuple[Reading, ...]]) -> list[tuple[Days, Days]]:
    """Tabulate the first, second, … reading of each distinct value in epoch days; NEVER for none."""
    tables = []
    for rank in range(max(map(len, found), default=0)):
        ranked = [readings[rank] if rank < len(readings) else None for readings in found]
        born = [NEVER if reading is None else reading.born.toordinal() - _EPOCH for reading in ranked]
        until = [NEVER if reading is None else reading.until.toordinal() - _EPOCH for reading in ranked]
        tables.append((np.array([*born, NEVER], np.int32), np.array([*until, NEVER], np.int32)))
    return tables


def _distinct(column: pa.DictionaryArray) -> list[str | None]:
    values: list[str | None] = column.dictionary.to_pylist()
    return values


def _positions(column: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Position of each record's value among the distinct ones; -1, the last of a table, where null."""
    positions: npt.NDArray[np.int64] = pc.fill_null(column.indices.cast(pa.int64()), -1).to_numpy()
    return positions
