"""Addresses against the standard library, and the unwrapping of IPv4 in every carrier."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from logscrub.privacy.addresses import Addresses, parse_addresses, truncate

ipv4 = st.integers(0, 2**32 - 1)
ipv6 = st.integers(0, 2**128 - 1)

CARRIERS = {
    "mapped": lambda v4, _: 0xFFFF << 32 | v4,
    "translated": lambda v4, _: 0xFFFF0000 << 32 | v4,
    "6to4": lambda v4, rest: 0x2002 << 112 | v4 << 80 | rest % 2**80,
    "nat64": lambda v4, _: 0x0064FF9B << 96 | v4,
    "local nat64": lambda v4, rest: 0x0064FF9B0001 << 80 | (rest % 2**48) << 32 | v4,
    "teredo": lambda v4, rest: 0x20010000 << 96 | (rest % 2**64) << 32 | (v4 ^ 0xFFFFFFFF),
}


def columns(addresses: Addresses) -> list[tuple[int, int, int]]:
    return list(zip(addresses.family.tolist(), addresses.high.tolist(), addresses.low.tolist(), strict=True))


@given(ipv4, st.sampled_from(sorted(CARRIERS)), ipv6, st.booleans())
def test_network_depends_on_the_unwrapped_address_only(v4: int, carrier: str, rest: int, box: bool) -> None:
    text = str(IPv6Address(CARRIERS[carrier](v4, rest)))
    found = parse_addresses(pa.array([f"[{text}]:8080" if box else text, str(IPv4Address(v4))]))
    assert columns(found) == [(4, 0, v4)] * 2
    assert columns(truncate(found, 24, 48)) == [(4, 0, v4 >> 8 << 8)] * 2


@given(st.lists(st.one_of(ipv4.map(IPv4Address), ipv6.map(lambda v: IPv6Address(v | 1 << 127))), max_size=20))
def test_addresses_are_read_as_the_standard_library_does(values: list[IPv4Address | IPv6Address]) -> None:
    for spelling in (str, lambda value: value.exploded.upper()):
        found = columns(parse_addresses(pa.array([spelling(value) for value in values], pa.string())))
        for (family, high, low), value in zip(found, values, strict=True):
            if family == value.version:
                assert high << 64 | low == int(value)
            else:
                assert family == 4  # a random IPv6 address that carries IPv4


@given(ipv6, st.integers(0, 48))
def test_truncation_keeps_no_bit_more(value: int, prefix: int) -> None:
    address = parse_addresses(pa.array([str(IPv6Address(value | 1 << 127))]))
    family, high, low = columns(truncate(address, 24, prefix))[0]
    if family == 6:
        assert low == 0
        assert high == (value | 1 << 127) >> (128 - prefix) << (128 - prefix) >> 64


@given(st.lists(st.text("0123456789abcdefx.:[]%, ", max_size=24), max_size=30))
def test_what_the_standard_library_refuses_is_null(texts: list[str]) -> None:
    found = parse_addresses(pa.array(texts, pa.string()))
    for text, family in zip(texts, found.family.tolist(), strict=True):
        plain = text.strip().partition("]")[0].strip("[").partition("%")[0]
        candidates = {plain, text.strip().rpartition(":")[0]}
        assert family == 0 or any(_is_address(candidate) for candidate in candidates)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@given(
    st.lists(st.one_of(st.none(), st.text(max_size=12), ipv4.map(lambda v: str(IPv4Address(v)))), max_size=9)
)
def test_a_value_never_depends_on_its_neighbours(texts: list[str | None]) -> None:
    together = columns(parse_addresses(pa.array(texts, pa.string())))
    alone = [columns(parse_addresses(pa.array([text], pa.string())))[0] for text in texts]
    assert together == alone
