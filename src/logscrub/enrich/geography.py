"""Country and region of truncated networks, from databases in MaxMind's format.

Of a record only two codes are read: the country and the largest subdivision of where the network is used.
City, postal code, coordinates and traits are never touched, nor is the country it is registered in.

The plain reader is used and not geoip2 on top of it: that takes twice as long for a city, raises errors
that quote the address, and brings two HTTP clients along.
"""

import itertools
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, Final, NoReturn

import maxminddb
import numpy as np
import numpy.typing as npt

from logscrub.errors import UsageError, system_reason
from logscrub.schemas import UNKNOWN, vocabulary_names

Place = tuple[str, str]
"""Country (ISO 3166-1 alpha-2) and region (ISO 3166-2), each `(unknown)` where it is not known."""

NOWHERE: Final[Place] = (UNKNOWN, UNKNOWN)

_REGION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_IPV4: Final = 4
_IPV6: Final = 6
_BITS: Final = {_IPV4: 32, _IPV6: 64}  # no network finer than /64 is ever looked up
_RECORDS_TRIED = 1_000
_TYPE_LENGTH = 100
_REMEMBERED = 2_000_000  # networks of one family: 24 MB, twice that while it grows

_HELP = "give a country or city database with the ending .mmdb, such as GeoLite2-City.mmdb"
_DAMAGED = "the database is damaged: download it again"


class Database:
    """One open database; it maps a file, so it is opened in the process that asks it.

    Attributes:
        database_type: name of its kind, from its metadata, such as `GeoLite2-City`.
        build_epoch: when it was built, in seconds since 1970.
    """

    def __init__(self, reader: maxminddb.Reader) -> None:
        metadata = reader.metadata()
        self.database_type = str(metadata.database_type)[:_TYPE_LENGTH]
        self.build_epoch = int(metadata.build_epoch)
        self._has_ipv6 = metadata.ip_version != _IPV4
        self._reader = reader

    def place(self, family: int, network: int) -> tuple[Place, int]:
        """Find the place of a network, and the last network that has it too, being in the same record.

        The place is `(unknown)` also where the record is damaged.

        Args:
            family: 4 or 6.
            network: the 32 bits of IPv4, or the leading 64 of IPv6.
        """
        bits = _BITS[family]
        if family != _IPV4 and not self._has_ipv6:
            return NOWHERE, (1 << bits) - 1
        try:
            record, prefix = self._reader.get_with_prefix_len(_text(family, network))
            # A database without a tree for IPv4 gives such addresses a prefix below zero.
            free = bits - prefix if 0 <= prefix <= bits else 0
            return _place(record), network | (1 << free) - 1
        # The pure reader raises whatever a damaged file leads it to, and the message quotes the address.
        except Exception:
            return NOWHERE, network

    def __reduce__(self) -> NoReturn:
        raise TypeError("a geographic database is opened where it is used, it is not sent")


def open_database(source: str | Path | BinaryIO, name: str | None = None) -> Database:
    """Open a database that knows countries.

    Args:
        source: local path, which is mapped into memory; or an open binary file, such as an object of a
            store, which is copied to a temporary file first: a mapped file answers 12 times as fast as the
            reader for open files.
        name: what messages call it; the path, unless it is given.

    Raises:
        UsageError: the file is missing, unreadable, not in MaxMind's format, damaged, or its records hold no
            country (ASN, ISP and the like).
    """
    called = name or (str(source) if isinstance(source, str | Path) else "(file)")
    try:
        if isinstance(source, str | Path):
            return _open_path(Path(source), called)
        # Its pages stay mapped when its name is gone.
        with NamedTemporaryFile(prefix="logscrub-geoip-", suffix=".mmdb") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            return _open_path(Path(copy.name), called)
    except OSError as error:
        raise UsageError(f"--geoip {called}: {system_reason(error)}: check the path") from None


