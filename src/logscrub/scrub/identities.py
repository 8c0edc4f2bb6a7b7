"""Who a record belongs to: pseudonyms of its identifiers, its visitor and its support unit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.columns import Memo, codes, numbered, pack, row_of_each, spread
from logscrub.config import Settings, Support
from logscrub.privacy.addresses import Addresses, parse_addresses, truncate, within_sites
from logscrub.privacy.cookies import cookie_ids, session_cookies
from logscrub.privacy.identifiers import ID_KINDS, listed_ids, record_ids
from logscrub.privacy.pseudonyms import EphemeralKey, pair_pseudonyms, pseudonyms
from logscrub.traffic.calendar import days_and_hours

_VISITOR_KINDS = ID_KINDS[:3]

_NOWHERE = np.uint64(1)
"""Support unit of all records without an address that can be read: they may all be one person's."""

Pseudonyms = npt.NDArray[np.uint64]


@dataclass(frozen=True, repr=False, eq=False)
class Identities:
    """Pseudonyms of each record of a block.

    Attributes:
        ids: pseudonyms by which records join, as many arrays as a record has ids; 0 where absent.
        pair: pseudonym of address, user agent and day; 0 where the address or the time is unknown.
        visitor: the first id that is no session's, else address and user agent.
        unit: support unit: the visitor's identifier, else the truncated network.
        networks: truncated networks of distinct addresses; they may repeat.
        network: place in `networks` of each record's, as codes of a dictionary; null without an address.
        day: days since 1970-01-01 in the reporting time zone; meaningless without a time.
        hour: hour of the day in the reporting time zone.
    """

    ids: list[Pseudonyms]
    pair: Pseudonyms
    visitor: Pseudonyms
    unit: Pseudonyms
    networks: Addresses
    network: pa.DictionaryArray
    day: npt.NDArray[np.int32]
    hour: npt.NDArray[np.int8]

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Identities":
        """Those of some of the records."""
        return Identities(
            [kind[chosen] for kind in self.ids],
            self.pair[chosen],
            self.visitor[chosen],
            self.unit[chosen],
            self.networks,
            self.network.filter(pa.array(chosen)),
            self.day[chosen],
            self.hour[chosen],
        )


class Identifier:
    """Finds the identities of records under the key of a run."""

    def __init__(self, settings: Settings, key: EphemeralKey) -> None:
        self._settings = settings
        self._key = key
        self._session_cookies = session_cookies(settings.session_cookies)
        self._agents = Memo(lambda distinct: _agent_pseudonyms(key, distinct))

    def __call__(self, records: pa.RecordBatch) -> Identities:
        """Identities of the records of a block (schema RECORDS)."""
        timed = records.column("time").is_valid().to_numpy(zero_copy_only=False)
        time = pc.fill_null(records.column("time"), 0).to_numpy()
        day, hour = days_and_hours(time, self._settings.timezone)
        ids = self._ids(records)
        address_column = records.column("address")
        distinct = parse_addresses(address_column.dictionary)
        pair = self._pairs(distinct, codes(address_column), records.column("user_agent"), day)
        own = pair
        if distinct.site.any():
            own = self._pairs(
                within_sites(distinct), codes(address_column), records.column("user_agent"), day
            )
        person = np.zeros(len(records), dtype=np.uint64)
        for kind in _VISITOR_KINDS:
            for one in ids[kind]:
                person = np.where(person == 0, one, person)
        visitor = np.where(person == 0, own, person)
        joinable = timed & spread(address_column, distinct.family != 0, null=False)
        networks = truncate(distinct, self._settings.ipv4_prefix, self._settings.ipv6_prefix)
        unit = self._units(person, visitor, networks, address_column)
        pair = np.where(joinable, pair, np.uint64(0))
        places = pa.array(np.arange(len(networks), dtype=np.int32))
        network = numbered(address_column.indices, places)
        joining = [one for kind in ID_KINDS if kind not in self._settings.not_joined for one in ids[kind]]
        return Identities(joining, pair, visitor, unit, networks, network, day, hour)

    def _pairs(
        self,
        addresses: Addresses,
        address: npt.NDArray[np.int32],
        agents: pa.DictionaryArray,
        day: npt.NDArray[np.int32],
    ) -> Pseudonyms:
        """Pseudonym of each record's address, agent and day, hashed once for those that are alike."""
        since = day.astype(np.int64) - day.min(initial=0)
        alike = pa.array(pack([address.astype(np.int64), codes(agents).astype(np.int64), since]))
        alike = alike.dictionary_encode()
        kind = alike.indices.to_numpy()
        row = row_of_each(kind, len(alike.dictionary))
        agent = spread(agents, self._agents(agents.dictionary)[0].to_numpy(), 0)
        distinct = addresses.take(address[row])
        pairs: Pseudonyms = pair_pseudonyms(self._key, distinct, agent[row], day[row].astype(np.int64))[kind]
        return pairs

    def _ids(self, records: pa.RecordBatch) -> dict[str, list[Pseudonyms]]:
        """Of each kind the ids of their own column, then those in cookies."""
        ids = {kind: record_ids(self._key, kind, records.column(kind)) for kind in ID_KINDS}
        cookie = records.column("cookie")
        if cookie.null_count < len(cookie):
            found = [cookie_ids(header, self._session_cookies) for header in cookie.dictionary.to_pylist()]
            for kind in ("client_id", "session_id"):
                of_kind = [[one for its_kind, one in own if its_kind == kind] for own in found]
                ids[kind] += listed_ids(self._key, kind, cookie, of_kind)
        return ids

    def _units(
        self, person: Pseudonyms, visitor: Pseudonyms, networks: Addresses, column: pa.DictionaryArray
    ) -> Pseudonyms:
        if self._settings.support is Support.VISITORS:
            return visitor
        zeros = np.zeros(len(networks), dtype=np.uint64)
        # Day -1 is no day of a log: a network never equals the pair of a visitor.
        network = pair_pseudonyms(self._key, networks, zeros, np.full(len(zeros), -1, dtype=np.int64))
        network[networks.family == 0] = _NOWHERE
        return np.where(person == 0, spread(column, network, _NOWHERE), person)


def _agent_pseudonyms(key: EphemeralKey, distinct: list[str]) -> list[pa.Array]:
    # Formats differ in the white space they leave around a value, and in whether they tell of an empty one.
    agents = [agent.strip() for agent in distinct]
    found = pseudonyms(key, "user_agent", agents)
    found[[not agent for agent in agents]] = 0
    return [pa.array(found, pa.uint64())]
