"""Records to hits: who counts as whom, what is a page view, where a visit came from."""

from typing import Any

import pytest

from logscrub.config import Settings, Support
from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from tests.support import CHROME, FIREFOX, GOOGLEBOT, combined_line, event_lines, rows_of, run_engine

DAY = "2026-03-14"
VISITORS = Settings(min_support=2, support=Support.VISITORS)


def day_of(lines: list[bytes], config: Settings = VISITORS, name: str = "a.log") -> dict[str, bytes]:
    files, _ = run_engine({name: b"".join(lines)}, config)
    store = MemoryStore()
    store.files = files
    assert list(verify(store)) == []
    return files


def event(minute: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "time": f"{DAY}T10:{minute:02}:00Z",
        "ip": "198.51.100.1",
        "user_agent": CHROME,
        "path": "/",
    } | fields


def test_one_network_is_one_supporter_however_many_browsers() -> None:
    lines = [combined_line(f"198.51.100.{n}", agent=f"{CHROME} {n}") for n in range(20)]
    assert run_engine({"a.log": b"".join(lines)}, Settings(min_support=2))[0] == {}
    assert day_of(lines)


def test_records_without_a_readable_address_are_one_supporter() -> None:
    lines = [combined_line(address) for address in ("-", "host.example.com", "unknown", "999.1.1.1")] * 3
    assert run_engine({"a.log": b"".join(lines)}, Settings(min_support=2))[0] == {}


def test_an_address_in_any_dress_is_one_visitor() -> None:
    lines = [
        combined_line(address)
        for address in (
            "198.51.100.7",
            "::ffff:198.51.100.7",
            "2002:c633:6407::1",
            "64:ff9b::c633:6407",
            "[::c633:6407]:80",
        )
    ]
    lines += [combined_line("203.0.113.9")]
    assert rows_of(day_of(lines), "days", DAY)[0]["visitors"] == 2


def test_visitors_are_told_by_user_then_device_then_client_then_address_and_agent() -> None:
    events = [
        event(user_id="u1", device_id="d1"),
        event(user_id="u1", device_id="d2"),
        event(device_id="d1"),
        event(device_id="D1 "),
        event(device_id="00000000-0000-0000-0000-000000000000"),
        event(client_id="c1", ip="192.0.2.1"),
        event(session_id="s1"),
        event(session_id="s2"),
    ]
    files = day_of(event_lines(events), name="a.jsonl")
    assert rows_of(files, "days", DAY)[0]["visitors"] == 4  # u1, d1, c1, and address with agent


def test_page_views_are_what_a_person_looked_at() -> None:
    good = [("GET /a HTTP/1.1", 200), ("GET /a?x=1 HTTP/1.1", 304), ("GET / HTTP/1.1", 206)]
    bad = [
        *[(f"GET {path} HTTP/1.1", 200) for path in ("/style.css", "/pic.PNG?v=2", "/font.woff2")],
        *[(f"{method} /a HTTP/1.1", 200) for method in ("POST", "HEAD")],
        *[("GET /a HTTP/1.1", status) for status in (404, 301)],
        *[("-", 408), ("", 400), ("x", 200)],
    ]
    lines = [combined_line(f"198.51.100.{n}", request=r, status=s) for n in range(3) for r, s in good + bad]
    row = rows_of(day_of(lines), "days", DAY)[0]
    assert row["hits"] == 3 * len(good + bad)
    assert row["page_views"] == 3 * len(good)


def test_events_are_page_views_only_where_they_say_so() -> None:
    kinds: list[dict[str, Any]] = [
        {},
        {"event": "page_view", "status": 500},
        {"event": "purchase"},
        {"status": 404},
    ]
    files = day_of(
        event_lines(event(device_id=f"d{n}", **k) for n in range(3) for k in kinds), name="a.jsonl"
    )
    row = rows_of(files, "days", DAY)[0]
    assert (row["hits"], row["page_views"]) == (12, 6)


def test_a_visit_ends_after_thirty_minutes_of_silence() -> None:
    times = ["10:00:00", "10:30:00", "11:00:01", "11:10:00"]
    lines = [
        combined_line(f"198.51.100.{n}", f"14/Mar/2026:{t} +0000") for n in range(3) for t in reversed(times)
    ]
    row = rows_of(day_of(lines), "days", DAY)[0]
    assert (row["visits"], row["visitors"], row["bounces"]) == (6, 3, 0)


def test_entries_and_exits_are_the_first_and_last_page_views() -> None:
    requests = [("10:00:00", "GET /style.css"), ("10:01:00", "GET /in"), ("10:02:00", "GET /mid"),
                ("10:03:00", "GET /out"), ("10:04:00", "POST /form")]  # fmt: skip
    lines = [
        combined_line(f"198.51.100.{n}", f"14/Mar/2026:{time} +0000", f"{request} HTTP/1.1")
        for n in range(2)
        for time, request in requests
    ]
    files = day_of(lines)
    assert [row["path"] for row in rows_of(files, "entries", DAY)] == ["/in"]
    assert [row["path"] for row in rows_of(files, "exits", DAY)] == ["/out"]


