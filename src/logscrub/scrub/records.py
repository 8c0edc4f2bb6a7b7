"""Decide for each record of a block whether it is kept, withheld, out of dates or rejected."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.config import Settings
from logscrub.enrich.geography import Geography
from logscrub.errors import LineReason
from logscrub.privacy.children import NEVER, Judge, last_days
from logscrub.privacy.joins import SignalSet, Withheld
from logscrub.privacy.pseudonyms import EphemeralKey
from logscrub.scrub.filters import matching
from logscrub.scrub.hits import HitMaker
from logscrub.scrub.identities import Identifier
from logscrub.traffic.calendar import DayRange, today

_REASONS = list(LineReason)
_NONE = -1
_DAY_MS = 86_400_000
_MAX_BYTES = 2**40  # sums of a million such records still fit an int64


@dataclass(frozen=True, repr=False, eq=False)
class ScrubbedBlock:
    """What a block of records became.

    Attributes:
        hits: hits of the kept records (schema HITS).
        day: day of each hit, days since 1970-01-01 in the reporting time zone.
        withheld: number of records withheld.
        unfinished: number of records of a day that is not over yet.
        out_of_dates: number of records of days that were not asked for.
        filtered: number of records that the rules of the operator leave out.
        rejected: reason to the line numbers, in the block, of rejected records.
    """

    hits: pa.RecordBatch
    day: npt.NDArray[np.int32]
    withheld: int
    unfinished: int
    out_of_dates: int
    filtered: int
    rejected: Mapping[LineReason, npt.NDArray[np.int64]]


class Scrubber:
    """Turns records into hits under one key, with the people to withhold known; threads may share one."""

    def __init__(
        self,
        settings: Settings,
        key: EphemeralKey,
        withheld: Withheld,
        now_ms: int,
        geography: Geography,
        *,
        days: DayRange | None,
    ) -> None:
        self._settings = settings
        self._identify = Identifier(settings, key)
        self._judge = Judge(settings)
        self._make_hits = HitMaker(settings, geography)
        self._withheld = withheld
        self._now_ms = now_ms
        self.key_check = key.check
        self._days = days
        self._today = today(now_ms, settings.timezone)

    def __call__(self, records: pa.RecordBatch) -> ScrubbedBlock:
        """Scrub the records of a block (schema RECORDS).

        Withholding comes first: a rejected or out-of-date record of a child is withheld like any other, so
        that it shows in no figure that an operator sees.
        """
        identities = self._identify(records)
        time = believable_time(records, self._now_ms)
        verdicts = self._judge(records, time)
        withheld = self._withheld.mask(
            identities.ids,
            identities.pair,
            verdicts.withhold,
            day=last_days(time),
            own_adult_since=verdicts.adult_since,
            audience=self._settings.audience,
        )
        problem = self._problems(records)
        judged = ~withheld & (problem == _NONE)
        unfinished = judged & (identities.day >= self._today)
        asked = self._days.holds(identities.day) if self._days else True
        due = judged & ~unfinished & asked
        kept = due & self._is_counted(records, identities.day)
        line = records.column("line").to_numpy()
        return ScrubbedBlock(
            self._make_hits(records, identities, kept),
            identities.day[kept],
            int(withheld.sum()),
            int(unfinished.sum()),
            int(judged.sum() - unfinished.sum() - due.sum()),
            int(due.sum() - kept.sum()),
            {
                _REASONS[reason]: line[~withheld & (problem == reason)]
                for reason in np.unique(problem[~withheld & (problem != _NONE)])
            },
        )

    def _is_counted(self, records: pa.RecordBatch, day: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which records the rules of the operator let through."""
        counted = ~matching(self._settings.leave_out, records, day)
        if self._settings.count_only:
            counted &= matching(self._settings.count_only, records, day)
        return counted

    def _problems(self, records: pa.RecordBatch) -> npt.NDArray[np.int8]:
        """Index of the reason that rejects each record, or -1."""
        time = pc.fill_null(records.column("time"), 0).to_numpy()
        problem: npt.NDArray[np.int8] = pc.fill_null(records.column("problem"), _NONE).to_numpy().copy()
        future = time > self._now_ms + _DAY_MS
        problem[(problem == _NONE) & future] = _REASONS.index(LineReason.FUTURE_TIME)
        huge = records.column("bytes").to_numpy() > _MAX_BYTES
        problem[(problem == _NONE) & huge] = _REASONS.index(LineReason.IMPOSSIBLE_SIZE)
        return problem


def believable_time(records: pa.RecordBatch, now_ms: int) -> pa.Array:
    """Time of each record, null where it is more than a day ahead: such a clock proves no age."""
    time = records.column("time")
    return pc.if_else(pc.greater(time, now_ms + _DAY_MS), pa.scalar(None, pa.int64()), time)


class SignalReader:
    """Reads child flags, opt-outs and the identifiers that join records (step 1)."""

    def __init__(self, settings: Settings, key: EphemeralKey, now_ms: int) -> None:
        self._identify = Identifier(settings, key)
        self._judge = Judge(settings)
        self._key_check = key.check
        self._now_ms = now_ms

    def __call__(self, records: pa.RecordBatch, *, withhold_all: bool = False) -> SignalSet:
        """Signals of the records of a block, rejected and out-of-date ones too.

        Args:
            records: schema RECORDS.
            withhold_all: whether each of them is taken for a child's.
        """
        identities = self._identify(records)
        verdicts = self._judge(records, believable_time(records, self._now_ms))
        withhold = verdicts.withhold | withhold_all
        since = np.where(withhold, np.int32(NEVER), verdicts.adult_since)
        return SignalSet.from_records(identities.ids, identities.pair, withhold, since, self._key_check)

    def names_someone(self, records: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Which records have an identifier, or an address and a time."""
        identities = self._identify(records)
        someone: npt.NDArray[np.bool_] = identities.pair != 0
        for one in identities.ids:
            someone |= one != 0
        return someone
