"""Bots that their behaviour tells, what of bots is folded, and the account of what told them."""

import json
from typing import Any

import pytest

from logscrub.cli.account import account
from logscrub.config import Settings
from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from tests.support import FIREFOX, combined_line, event_lines, rows_of, run_engine

DAY = "2026-03-14"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PEOPLE = [combined_line(f"198.51.{n}.1") for n in range(4)]


def tables(lines: list[bytes], name: str = "a.log", **settings: Any) -> tuple[dict[str, bytes], Any]:
    return run_engine({name: b"".join(lines)}, Settings(min_support=3, **settings))


def store_of(files: dict[str, bytes]) -> MemoryStore:
    store = MemoryStore()
    for path, data in files.items():
        store.write(path, data)
    return store


def bots(files: dict[str, bytes]) -> dict[tuple[str, str], int]:
    return {(row["purpose"], row["bot"]): row["hits"] for row in rows_of(files, "bots", DAY)}


def people(files: dict[str, bytes]) -> int:
    return rows_of(files, "days", DAY)[0]["hits"]


def robots_txt(address: str, **fields: Any) -> bytes:
    return combined_line(address, request="GET /robots.txt HTTP/1.1", **fields)


def test_who_reads_robots_txt_is_a_bot_in_all_hits() -> None:
    readers = [f"203.0.{n}.9" for n in range(3)]
    lines = [robots_txt(reader) for reader in readers] + [combined_line(reader) for reader in readers]
    files, result = tables([*PEOPLE, *lines, combined_line("203.0.0.9", agent=FIREFOX)])
    assert bots(files) == {("other", "Reader of robots.txt"): 6}
    assert people(files) == len(PEOPLE) + 1
    assert result.days[0].bot_layers == {"robots_txt": 6}


def test_a_high_rate_is_a_bot_only_where_it_was_asked_for() -> None:
    busy = [combined_line(f"203.0.{n}.9") for n in range(3) for _ in range(6)]
    usual = [combined_line(f"203.0.{n}.9", agent=FIREFOX) for n in range(3) for _ in range(5)]
    files, _ = tables([*PEOPLE, *busy, *usual])
    assert bots(files) == {}
    files, result = tables([*PEOPLE, *busy, *usual], bot_rate=5)
    assert bots(files) == {("other", "High rate"): 18}
    assert people(files) == len(PEOPLE) + len(usual)
    assert result.days[0].bot_layers == {"rate": 18}


def test_published_crawlers_are_not_folded_and_everything_else_is() -> None:
    crawler = [combined_line("203.0.113.9", agent=GOOGLEBOT)]
    one = [combined_line("203.0.113.8", agent="curl/8.5.0"), combined_line("203.0.113.7", agent="-")]
    files, _ = tables([*PEOPLE, *crawler, *one])
    assert bots(files) == {("search", "Googlebot"): 1}
    assert list(verify(store_of(files))) == []
    many = [combined_line(f"203.0.{n}.8", agent="curl/8.5.0") for n in range(3)]
    files, _ = tables([*PEOPLE, *crawler, *one, *many])
    assert bots(files) == {("search", "Googlebot"): 1, ("(other)", "(other)"): 5}
    assert list(verify(store_of(files))) == []


def test_verify_tells_a_tool_that_was_not_folded() -> None:
    files, _ = tables([*PEOPLE, *(combined_line(f"203.0.{n}.8", agent="curl/8.5.0") for n in range(3))])
    again, _ = tables([*PEOPLE, combined_line("203.0.113.9", agent=GOOGLEBOT)])
    assert list(verify(store_of(again))) == []
    manifest = json.loads(files[f"_manifest/date={DAY}.json"])
    manifest["parameters"]["min_support"] = 4
    files[f"_manifest/date={DAY}.json"] = json.dumps(manifest).encode()
    assert any(problem.startswith(f"{DAY}: bots: hits") for problem in verify(store_of(files)))


def test_a_log_without_agents_has_no_bots() -> None:
    common = [line.rsplit(b' "-" "', 1)[0] + b"\n" for line in PEOPLE]
    files, _ = tables(common, format="common")
    assert people(files) == len(PEOPLE)
    assert bots(files) == {}


@pytest.mark.parametrize("agent", [None, "", "-", "okhttp/4.12.0", "Dart/3.2 (dart:io)"])
def test_apps_that_send_events_are_people(agent: str | None) -> None:
    record = {"time": f"{DAY}T10:00:00Z", "event": "level_up"} | (
        {} if agent is None else {"user_agent": agent}
    )
    events = event_lines([record | {"ip": f"198.51.{n}.1", "device_id": f"d{n}"} for n in range(4)])
    files, _ = tables(list(events), "a.jsonl")
    assert people(files) == 4
    assert bots(files) == {}


def test_the_account_has_the_share_of_each_layer() -> None:
    lines = [
        *(combined_line(f"203.0.{n}.9", agent=GOOGLEBOT) for n in range(3)),
        combined_line("203.0.113.8", agent="curl/8.5.0"),
        combined_line("203.0.113.7", agent="-"),
        combined_line("203.0.113.6", agent="x" * 3000),
        robots_txt("203.0.113.5"),
        combined_line("203.0.113.4", agent="Zapier"),
    ]
    _, result = tables([*PEOPLE, *PEOPLE, *lines])
    shares = json.loads(account(result))["bots"]
    assert {layer: told["hits"] for layer, told in shares.items()} == {
        "absurd_agent": 1,
        "crawler": 3,
        "empty_agent": 1,
        "listed": 1,
        "robots_txt": 1,
        "tool": 1,
    }
    assert shares["crawler"]["share"] == round(3 / 16, 6)


def test_one_browser_of_an_address_may_be_a_bot_and_another_not() -> None:
    files, _ = tables([*PEOPLE, *(robots_txt(f"198.51.{n}.1", agent=FIREFOX) for n in range(4))])
    assert people(files) == len(PEOPLE)