def test_the_referrer_of_a_visit_counts_for_all_its_hits() -> None:
    config = Settings(min_support=2, support=Support.VISITORS, own_hosts=("shop.example.com",))
    first = combined_line  # address, time, request, status, size, referrer
    lines = []
    for n in range(2):
        lines += [
            first(f"198.51.100.{n}", "14/Mar/2026:10:00:00 +0000"),
            first(f"198.51.100.{n}", "14/Mar/2026:10:01:00 +0000", referrer="https://shop.example.com/"),
            first(
                f"192.0.2.{n}",
                "14/Mar/2026:10:00:00 +0000",
                referrer="https://user:pw@www.example.org:8443/x?q=me",
            ),
            first(f"192.0.2.{n}", "14/Mar/2026:10:01:00 +0000", referrer="https://shop.example.com/"),
            first(f"203.0.113.{n}", "14/Mar/2026:10:01:00 +0000", referrer="https://www.example.com/"),
            first(f"198.18.0.{n}", "14/Mar/2026:10:01:00 +0000", referrer="http://198.51.100.9/x"),
        ]
    rows = {(r["medium"], r["source"]): r["hits"] for r in rows_of(day_of(lines, config), "referrers", DAY)}
    assert rows == {
        ("direct", "(none)"): 4,
        ("referral", "example.org"): 4,
        ("internal", "(none)"): 2,
        ("referral", "(unknown)"): 2,
    }


def test_bots_stand_in_their_own_table_only() -> None:
    lines = [combined_line(f"198.51.100.{n}", agent=agent) for n in range(3) for agent in (CHROME, GOOGLEBOT)]
    files = day_of(lines)
    assert rows_of(files, "days", DAY)[0]["hits"] == 3
    assert rows_of(files, "bots", DAY) == [
        {"purpose": "search", "bot": "Googlebot", "hits": 3, "visitors": 3, "bytes": 300}
    ]


def test_software_is_that_of_the_visitor_day() -> None:
    events = [
        event(minute, device_id=f"d{n}", user_agent=agent)
        for n in range(2)
        for minute, agent in ((0, None), (1, FIREFOX), (2, CHROME))
    ]
    rows = rows_of(day_of(event_lines(events), name="a.jsonl"), "browsers", DAY)
    assert [(r["browser"], r["hits"], r["visitors"]) for r in rows] == [("Firefox", 6, 2)]


@pytest.mark.parametrize(
    ("timezone", "day", "hour"),
    [("UTC", "2026-03-14", 23), ("Europe/Paris", "2026-03-15", 0), ("Asia/Kolkata", "2026-03-15", 5)],
)
def test_days_and_hours_are_of_the_reporting_time_zone(timezone: str, day: str, hour: int) -> None:
    lines = [combined_line(f"198.51.100.{n}", "14/Mar/2026:23:45:00 +0000") for n in range(2)]
    config = Settings(min_support=2, support=Support.VISITORS, timezone=timezone)
    assert [row["hour"] for row in rows_of(day_of(lines, config), "hours", day)] == [hour]


def test_a_measure_of_few_people_is_null_for_the_whole_day() -> None:
    lines = [combined_line(f"198.51.100.{n}", request="POST /api HTTP/1.1") for n in range(5)]
    lines.append(combined_line("198.51.100.1"))
    files = day_of(lines)
    assert rows_of(files, "days", DAY)[0]["page_views"] is None
    assert {row["page_views"] for row in rows_of(files, "hours", DAY)} == {None}
    assert rows_of(files, "pages", DAY) == []


def test_text_that_looks_like_a_person_folds_even_when_shared() -> None:
    lines = [
        combined_line(f"198.51.100.{n}", f"14/Mar/2026:10:00:0{n} +0000", "GET /ok HTTP/1.1")
        for n in range(4)
    ]
    hosts = [b"x", b"203-0-113-77", b"ok.example.com"]
    vhosts = [host + b":443 " + line for host in hosts for line in lines]
    rows = rows_of(day_of(vhosts), "hosts", DAY)
    assert not any("203" in str(row["host"]) for row in rows)


@pytest.mark.parametrize(
    ("minute", "day"), [("2010-11-07T02:30:00Z", "2010-11-07"), ("2010-11-07T02:31:00Z", "2010-11-06")]
)
def test_zones_that_change_their_clocks_one_minute_after_the_hour(minute: str, day: str) -> None:
    """St. John's set its clocks back at 00:01: a quarter of an hour has two offsets."""
    config = Settings(min_support=2, support=Support.VISITORS, timezone="America/St_Johns")
    events = event_lines(event(device_id=f"d{n}") | {"time": minute} for n in range(2))
    assert day in {path.split("date=")[1][:10] for path in day_of(events, config, "a.jsonl")}


def test_one_household_is_one_supporter_whatever_interface_ids_it_makes_up() -> None:
    lines = [combined_line(f"2001:db8:1:1:0:5efe:{n}.0.2.1") for n in range(11, 31)]
    assert run_engine({"a.log": b"".join(lines)}, Settings(min_support=2))[0] == {}
