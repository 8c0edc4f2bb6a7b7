"""Country, region, carrier and connection of truncated networks, from databases in MaxMind's format.

What a database tells is known from its records, not from its name (see `network_records`).

The plain reader is used and not geoip2 on top of it: that takes twice as long for a city, raises errors
that quote the address, and brings two HTTP clients along.
"""

import itertools
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, Final, NoReturn

import maxminddb
import numpy as np
import numpy.typing as npt

from logscrub.enrich.network_records import NOTHING, NOWHERE, Answer, Place, answer_of, merged
from logscrub.errors import UsageError, system_reason
from logscrub.schemas import UNKNOWN

__all__ = ["NOTHING", "NOWHERE", "Answer", "Database", "DatabaseAge", "Geography", "Place", "open_database"]

_IPV4: Final = 4
_IPV6: Final = 6
_BITS: Final = {_IPV4: 32, _IPV6: 64}  # no network finer than /64 is ever looked up
_RECORDS_TRIED = 1_000
_TYPE_LENGTH = 100
_REMEMBERED = 2_000_000  # networks of one family: 24 MB, twice that while it grows

_OLD_SECONDS = 366 * 86_400
_LAST_SECOND = 253_402_300_799  # of the year 9999, which calendars end with

_HELP = "give a Country, City, ASN, ISP or Connection-Type database (.mmdb), such as GeoLite2-City.mmdb"
_DAMAGED = "the database is damaged: download it again"


@dataclass(frozen=True)
class DatabaseAge:
    """What the operator is told of a database, which depends on its file and on the clock alone.

    Attributes:
        name: what the operator calls it.
        built: when it was built, YYYY-MM-DD.
        is_old: whether that was over a year before the run.
        tells_countries: whether its records hold countries.
    """

    name: str
    built: str
    is_old: bool
    tells_countries: bool


