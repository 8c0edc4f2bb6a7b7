"""The gate and the route templates together: what templates let through, the gate lets through."""

import base64
import ipaddress
import re
import string
from collections.abc import Callable
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.privacy.urls import route_template
from logscrub.release.gate import scan

DIGITS = string.digits
ENCODINGS: tuple[Callable[[str], str], ...] = (
    lambda text: quote(text, safe=""),
    lambda text: quote(quote(text, safe=""), safe=""),
    lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    lambda text: "".join(f"%u{ord(character):04x}" for character in text),
    lambda text: quote("".join(f"&#{ord(character)};" for character in text), safe=""),
    lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
)


def _luhn_digit(number: str) -> str:
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(number)))
    return str(-total % 10)


NAMES = st.text(string.ascii_lowercase, min_size=2, max_size=8)
EMAILS = st.tuples(NAMES, NAMES, st.sampled_from(["com", "co.uk", "museum"])).map(
    "{0[0]}@{0[1]}.{0[2]}".format
)
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6, network="2001:db8::/32").flatmap(
    lambda a: st.sampled_from([a.compressed, a.exploded])
)
UUIDS = st.uuids().map(str)
HASHES = st.binary(min_size=8, max_size=20).map(bytes.hex)
CARDS = st.text(DIGITS, min_size=12, max_size=18).map(lambda n: n + _luhn_digit(n))
GROUPED_CARDS = st.text(DIGITS, min_size=15, max_size=15).map(
    lambda n: "-".join(re.findall("....", n + _luhn_digit(n)))
)
PHONES = st.text(DIGITS, min_size=10, max_size=10).map(lambda n: f"+1-{n[:3]}-{n[3:6]}-{n[6:]}")
SSNS = st.tuples(st.integers(1, 899), st.integers(1, 99), st.integers(1, 9999)).filter(lambda n: n[0] != 666)
TEXT_SSNS = SSNS.map("{0[0]:03}-{0[1]:02}-{0[2]:04}".format)
CANARIES = st.one_of(EMAILS, IPV4, IPV6, UUIDS, HASHES, CARDS, GROUPED_CARDS, PHONES, TEXT_SSNS)
WORDS = st.lists(
    st.sampled_from(["shop", "blog", "cast-iron-pan", "style.css", "v2", "café", "index.php"]), max_size=4
)


@settings(max_examples=500, deadline=None)
@given(CANARIES, st.sampled_from([str, *ENCODINGS]))
def test_the_gate_finds_a_canary_in_any_encoding(canary: str, encode: Callable[[str], str]) -> None:
    assert scan(canary) is not None
    assert scan(f"/shop/{encode(canary)}/item") is not None


@settings(max_examples=500, deadline=None)
@given(WORDS, CANARIES, st.sampled_from([str, *ENCODINGS]), WORDS)
def test_templates_lose_a_canary_in_any_segment(
    before: list[str], canary: str, encode: Callable[[str], str], after: list[str]
) -> None:
    template = route_template("/" + "/".join([*before, encode(canary), *after]))
    assert template == "/" + "/".join([*before, ":id", *after])
    assert scan(template) is None


SEGMENTS = st.one_of(
    st.text(max_size=20),
    st.text(string.ascii_letters + DIGITS + "-_.", max_size=24),
    st.text("0123456789abcdef.:-x", max_size=24),
    st.text(DIGITS + " .-()+/", max_size=24),
    st.from_regex(r"[a-z]{2,8}([-_.][a-z0-9]{1,8}){0,4}", fullmatch=True),
    st.binary(max_size=15).map(lambda b: base64.b64encode(b).decode()),
)


@settings(max_examples=1000, deadline=None)
@given(st.lists(SEGMENTS, max_size=6))
def test_every_template_passes_the_gate(segments: list[str]) -> None:
    assert scan(route_template("/" + "/".join(segments))) is None


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_scan_takes_any_text(value: str) -> None:
    assert scan(value) is None or isinstance(scan(value), str)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["{0}.{1}.{2}.{3}", "{0:#x}.{1:#x}.{2:#x}.{3:#x}", "{0:04o}.{1:04o}.{2:04o}.{3:04o}"]),
)
def test_address_spellings(number: int, spelling: str) -> None:
    text = spelling.format(*ipaddress.IPv4Address(number).packed)
    assert scan(text) is not None
    assert route_template(f"/from/{text}/x") == "/from/:id/x"
