"""Who a record belongs to: pseudonyms of its identifiers, its visitor and its support unit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.columns import Memo, codes, spread
from logscrub.config import Settings, Support
from logscrub.privacy.addresses import Addresses, parse_addresses, truncate
from logscrub.privacy.pseudonyms import EphemeralKey, normalise_identifiers, pair_pseudonyms, pseudonyms
from logscrub.traffic.calendar import days_and_hours

VISITOR_KINDS = ("user_id", "device_id", "client_id")
"""Identifiers that make a visitor, the first known one counting."""

JOIN_KINDS = (*VISITOR_KINDS, "session_id")
"""Identifiers that join records to a child or an opt-out."""

_NOWHERE = np.uint64(1)
"""Support unit of all records without an address that can be read: they may all be one person's."""

Pseudonyms = npt.NDArray[np.uint64]


@dataclass(frozen=True, repr=False, eq=False)
class Identities:
    """Pseudonyms of each record of a block.

    Attributes:
        ids: pseudonym for each of JOIN_KINDS; 0 where absent.
        pair: pseudonym of address, user agent and day; 0 where the address or the time is unknown.
        visitor: the first of VISITOR_KINDS, else address and user agent.
        unit: support unit: the visitor's identifier, else the truncated network.
        day: days since 1970-01-01 in the reporting time zone; meaningless without a time.
        hour: hour of the day in the reporting time zone.
    """

    ids: list[Pseudonyms]
    pair: Pseudonyms
    visitor: Pseudonyms
    unit: Pseudonyms
    day: npt.NDArray[np.int32]
    hour: npt.NDArray[np.int8]


class Identifier:
    """Finds the identities of records under the key of a run."""

    def __init__(self, settings: Settings, key: EphemeralKey) -> None:
        self._settings = settings
        self._key = key
        self._agents = Memo(lambda distinct: _agent_pseudonyms(key, distinct))

    def __call__(self, records: pa.RecordBatch) -> Identities:
        """Identities of the records of a block (schema RECORDS)."""
        timed = records.column("time").is_valid().to_numpy(zero_copy_only=False)
        time = pc.fill_null(records.column("time"), 0).to_numpy()
        day, hour = days_and_hours(time, self._settings.timezone)
        ids = [self._pseudonyms_of(records.column(kind), kind) for kind in JOIN_KINDS]
        address_column = records.column("address")
        distinct = parse_addresses(address_column.dictionary)
        addresses = distinct.take(codes(address_column))
        agents = records.column("user_agent")
        agent = spread(agents, np.array(self._agents(agents.dictionary.to_pylist()), dtype=np.uint64), 0)
        pair = pair_pseudonyms(self._key, addresses, agent, day.astype(np.int64))
        person = np.zeros(len(records), dtype=np.uint64)
        for kind in ids[: len(VISITOR_KINDS)]:
            person = np.where(person == 0, kind, person)
        visitor = np.where(person == 0, pair, person)
        joinable = timed & (addresses.family != 0)
        unit = self._units(person, visitor, distinct, address_column)
        return Identities(ids, np.where(joinable, pair, np.uint64(0)), visitor, unit, day, hour)

    def _pseudonyms_of(self, column: pa.DictionaryArray, kind: str) -> Pseudonyms:
        if column.null_count == len(column):
            return np.zeros(len(column), dtype=np.uint64)
        return spread(column, pseudonyms(self._key, kind, normalise_identifiers(column.dictionary)), 0)

    def _units(
        self, person: Pseudonyms, visitor: Pseudonyms, distinct: Addresses, column: pa.DictionaryArray
    ) -> Pseudonyms:
        if self._settings.support is Support.VISITORS:
            return visitor
        networks = truncate(distinct, self._settings.ipv4_prefix, self._settings.ipv6_prefix)
        zeros = np.zeros(len(distinct), dtype=np.uint64)
        # Day -1 is no day of a log: a network never equals the pair of a visitor.
        network = pair_pseudonyms(self._key, networks, zeros, np.full(len(zeros), -1, dtype=np.int64))
        network[networks.family == 0] = _NOWHERE
        return np.where(person == 0, spread(column, network, _NOWHERE), person)


def _agent_pseudonyms(key: EphemeralKey, distinct: list[str]) -> list[int]:
    # Formats differ in the white space they leave around a value.
    found: list[int] = pseudonyms(key, "user_agent", [agent.strip() for agent in distinct]).tolist()
    return found
