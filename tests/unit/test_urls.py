"""Route templates keep the words of a route; host names are clean; static assets are told apart."""

import pytest

from logscrub.privacy.urls import host_name, is_static_asset, route_template


@pytest.mark.parametrize(
    ("target", "template"),
    [
        ("/", "/"),
        ("/?q=joe%40example.com", "/"),
        ("/shop/kitchen-and-dining/cast-iron-pan", "/shop/kitchen-and-dining/cast-iron-pan"),
        ("/blog/tags/puppet/", "/blog/tags/puppet/"),
        ("//blog///tags//puppet", "/blog/tags/puppet"),
        ("/a/b?c=d#e", "/a/b"),
        ("/a/b#e?c", "/a/b"),
        ("/a/b%3Fsecret=1", "/a/b"),
        ("/a/b%23secret", "/a/b"),
        ("/cart;jsessionid=0123456789ABCDEF/checkout;v=1", "/cart/checkout"),
        ("/cart%3Bjsessionid=0123456789ABCDEF/checkout", "/cart/checkout"),
        ("/a%2Fb", "/a/b"),
        ("/caf%C3%A9", "/café"),
        ("/\uff53\uff48\uff4f\uff50", "/shop"),
        ("/%E5%95%86%E5%93%81/", "/商品/"),
        ("/a%20b", "/a b"),
        ("/shop/*", "/shop/%2A"),
        ("/shop/%252A", "/shop/%2A"),
        ("/a/./../b", "/a/./../b"),
        ("http://example.com", "/"),
        ("http://joe:secret@example.com:80/a?b", "/a"),
        ("https://example.com?x", "/"),
        ("/articles/dynamic-dns-with-dhcp/", "/articles/dynamic-dns-with-dhcp/"),
        ("/files/logstash/logstash-1.3.2-monolithic.jar", "/files/logstash/logstash-1.3.2-monolithic.jar"),
        ("/images/kibana-dashboard3.png", "/images/kibana-dashboard3.png"),
        ("/logstash-monitorama-2013/", "/logstash-monitorama-2013/"),
        ("/blog/2013-10-05-my-post", "/blog/2013-10-05-my-post"),
        ("/api/v2/getUserProfile.json", "/api/v2/getUserProfile.json"),
        ("/jdk-8u202-linux-x64.tar.gz", "/jdk-8u202-linux-x64.tar.gz"),
        ("/deadline/facade/annotated.html", "/deadline/facade/annotated.html"),
    ],
)
def test_words_are_kept(target: str, template: str) -> None:
    assert route_template(target) == template


