"""Which records carry a signal that withholds a person, and which prove that their person is 13 or more.

Every signal is read on its distinct values only. A child wins over any other signal of the same record, and
a signal that was sent but cannot be read counts as a child: it fails closed.
"""

import functools
from dataclasses import dataclass
from operator import or_

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.config import OptOuts, Settings
from logscrub.privacy.ages import Reading
from logscrub.privacy.evidence import Evidence
from logscrub.privacy.sent_signals import SignalFinder
from logscrub.schemas import signal_catalogue

NEVER = int(np.iinfo(np.int32).max)  # an adult_since after every day
NO_DAY = int(np.iinfo(np.int32).min)  # the day of a record without a readable time: before every adult_since

_DAY_MS = 86_400_000
_UTC_MINUS_12_MS = 43_200_000
_EPOCH = 719_163  # date(1970, 1, 1).toordinal()

Days = npt.NDArray[np.int32]


@dataclass(frozen=True, repr=False, eq=False)
class Verdicts:
    """What each record says of its person.

    Attributes:
        withhold: bool, a child, an opt-out, or what the settings take for one.
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


class Judge:
    """Reads the signals of records under the settings of a run; threads may share one."""

    def __init__(self, settings: Settings) -> None:
        self._finder = SignalFinder(signal_catalogue(settings.signals))
        self._withholds = withholding(settings)

    def __call__(self, records: pa.RecordBatch, time_ms: pa.Array) -> Verdicts:
        """Judge a block of records.

        Args:
            records: dictionary-encoded text of the columns `signals`, `target`, `referrer` and `cookie`.
            time_ms: int64 time of each record, milliseconds since 1970-01-01 UTC, null where unreadable.
                Without a time a birth date withholds its person, whatever it is, and an age proves nothing.

        Returns:
            A verdict for each record.
        """
        days = last_days(time_ms)
        withhold = np.zeros(len(days), np.bool_)
        adult_since = np.full(len(days), NEVER, np.int32)
        for said, positions in self._finder.find(records):
            evidence = np.array([one.evidence for one in said], np.uint8)[positions]
            withhold |= (evidence & self._withholds) != 0
            proven = ((evidence & Evidence.THIRTEEN) != 0) & (days != NO_DAY)
            adult_since = np.where(proven, np.minimum(adult_since, days), adult_since)
            for births in _ranked([one.births for one in said]):
                child, since = _judge_births(births, positions, days)
                withhold |= child
                adult_since = np.minimum(adult_since, since)
        adult_since[withhold] = NEVER
        return Verdicts(withhold, adult_since)


def withholding(settings: Settings) -> Evidence:
    """The evidence that withholds a person."""
    opted_out = Evidence.OPT_OUT if settings.opt_outs is OptOuts.EXCLUDE else Evidence.NOTHING
    return functools.reduce(
        or_, (Evidence[name.upper()] for name in settings.also_withhold), Evidence.CHILD | opted_out
    )


def _ranked(births: list[tuple[tuple[Reading, ...], ...]]) -> list[list[tuple[Reading, ...]]]:
    """The first, second, … birth date of each distinct value; () for none."""
    most = max(map(len, births), default=0)
    return [[given[rank] if rank < len(given) else () for given in births] for rank in range(most)]


def _judge_births(
    births: list[tuple[Reading, ...]], positions: npt.NDArray[np.int64], days: Days
) -> tuple[npt.NDArray[np.bool_], Days]:
    """Child, and adult since: the 13th birthday by the latest reading that is no birth in the future."""
    sent = np.array([bool(readings) for readings in births], np.bool_)[positions]
    until = np.full(len(days), NEVER, np.int32)
    for born_on, sure_from in _reading_tables(births):
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
        tables.append((np.array(born, np.int32), np.array(until, np.int32)))
    return tables
