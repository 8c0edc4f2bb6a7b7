"""The client's address behind proxies: the last one that a proxy we trust has told.

Every proxy writes down, at the right end of the list, who connected to it. What stands further left was sent
by whoever connected, and may be made up (RFC 7239 section 8.1; MDN, X-Forwarded-For, "Selecting an IP
address"). So the list is read from the right, past the proxies that are ours and no further.
"""

import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.privacy.addresses import Addresses, parse_addresses

_QUOTES = '"\\ \t'  # Apache writes a quote as \"
_FOR = r"(?i)(?:^|;)[ \t]*for[ \t]*=(?P<node>[^;]*)"  # RFC 7239 section 4
_IPV4 = r"^[0-9.]+(?::[0-9]+)?$"
# RFC 4291 section 2.5.5.2. Of other IPv4 inside IPv6 the client may choose what it holds.
_MAPPED = r"(?i)^\[?::ffff:(?:[0-9.]+|[0-9a-f]{1,4}:[0-9a-f]{1,4})(?:%[^\]]*)?(?:\](?::[0-9]+)?)?$"
_MAPPED_NETWORK = ipaddress.IPv6Network("::ffff:0:0/96")
_LOW_32 = 0xFFFF_FFFF
_LOW_64 = 0xFFFF_FFFF_FFFF_FFFF
_IPV4_FAMILY, _IPV6_FAMILY = 4, 6

BoolArray = npt.NDArray[np.bool_]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrustedProxies:
    """The proxies before a server that are its own.

    Attributes:
        count: how many of them each request has passed; 0 where `networks` tell.
        networks: their networks.
    """

    count: int = 0
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    @functools.lru_cache(maxsize=16)
    def of(cls, setting: int | tuple[str, ...]) -> "TrustedProxies":
        """Make them of the setting `trusted_proxies`: a number, or networks in CIDR notation."""
        if isinstance(setting, int):
            return cls(count=setting)
        return cls(networks=tuple(_unmapped(ipaddress.ip_network(text)) for text in setting))


def client_addresses(records: pa.RecordBatch, trusted: TrustedProxies) -> pa.RecordBatch:
    """Replace who connected by the client, where proxies that are trusted tell of it.

    The chain is the list in `forwarded`, from left to right, and then `address`. With a count n the client
    stands n places left of the end, or is the leftmost where the chain is shorter. With networks it is the
    first from the right that lies in none of them, or the leftmost where all do. A client that cannot be read
    (`unknown`, `_hidden`, garbage) is null; nobody further left takes its place. Without trust nothing in
    `forwarded` counts: where a log tells no peer, addresses are then null, and a count tells whom to take.
    A peer that is not logged lies in no network.

    Args:
        records: with the columns `address` (the peer) and `forwarded`, both dictionaries of strings:
            X-Forwarded-For (addresses with commas between, also of several headers), Forwarded (RFC 7239), or
            one address (X-Real-IP, CF-Connecting-IP, True-Client-IP).
        trusted: proxies whose word is taken.

    Returns:
        The same records; `address` is the client's, as it was written, or null.
    """
    forwarded, peer = records.column("forwarded"), records.column("address")
    if not (trusted.count or trusted.networks) or forwarded.null_count == len(forwarded):
        return records
    client, told = _clients(forwarded.dictionary, trusted)
    takes = told[_codes(forwarded)]
    if trusted.networks:
        texts = pc.utf8_trim(peer.dictionary, _QUOTES)
        takes &= np.append(_within(parse_addresses(texts), texts, trusted.networks), False)[_codes(peer)]
    if not takes.any():
        return records
    # Places of clients come behind those of peers, among the values of both.
    place = np.where(takes, _codes(forwarded) + len(peer.dictionary), _codes(peer))
    known = np.where(takes, True, peer.is_valid().to_numpy(zero_copy_only=False))
    values = pa.concat_arrays([peer.dictionary, client]).dictionary_encode()
    codes = values.indices.take(pa.array(place, mask=~known))
    address = pa.DictionaryArray.from_arrays(codes, values.dictionary)
    at = records.schema.get_field_index("address")
    return records.set_column(at, records.schema.field(at), address)


def _codes(column: pa.DictionaryArray) -> Int64Array:
    """Place in the dictionary of each row; of null the last place, -1."""
    codes: Int64Array = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _clients(chains: pa.StringArray, trusted: TrustedProxies) -> tuple[pa.StringArray, BoolArray]:
    """The client that each list tells, null where it cannot be read; and which lists, null last, tell any."""
    texts, owner = _entries(chains)
    addresses = parse_addresses(texts)
    bounds = np.searchsorted(owner, np.arange(len(chains) + 1))
    first, end = bounds[:-1], bounds[1:]
    if trusted.networks:
        foreign = ~_within(addresses, texts, trusted.networks)
        latest = np.append(-1, np.maximum.accumulate(np.where(foreign, np.arange(len(texts)), -1)))
        chosen = np.maximum(latest[end], first)
    else:
        chosen = np.maximum(end - trusted.count, first)
    told = end > first
    readable = np.append(addresses.family > 0, False)  # one is never read behind the last
    known = told & readable[np.where(told, chosen, len(texts))]
    return texts.take(pa.array(chosen, mask=~known)), np.append(told, False)


def _entries(chains: pa.StringArray) -> tuple[pa.StringArray, Int64Array]:
    """Nodes of all lists, without their quotes, and which list each stands in.

    Lists are cut at each comma, also at one in quotes: no address holds one, and a quote that a client leaves
    open must not swallow what proxies append.
    """
    lists = pc.split_pattern(chains, ",")
    elements = pc.utf8_trim(lists.flatten(), " \t")
    owner = pc.list_parent_indices(lists)
    there = pc.not_equal(elements, "")  # RFC 9110 section 5.6.1.2
    elements, owner = elements.filter(there), owner.filter(there)
    nodes = pc.struct_field(pc.extract_regex(elements, _FOR), [0])
    nodes = pc.if_else(pc.match_substring(elements, "="), pc.fill_null(nodes, ""), elements)
    return pc.utf8_trim(nodes, _QUOTES), owner.to_numpy(zero_copy_only=False).astype(np.int64)


def _within(
    addresses: Addresses,
    texts: pa.StringArray,
    networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network],
) -> BoolArray:
    """Which addresses lie in any of the networks; what cannot be read lies in none."""
    plain = pc.or_(pc.match_substring_regex(texts, _IPV4), pc.match_substring_regex(texts, _MAPPED))
    is_ipv4 = (addresses.family == _IPV4_FAMILY) & _true(plain)
    found = np.zeros(len(addresses), np.bool_)
    for network in networks:
        mask, start = int(network.netmask), int(network.network_address)
        if network.version == _IPV4_FAMILY:
            found |= is_ipv4 & (addresses.low & np.uint64(mask) == start & _LOW_32)
        else:
            high = addresses.high & np.uint64(mask >> 64) == start >> 64
            low = addresses.low & np.uint64(mask & _LOW_64) == start & _LOW_64
            found |= (addresses.family == _IPV6_FAMILY) & high & low
    return found


def _true(mask: pa.BooleanArray) -> BoolArray:
    found: BoolArray = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    return found


def _unmapped(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The IPv4 network that an IPv4-mapped one is, as addresses are unwrapped too."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED_NETWORK):
        start = int(network.network_address) & _LOW_32
        return ipaddress.IPv4Network((start, network.prefixlen - 96))
    return network