@pytest.mark.parametrize(
    "segment",
    [
        *("7", "2013", "1,234", "12-34", "1.2.3", "1975-03-02", "٤٢", "\uff14\uff12", "000000"),
        *("550e8400-e29b-41d4-a716-446655440000", "{550E8400-E29B-41D4-A716-446655440000}"),
        *("6f9619ff", "d41d8cd98f00b204e9800998ecf8427e", "photo-12345678.jpg", "report-d41d8cd9.pdf"),
        *("joe@example.com", "joe%40example.com", "joe%2540example.com", "joe%252540example.com", "@joe"),
        *("joe\uff20example.com", "joe﹫example.com", "joe%26%2364%3Bexample.com", "joe&#64;example.com"),
        *("joe&#x40;example.com", "joe%u0040example.com", "joe\\u0040example.com", "joe(at)example.com"),
        *(
            "joe-at-example-dot-com",
            "am9lQGV4YW1wbGUuY29t",
            "mailto:joe@example.com",
            "joe%25252540example.com",
        ),
        *("203.0.113.77", "203-0-113-77", "ip-203-0-113-77", "host-203.0.113.77.html", "0xCB.0x00.0x71.0x4D"),
        *("0313.0000.0161.0115", "0xCB00714D", "3405803853", "2001:db8::1", "[2001:db8::1]", "::1"),
        *("::ffff:203.0.113.77", "2001-db8--1.ipv6-literal.net", "fe80::1%25eth0", "2001:0db8:0:0:0:0:0:1"),
        *("00:00:5e:00:53:af", "00-00-5E-00-53-AF", "aa-bb-cc-dd-ee-ff"),
        *(
            "490154203237518",
            "49-015420-323751-8",
            "4111111111111111",
            "4111-1111-1111-1111",
            "4111 1111 1111 1111",
        ),
        *(
            "4111+1111+1111+1111",
            "٤١١١١١١١١١١١١١١١",
            "078-05-1120",
            "078051120",
            "QQ123456C",
            "qq-12-34-56-c",
        ),
        *("GB82WEST12345698765432", "GB82 WEST 1234 5698 7654 32", "12345678Z", "RSSMRA85T10A562S"),
        *(
            "+14155550123",
            "(415) 555-0123",
            "415-555-0123",
            "555-0123",
            "call-555-0123",
            "020 7946 0958",
            "+44.20.7946.0958",
        ),
        *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2UifQ.c2lnbmF0dXJl", "eyJhbGciOiJub25lIn0"),
        *(
            "sess_9f8a7b6c5d4e3f2a",
            "aZ3kdQx9Lm2PvR7t",
            "JBSWY3DPEHPK3PXP",
            "a1b2c3d4",
            "xkqjzvbwmtrp",
            "abc123def456",
        ),
        *(
            "%00j%00o%00e",
            "joe%0aexample",
            "jo\u200be",
            "a\u202eb",
            "a%1Fb",
            "a%FFb",
            "%F0%28%8C%28",
            "\ud800",
        ),
        *("a" * 41, "100%25", "a\\b"),
    ],
)
def test_what_may_identify_is_replaced(segment: str) -> None:
    assert route_template(f"/shop/{segment}/item") == "/shop/:id/item"
    assert route_template(f"/{segment}") == "/:id"


@pytest.mark.parametrize(
    "target",
    [None, "", "*", "example.com:443", "index.html", "(unknown)", "(other)", "(none)", "\x16\x03\x01", "-"],
)
def test_what_is_no_path_is_unknown(target: str | None) -> None:
    assert route_template(target) == "(unknown)"


def test_deep_paths_end_in_rest() -> None:
    names = [chr(97 + i) for i in range(20)]
    assert route_template("/" + "/".join(names[:16])) == "/" + "/".join(names[:16])
    assert route_template("/" + "/".join(names[:17]) + "/") == "/" + "/".join(names[:15]) + "/:rest"


def test_what_is_no_target_has_no_template() -> None:
    assert route_template(None) == "(unknown)"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("WWW.Example.COM:8080", "www.example.com"),
        ("example.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        *(
            (text, "(unknown)")
            for text in (None, "", "-", "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:443", "0x7f.1")
        ),
        ("a_b.example.com", "a_b.example.com"),
        *(
            (text, "(unknown)")
            for text in ("3221225985", "joe@example.com", "a..b", "a" * 64, "a." * 127 + "c")
        ),
        *(
            (text, "(unknown)")
            for text in ("ec2-203-0-113-77.example.com", "2001-db8--1.example.net", "a b", "(none)")
        ),
    ],
)
def test_host_name(text: str | None, host: str) -> None:
    assert host_name(text) == host


@pytest.mark.parametrize(
    ("target", "static"),
    [
        ("/style.css?v=3", True),
        ("/IMG/Photo-12345678.JPG", True),
        ("http://example.com/app.mjs#x", True),
        ("/robots.txt", True),
        ("/favicon.ico", True),
        ("/favicon", True),
        ("/logo.svg;v=1", True),
        ("/sitemap.xml", True),
        ("/", False),
        ("/page?file=a.css", False),
        ("/css/", False),
        ("/css", False),
        ("/.css", False),
        ("/index.html", False),
        ("/manual.pdf", False),
        ("/notes.txt", False),
        ("", False),
        (None, False),
    ],
)
def test_static_assets(target: str | None, static: bool) -> None:
    assert is_static_asset(target) is static
