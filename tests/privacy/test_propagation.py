"""How a flag travels: through every kind of id, never by a sentinel, and from every line of a plain log."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from logscrub.config import MIB, Settings, Support
from logscrub.formats.registry import asked_format, format_by_name
from logscrub.reading import lines_with_signals
from logscrub.text.blocks import Block
from tests.support import CHROME, Run, combined_line, event_lines, run_engine

CONFIG = Settings(min_support=2, support=Support.VISITORS)
NO_ID = "00000000-0000-0000-0000-000000000000"
ADDRESSES = (f"198.51.100.{n}" for n in itertools.cycle(range(1, 250)))
OTHERS = b"".join(combined_line(f"203.0.113.{n}") for n in range(6))


def withheld(files: dict[str, bytes], config: Settings = CONFIG) -> int:
    _, result = run_engine(files, config)
    assert not result.plan.problems
    return result.tally.withheld


def event(**fields: Any) -> bytes:
    """A record of an address of its own."""
    known = {"time": "2026-03-14T10:00:00Z", "ip": next(ADDRESSES), "path": "/"}
    return event_lines([known | fields])[0]


def with_cookie(cookie: str, request: str = "GET / HTTP/1.1", address: str | None = None) -> bytes:
    return combined_line(address or next(ADDRESSES), request=request)[:-1] + f' "{cookie}"\n'.encode()


COOKIES = b"".join(with_cookie("theme=dark", address=f"203.0.113.{n}") for n in range(6))


def bid(user: dict[str, Any], device: dict[str, Any] | None = None, **regs: Any) -> bytes:
    line = {"id": "1", "imp": [{"id": "1"}], "ts": 1773482400, "site": {"page": "https://shop.example.com/"}}
    line |= {"device": {"ip": next(ADDRESSES), "ua": CHROME} | (device or {}), "user": user, "regs": regs}
    return json.dumps(line).encode() + b"\n"


# ---------------------------------------------------------------- sentinels


@pytest.mark.parametrize("kind", ["device_id", "user_id", "client_id", "session_id"])
def test_a_zeroed_id_removes_nobody_else_and_a_shared_one_all(kind: str) -> None:
    others = b"".join(event(**{kind: NO_ID}) for _ in range(20))
    assert withheld({"a.jsonl": others + event(**{kind: NO_ID}, child=True)}) == 1
    real = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
    shared = b"".join(event(**{kind: real}) for _ in range(20))
    assert withheld({"a.jsonl": others + shared + event(**{kind: real.upper()}, child=True)}) == 21


@pytest.mark.parametrize("ids", [{"id": NO_ID, "buyeruid": "b1"}, {"id": "b1", "buyeruid": NO_ID}])
def test_of_two_users_of_a_bid_the_zeroed_one_never_joins(ids: dict[str, str]) -> None:
    others = b"".join(bid({"id": NO_ID}, {"ifa": NO_ID}) for _ in range(6))
    of_child = bid({"buyeruid": "b1"}) + bid({"id": "B1"})
    assert withheld({"a.jsonl": others + of_child + bid(ids, {"ifa": NO_ID}, coppa=1)}) == 3


def test_of_two_real_users_of_a_bid_both_join() -> None:
    others = b"".join(bid({"id": f"o{n}"}) for n in range(6))
    joined = bid({"id": "u1"}) + bid({"buyeruid": "b1"}, {"ifa": "f1"}) + bid({"id": "x"}, {"ifa": "f1"})
    assert withheld({"a.jsonl": others + joined + bid({"id": "u1", "buyeruid": "b1"}, coppa=1)}) == 4


@pytest.mark.parametrize(
    "cookie", ["_ga=GA1.2.0.0; _gid=GA1.2.11.22", "_gid=GA1.2.0.0; _ga=GA1.2.11.22"], ids=["ga", "gid"]
)
def test_of_two_cookies_the_zeroed_one_never_joins(cookie: str) -> None:
    others = b"".join(with_cookie("_ga=GA1.2.0.0") for _ in range(6))
    mine = with_cookie("_ga=GA1.1.11.22") + event(client_id="11.22")
    files = {"a.log": COOKIES + others + with_cookie(f"{cookie}; coppa=1")}
    assert (
        withheld(
            files
            | {"b.jsonl": mine[mine.index(b"{") :], "c.log": COOKIES[:-1] + b"\n" + mine[: mine.index(b"{")]}
        )
        == 3
    )


def test_of_two_real_cookies_both_join() -> None:
    chain = [
        "_ga=GA1.2.1.1",
        "_ga=GA1.2.1.1; _gid=GA1.2.2.2",
        "_gid=GA1.3.2.2; PHPSESSID=s1",
        "JSESSIONID=S1",
    ]
    chain += ["virtuemart=s1; __utma=9.77.3.4.5.6", "_utma=8.77.5.5.5.5; _pk_id.1.1fff=0123456789abcdef.1."]
    lines = b"".join(map(with_cookie, [*chain, "_pk_id.7.aaaa=0123456789abcdef.5.; is_child=1"]))
    assert withheld({"a.log": COOKIES + lines}) == 7


def test_a_session_cookie_of_the_settings_joins() -> None:
    lines = with_cookie("Shop_Session=s1; coppa=1") + with_cookie("shop_session=s1")
    assert withheld({"a.log": COOKIES + lines}) == 1
    named = CONFIG.model_copy(update={"session_cookies": ("shop_SESSION",)})
    assert withheld({"a.log": COOKIES + lines}, named) == 2


def test_an_id_of_a_cookie_is_that_of_a_field() -> None:
    child = event(session_id="s:A-1", child=True)
    assert withheld({"a.jsonl": child, "b.log": COOKIES + with_cookie("connect.sid=s%3Aa-1")}) == 2


@pytest.mark.parametrize("other", ["s%3aabc", "s:abc"])
def test_percent_encoded_ids_join(other: str) -> None:
    child = event(session_id="s%3Aabc", child=True)
    cookie = with_cookie(f"connect.sid={other.replace(':', '%3A')}")
    assert withheld({"a.jsonl": child + event(session_id=other), "b.log": COOKIES + cookie}) == 3


@pytest.mark.parametrize("length", range(1, 7))
@pytest.mark.parametrize("at", ["first", "last"])
def test_a_chain_of_six_ids_of_all_kinds(length: int, at: str) -> None:
    """Record n shares id n with the next one; kinds take turns, and so do files."""
    kinds = ("user_id", "client_id", "device_id", "session_id")
    records: list[dict[str, Any]] = [
        {kinds[n % 4]: f"x{n}", kinds[(n + 1) % 4]: f"x{n + 1}"} for n in range(length)
    ]
    records[0 if at == "first" else -1]["age"] = 5
    files = {f"{n % 3}.jsonl": event(device_id=f"o{n}") for n in range(3)}
    for n, record in enumerate(records):
        files[f"{n % 3}.jsonl"] += event(**record)
    for block_bytes, range_bytes in itertools.product((300, MIB), (200, MIB)):
        config = CONFIG.model_copy(update={"block_bytes": block_bytes, "range_bytes": range_bytes})
        assert withheld(files, config) == length


# ---------------------------------------------------------------- plain logs, of which few lines are read

REQUESTS = (
    "/?coppa=1",
    "/?a=b&COPPA=1",
    "/?c%6Fppa=1",
    "/?%63%6f%70%70%61=true",
    "/a;coppa=1",
    "/a;jsessionid=4?regs.coppa=1",
    "/?a&amp;tfcd=1",
    "/?coppa[]=1",
    "/?coppa%5B%5D=1",
    "/?us_privacy=1YYN",
    "/?gpc=1",
    "/?gpp=DBABM~",
    "/caf\u00e9?coppa=1",
    r"/?\x63oppa=1",
    r"/\x3Fcoppa=1",
    r"/\x3fco\x70pa=1",
)


def two_of(line: bytes) -> int:
    """How many are withheld of a line, another of its address, agent and day, and some others."""
    name = "access.log"
    return withheld({name: OTHERS[: len(OTHERS) // 2] + line + OTHERS + combined_line("192.0.2.9")})


@pytest.mark.parametrize("target", REQUESTS)
def test_signals_of_plain_logs_reach_the_hop(target: str) -> None:
    assert two_of(combined_line("192.0.2.9", request=f"GET {target} HTTP/1.1")) == 2
    assert two_of(combined_line("192.0.2.9", referrer=f"https://www.example.org{target}")) == 2


def test_a_signal_beside_bytes_that_are_no_text_is_found() -> None:
    line = combined_line("192.0.2.9", request="GET /@?@=1&c%6fppa=1 HTTP/1.1").replace(b"@", b"\xff\xfe\x00")
    assert two_of(line) == 2


@pytest.mark.parametrize("target", ["/?child=1&adults=2", "/?age=12", "/?coppa=0", "/coppa=1", "/?x=coppa"])
def test_what_is_no_signal_withholds_nobody(target: str) -> None:
    assert two_of(combined_line("192.0.2.9", request=f"GET {target} HTTP/1.1")) == 0


@pytest.mark.parametrize("time", ["31/Feb/2026:10:00:00 +0000", "14/Mar/2031:10:00:00 +0000"])
def test_a_line_that_is_rejected_for_its_time_joins_by_its_ids(time: str) -> None:
    """It is of no day, so that by its address alone it joins nobody."""
    line = combined_line("192.0.2.9", time, "GET /?coppa=1 HTTP/1.1")
    assert two_of(line) == 1
    joined = line[:-1] + b' "PHPSESSID=s1"\n' + with_cookie("PHPSESSID=s1")
    _, result = run_engine({"a.log": COOKIES + joined}, CONFIG)
    assert (result.tally.withheld, result.tally.rejects) == (2, 0)


def docker(line: bytes) -> bytes:
    wrapped = json.dumps({"log": line.decode(), "stream": "stdout", "time": "2026-03-14T10:00:00Z"})
    return wrapped.replace(": ", ":").replace("&", r"\u0026").replace("%", r"\u0025").encode() + b"\n"


def syslog(line: bytes) -> bytes:
    return b"<190>Mar 14 10:00:00 web nginx: " + line


@pytest.mark.parametrize("behind", [docker, syslog])
@pytest.mark.parametrize("target", ["/?a=1&coppa=1", "/?a=1&c%6Fppa=1"])
def test_signals_behind_prefixes_reach_the_hop(behind: Any, target: str) -> None:
    lines = [*OTHERS.splitlines(keepends=True), combined_line("192.0.2.9", request=f"GET {target} HTTP/1.1")]
    assert withheld({"a.log": b"".join(map(behind, [*lines, combined_line("192.0.2.9")]))}) == 2


def test_signals_in_mixed_files_reach_the_hop() -> None:
    caddy = [
        {
            "ts": 1773482400,
            "request": {"remote_ip": f"203.0.113.{n}", "method": "GET", "uri": "/"},
            "status": 200,
        }
        for n in range(6)
    ]
    caddy[5]["request"] = {"remote_ip": "192.0.2.9", "method": "GET", "uri": "/?a=1&coppa=1"}
    caddy[5]["request"]["headers"] = {"User-Agent": [CHROME]}  # type: ignore[index]
    lines = b"".join(json.dumps(line).encode().replace(b"&", rb"\u0026") + b"\n" for line in caddy)
    _, result = run_engine({"a.log": OTHERS + lines + combined_line("192.0.2.9")}, CONFIG)
    assert "+" in result.plan.ranges[0].format
    assert result.tally.withheld == 2


W3C_HEAD = b"#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent) cs(Referer) "


@pytest.mark.parametrize(
    ("query", "referrer", "more"),
    [
        ("coppa=1", "-", "- - -"),
        ("a=1&c%6Fppa=1", "-", "- - -"),
        ("-", "https://www.example.org/?tfcd=1", "- - -"),
        ("-", "-", "is_child=1 - -"),
        ("-", "-", "a=b;+usprivacy=1YYN - -"),
        ("-", "-", "a=b;%20dob=2020-01-01 - -"),
        ("-", "-", "- 1 -"),
        ("-", "-", "- - 1"),
    ],
)
def test_signals_of_w3c_logs_reach_the_hop(query: str, referrer: str, more: str) -> None:
    def line(address: str, query: str = "-", referrer: str = "-", more: str = "- - -") -> bytes:
        agent = CHROME.replace(" ", "+")
        return f"2026-03-14 10:00:00 {address} GET / {query} 200 {agent} {referrer} {more}\n".encode()

    head = W3C_HEAD + b"cs(Cookie) cs(Sec-GPC) cs(DNT)\n"
    others = b"".join(line(f"203.0.113.{n}") for n in range(6))
    first = head + others + line("192.0.2.9", query, referrer, more)
    assert withheld({"a.log": first, "b.log": OTHERS + combined_line("192.0.2.9")}) == 2


PASTED = (
    ('$remote_addr [$time_local] "$request_uri" $status "$http_user_agent"', '"/?coppa=1"'),
    ('$remote_addr [$time_local] $uri?$args $status "$http_user_agent"', "/?coppa=1"),
    pytest.param(
        '$remote_addr [$time_local] $uri $args $status "$http_user_agent"',
        "/ coppa=1",
    ),
    pytest.param(
        '$remote_addr [$time_local] "$uri" "$args" $status "$http_user_agent"',
        '"/" "coppa=1"',
    ),
)


@pytest.mark.parametrize(("pasted", "target"), PASTED)
def test_lines_with_signals_of_pasted_formats_are_read(pasted: str, target: str) -> None:
    """What step 2 withholds by a record's own signal, step 1 must have seen, or its hop is counted."""
    name = asked_format(None, pasted)
    assert name
    known = format_by_name(name)
    line = f'192.0.2.9 [14/Mar/2026:10:00:00 +0000] {target} 200 "{CHROME}"\n'.encode()
    assert known.parse(Block(line, 0)).records.column("target").to_pylist() == ["/?coppa=1"]
    assert bytes(lines_with_signals(Block(line * 2, 0), known, CONFIG).data) == line * 2


def test_the_hop_of_a_signal_in_arguments_of_their_own_is_withheld(logscrub: Run) -> None:
    lines = [f"203.0.113.{n} / - " for n in range(6)] + ["192.0.2.9 / coppa=1 ", "192.0.2.9 /b - "]
    log = "".join(f'{one}[14/Mar/2026:10:00:00 +0000] 200 "{CHROME}"\n' for one in lines)
    Path("a.log").write_text(log)
    pasted = '$remote_addr $uri $args [$time_local] $status "$http_user_agent"'
    said = logscrub(
        "run", "a.log", "-o", "out", "--min-support", "2", "--log-format", pasted, "--account", "a"
    )
    assert said.code == 0
    assert json.loads(Path("a").read_text())["lines"]["withheld"] == 2
