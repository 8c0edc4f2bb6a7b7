"""Tables of behaviour: a day whose every figure is counted by hand, read through the command line."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.enrich.content import content_classes, event_names, searches
from logscrub.schemas import UNKNOWN, table_schemas, vocabulary_names
from tests.support import combined_line, release_of_day

DAY = "2026-03-14"  # a Saturday
BEHAVIOUR = (
    *("downloads", "not_found", "errors", "events", "content"),
    *("visit_depth", "visit_length", "weekday_hours"),
)


def hit(who: int, minute: str, request: str, status: int = 200, size: int = 10) -> bytes:
    """A request of person `who`, who has a network of their own."""
    method, path = request.split(" ") if " " in request else ("GET", request)
    line = f"{method} {path} HTTP/1.1"
    return combined_line(f"198.51.{who}.1", f"14/Mar/2026:{minute}:00 +0000", line, status, size)


def lines() -> list[bytes]:
    """The log, of 15 x 13 + 2 x 3 lines. Persons 0 to 14 do the same: figures are 15 times those of one.

    What each of the 15 does (k is 3, so that all of it is shown):
      09:00 page /, 09:01 page /search?q=…, 09:01 script, 09:02 guide.pdf, 09:02 its second part (206)
        -> visit 1: 4 page views (files that people download are viewed too), 2 minutes
      10:00 page / -> visit 2 (58 minutes later): 1 page view, 0 seconds
      11:00 /gone 410, 11:00 /gone 404, 11:00 /api 500 by POST, 11:00 style -> visit 3: no page view
      12:00 HEAD of guide.pdf, 12:00 guide.pdf 404, 12:40 page /search?q= (nothing searched for)
        -> visits 4 (no page view, 0 seconds) and 5 (1 page view)
    Two more, persons 28 and 29, are below k wherever they are alone: 13:00 page /, plan.zip, 503: one visit
    of 2 page views.
    """
    found = []
    for who in range(15):
        found += [
            hit(who, "09:00", "/"),
            hit(who, "09:01", f"/search?q=secret+word+{who}"),
            hit(who, "09:01", "/a.js", size=100),
            hit(who, "09:02", "/guide.pdf", size=1000),
            hit(who, "09:02", "/guide.pdf", status=206, size=500),
            hit(who, "10:00", "/"),
            hit(who, "11:00", "/gone", 410),
            hit(who, "11:00", "/gone", 404),
            hit(who, "11:00", "POST /api", 500),
            hit(who, "11:00", "/b.css?v=1"),
            hit(who, "12:00", "HEAD /guide.pdf", size=0),
            hit(who, "12:00", "/guide.pdf", 404),
            hit(who, "12:40", "/search?q="),
        ]
    for who in (28, 29):
        found += [
            hit(who, "13:00", "/"),
            hit(who, "13:00", "/plan.zip", size=7),
            hit(who, "13:00", "/x", 503),
        ]
    return found


OTHER = "(other)"
EXPECTED: dict[str, list[dict[str, Any]]] = {
    # 2 sent parts of 15 people; the archives of 28 and 29 have 2 supporters and take the pdf along.
    "downloads": [
        {"host": OTHER, "path": OTHER, "hits": 30 + 2, "visitors": None, "bytes": 15 * 1500 + 2 * 7}
    ],
    "not_found": [
        {"host": UNKNOWN, "path": "/gone", "hits": 30, "visitors": 15},
        {"host": UNKNOWN, "path": "/guide.pdf", "hits": 15, "visitors": 15},
    ],
    # The 503 of two people joins the 500 of 15.
    "errors": [{"host": OTHER, "status": None, "path": OTHER, "hits": 2 + 15, "visitors": None}],
    "events": [{"event": "site_search", "hits": 15, "visitors": 15}],
    # Pages: /, /search, /, /gone, /gone, /api, /search of each, and / and /x of 28 and 29. 2 archives take
    # the smallest class along, of two with 15 hits the first by name: scripts.
    "content": [
        {"class": OTHER, "hits": 15 + 2, "visitors": None, "bytes": 1500 + 2 * 7},
        {"class": "document", "hits": 60, "visitors": 15, "bytes": 15 * (1000 + 500 + 0 + 10)},
        {"class": "page", "hits": 105 + 4, "visitors": 17, "bytes": 1090},
        {"class": "style", "hits": 15, "visitors": 15, "bytes": 150},
    ],
    # The visits of 28 and 29 (2 page views) take the fewest along: the 15 with 4.
    "visit_depth": [
        {"page_views": OTHER, "visits": 2 + 15, "visitors": None},
        {"page_views": "0", "visits": 30, "visitors": 15},
        {"page_views": "1", "visits": 30, "visitors": 15},
    ],
    "visit_length": [
        {"length": "1-3 min", "visits": 15, "visitors": 15},
        {"length": "under 10 s", "visits": 60 + 2, "visitors": 17},
    ],
    # At 13 there are two people, who take the smallest hour along: 10, with 15 hits.
    "weekday_hours": [
        {"weekday": 6, "hour": 9, "hits": 75, "page_views": 60, "visits": 15, "visitors": 15},
        {"weekday": 6, "hour": 11, "hits": 60, "page_views": 0, "visits": 15, "visitors": 15},
        {"weekday": 6, "hour": 12, "hits": 45, "page_views": 15, "visits": 30, "visitors": 15},
        {
            "weekday": None,
            "hour": None,
            "hits": 15 + 6,
            "page_views": 15 + 4,
            "visits": 15 + 2,
            "visitors": None,
        },
    ],
}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("behaviour")
    return release_of_day(folder, "access.log", lines(), "min_support = 3\n")


@pytest.mark.parametrize("table", BEHAVIOUR)
def test_every_figure_is_what_was_counted_by_hand(released: Path, table: str) -> None:
    rows = pq.read_table(released / table / f"date={DAY}" / "part-0.parquet", partitioning=None).to_pylist()
    assert rows == EXPECTED[table]


def test_what_was_searched_for_is_nowhere(released: Path) -> None:
    written = b"".join(path.read_bytes() for path in released.rglob("*") if path.is_file())
    assert b"secret" not in written


def test_each_file_is_of_one_class() -> None:
    paths = [
        "/",
        "/a/b",
        "/A.PDF",
        "/a.tar.gz",
        "/.css",
        "/x.js;v=1",
        "/x%2Ecss",
        "/feed.rss",
        "/x.json",
        "/a.b/c",
    ]
    assert content_classes(paths) == [
        *("page", "page", "document", "archive", "page"),
        *("script", "style", "feed", "data", "page"),
    ]


@pytest.mark.parametrize("query", ["q=a", "x=1&Search=b", "q=+a", "q=%20%20x", "q=%C3%A9", "q=20", "q=%21"])
def test_a_search_has_a_word(query: str) -> None:
    assert searches(pa.array([f"/find?{query}"])).tolist() == [True]


@pytest.mark.parametrize("query", ["q=", "q=+", "q=%20", "q=&x=1", "faq=a", "#q=a", ""])
def test_without_a_word_nothing_is_searched_for(query: str) -> None:
    assert searches(pa.array([f"/find?{query}"])).tolist() == [False]


def test_names_of_events_are_words() -> None:
    names = ["Level Up", "add_to_cart", "app.open"]
    unfit = ["anna@example.com", "x" * 41, OTHER, "", "-", "1st", "ÁRVÍZ"]
    found = event_names([*names, *unfit], lambda text: "@" in text)
    assert found == ["level_up", "add_to_cart", "app.open", *[UNKNOWN] * len(unfit)]


@given(st.lists(st.text(max_size=60)))
def test_classes_and_events_are_closed(texts: list[str]) -> None:
    assert set(content_classes(texts)) <= vocabulary_names("content")
    (column,) = table_schemas()["events"].dimensions
    assert column.pattern
    for name in event_names(texts, lambda _: False):
        assert name == UNKNOWN or (len(name) <= 40 and name.isascii())
