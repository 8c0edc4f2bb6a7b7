"""What is counted is the operator's: rules of the configuration, read through whole runs."""

import json
from typing import Any

import pytest

from logscrub.cli.account import account
from logscrub.cli.summary import rules_in_use
from logscrub.config import load_settings
from logscrub.errors import UsageError
from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from logscrub.rules import MEDIA, PURPOSES
from logscrub.schemas import table_schemas, vocabulary
from tests.support import FIREFOX, combined_line, event_lines, rows_of, run_engine

DAY = "2026-03-14"
PEOPLE = [combined_line(f"198.51.{n}.1") for n in range(4)]


def run(toml: str, *lines: bytes, name: str = "a.log") -> tuple[dict[str, bytes], dict[str, Any]]:
    files, result = run_engine(
        {name: b"".join([*PEOPLE, *lines])}, load_settings(f"min_support = 2\n{toml}", {})
    )
    figures = json.loads(account(result))
    assert sum(figures["lines"].values()) == figures["total"]
    return files, figures["lines"]


def request(path: str, method: str = "GET", **fields: Any) -> list[bytes]:
    return [combined_line(f"203.0.{n}.9", request=f"{method} {path} HTTP/1.1", **fields) for n in range(3)]


def pages(files: dict[str, bytes]) -> dict[str, int]:
    return {row["path"]: row["page_views"] for row in rows_of(files, "pages", DAY)}


OTHERS = [*request("/health"), *request("/internal/a/b"), *request("/a", status=404), *request("/b", "POST")]


@pytest.mark.parametrize(
    ("rule", "filtered"),
    [
        ('path = ["/health"]', 3),
        ('path = ["/health", "/internal/*"]', 6),
        ('path = ["/health"]\nmethod = ["POST"]', 0),
        ('method = ["POST"]', 3),
        ('status = ["404"]', 3),
        ('status = ["4xx", "5xx"]', 3),
        ('network = ["203.0.0.0/16"]', 12),
        ('network = ["203.0.1.9/32", "2001:db8::/32"]', 4),
        ('network = ["2001:db8::/32"]', 0),
        ('user_agent = ["*firefox*"]', 0),
        ('user_agent = ["mozilla*CHROME*"]', 16),
        ('host = ["www.example.com"]', 0),
        (f"first_day = {DAY}", 16),
        ("last_day = 2026-03-13", 0),
    ],
)
def test_records_that_a_rule_matches_are_left_out_and_accounted_for(rule: str, filtered: int) -> None:
    _, figures = run(f"[[leave_out]]\n{rule}", *OTHERS)
    assert figures["filtered"] == filtered


def test_any_of_several_rules_leaves_out() -> None:
    _, figures = run('[[leave_out]]\npath = ["/health"]\n[[leave_out]]\nstatus = ["404"]', *OTHERS)
    assert figures["filtered"] == 6


def test_count_only_counts_what_matches_and_leave_out_wins() -> None:
    files, figures = run('[[count_only]]\npath = ["/internal/*", "/health"]', *OTHERS)
    assert figures == figures | {"filtered": 10, "counted": 6}
    assert pages(files) == {"/health": 3, "/internal/a/b": 3}
    rules = '[[count_only]]\npath = ["/internal/*", "/health"]\n[[leave_out]]\npath = ["/health"]'
    assert run(rules, *OTHERS)[1]["counted"] == 3


def test_hosts_and_addresses_of_ipv6_are_matched() -> None:
    lines = [combined_line(f"2001:db8:{n}::1", agent=FIREFOX) for n in range(4)]
    assert run('[[leave_out]]\nnetwork = ["2001:db8::/47"]', *lines)[1]["filtered"] == 2
    assert run('[[leave_out]]\nnetwork = ["2001:db8:3::1"]', *lines)[1]["filtered"] == 1
    events = event_lines(
        [
            {"time": f"{DAY}T10:00:00Z", "ip": f"198.51.{n}.7", "host": host, "path": "/"}
            for host in ("WWW.shop.example.com.", "www.example.com")
            for n in range(2)
        ]
    )
    files, result = run_engine(
        {"a.jsonl": b"".join(events)},
        load_settings('min_support = 2\n[[leave_out]]\nhost = ["*.shop.example.com"]', {}),
    )
    assert result.tally.filtered == 2
    assert [row["host"] for row in rows_of(files, "hosts", DAY)] == ["www.example.com"]


def test_own_routes_win_over_the_built_in_ones() -> None:
    lines = [*request("/shop/tea/reviews?x=1"), *request("/shop/coffee/reviews"), *request("/shop/4711")]
    files, _ = run('routes = ["/shop/{product}/reviews", "/shop/{product}"]', *lines)
    assert pages(files) == {"/": 4, "/shop/:product": 3, "/shop/:product/reviews": 6}
    assert set(pages(run("", *lines)[0])) == {"/", "/shop/:id", "/shop/coffee/reviews", "/shop/tea/reviews"}


def test_own_static_extensions_are_no_pages() -> None:
    lines = [*request("/model.GLB"), *request("/page")]
    assert set(pages(run('static_extensions = ["glb"]', *lines)[0])) == {"/", "/page"}
    assert set(pages(run("", *lines)[0])) == {"/", "/page", "/model.GLB"}


def test_what_is_a_page_view_is_a_rule() -> None:
    lines = [*request("/b", "POST"), *request("/c", status=404), *request("/d.css")]
    rules = '[[page_views]]\nmethod = ["GET"]\nstatus = ["2xx", "304"]\n[[page_views]]\nmethod = ["POST"]'
    assert pages(run(rules, *lines)[0]) == {"/": 4, "/b": 3}
    assert pages(run('[[page_views]]\nstatus = ["404"]', *lines)[0]) == {"/c": 3}


