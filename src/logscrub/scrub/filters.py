"""Which records the rules of the operator match; Python sees distinct values only."""

import functools
import ipaddress
import re
from collections.abc import Callable, Sequence
from datetime import date
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.columns import spread
from logscrub.privacy.addresses import Addresses, parse_addresses
from logscrub.rules import Rule

Flags = npt.NDArray[np.bool_]

_EPOCH = date(1970, 1, 1).toordinal()
_IPV4, _IPV6 = 4, 6


def matching(rules: Sequence[Rule], records: pa.RecordBatch, day: npt.NDArray[np.int32]) -> Flags:
    """Tell which records any of the rules matches.

    Args:
        rules: the rules.
        records: schema RECORDS, the client's address in `address`.
        day: day of each record, days since 1970-01-01 in the reporting time zone.
    """
    found = np.zeros(len(records), dtype=bool)
    for rule in rules:
        found |= _matches(rule, records, day)
    return found


def _matches(rule: Rule, records: pa.RecordBatch, day: npt.NDArray[np.int32]) -> Flags:
    found = np.ones(len(records), dtype=bool)
    for column, values, tell in (
        ("host", rule.host, _is_host),
        ("target", rule.path, _is_path),
        ("method", rule.method, _is_method),
        ("user_agent", rule.user_agent, is_agent),
    ):
        if values:
            found &= _by_distinct(records.column(column), functools.partial(tell, values))
    if rule.status:
        found &= _has_status(rule.status, records.column("status").to_numpy())
    if rule.network:
        address = records.column("address")
        inside = _inside(rule.network, parse_addresses(address.dictionary))
        found &= spread(address, inside, null=False)
    if rule.first_day:
        found &= day >= rule.first_day.toordinal() - _EPOCH
    if rule.last_day:
        found &= day <= rule.last_day.toordinal() - _EPOCH
    return found


def _by_distinct(column: pa.DictionaryArray, tell: Callable[[str], bool]) -> Flags:
    answers = np.array([tell(value) for value in column.dictionary.to_pylist()], dtype=bool)
    found: Flags = spread(column, answers, null=False)
    return found


def _is_host(wanted: tuple[str, ...], value: str) -> bool:
    name = value.strip().lower().rstrip(".")
    return any(_glob(one.lower()).fullmatch(name) for one in wanted)


def _is_path(wanted: tuple[str, ...], value: str) -> bool:
    path = re.sub(r"^[a-z][a-z0-9+.-]*://[^/?#]*", "", re.split(r"[?#]", value, maxsplit=1)[0], flags=re.I)
    return any(_glob(one).fullmatch(unquote(path or "/")) for one in wanted)


def _is_method(wanted: tuple[str, ...], value: str) -> bool:
    return value in wanted


def is_agent(wanted: tuple[str, ...], value: str) -> bool:
    """Whether a user agent is one of those that a rule names."""
    return any(_glob(one.lower()).fullmatch(value.lower()) for one in wanted)


@functools.lru_cache(maxsize=1_000)
def _glob(pattern: str) -> re.Pattern[str]:
    # Of the marks of shells only the star is one: paths hold the others.
    return re.compile("(?s)" + ".*".join(map(re.escape, pattern.split("*"))))


def _has_status(wanted: tuple[str, ...], status: npt.NDArray[np.int16]) -> Flags:
    found = np.zeros(len(status), dtype=bool)
    for one in wanted:
        found |= status // 100 == int(one[0]) if one.endswith("xx") else status == int(one)
    return found


def _inside(networks: tuple[str, ...], addresses: Addresses) -> Flags:
    found = np.zeros(len(addresses), dtype=bool)
    for text in networks:
        network = ipaddress.ip_network(text)
        first, last = int(network.network_address), int(network.broadcast_address)
        if network.version == _IPV4:
            found |= (addresses.family == _IPV4) & _between(addresses.low, first, last)
        else:
            high = _between(addresses.high, first >> 64, last >> 64)
            low = _between(addresses.low, first & 2**64 - 1, last & 2**64 - 1)
            # Longer prefixes than 64 bits share their upper half; shorter ones leave the lower one free.
            found |= (addresses.family == _IPV6) & high & low
    return found


def _between(values: npt.NDArray[np.uint64], first: int, last: int) -> Flags:
    return (values >= np.uint64(first)) & (values <= np.uint64(last))
