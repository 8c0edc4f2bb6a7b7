"""Client addresses as integers: parsing, unwrapping of IPv4 inside IPv6, truncation.

Parsing is strict and fails closed: what is not plainly one address is null, never passed on. Octal,
hexadecimal and zero-padded forms name different hosts in different parsers (RFC 6943 section 3.1.1), so they
are null too.
"""

from dataclasses import dataclass
from socket import AF_INET6, inet_pton

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

FINEST_IPV4_PREFIX = 24
FINEST_IPV6_PREFIX = 48

_OCTET = "25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]"
_QUAD = r"\.".join(f"(?:{_OCTET})" for _ in range(4))
_PORT = "(?::[0-9]{1,5})?"
_IPV4 = "^" + r"\.".join(f"(?P<{name}>{_OCTET})" for name in "abcd") + _PORT + "$"
# RFC 4291 section 2.2 up to the number of groups, which inet_pton counts.
_GROUPS = f"(?:[0-9A-Fa-f]{{0,4}}:){{2,8}}(?:[0-9A-Fa-f]{{0,4}}|{_QUAD})"
_ZONE = r"(?:%[^\]\s]+)?"  # RFC 4007 section 11: of meaning to its own host only, so it is dropped
_IPV6 = rf"^(?:\[(?P<boxed>{_GROUPS}){_ZONE}\]{_PORT}|(?P<bare>{_GROUPS}){_ZONE})$"

_LOW_32 = 0xFFFF_FFFF

# Where IPv4 stands in IPv6. `_PREFIX` is the leading bits; `_HEAD` is bits 63 to 32, before a trailing IPv4.
_SIX_TO_FOUR_PREFIX = 0x2002  # RFC 3056 section 2: IPv4 follows the 16 bits
_TEREDO_PREFIX = 0x2001_0000  # RFC 4380 section 4: the last 32 bits are the client's, inverted
_NAT64_HIGH = 0x0064_FF9B_0000_0000  # RFC 6052 section 2.1, 64:ff9b::/96
_LOCAL_NAT64_PREFIX = 0x0064_FF9B_0001  # RFC 8215, 64:ff9b:1::/48
_MAPPED_HEAD = 0xFFFF  # RFC 4291 section 2.5.5.2, ::ffff:0:0/96
_TRANSLATED_HEAD = 0xFFFF_0000  # RFC 2765 section 2.1, ::ffff:0:0:0/96
_ISATAP_HEAD = 0x0000_5EFE  # RFC 5214 section 6.1, under any prefix
_NOT_U_OR_G = 0xFCFF_FFFF  # the two bits of an ISATAP interface id that vary
_COMPATIBLE_HEAD = 0  # RFC 4291 section 2.5.5.1, ::/96 but for :: and ::1


@dataclass(frozen=True, repr=False, eq=False)
class Addresses:
    """Addresses as columns of integers; printing them shows a count only.

    Attributes:
        family: uint8, 0 = null (absent or unparsable), 4 or 6.
        high: uint64, bits 127 to 64 of an IPv6 address; 0 for IPv4 and null.
        low: uint64, bits 63 to 0 of an IPv6 address, or the 32 bits of an IPv4 address; 0 for null.
        site: uint64, bits 127 to 64 of the address that an ISATAP interface id was unwrapped from; else 0.
    """

    family: npt.NDArray[np.uint8]
    high: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint64]
    site: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.family)

    def __repr__(self) -> str:
        return f"Addresses({len(self)})"

    def take(self, positions: npt.NDArray[np.integer]) -> "Addresses":
        """Select by position; a negative one, or the one past the last, gives null."""
        at = np.where(positions < 0, len(self), positions)  # one null stands after the last
        return Addresses(
            np.append(self.family, np.uint8(0))[at],
            np.append(self.high, np.uint64(0))[at],
            np.append(self.low, np.uint64(0))[at],
            np.append(self.site, np.uint64(0))[at],
        )


def parse_addresses(distinct: pa.StringArray) -> Addresses:
    """Parse and unwrap addresses.

    Args:
        distinct: string array of distinct values, such as the dictionary of the column `address`. Accepted:
            IPv4 dotted quads, `v4:port`, IPv6 (RFC 4291), `[v6]`, `[v6]:port` (RFC 3986 section 3.2.2), a
            zone id (dropped), surrounding white space.

    Returns:
        As many addresses; null for null and for anything else: lists (an X-Forwarded-For chain), host names,
        zero-padded, octal, hexadecimal and decimal forms. IPv4 carried inside IPv6 comes out as IPv4.
    """
    texts = pc.utf8_trim_whitespace(distinct)
    is_ipv4, ipv4 = _parse_ipv4(texts)
    family = np.where(is_ipv4, np.uint8(4), np.uint8(0))
    high = np.zeros(len(family), np.uint64)
    low, site = ipv4, np.zeros(len(family), np.uint64)
    rest = np.flatnonzero(~is_ipv4)
    if len(rest):
        family[rest], high[rest], low[rest], site[rest] = _parse_ipv6(texts.take(pa.array(rest)))
    return Addresses(family, high, low, site)


