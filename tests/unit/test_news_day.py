"""A day and a night of a news site, whose every figure is counted by hand, read through the command line.

k is 5, days are those of Budapest (an hour before UTC), the log is of Apache. Who comes on 14 March, times of
Budapest:

      people  agent    what each does                                               hits  views  visits
    A     10  Chrome   from Google: 9:00 /, its logo, 9:04 /sport/cup, 9:20 the
                       report (1,000 bytes): 3 views in 20 minutes; 11:00
                       /sport/cup from an own page: a visit of 1 view                  5      4       2
    B      8  Firefox  9:10 /politics/budget of one campaign, 9:15
                       /politics/vote of another: a visit each, of 1 view; 9:15
                       a page that is not there                                        3      2       2
    C      9  Safari   clicked an advertisement at Google: 14:00 /, 14:25 one of
                       the archive, 14:26 a comment, which fails: 2 views               3      2       1
    D      7  Chrome   23:50 /                                                          1      1       1
                       the day after, 0:05 /sport/cup, 0:06 /: a visit of 2 views       2      2       1
    E      6  Firefox  from a blog: 18:00 /sport/cup, 18:10 a page that has moved
                       (no bytes): 1 view in 10 minutes; from DuckDuckGo, 18:50
                       /: a visit of 1 view                                            3      2       2
    F      2  Chrome   from Facebook: 20:00 /, 20:01 a plan (7 bytes)                  2      2       1
    S      5  Firefox  from a known spammer: 18:00 /                                   1      1       1

A request sends 100 bytes where nothing is said. The 2 people of F are too few for a row of their own. Bots
are Googlebot, GPTBot, 6 curls, a monkey that reads robots.txt and has the agent of Chrome, and 4 without an
agent. A child reads three pages, one of which says so. One line is no line of a log.
"""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from logscrub.schemas import UNKNOWN, table_schemas
from tests.support import (
    CHROME,
    FIREFOX,
    GOOGLEBOT,
    SAFARI,
    bytes_of,
    combined_line,
    release_of_day,
    released_rows,
)

OTHER, NONE = "(other)", "(none)"
GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
)
OWN = "https://news.example/"
PLAN = "/files/plan.zip"


def hit(  # noqa: PLR0917
    who: int,
    local: str,
    request: str,
    referrer: str = "-",
    agent: str = CHROME,
    status: int = 200,
    size: int = 100,
) -> bytes:
    """A request of person `who`, who has a network of their own, at a local time such as `14 09:00`."""
    budapest = dt.datetime.strptime(f"2026-03-{local}", "%Y-%m-%d %H:%M")
    time = f"{budapest - dt.timedelta(hours=1):%d/%b/%Y:%H:%M:%S} +0000"
    method, path = request.split(" ")
    return combined_line(f"198.51.{who}.1", time, f"{method} {path} HTTP/1.1", status, size, referrer, agent)


def readers() -> list[bytes]:
    """What people of the table above ask for."""
    found = []
    for who in range(10):  # A
        found += [
            hit(who, "14 09:00", "GET /", "https://www.google.com/"),
            hit(who, "14 09:00", "GET /logo.png", OWN),
            hit(who, "14 09:04", "GET /sport/cup", OWN),
            hit(who, "14 09:20", "GET /report.pdf", OWN, size=1000),
            hit(who, "14 11:00", "GET /sport/cup", OWN),
        ]
    mailed = "utm_source=Newsletter&utm_medium=Email&utm_campaign"
    for who in range(10, 18):  # B
        found += [
            hit(who, "14 09:10", f"GET /politics/budget?{mailed}=Spring-Sale", agent=FIREFOX),
            hit(who, "14 09:15", f"GET /politics/vote?{mailed}=Morning", agent=FIREFOX),
            hit(who, "14 09:15", "GET /missing", OWN, FIREFOX, status=404),
        ]
    for who in range(20, 29):  # C
        found += [
            hit(who, "14 14:00", f"GET /?gclid=CjwKClick{who}", "https://www.google.com/", SAFARI),
            hit(who, "14 14:25", f"GET /archive/{who + 1000}", OWN, SAFARI),
            hit(who, "14 14:26", "POST /comments", OWN, SAFARI, status=503),
        ]
    for who in range(30, 37):  # D
        found += [
            hit(who, "14 23:50", "GET /"),
            hit(who, "15 00:05", "GET /sport/cup", OWN),
            hit(who, "15 00:06", "GET /", OWN),
        ]
    for who in range(40, 46):  # E
        found += [
            hit(who, "14 18:00", "GET /sport/cup", "https://blog.example.co.uk/post/7?user=anna", FIREFOX),
            hit(who, "14 18:10", "GET /old/page", OWN, FIREFOX, status=301, size=0),
            hit(who, "14 18:50", "GET /", "https://duckduckgo.com/", FIREFOX),
        ]
    for who in (50, 51):  # F
        found += [
            hit(who, "14 20:00", "GET /", "https://l.facebook.com/"),
            hit(who, "14 20:01", f"GET {PLAN}", OWN, size=7),
        ]
    # S
    return found + [hit(who, "14 18:00", "GET /", "http://semalt.com/", FIREFOX) for who in range(60, 65)]


