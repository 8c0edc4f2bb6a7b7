"""Lines that two formats could take, and signals that must not depend on which one does."""

import json

import pytest

from logscrub.formats.detect import detect
from logscrub.formats.registry import format_by_name
from logscrub.text.blocks import Block

AGENT = '"Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0"'
COMBINED = '203.0.113.{n} - - [14/Mar/2026:12:00:{n:02d} +0000] "GET /{n} HTTP/1.1" 200 512 "-" ' + AGENT


def records(name: str, text: str) -> list[dict[str, object]]:
    return format_by_name(name).parse(Block(text.encode(), 0)).records.to_pylist()


def found(text: str) -> tuple[str, list[dict[str, object]]]:
    name = detect(text.encode()).format_name
    assert name is not None
    return name, records(name, text)


def test_lines_with_and_without_a_virtual_host_keep_their_addresses() -> None:
    lines = [COMBINED.format(n=n) for n in range(10, 34)]
    lines = [f"shop.example.com:80 {line}" if at % 2 else line for at, line in enumerate(lines)]
    name, rows = found("\n".join(lines))
    assert set(name.split("+")) == {"combined", "vhost_combined"}
    assert [row["address"] for row in rows] == [f"203.0.113.{n}" for n in range(10, 34)]


@pytest.mark.parametrize("after", ["", " 0.120", " 0.120 0.118"])
def test_the_forwarded_addresses_are_read_whatever_stands_after_them(after: str) -> None:
    _, rows = found("\n".join(COMBINED.format(n=n) + f' "192.0.2.{n}"{after}' for n in range(10, 34)))
    assert [row["forwarded"] for row in rows] == [f"192.0.2.{n}" for n in range(10, 34)]


def test_forwarded_addresses_may_stand_first() -> None:
    name, rows = found("\n".join(f"192.0.2.7, 198.51.100.{n} " + COMBINED.format(n=n) for n in range(10, 34)))
    assert name == "forwarded_combined"
    assert rows[0]["forwarded"] == "192.0.2.7, 198.51.100.10"
    assert rows[0]["address"] == "203.0.113.10"


def test_a_host_at_the_end_is_no_forwarded_address() -> None:
    name, _ = found("\n".join(COMBINED.format(n=n) + ' "shop.example.com"' for n in range(10, 34)))
    assert name == "combined"


def test_what_a_client_made_up_does_not_hide_what_the_proxy_says() -> None:
    line = COMBINED.format(n=10) + ' "a=b, 192.0.2.7"'
    assert records("nginx_main", line)[0]["forwarded"] == "a=b, 192.0.2.7"


def event(**signals: object) -> str:
    return json.dumps(
        {"time": "2026-03-14T12:00:00Z", "ip": "203.0.113.9", "path": "/a", "method": "GET", "status": 200}
        | signals
    )


@pytest.mark.parametrize("first", ["nginx_json", "caddy_json", "fastly_json", "gcp_lb_json"])
def test_an_event_of_a_child_among_lines_of_another_format_stays_one(first: str) -> None:
    row = records(f"{first}+json_events", event(child=True, device_id="d1"))[0]
    assert (row["signals"], row["device_id"], row["address"]) == ("child=true", "d1", "203.0.113.9")


@pytest.mark.parametrize(
    "name", ["nginx_json", "cloudflare_json", "fastly_json", "akamai_json", "azure_json"]
)
def test_every_json_format_reads_the_signals_of_our_own_events(name: str) -> None:
    assert {"child", "coppa", "birth_date", "opt_out"} <= format_by_name(name).signals
    assert "age" not in format_by_name(name).signals  # of a copy in a cache


def test_each_device_id_of_a_bid_request_joins_by_itself() -> None:
    request = {"imp": [{}], "device": {"ifa": "i", "didsha1": "s", "dpidsha1": "p", "ip": "203.0.113.9"}}
    row = records("openrtb", json.dumps(request))[0]
    assert (row["device_id"], row["client_id"], row["session_id"]) == ("i", "s", "p")


def test_the_peer_counts_before_what_a_header_may_have_said() -> None:
    line = {
        "time": "2026-03-14T12:00:00Z",
        "properties": {"clientIp": "192.0.2.6", "socketIp": "203.0.113.9"},
    }
    row = records("azure_json", json.dumps(line | {"category": "FrontDoorAccessLog"}))[0]
    assert (row["address"], row["forwarded"]) == ("203.0.113.9", "192.0.2.6")


@pytest.mark.parametrize(
    ("gpc", "dnt", "said"),
    [("-", "1", "dnt=1"), ("0", "1", "dnt=1\x1egpc=0"), ("1", "0", "dnt=0\x1egpc=1"), ("-", "-", None)],
)
def test_both_headers_are_read(gpc: str, dnt: str, said: str | None) -> None:
    header = "#Fields: date time c-ip cs-uri-stem cs(Sec-GPC) cs(DNT)\n"
    row = records("w3c", f"{header}2026-03-14 12:00:00 203.0.113.9 /a {gpc} {dnt}\n")[0]
    assert row["signals"] == said


def test_a_line_that_names_very_many_fields_ends_no_run() -> None:
    names = " ".join(f"x-{n}" for n in range(20_000))
    parsed = format_by_name("w3c").parse(Block(f"#Fields: date time c-ip cs-uri {names}\na b\n".encode(), 0))
    assert parsed.rejected.tolist() == [1]


def test_an_unclosed_brace_is_told() -> None:
    from logscrub.errors import UsageError
    from logscrub.formats.pasted import compile_pasted

    with pytest.raises(UsageError, match="brace"):
        compile_pasted('%h %t "%r" %>s "%{Referer" "%{User-Agent}i"')