def truncate(addresses: Addresses, ipv4_prefix: int, ipv6_prefix: int) -> Addresses:
    """Keep the leading bits of each address and set the others to zero; null stays null.

    Of an ISATAP address the network is that of its prefix, not of the IPv4 address in it: a host chooses that
    interface id, and could pass for as many networks as it likes.

    Args:
        addresses: unwrapped addresses, as `parse_addresses` gives them.
        ipv4_prefix: bits kept of IPv4, 0 to 24.
        ipv6_prefix: bits kept of IPv6, 0 to 48.

    Raises:
        ValueError: a prefix finer than /24 or /48, which would keep single households apart (RIPE-690).
    """
    if not 0 <= ipv4_prefix <= FINEST_IPV4_PREFIX or not 0 <= ipv6_prefix <= FINEST_IPV6_PREFIX:
        raise ValueError("an address is truncated to /24 or fewer bits (IPv4), /48 or fewer (IPv6)")
    kept_of_ipv4 = np.uint64(_LOW_32 >> (32 - ipv4_prefix) << (32 - ipv4_prefix))
    kept_of_ipv6 = np.uint64((1 << ipv6_prefix) - 1 << (64 - ipv6_prefix))
    is_isatap = addresses.site != 0
    family = np.where(is_isatap, np.uint8(6), addresses.family)
    low = np.where(family == 4, addresses.low & kept_of_ipv4, np.uint64(0))  # noqa: PLR2004
    high = np.where(is_isatap, addresses.site, addresses.high) & kept_of_ipv6
    return Addresses(family, high, low, np.zeros(len(addresses), np.uint64))


def within_sites(addresses: Addresses) -> Addresses:
    """The same addresses, but ISATAP ones as the IPv6 addresses they were unwrapped from.

    IPv4 addresses inside ISATAP are private ones that every site has anew: under two prefixes they are two
    visitors. So a visitor lies in one network, that of `truncate`.
    """
    is_isatap = addresses.site != 0
    interface = np.uint64(_ISATAP_HEAD << 32) | addresses.low
    return Addresses(
        np.where(is_isatap, np.uint8(6), addresses.family),
        np.where(is_isatap, addresses.site, addresses.high),
        np.where(is_isatap, interface, addresses.low),
        np.zeros(len(addresses), np.uint64),
    )


def _parse_ipv4(texts: pa.StringArray) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint64]]:
    """Which texts are IPv4, and the address of each (0 where not)."""
    octets = pc.extract_regex(texts, _IPV4)
    value = np.zeros(len(texts), np.uint64)
    for index in range(4):
        octet = pc.fill_null(pc.cast(pc.struct_field(octets, [index]), pa.uint64()), 0)
        value = value << np.uint64(8) | octet.to_numpy(zero_copy_only=False)
    return octets.is_valid().to_numpy(zero_copy_only=False), value


def _parse_ipv6(
    texts: pa.StringArray,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Family, high, low and site of texts that are not IPv4; family 0 where they are not IPv6 either."""
    parts = pc.extract_regex(texts, _IPV6)
    bodies = pc.binary_join_element_wise(pc.struct_field(parts, [0]), pc.struct_field(parts, [1]), "")
    packed = [_packed(body) for body in bodies.to_pylist()]
    valid = np.array([bits is not None for bits in packed], np.bool_)
    words = (
        np.frombuffer(b"".join(bits or bytes(16) for bits in packed), ">u8").astype(np.uint64).reshape(-1, 2)
    )
    high, low = words[:, 0], words[:, 1]
    carries, ipv4 = _unwrap(high, low)
    isatap = ~carries & (low >> np.uint64(32) & np.uint64(_NOT_U_OR_G) == _ISATAP_HEAD)
    carries, ipv4 = carries | isatap, np.where(isatap, low & np.uint64(_LOW_32), ipv4)
    family = np.where(valid, np.where(carries, np.uint8(4), np.uint8(6)), np.uint8(0))
    none = np.uint64(0)
    return family, np.where(carries, none, high), np.where(carries, ipv4, low), np.where(isatap, high, none)


def _packed(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return inet_pton(AF_INET6, text)
    except OSError:
        return None


def _unwrap(
    high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint64]]:
    """Which IPv6 addresses carry an IPv4 address by their prefix, and that address.

    Truncation would keep it whole in 6to4 and lose the network in the others.
    """
    head, tail = low >> np.uint64(32), low & np.uint64(_LOW_32)
    no_prefix = high == 0
    six_to_four = high >> np.uint64(48) == _SIX_TO_FOUR_PREFIX
    teredo = high >> np.uint64(32) == _TEREDO_PREFIX
    trailing = (
        (no_prefix & ((head == _MAPPED_HEAD) | (head == _TRANSLATED_HEAD)))
        | (no_prefix & (head == _COMPATIBLE_HEAD) & (tail > 1))
        | ((high == _NAT64_HIGH) & (head == 0))
        | (high >> np.uint64(16) == _LOCAL_NAT64_PREFIX)
    )
    site = high >> np.uint64(16) & np.uint64(_LOW_32)
    ipv4 = np.select([six_to_four, teredo], [site, tail ^ np.uint64(_LOW_32)], tail)
    return six_to_four | teredo | trailing, ipv4
