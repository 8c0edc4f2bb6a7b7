"""Places, languages, networks, campaigns and times to serve: whose they are, and what a row says."""

from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from logscrub.config import Settings, Support
from logscrub.enrich.geography import Geography, open_database
from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from tests.support import (
    CHROME,
    FIREFOX,
    combined_line,
    demo_geography,
    event_lines,
    rows_of,
    run_engine,
)

DAY = "2026-03-14"
VISITORS = Settings(min_support=2, support=Support.VISITORS)


def day_of(events: list[dict[str, Any]], settings: Settings = VISITORS, **options: Any) -> dict[str, bytes]:
    files, _ = run_engine({"a.jsonl": b"".join(event_lines(events))}, settings, **options)
    store = MemoryStore()
    store.files = files
    assert list(verify(store)) == []
    return files


def event(person: int, minute: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "time": f"{DAY}T10:{minute:02}:00Z",
        "ip": f"198.51.100.{person}",
        "user_agent": CHROME,
        "path": "/",
        "status": 200,
        "device_id": f"device-{person}",
    } | fields


def figures(files: dict[str, bytes], table: str, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows_of(files, table, DAY)]


def test_the_first_known_language_and_network_are_those_of_the_visitor_day() -> None:
    events = []
    for person in range(2):
        events += [
            event(person, 0),
            event(person, 1, language="de-AT,de;q=0.9", connection="wlan"),
            event(person, 2, language="en", connection="cellular", carrier="Example Mobile"),
            event(person, 50, language="fr"),
        ]
    files = day_of(events)
    assert figures(files, "languages", "language", "hits", "visits", "visitors") == [("de", 8, 4, 2)]
    assert figures(files, "networks", "connection", "carrier", "hits") == [("wifi", "(unknown)", 8)]


def test_what_a_log_does_not_tell_of_a_network_databases_do(tmp_path: Path) -> None:
    records = {"connection_type": "Satellite", "isp": "Example Sky, Inc.", "organization": "Joe Doe"}
    writer = MMDBWriter(database_type="Test-ISP")
    writer.insert_network(IPSet(["198.51.100.0/24"]), records)
    writer.insert_network(IPSet(["203.0.113.0/24"]), {"isp": "joe.doe@example.com"})
    writer.to_db_file(str(tmp_path / "isp.mmdb"))
    events = []
    for person in range(2):
        here = f"198.51.100.{person}"
        events += [
            event(person, ip=here),
            event(person + 10, ip=here, connection="wifi"),
            event(person + 20, ip=here, carrier="310-410"),
            event(person + 30, ip=f"203.0.113.{person}", carrier="bob@example.com"),
            event(person + 40, ip="192.0.2.1", carrier="26201", connection="4g"),
        ]
    files = day_of(events, geography=Geography([open_database(tmp_path / "isp.mmdb")]))
    assert set(figures(files, "networks", "connection", "carrier", "hits")) == {
        ("satellite", "Example Sky, Inc.", 2),
        ("wifi", "Example Sky, Inc.", 2),
        ("satellite", "AT&T", 2),
        ("(unknown)", "(unknown)", 2),
        ("cellular", "Telekom", 2),
    }
    assert figures(files, "countries", "country") == [("(unknown)",)]


def test_what_nobody_tells_is_unknown() -> None:
    files = day_of([event(person, language="*", connection="pigeon", carrier="-") for person in range(2)])
    assert figures(files, "languages", "language", "hits") == [("(unknown)", 2)]
    assert figures(files, "networks", "connection", "carrier") == [("(unknown)", "(unknown)")]
    assert figures(files, "countries", "country", "region") == [("(unknown)", "(unknown)")]
    assert figures(files, "response_times", "hits") == []


def test_a_country_is_that_of_the_first_known_network_of_the_visitor_day() -> None:
    at_home = {"ip": "198.18.0.5"}
    ((country, _),) = {place_of("198.18.0.5")}
    events = [event(person, minute, ip="10.0.0.1") for person in range(3) for minute in (0, 3)]
    events += [event(person, 1, **at_home) for person in range(3)]
    files = day_of(events, geography=demo_geography())
    assert figures(files, "countries", "country", "hits", "visitors") == [(country, 9, 3)]


def place_of(address: str) -> tuple[str, str]:
    files = day_of([event(n, ip=address) for n in range(2)], geography=demo_geography())
    ((country, region),) = figures(files, "countries", "country", "region")
    assert country != "(unknown)"
    return country, region


def test_a_place_is_looked_up_on_the_truncated_network() -> None:
    """An address is of no interest: its network with the last bits at zero is asked for."""
    asked: list[int] = []

    def spy(family: Any, high: Any, low: Any) -> Any:
        asked.extend(low[family == 4].tolist())
        return demo_geography()(family, high, low)

    day_of([event(n, ip=f"198.18.7.{n + 1}") for n in range(4)], geography=spy)
    assert set(asked) == {0xC6120700}


