"""What the records of geographic databases tell of a network, whoever made the database.

Country and subdivision stand where MaxMind puts them, and DB-IP too; carriers and kinds of connection at the
top (GeoIP2-ISP, GeoLite2-ASN, DB-IP's ASN lists, GeoIP2-Connection-Type) or under `traits` (Enterprise and
DB-IP's larger databases). City, postal code and coordinates are never touched, nor is the country a network
is registered in, nor `organization`, which names the customer who has the network: a school, a person.
"""

import functools
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from logscrub.enrich.networks import carrier_names, connection_types
from logscrub.schemas import UNKNOWN, vocabulary_names

Place = tuple[str, str]
"""Country (ISO 3166-1 alpha-2) and region (ISO 3166-2), each `(unknown)` where it is not known."""

NOWHERE: Final[Place] = (UNKNOWN, UNKNOWN)

_REGION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")


class Answer(NamedTuple):
    """What is known of a network, each part `(unknown)` where it is not."""

    country: str = UNKNOWN
    region: str = UNKNOWN
    connection: str = UNKNOWN
    provider: str = UNKNOWN
    holder: str = UNKNOWN

    @property
    def place(self) -> Place:
        """Country and region."""
        return self.country, self.region

    @property
    def carrier(self) -> str:
        """Who sells access over the network, else who holds its autonomous system."""
        return self.holder if self.provider == UNKNOWN else self.provider


NOTHING: Final = Answer()


def answer_of(record: Any) -> Answer:
    """Read one record; whatever it is, the answer has text in each part.

    Carriers are tidy (see `carrier_names`), but free text of the database's maker: only k release them.
    """
    if not isinstance(record, dict):
        return NOTHING
    return Answer(
        *_place(record),
        _connection(_told(record, "connection_type")),
        _carrier(_told(record, "isp")),
        _carrier(_told(record, "autonomous_system_organization")),
    )


def merged(answers: Iterable[Answer]) -> Answer:
    """Of each part the first that is known; a region only of one that agrees on the country."""
    country = region = connection = provider = holder = UNKNOWN
    for found in answers:
        country = found.country if country == UNKNOWN else country
        if region == UNKNOWN and found.country == country:
            region = found.region
        connection = found.connection if connection == UNKNOWN else connection
        provider = found.provider if provider == UNKNOWN else provider
        holder = found.holder if holder == UNKNOWN else holder
    return Answer(country, region, connection, provider, holder)


def _place(record: dict[Any, Any]) -> Place:
    country = _code_of(record.get("country"))
    if country not in vocabulary_names("countries"):
        return NOWHERE
    subdivisions = record.get("subdivisions")
    largest = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
    region = f"{country}-{_code_of(largest)}"
    return country, region if _REGION.fullmatch(region) else UNKNOWN


def _told(record: dict[Any, Any], name: str) -> str:
    told = record.get(name)
    if told is None:
        traits = record.get("traits")
        told = traits.get(name) if isinstance(traits, dict) else None
    return told if isinstance(told, str) else ""


def _code_of(part: Any) -> str:
    code = part.get("iso_code") if isinstance(part, dict) else None
    return code if isinstance(code, str) else ""


@functools.lru_cache(maxsize=1_000)
def _connection(told: str) -> str:
    return connection_types([told])[0] if told else UNKNOWN


# A provider has many records, and normalising its name takes longer than finding one.
@functools.lru_cache(maxsize=100_000)
def _carrier(told: str) -> str:
    return carrier_names([told])[0] if told else UNKNOWN