class Database:
    """One open database; it maps a file, so it is opened in the process that asks it.

    Attributes:
        database_type: name of its kind, from its metadata, such as `GeoLite2-City`.
        build_epoch: when it was built, in seconds since 1970.
        tells_countries: whether its first records hold a country.
    """

    def __init__(self, reader: maxminddb.Reader, *, tells_countries: bool = True) -> None:
        metadata = reader.metadata()
        self.database_type = str(metadata.database_type)[:_TYPE_LENGTH]
        self.build_epoch = int(metadata.build_epoch)
        self.tells_countries = tells_countries
        self._has_ipv6 = metadata.ip_version != _IPV4
        self._reader = reader

    def age(self, name: str, now_ms: int) -> DatabaseAge:
        """Tell how old it is.

        Args:
            name: what the operator calls it.
            now_ms: the clock of the run, in milliseconds since 1970.
        """
        built = min(max(0, self.build_epoch), _LAST_SECOND)
        date = datetime.fromtimestamp(built, UTC).date().isoformat()
        return DatabaseAge(name, date, built < now_ms // 1000 - _OLD_SECONDS, self.tells_countries)

    def find(self, family: int, network: int) -> tuple[Answer, int]:
        """Find what is told of a network, and the last network of which the same is, being in that record.

        All is `(unknown)` also where the record is damaged.

        Args:
            family: 4 or 6.
            network: the 32 bits of IPv4, or the leading 64 of IPv6.
        """
        bits = _BITS[family]
        if family != _IPV4 and not self._has_ipv6:
            return NOTHING, (1 << bits) - 1
        try:
            record, prefix = self._reader.get_with_prefix_len(_text(family, network))
            # A database without a tree for IPv4 gives such addresses a prefix below zero.
            free = bits - prefix if 0 <= prefix <= bits else 0
            return answer_of(record), network | (1 << free) - 1
        # The pure reader raises whatever a damaged file leads it to, and the message quotes the address.
        except Exception:
            return NOTHING, network

    def __reduce__(self) -> NoReturn:
        raise TypeError("a geographic database is opened where it is used, it is not sent")


def open_database(source: str | Path | BinaryIO, name: str | None = None) -> Database:
    """Open a database that knows countries, carriers or kinds of connection.

    Args:
        source: local path, which is mapped into memory; or an open binary file, such as an object of a
            store, which is copied to a temporary file first: a mapped file answers 12 times as fast as the
            reader for open files.
        name: what messages call it; the path, unless it is given.

    Raises:
        UsageError: the file is missing, unreadable, not in MaxMind's format, damaged, or its records hold
            none of them (Anonymous-IP, Domain and the like).
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
    """What several databases tell of networks, with a memory that networks of later blocks profit from.

    Of each part the first database that knows it decides (see `merged`), but a provider goes before the
    holder of an autonomous system in whatever order they come. Threads may share one.
    """

    def __init__(self, databases: Sequence[Database]) -> None:
        self._databases = tuple(databases)
        self._answers = [NOTHING]
        self._codes = {NOTHING: 0}
        self._known = {family: _Memory(np.empty(0, np.uint64), np.empty(0, np.int32)) for family in _BITS}
        self._lock = threading.Lock()

    def __call__(
        self, family: npt.NDArray[np.uint8], high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.int32], list[Answer]]:
        """Find what is told of each truncated network, which is what is told of its first address.

        Args:
            family: 4, 6, or 0 for none.
            high: bits 127 to 64 of an IPv6 network.
            low: the 32 bits of an IPv4 network; not read of IPv6, whose networks are /64 or coarser.

        Returns:
            For each network the number of its answer, and those answers; the first is `NOTHING`.
        """
        codes = np.zeros(len(family), np.int32)
        if not self._databases:
            return codes, [NOTHING]
        with self._lock:
            for number, networks in ((_IPV4, low), (_IPV6, high)):
                at = np.flatnonzero(family == number)
                codes[at] = self._find(number, networks[at])
            used = np.union1d(np.zeros(1, np.int32), codes)
            return np.searchsorted(used, codes).astype(np.int32), [self._answers[code] for code in used]

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
        """Codes of sorted networks; those in one record of a database are looked up in it once."""
        codes, last, code = np.empty(len(networks), np.int32), -1, 0
        answers, lasts = [NOTHING] * len(self._databases), [-1] * len(self._databases)
        for index, network in enumerate(networks.tolist()):
            if network > last:
                for number, database in enumerate(self._databases):
                    if network > lasts[number]:
                        answers[number], lasts[number] = database.find(family, network)
                last, code = min(lasts), self._code(merged(answers))
            codes[index] = code
        return codes

    def _code(self, answer: Answer) -> int:
        code = self._codes.setdefault(answer, len(self._answers))
        if code == len(self._answers):
            self._answers.append(answer)
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
        known = merged(answer_of(record) for record in _first_records(path))
    except Exception:
        raise UsageError(f"--geoip {called}: {_DAMAGED}") from None
    if known == NOTHING:
        kind = database.database_type
        raise UsageError(
            f"--geoip {called}: {kind} holds no countries, carriers or kinds of connection: {_HELP}"
        )
    database.tells_countries = known.country != UNKNOWN
    return database


def _first_records(path: Path) -> Iterator[Any]:
    """First records of a database: what it is called differs from vendor to vendor, what they hold does not.

    The C extension would end the process by an assertion when it walks a damaged tree; its lookups do not.
    """
    with maxminddb.open_database(path, maxminddb.MODE_MMAP) as reader:
        for _, record in itertools.islice(reader, _RECORDS_TRIED):
            yield record


def _text(family: int, network: int) -> str:
    if family == _IPV4:
        return f"{network >> 24}.{network >> 16 & 255}.{network >> 8 & 255}.{network & 255}"
    return f"{network >> 48:x}:{network >> 32 & 65535:x}:{network >> 16 & 65535:x}:{network & 65535:x}::"