def test_the_campaign_of_a_visit_counts_for_all_its_hits() -> None:
    events = []
    for person in range(2):
        events += [
            event(person, 0, path="/?utm_source=News&utm_medium=email&utm_campaign=spring"),
            event(person, 5, path="/a"),
            event(person, 59, path="/b"),  # more than 30 minutes later: another visit, of no campaign
        ]
    files = day_of(events)
    assert figures(files, "campaigns", "utm_source", "utm_medium", "utm_campaign", "hits", "visits") == [
        ("(none)", "(none)", "(none)", 2, 2),
        ("news", "email", "spring", 4, 2),
    ]


def test_another_campaign_begins_another_visit() -> None:
    paths = ("/?utm_source=a", "/?utm_source=a", "/x", "/?utm_source=b", "/y", "/?utm_source=a")
    events = [event(person, 2 * n, path=path) for person in range(2) for n, path in enumerate(paths)]
    files = day_of(events)
    assert figures(files, "campaigns", "utm_source", "hits", "visits") == [("a", 8, 4), ("b", 4, 2)]
    assert rows_of(files, "days", DAY)[0]["visits"] == 6


def test_a_campaign_begins_a_visit_in_one_that_had_none() -> None:
    events = [event(p, 2 * n, path=path) for p in range(2) for n, path in enumerate(("/", "/?utm_source=a"))]
    files = day_of(events)
    assert figures(files, "campaigns", "utm_source", "hits", "visits") == [("(none)", 2, 2), ("a", 2, 2)]


def test_a_reserved_word_in_a_campaign_is_unknown() -> None:
    path = "/?utm_source=(none)&utm_medium=(Other)&utm_campaign=x"
    files = day_of([event(person, path=path) for person in range(2)])
    assert figures(files, "campaigns", "utm_source", "utm_medium", "utm_campaign") == [
        ("(unknown)", "(unknown)", "x")
    ]


@pytest.mark.parametrize("value", ["*", "%2A", "-", "anna%26%2364%3Bexample.com", "%25%34%30anna"])
def test_what_is_no_word_in_a_campaign_is_unknown(value: str) -> None:
    """A star stands for what is folded; an address may be written with entities."""
    path = f"/?utm_source=google&utm_medium=cpc&utm_campaign={value}"
    files = day_of([event(person, path=path) for person in range(3)])
    assert figures(files, "campaigns", "utm_source", "utm_campaign") == [("google", "(unknown)")]


def test_time_to_serve_is_told_by_percentiles_of_the_hits_that_have_one() -> None:
    events = [
        event(n, path="/slow", duration_ms=duration) for n, duration in enumerate([100] * 8 + [900] * 2)
    ]
    events += [event(n, 1, path="/slow") for n in range(10)]
    files = day_of(events)
    ((path, hits, p50, p90, p99),) = figures(
        files, "response_times", "path", "hits", "p50_ms", "p90_ms", "p99_ms"
    )
    assert (path, hits) == ("/slow", 10)
    assert p50 == pytest.approx(100, rel=0.01)
    assert p90 == pytest.approx(900, rel=0.01)
    assert p99 == pytest.approx(900, rel=0.01)


def test_a_percentile_of_one_slow_person_is_null() -> None:
    durations = [100] * 9 + [900]
    files = day_of([event(n, path="/slow", duration_ms=ms) for n, ms in enumerate(durations)])
    ((p50, p90, p99),) = figures(files, "response_times", "p50_ms", "p90_ms", "p99_ms")
    assert p50 is not None
    assert p90 is not None
    assert p99 is None


@pytest.mark.parametrize("duration", [-1, 1e9, "soon", None, True, [1], float("inf")])
def test_what_is_no_duration_counts_as_none(duration: object) -> None:
    files = day_of([event(n, duration_ms=duration) for n in range(3)])
    assert figures(files, "response_times", "hits") == []
    assert rows_of(files, "days", DAY)[0]["hits"] == 3


@pytest.mark.parametrize("duration", [12.5, "12.5"])
def test_spellings_of_a_duration(duration: object) -> None:
    files = day_of([event(n, duration_ms=duration) for n in range(3)])
    ((p50,),) = figures(files, "response_times", "p50_ms")
    assert p50 == pytest.approx(12.5, rel=0.01)


def test_tables_of_hits_have_one_sum() -> None:
    events = [
        event(n % 5, n, language=("en", "de", None)[n % 3], path=f"/?utm_source={n % 4}x") for n in range(50)
    ]
    events += [event(n, 3, user_agent=FIREFOX) for n in range(20, 30)]
    files = day_of(events)
    sums = {
        table: sum(row["hits"] for row in rows_of(files, table, DAY))
        for table in ("days", "countries", "languages", "networks", "campaigns", "referrers")
    }
    assert set(sums.values()) == {60}


def test_logs_without_such_fields_fill_the_tables_with_unknown() -> None:
    lines = b"".join(combined_line(f"198.51.{n}.1") for n in range(3))
    files, _ = run_engine({"a.log": lines}, Settings(min_support=2))
    assert figures(files, "languages", "language", "hits") == [("(unknown)", 3)]
    assert figures(files, "campaigns", "utm_source", "hits") == [("(none)", 3)]