class Geography:
    """Places of networks by several databases, with a memory that networks of later blocks profit from.

    Of each field the first database that knows it decides, and a region is only taken from one that agrees
    on the country. Threads may share one.
    """

    def __init__(self, databases: Sequence[Database]) -> None:
        self._databases = tuple(databases)
        self._places = [NOWHERE]
        self._codes = {NOWHERE: 0}
        self._known = {family: _Memory(np.empty(0, np.uint64), np.empty(0, np.int32)) for family in _BITS}
        self._lock = threading.Lock()

    def __call__(
        self, family: npt.NDArray[np.uint8], high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.int32], list[Place]]:
        """Find the place of each truncated network, which is the place of its first address.

        Args:
            family: 4, 6, or 0 for none.
            high: bits 127 to 64 of an IPv6 network.
            low: the 32 bits of an IPv4 network; not read of IPv6, whose networks are /64 or coarser.

        Returns:
            For each network the number of its place, and the places; the first is `NOWHERE`.
        """
        codes = np.zeros(len(family), np.int32)
        if not self._databases:
            return codes, [NOWHERE]
        with self._lock:
            for number, networks in ((_IPV4, low), (_IPV6, high)):
                at = np.flatnonzero(family == number)
                codes[at] = self._find(number, networks[at])
            return codes, list(self._places)

    def _find(self, family: int, networks: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
        memory = self._known[family]
        new = np.unique(networks[~memory.holds(networks)])
        if len(new):
            codes = self._look_up(family, new)
            # A memory that only ever grew would hold every network of a long run.
            if len(memory) + len(new) > _REMEMBERED:
                wanted = np.setdiff1d(networks, new)
                memory = _Memory(wanted, memory.codes_of(wanted))
            memory = self._known[family] = memory.with_more(new, codes)
        return memory.codes_of(networks)

    def _look_up(self, family: int, networks: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
        """Codes of sorted networks; those in one record of every database are looked up once."""
        codes, last, code = np.empty(len(networks), np.int32), -1, 0
        for index, network in enumerate(networks.tolist()):
            if network > last:
                place, last = self._ask(family, network)
                code = self._code(place)
            codes[index] = code
        return codes

    def _ask(self, family: int, network: int) -> tuple[Place, int]:
        country = region = UNKNOWN
        answers = [database.place(family, network) for database in self._databases]
        for (found_country, found_region), _ in answers:
            country = found_country if country == UNKNOWN else country
            if region == UNKNOWN and found_country == country:
                region = found_region
        return (country, region), min((last for _, last in answers), default=network)

    def _code(self, place: Place) -> int:
        code = self._codes.setdefault(place, len(self._places))
        if code == len(self._places):
            self._places.append(place)
        return code

    def __reduce__(self) -> NoReturn:
        raise TypeError("geographic databases are opened where they are used, they are not sent")


class _Memory:
    """Codes of networks, sorted by network: 12 bytes each, where a dictionary would take over 100."""

    def __init__(self, networks: npt.NDArray[np.uint64], codes: npt.NDArray[np.int32]) -> None:
        self._networks = networks
        self._codes = codes

    def __len__(self) -> int:
        return len(self._networks)

    def holds(self, networks: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        if not len(self):
            return np.zeros(len(networks), np.bool_)
        at = np.searchsorted(self._networks, networks)
        found: npt.NDArray[np.bool_] = self._networks[np.minimum(at, len(self) - 1)] == networks
        return found

    def codes_of(self, networks: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
        """Codes of networks that it holds."""
        return self._codes[np.searchsorted(self._networks, networks)]

    def with_more(self, networks: npt.NDArray[np.uint64], codes: npt.NDArray[np.int32]) -> "_Memory":
        """Add networks, sorted and none of which it holds."""
        at = np.searchsorted(self._networks, networks)
        return _Memory(np.insert(self._networks, at, networks), np.insert(self._codes, at, codes))


def _open_path(path: Path, called: str) -> Database:
    with path.open("rb"):  # the reader's own errors do not tell a directory or missing rights apart
        pass
    try:
        database = Database(maxminddb.open_database(path))
    except Exception:
        raise UsageError(f"--geoip {called}: it is no MaxMind database: {_HELP}") from None
    try:
        knows = any(_place(record)[0] != UNKNOWN for record in _first_records(path))
    except Exception:
        raise UsageError(f"--geoip {called}: {_DAMAGED}") from None
    if not knows:
        raise UsageError(f"--geoip {called}: {database.database_type} holds no countries: {_HELP}")
    return database


def _first_records(path: Path) -> Iterator[Any]:
    """First records of a database: what it is called differs from vendor to vendor, what they hold does not.

    The C extension would end the process by an assertion when it walks a damaged tree; its lookups do not.
    """
    with maxminddb.open_database(path, maxminddb.MODE_MMAP) as reader:
        for _, record in itertools.islice(reader, _RECORDS_TRIED):
            yield record


def _place(record: Any) -> Place:
    country = _code_of(_part(record, "country"))
    if country not in vocabulary_names("countries"):
        return NOWHERE
    subdivisions = _part(record, "subdivisions")
    largest = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
    region = f"{country}-{_code_of(largest)}"
    return country, region if _REGION.fullmatch(region) else UNKNOWN


def _part(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None


def _code_of(part: Any) -> str:
    code = _part(part, "iso_code")
    return code if isinstance(code, str) else ""


def _text(family: int, network: int) -> str:
    if family == _IPV4:
        return f"{network >> 24}.{network >> 16 & 255}.{network >> 8 & 255}.{network & 255}"
    return f"{network >> 48:x}:{network >> 32 & 65535:x}:{network >> 16 & 65535:x}:{network & 65535:x}::"
