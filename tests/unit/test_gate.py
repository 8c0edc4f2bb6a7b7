"""The gate finds personal data behind encodings, and leaves ordinary releases alone."""

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from logscrub.release.gate import scan, scan_values
from logscrub.schemas import vocabulary_names

CANARIES = {
    "email": ["joe@example.com", "mailto:joe.smith+tag@mail.example.org", "joe [at] example.com", "j@x"],
    "address": [
        *(
            "203.0.113.77",
            "host-203.0.113.77.example.com",
            "ec2-203-0-113-77.example.com",
            "0xCB.0x00.0x71.0x4D",
        ),
        *(
            "0313.0000.0161.0115",
            "0xCB00714D",
            "2001:db8::1",
            "[2001:db8::1]:443",
            "::ffff:203.0.113.77",
            "::1",
        ),
        *(
            "fe80::1%eth0",
            "2001:0db8:0000:0000:0000:0000:0000:0001",
            "00:00:5e:00:53:af",
            "aa-bb-cc-dd-ee-ff",
        ),
        "8.b.d.0.1.0.0.2.ip6.arpa",
    ],
    "phone": [
        *(
            "+14155550123",
            "+44 20 7946 0958",
            "(415) 555-0123",
            "415-555-0123",
            "020 7946 0958",
            "3405803853",
        ),
        "tel-415.555.0123",
    ],
    "card": [
        *(
            "4111111111111111",
            "4111-1111-1111-1111",
            "4111 1111 1111 1111",
            "378282246310005",
            "order_5555555555554444",
        ),
        *("490154203237518", "6011.0009.9013.9424"),
    ],
    "national_id": [
        *(
            "078-05-1120",
            "078051120",
            "ssn-219-09-9999",
            "AB123456C",
            "ab 12 34 56 c",
            "12345678Z",
            "RSSMRA85T10A562S",
        ),
        "123.456.789-09",
    ],
    "iban": [
        "GB82WEST12345698765432",
        "GB82 WEST 1234 5698 7654 32",
        "de89370400440532013000",
        "NO9386011117947",
    ],
    "uuid": ["550e8400-e29b-41d4-a716-446655440000", "ifa/6D92078A-8246-4BA4-AE5B-76104861E7DC"],
    "jwt": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2UifQ.c2lnbmF0dXJl"],
    "hash": [
        "d41d8cd98f00b204e9800998ecf8427e",
        "/track/DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        "9f8a7b6c5d4e3f2a",
    ],
    "entropy": ["/reset/aZ3kdQx9Lm2PvR7tUw5y", "JBSWY3DPEHPK3PXPQ4ZA", "sess-k9x2m4q7w1z8r3t6"],
}
PAIRS = [(detector, canary) for detector, canaries in CANARIES.items() for canary in canaries]

ENCODINGS: dict[str, Callable[[str], str]] = {
    "percent": lambda text: quote(text, safe=""),
    "percent all": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent thrice": lambda text: quote(
        quote("".join(f"%{byte:02x}" for byte in text.encode()), safe=""), safe=""
    ),
    "unicode escape": lambda text: "".join(f"%u{ord(character):04x}" for character in text),
    "script escape": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "references": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "hex references": lambda text: "".join(f"&#x{ord(character):x};" for character in text),
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "percent of base64": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "zero width": "\u200b".join,
}


@pytest.mark.parametrize(("detector", "canary"), PAIRS)
def test_each_detector_names_its_canaries(detector: str, canary: str) -> None:
    assert scan(canary) == detector
    assert scan(f"/shop/{canary}/item") == detector


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_canaries_are_found_behind_encodings(encoding: str) -> None:
    missed = [c for _, c in PAIRS if len(c) > 3 and scan("/shop/" + ENCODINGS[encoding](c) + "/item") is None]
    assert missed == []


@pytest.mark.parametrize(
    "value",
    [
        *(
            "example.com",
            "xn--bcher-kva.de",
            "xn--80ak6aa92e.com",
            "stackoverflow.com",
            "google.co.uk",
            "1and1.example",
        ),
        *(
            "www.shop.example.com",
            "s3.eu-central-1.amazonaws.com",
            "static-2.cdn.example.net",
            "163.com",
            "t.co",
        ),
        *(
            "/",
            "/:id/",
            "/:id/:rest",
            "/shop/*",
            "/shop/%2A",
            "/blog/tags/puppet",
            "/shop/kitchen-and-dining/cast-iron-pan",
        ),
        "/presentations/logstash-monitorama-2013/images/kibana-dashboard3.png",
        "/articles/dynamic-dns-with-dhcp/",
        "/files/logstash/logstash-1.3.2-monolithic.jar",
        *(
            "/projects/xdotool/xdotool.xhtml",
            "/api/v2/getUserProfile.json",
            "/images/jordan-80.png",
            "/a/./../b",
        ),
        *(
            "2013-10-05",
            "/blog/2013/10/05/my-post",
            "2013-10-05T14:25:31",
            "/log-20131005.html",
            "/blog/2013-10-05-12-tips",
        ),
        *(
            "Chrome",
            "120",
            "8.1",
            "Safari (in-app)",
            "(unknown)",
            "(other)",
            "(none)",
            "2xx",
            "GET",
            "macOS",
            "Yeti (Naver)",
        ),
        *(
            "/part-1-2-3-4",
            "/std::vector",
            "/caf\u00e9/\u5546\u54c1",
            "/jdk-8u202-linux-x64.tar.gz",
            "/deadbeef/facade",
            "/at/home",
        ),
    ],
)
def test_ordinary_values_pass(value: str) -> None:
    assert scan(value) is None


@pytest.mark.parametrize("name", ["browsers", "systems", "devices", "bots", "methods"])
def test_vocabularies_pass(name: str) -> None:
    assert scan_values(sorted(vocabulary_names(name))) == {}


def test_invalid_numbers_are_no_cards_or_ids() -> None:
    assert scan("666-12-3456") is None
    assert scan("123-00-4567") is None
    assert scan("/model-12345678a") is None  # the check letter is Z
    assert scan("4111-1111-1111-1112") != "card"


def test_hits_are_told_by_index_and_detector() -> None:
    assert scan_values(["example.com", "joe@example.com", None, "", "/a/203.0.113.77"]) == {
        1: "email",
        4: "address",
    }
    assert scan_values([]) == {}


@pytest.mark.parametrize(
    "value", ["", "\ud800", "\x00", "%", "%u", "&#x110000;", "\\ud800", "=" * 9, "A" * 5000, ":" * 3000]
)
def test_never_raises(value: str) -> None:
    assert scan(value) in {None, "entropy", "hash"}


def test_says_nothing(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    scan_values([canary for _, canary in PAIRS])
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_a_thousand_values_a_second_at_least() -> None:
    values = [f"/shop/category-{i}/cast-iron-pan/{json.dumps(i)}" for i in range(2000)]
    started = time.process_time()
    scan_values(values)
    assert len(values) / (time.process_time() - started) > 1000


def test_a_short_word_is_no_base64():
    assert scan("/I000QC0") is None  # which would be `#M4@-`