def test_the_gap_that_ends_a_visit_is_a_setting() -> None:
    later = [combined_line(f"198.51.{n}.1", time="14/Mar/2026:10:20:00 +0000") for n in range(4)]
    assert rows_of(run("", *later)[0], "days", DAY)[0]["visits"] == 4
    assert rows_of(run("visit_gap_minutes = 15", *later)[0], "days", DAY)[0]["visits"] == 8


def test_a_child_that_a_rule_leaves_out_withholds_all_the_same() -> None:
    child = combined_line("198.51.0.1", request="GET /health?coppa=1 HTTP/1.1")
    _, figures = run('[[leave_out]]\npath = ["/health"]', child)
    assert figures == figures | {"withheld": 2, "filtered": 0}


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[[leave_out]]", "one or more of host"),
        ("[leave_out]\nhost = ['a']", "[[leave_out]]"),
        ("[[leave_out]]\nstatus = ['6xx']", "5xx"),
        ("[[leave_out]]\nstatus = [404]", "text"),
        ("[[leave_out]]\nnetwork = ['192.0.2.1/24']", "192.0.2.0/24"),
        ("[[leave_out]]\npath = ['']", "empty"),
        ("[[leave_out]]\nfirst_day = 2026-03-15\nlast_day = 2026-03-14", "after"),
        ("[[leave_out]]\nnothing = ['a']", "nothing"),
        ("routes = ['shop/{product}']", "/shop/{product}/reviews"),
        ("routes = ['/shop/{product']", "/shop/{product}/reviews"),
        ("static_extensions = ['.js']", "static_extensions"),
        ("visit_gap_minutes = 0", "visit_gap_minutes"),
        ("bot_rate = 0", "bot_rate"),
        ("[[bots]]\nname = 'x@example.com'\npurpose = 'tool'\nuser_agent = ['x']", "name"),
        ("[[bots]]\nname = 'x'\npurpose = 'fun'\nuser_agent = ['x']", "monitor"),
        ("[[bots]]\nname = 'x'\npurpose = 'tool'\nuser_agent = []", "user_agent"),
        ("[[bots]]\nname = 'Googlebot'\npurpose = 'tool'\nuser_agent = ['x']", "never folded"),
        ("[[sources]]\nname = 'x'\nmedium = 'direct'\nhost = ['example.org']", "social"),
    ],
)
def test_what_cannot_be_meant_is_an_error(toml: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        load_settings(toml, {})
    assert told in str(error.value)


SHOP_CHECK = """
[[bots]]
name = "Shop monitor"
purpose = "monitor"
user_agent = ["shop-check/*", "*ShopCheck*"]
"""


def test_own_bots_stand_in_their_table_by_name_and_are_folded_like_tools() -> None:
    agents = [
        "Shop-Check/1.0",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0 shopcheck",
        "curl/8 ShopCheck",
    ]
    lines = [combined_line(f"203.0.{n}.9", agent=agent) for n, agent in enumerate(agents)]
    settings = load_settings(f"min_support = 3\n{SHOP_CHECK}", {})
    files, result = run_engine({"a.log": b"".join([*PEOPLE, *lines])}, settings)
    (row,) = rows_of(files, "bots", DAY)
    assert (row["purpose"], row["bot"], row["hits"]) == ("monitor", "Shop monitor", 3)
    assert result.days[0].bot_layers == {"configured": 3}
    assert problems(files) == []
    files, _ = run_engine({"a.log": b"".join([*PEOPLE, *lines[:2]])}, settings)
    assert rows_of(files, "bots", DAY) == []


TEA_FORUM = """
[[sources]]
name = "Tea forum"
medium = "social"
host = ["forum.example.org"]
[[sources]]
name = "Partner"
medium = "referral"
host = ["google.com"]
"""


def test_own_sources_win_over_the_lists() -> None:
    referrers = ["https://forum.example.org/t/1", "https://de.forum.example.org/", "https://www.google.com/"]
    referrers += ["https://example.org/", "https://notforum.example.org/"]
    lines = [
        combined_line(f"198.51.{10 * n + m}.1", referrer=referrer)
        for m, referrer in enumerate(referrers)
        for n in range(2)
    ]
    files, _ = run_engine({"a.log": b"".join(lines)}, load_settings(f"min_support = 2\n{TEA_FORUM}", {}))
    found = {(row["medium"], row["source"]): row["hits"] for row in rows_of(files, "referrers", DAY)}
    assert found == {("social", "Tea forum"): 4, ("referral", "Partner"): 2, ("referral", "example.org"): 4}
    assert problems(files) == []
    manifest = json.loads(files[f"_manifest/date={DAY}.json"])
    del manifest["parameters"]["own_names"]
    files[f"_manifest/date={DAY}.json"] = json.dumps(manifest).encode()
    assert any("source" in problem for problem in problems(files))


def problems(files: dict[str, bytes]) -> list[str]:
    store = MemoryStore()
    store.files = dict(files)
    return list(verify(store))


def test_a_run_names_the_rules_and_their_file() -> None:
    settings = load_settings('routes = ["/a/{b}"]\n[[leave_out]]\npath = ["/x"]', {})
    assert list(rules_in_use(settings, "my.toml")) == [
        "",
        "note: counted by the rules of my.toml: leave_out, routes",
    ]
    assert list(rules_in_use(load_settings("min_support = 5", {}), "my.toml")) == []


def test_purposes_and_media_are_those_of_the_tables() -> None:
    assert tuple(vocabulary("bots")["purposes"]) == PURPOSES
    medium = next(c for c in table_schemas()["referrers"].dimensions if c.name == "medium")
    assert set(MEDIA) == set(medium.values or ()) - {"direct", "internal"}
