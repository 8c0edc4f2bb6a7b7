"""Addresses: what parses, what is null, what carries IPv4, what truncation keeps."""

from ipaddress import IPv4Address, IPv6Address

import numpy as np
import pyarrow as pa
import pytest

from logscrub.privacy.addresses import Addresses, parse_addresses, truncate

CLIENT = "203.0.113.77"
CLIENT_HEX = "cb00:714d"


def shown(addresses: Addresses) -> list[str | None]:
    """Addresses as canonical text."""
    texts: list[str | None] = []
    for family, high, low in zip(addresses.family, addresses.high, addresses.low, strict=True):
        if family == 4:
            texts.append(str(IPv4Address(int(low))))
        else:
            texts.append(str(IPv6Address(int(high) << 64 | int(low))) if family == 6 else None)
    return texts


def parsed(*texts: str | None) -> list[str | None]:
    return shown(parse_addresses(pa.array(texts, pa.string())))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLIENT, CLIENT),
        ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
        (f"  {CLIENT}\t", CLIENT),
        (f"{CLIENT}:51234", CLIENT),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25en0]:80", "fe80::1"),
        ("::", "::"),
        ("::1", "::1"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ],
)
def test_accepted_spellings(text: str, expected: str) -> None:
    assert parsed(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "-",
        "unknown",
        "localhost",
        "host-203-0-113-77.example.net",
        "203.000.113.077",
        "203.0.113.077",
        "0xCB.0.113.77",
        "0xCB00714D",
        "3405803853",
        "0313.0.0161.0115",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.77.1",
        "203.0.113.77/24",
        "203.0.113.77:",
        "203.0.113.77,198.51.100.23",
        "203.0.113.77, 198.51.100.23",
        "2001:db8::1, 203.0.113.77",
        "203.0.113.77\n198.51.100.23",
        "[203.0.113.77]",
        "2001:db8:::1",
        "2001:db8::1::2",
        "2001:db8::12345",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "2001:db8::g",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]443",
        "::ffff:203.0.113.077",
        "\uff12\uff10\uff13.0.113.77",
    ],
)
def test_everything_else_is_null(text: str | None) -> None:
    addresses = parse_addresses(pa.array([text], pa.string()))
    assert (addresses.family[0], addresses.high[0], addresses.low[0]) == (0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        f"::ffff:{CLIENT}",
        f"::ffff:{CLIENT_HEX}",
        f"[::FFFF:{CLIENT}]:443",
        f"::ffff:0:{CLIENT}",
        f"::{CLIENT}",
        f"2002:{CLIENT_HEX}::1",
        f"2002:{CLIENT_HEX}:1:2:3:4:5",
        f"64:ff9b::{CLIENT}",
        f"64:ff9b:1:abcd::{CLIENT}",
        "2001:0:c633:6417:8000:63bf:34ff:8eb2",
    ],
)
def test_ipv4_is_unwrapped(text: str) -> None:
    assert parsed(text) == [CLIENT]


def test_site_of_6to4_wins_over_interface_id() -> None:
    assert parsed(f"2002:{CLIENT_HEX}:1::5efe:192.0.2.1") == [CLIENT]


def test_order_is_kept_in_a_mixture() -> None:
    texts = ["2001:db8::1", None, CLIENT, "host", "::ffff:192.0.2.9"]
    assert parsed(*texts) == ["2001:db8::1", None, CLIENT, None, "192.0.2.9"]
    assert parsed() == []


def test_truncation() -> None:
    addresses = parse_addresses(pa.array([CLIENT, "2001:db8:1234:5678::9", None, "2002:cb00:714d::1"]))
    assert shown(truncate(addresses, 24, 40)) == ["203.0.113.0", "2001:db8:1200::", None, "203.0.113.0"]
    assert shown(truncate(addresses, 16, 48)) == ["203.0.0.0", "2001:db8:1234::", None, "203.0.0.0"]
    assert shown(truncate(addresses, 0, 0)) == ["0.0.0.0", "::", None, "0.0.0.0"]


@pytest.mark.parametrize(("ipv4_prefix", "ipv6_prefix"), [(25, 40), (24, 49), (-1, 40), (24, -1)])
def test_finer_truncation_is_refused(ipv4_prefix: int, ipv6_prefix: int) -> None:
    with pytest.raises(ValueError, match="truncated"):
        truncate(parse_addresses(pa.array([CLIENT])), ipv4_prefix, ipv6_prefix)


def test_take_follows_dictionary_indices() -> None:
    addresses = parse_addresses(pa.array([CLIENT, "2001:db8::1"]))
    assert shown(addresses.take(np.array([1, -1, 0, 1]))) == ["2001:db8::1", None, CLIENT, "2001:db8::1"]
    assert shown(parse_addresses(pa.array([], pa.string())).take(np.array([-1, -1]))) == [None, None]


def test_printing_shows_no_address() -> None:
    addresses = parse_addresses(pa.array([CLIENT, "2001:db8::1"]))
    assert repr(addresses) == str(addresses) == "Addresses(2)"


@pytest.mark.parametrize("text", ["2001:db8:1:2:0:5efe:198.51.100.7", "fe80::200:5efe:198.51.100.7%eth0"])
def test_isatap_is_unwrapped(text: str) -> None:
    assert parsed(text) == parsed("198.51.100.7")


def test_a_host_that_chooses_its_isatap_interface_stays_in_its_network():
    texts = [f"2001:db8:1:1:0:5efe:{n}.0.2.1" for n in (192, 198, 203)] + ["2001:db8:1:2:200:5efe:192.0.2.1"]
    networks = truncate(parse_addresses(pa.array(texts)), 24, 48)
    assert set(networks.family.tolist()) == {6}
    assert len(set(networks.high.tolist())) == 1
    assert set(networks.low.tolist()) == {0}