def bots() -> list[bytes]:
    """What bots ask for."""
    return [
        hit(70, "14 03:00", "GET /robots.txt", agent=GOOGLEBOT),
        hit(70, "14 03:01", "GET /", agent=GOOGLEBOT),
        hit(71, "14 03:02", "GET /", agent=GPTBOT),
        *[hit(who, "14 04:00", "GET /feed.xml", agent="curl/8.5.0") for who in range(72, 78)],
        hit(78, "14 05:00", "GET /robots.txt"),
        hit(78, "14 05:01", "GET /"),
        *[hit(who, "14 06:00", "GET /", agent="-") for who in range(80, 84)],
    ]


def child() -> list[bytes]:
    """What the child asks for."""
    return [
        hit(90, "14 15:00", "GET /children"),
        hit(90, "14 15:01", "GET /children/play?coppa=1"),
        hit(90, "14 15:02", "GET /report.pdf", size=1000),
    ]


HERE = UNKNOWN  # A combined log names no host.
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    # Hits: A 50, B 24, C 27, D 7, E 18, F 4, S 5. Page views: 40, 16, 18, 7, 12, 4, 5. Visits: 20, 16, 9, 7,
    # 12, 2, 5. Bytes: 14,000, 2,400, 2,700, 700, 1,200, 214, 500. One view: A 10, B 16, D 7, E 12, S 5.
    "days": [(135, 102, 71, 47, 21714, 50)],
    # At 20 there are the 2 of F, who take the smallest hour along, 23 with the 7 of D.
    "hours": [
        (9, 40 + 24, 30 + 16, 10 + 16, 18, 13000 + 2400),
        (11, 10, 10, 10, 10, 1000),
        (14, 27, 18, 9, 9, 2700),
        (18, 18 + 5, 12 + 5, 12 + 5, 6 + 5, 1200 + 500),
        (None, 4 + 7, 4 + 7, 2 + 7, None, 214 + 700),
    ],
    "hosts": [(HERE, 135, 102, 71, 47, 21714)],
    "responses": [
        ("2xx", 200, "GET", 50 + 16 + 18 + 7 + 12 + 4 + 5, 47, 21714 - 800 - 900),
        ("3xx", 301, "GET", 6, 6, 0),
        ("4xx", 404, "GET", 8, 8, 800),
        ("5xx", 503, "POST", 9, 9, 900),
    ],
    "response_times": [],
    # Chrome on Windows: A, D, F. Firefox on Linux, which tells no version: B, E, S. Safari on iOS 18: C.
    "systems": [
        ("desktop", "Linux", UNKNOWN, 24 + 18 + 5, 16 + 12 + 5, 16 + 12 + 5, 8 + 6 + 5),
        ("desktop", "Windows", "10", 50 + 7 + 4, 40 + 7 + 4, 20 + 7 + 2, 10 + 7 + 2),
        ("mobile", "iOS", "18", 27, 18, 9, 9),
    ],
    "browsers": [
        ("Chrome", "140", 50 + 7 + 4, 40 + 7 + 4, 20 + 7 + 2, 10 + 7 + 2),
        ("Firefox", "140", 24 + 18 + 5, 16 + 12 + 5, 16 + 12 + 5, 8 + 6 + 5),
        ("Safari", "18", 27, 18, 9, 9),
    ],
    "countries": [(UNKNOWN, UNKNOWN, 135, 102, 71, 47)],
    "languages": [(UNKNOWN, 135, 102, 71, 47)],
    "networks": [(UNKNOWN, UNKNOWN, 135, 102, 71, 47)],
    # The 2 from Facebook take the smallest row along, DuckDuckGo. The second visit of A is internal.
    "referrers": [
        (OTHER, OTHER, 4 + 6, 4 + 6, 2 + 6, None),
        ("direct", NONE, 24 + 7 + 5, 16 + 7 + 5, 16 + 7 + 5, 8 + 7 + 5),
        ("internal", NONE, 10, 10, 10, 10),
        ("referral", "example.co.uk", 2 * 6, 6, 6, 6),
        ("search", "Google", 4 * 10 + 27, 3 * 10 + 18, 10 + 9, 10 + 9),
    ],
    # B has two campaigns, of 1 and 2 hits each; C has what the click id tells.
    "campaigns": [
        (NONE, NONE, NONE, 50 + 7 + 18 + 4 + 5, 40 + 7 + 12 + 4 + 5, 20 + 7 + 12 + 2 + 5, 10 + 7 + 6 + 2 + 5),
        ("google", "cpc", UNKNOWN, 27, 18, 9, 9),
        ("newsletter", "email", "morning", 2 * 8, 8, 8, 8),
        ("newsletter", "email", "spring-sale", 8, 8, 8, 8),
    ],
    # Views of /: A, C, D, E, F, S. The plan of F takes the smallest row along, of two the first by name.
    "pages": [
        (OTHER, OTHER, 2 + 8, None),
        (HERE, "/", 10 + 9 + 7 + 6 + 2 + 5, 39),
        (HERE, "/archive/:id", 9, 9),
        (HERE, "/politics/vote", 8, 8),
        (HERE, "/report.pdf", 10, 10),
        (HERE, "/sport/cup", 2 * 10 + 6, 16),
    ],
    "entries": [
        (HERE, "/", 10 + 9 + 7 + 6 + 2 + 5, 39),
        (HERE, "/politics/budget", 8, 8),
        (HERE, "/politics/vote", 8, 8),
        (HERE, "/sport/cup", 10 + 6, 16),
    ],
    # First visits of A end with the report, second ones with the cup.
    "exits": [
        (OTHER, OTHER, 2 + 8, None),
        (HERE, "/", 7 + 6 + 5, 18),
        (HERE, "/archive/:id", 9, 9),
        (HERE, "/politics/vote", 8, 8),
        (HERE, "/report.pdf", 10, 10),
        (HERE, "/sport/cup", 10 + 6, 16),
    ],
    # A published crawler is nobody and never folded; the monkey and the 4 without an agent are 5 together.
    "bots": [
        ("ai-training", "GPTBot", 1, 1, 100),
        ("other", OTHER, 2 + 4, None, 600),
        ("search", "Googlebot", 2, 1, 200),
        ("tool", "curl", 6, 6, 600),
    ],
    "downloads": [(OTHER, OTHER, 10 + 2, None, 10 * 1000 + 2 * 7)],
    "not_found": [(HERE, "/missing", 8, 8)],
    "errors": [(HERE, 503, "/comments", 9, 9)],
    "events": [],
    # The archives of F take the smallest class along, of two with 10 hits the first by name: documents.
    "content": [
        (OTHER, 2 + 10, None, 2 * 7 + 10 * 1000),
        ("image", 10, 10, 1000),
        ("page", 135 - 10 - 10 - 2, 47, 21714 - 1000 - 10000 - 14),
    ],
    # Nobody has a visit without a view. One view: A, B twice, D, E twice, S. Two: C and F. Three: A.
    "visit_depth": [
        ("1", 10 + 16 + 7 + 12 + 5, 10 + 8 + 7 + 6 + 5),
        ("2", 9 + 2, 9 + 2),
        ("3", 10, 10),
    ],
    # F stays a minute, and takes the smaller of the two others along: A 20, C 26 and E 10 minutes.
    "visit_length": [
        (OTHER, 2 + 10 + 9 + 6, None),
        ("under 10 s", 10 + 16 + 7 + 6 + 5, 10 + 8 + 7 + 6 + 5),
    ],
    # 14 March 2026 is a Saturday.
    "weekday_hours": [
        (6, 9, 64, 46, 26, 18),
        (6, 11, 10, 10, 10, 10),
        (6, 14, 27, 18, 9, 9),
        (6, 18, 23, 17, 17, 11),
        (None, None, 11, 11, 9, None),
    ],
}
# The people of D after midnight.
NIGHT: dict[str, list[tuple[Any, ...]]] = {name: [] for name in EXPECTED} | {
    # No visit has one view: that rests on nobody, and is 0.
    "days": [(14, 14, 7, 7, 1400, 0)],
    "hours": [(0, 14, 14, 7, 7, 1400)],
    "hosts": [(HERE, 14, 14, 7, 7, 1400)],
    "responses": [("2xx", 200, "GET", 14, 7, 1400)],
    "systems": [("desktop", "Windows", "10", 14, 14, 7, 7)],
    "browsers": [("Chrome", "140", 14, 14, 7, 7)],
    "countries": [(UNKNOWN, UNKNOWN, 14, 14, 7, 7)],
    "languages": [(UNKNOWN, 14, 14, 7, 7)],
    "networks": [(UNKNOWN, UNKNOWN, 14, 14, 7, 7)],
    # A visit goes on after midnight as one from an own page.
    "referrers": [("internal", NONE, 14, 14, 7, 7)],
    "campaigns": [(NONE, NONE, NONE, 14, 14, 7, 7)],
    "pages": [(HERE, "/", 7, 7), (HERE, "/sport/cup", 7, 7)],
    "entries": [(HERE, "/sport/cup", 7, 7)],
    "exits": [(HERE, "/", 7, 7)],
    "content": [("page", 14, 7, 1400)],
    "visit_depth": [("2", 7, 7)],
    "visit_length": [("1-3 min", 7, 7)],
    "weekday_hours": [(7, 0, 14, 14, 7, 7)],
}
# The line that is none is told by where it begins, which depends on the order of the lines.
ACCOUNT = {
    "total": 50 + 24 + 27 + 21 + 18 + 4 + 5 + 15 + 3 + 1,
    "lines": {
        "counted": 149 + 15,
        "withheld": 3,
        "rejected": 1,
        "out_of_dates": 0,
        "filtered": 0,
        "under_k": 0,
        "blank": 0,
        "duplicate": 0,
    },
    # Shares of all 164 lines that are counted.
    "bots": {
        "crawler": {"hits": 3, "share": round(3 / 164, 6)},
        "empty_agent": {"hits": 4, "share": round(4 / 164, 6)},
        "robots_txt": {"hits": 2, "share": round(2 / 164, 6)},
        "tool": {"hits": 6, "share": round(6 / 164, 6)},
    },
}


