"""Referrers keep the registrable domain and nothing else."""

import pytest

from logscrub.enrich.referrers import (
    NO_SOURCE,
    REFERRAL,
    Source,
    is_internal,
    referrer_sources,
    registrable_domain,
    site,
)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.Example.CO.UK:8080", "example.co.uk"),
        ("example.com.", "example.com"),
        ("joe-smith.github.io", "github.io"),
        ("joe.blogspot.com", "blogspot.com"),
        ("BÜCHER.de", "xn--bcher-kva.de"),
        ("www.bücher.de", "xn--bcher-kva.de"),
        ("www.example.com", "example.com"),  # full-width
        ("my_shop.example.com", "example.com"),
    ],
)
def test_registrable_domain(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


@pytest.mark.parametrize(
    "host",
    [
        *(
            "192.0.2.1",
            "192.0.2.1:80",
            "192.0.2.1.",
            "127.1",
            "0x7f.1",
            "0xC0000201",
            "3221225985",
            "0300.0.2.1",
        ),
        *("[2001:db8::1]", "[2001:db8::1]:443", "[::ffff:192.0.2.1]", "2001:db8::1", "192%2E0%2E2%2E1"),
        *("localhost", "printer.internal", "com", "co.uk", "", ".", "a..com", "-a.com", "a_b.com"),
        *(
            "joe@example.com",
            "joe%40example.com",
            "a" * 64 + ".com",
            "a." * 127 + "com",
            "exa mple.com",
            "\ud800.com",
        ),
    ],
)
def test_no_registrable_domain(host: str) -> None:
    assert registrable_domain(host) is None


@pytest.mark.parametrize("referrer", [None, "", " ", "-"])
def test_no_referrer_is_known(referrer: str | None) -> None:
    assert referrer_sources([referrer]) == [Source(None, NO_SOURCE, None)]


@pytest.mark.parametrize(
    "referrer",
    [
        "http://joe:secret@www.example.com:8080/inbox?q=joe#top",
        "HTTPS://EXAMPLE.COM",
        " http://example.com/\\@evil.example.org",
        "http://a@b@example.com/",
        "http://example.com?x=http://example.org/",
        "http://example.com\\@example.org/",
    ],
)
def test_a_referrer_keeps_its_domain_only(referrer: str) -> None:
    assert referrer_sources([referrer]) == [Source(REFERRAL, "example.com", "example.com")]


@pytest.mark.parametrize(
    "referrer",
    [
        *(
            "android-app://com.example.app/",
            "about:blank",
            "example.com/path",
            "http://",
            "http:///path",
            "//example.com/",
            "joe@example.com",
        ),
        *("http://joe%40example.com/", "javascript:void(0)", "ftp://example.com/", "(none)", "(other)"),
    ],
)
def test_an_unreadable_referrer_is_an_unknown_referral(referrer: str) -> None:
    assert referrer_sources([referrer]) == [Source(REFERRAL, "(unknown)", None)]


@pytest.mark.parametrize(
    ("referrer", "known"),
    [
        ("https://192.0.2.1:8080/", "192.0.2.1"),
        ("http://joe@[2001:DB8:0::1]:80/", "2001:db8::1"),
        ("http://LocalHost:3000/", "localhost"),
        ("http://portal.intranet/wiki", "portal.intranet"),
    ],
)
def test_a_site_without_a_domain_is_compared_but_not_named(referrer: str, known: str) -> None:
    assert referrer_sources([referrer]) == [Source(REFERRAL, "(unknown)", known)]


@pytest.mark.parametrize(
    ("host", "known"),
    [
        *[("www.example.co.uk:80", "example.co.uk"), ("portal.intranet.", "portal.intranet")],
        *[("192.0.2.1:80", "192.0.2.1"), ("[2001:db8::1]:80", "2001:db8::1"), ("2001:DB8::1", "2001:db8::1")],
        *[("", None), ("-a.com", None), ("127.1", None), ("joe@example.com", None)],
    ],
)
def test_site_of_a_host(host: str, known: str | None) -> None:
    assert site(host) == known


def test_own_domains_are_internal() -> None:
    own = frozenset({"example.com"})
    assert is_internal("example.com", own)
    assert not is_internal("example.org", own)
    assert not is_internal(None, own)
    assert not is_internal("example.com", frozenset())


def test_mediums_are_those_of_the_table() -> None:
    assert (REFERRAL, NO_SOURCE) == ("referral", "(none)")