def released(folder: Path, lines: list[bytes]) -> Path:
    """The release of the lines, and of one that is none."""
    settings = 'timezone = "Europe/Budapest"\nown_hosts = ["news.example"]\nreject_limit = 0.05\n'
    lines = [*lines, b"no line of a log\n"]
    return release_of_day(folder, "access.log", lines, f"min_support = 5\n{settings}")


@pytest.fixture(scope="module")
def stats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [*readers(), *bots(), *child()]
    return released(tmp_path_factory.mktemp("news") / "all", lines)


@pytest.mark.parametrize("table", table_schemas())
def test_every_figure_is_what_was_counted_by_hand(stats: Path, table: str) -> None:
    assert released_rows(stats, table, "2026-03-14") == EXPECTED[table]
    assert released_rows(stats, table, "2026-03-15") == NIGHT[table]


def test_every_line_is_accounted_for(stats: Path) -> None:
    account = json.loads((stats.parent / "account.json").read_text())
    assert {key: account[key] for key in ACCOUNT} == ACCOUNT


def test_the_child_leaves_no_trace(stats: Path, tmp_path: Path) -> None:
    without = released(tmp_path / "without", [*readers(), *bots()])
    assert bytes_of(without) == bytes_of(stats)


def test_nothing_of_anybody_is_in_a_table(stats: Path) -> None:
    days = ("2026-03-14", "2026-03-15")
    shown = [released_rows(stats, table, day) for table in EXPECTED for day in days]
    written = str(shown) + str(bytes_of(stats))
    for secret in ("198.51", "CjwKClick", "anna", "semalt", "children", "plan.zip", "facebook"):
        assert secret.lower() not in written.lower()
