"""A day of a shop and its app, in JSON lines, whose every figure is counted by hand, read through the CLI.

k is 4, and 20 minutes of silence end a visit. Who comes on 14 March:

      people  what each does                                                        hits  views  visits
    A     16  has the app on an iPhone, German, mobile network: 10:00 opens it,
              10:01 reviews of a product (300 bytes in 50 ms), 10:02 puts it into
              the cart                                                                3      1       1
    B     10  has Edge 141 on Windows 11 (say its client hints), English, wifi:
              11:00 / (1,000 bytes in 100 ms) from the partner, 11:15 a search
              (500 bytes in 200 ms): 2 views in 15 minutes; 11:40 a kettle (700
              bytes in 100 to 1,000 ms), 11:41 an order: a visit of 1 view            4      3       2
    C      5  has Firefox and a phone, but one account, French: 12:00 a teapot
              (100 bytes) from the app of Gmail, 12:10 again on the phone, 12:11
              a widget (50 bytes): 2 views in 11 minutes                              3      2       1
    D      3  has Chrome, Hungarian: 16:00 a rare thing (100 bytes), 16:01 it fails   2      1       1
    T      4  is 14 and has the app, English: 17:00 views a game                      1      1       1

The 3 of D are too few for a row of their own. Bots are 5 monitors of the shop's own, 4 scripts and one with
the agent of Chrome that asks 21 times, when 20 are allowed. Left out are 3 questions for the health of the
server and 2 hits of the office. Withheld are a child of 9, also where the device does not say so, and one who
opts out. One line is no JSON.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from logscrub.schemas import UNKNOWN, table_schemas
from tests.support import CHROME, DAY, FIREFOX, SAFARI, bytes_of, event_lines, release_of_day, released_rows

OTHER, NONE = "(other)", "(none)"
APP, SHOP = "app.example.com", "shop.example.com"
SETTINGS = """
min_support = 4
visit_gap_minutes = 20
bot_rate = 20
routes = ["/shop/{product}/reviews"]
static_extensions = ["widget"]

[[leave_out]]
path = ["/health"]

[[leave_out]]
network = ["192.0.2.0/24"]

[[sources]]
name = "Partner"
medium = "referral"
host = ["partner.example.org"]

[[bots]]
name = "Uptime Bird"
purpose = "monitor"
user_agent = ["*UptimeBird*"]
"""
HINTS = {
    "sec_ch_ua": '"Chromium";v="141", "Microsoft Edge";v="141", "Not?A_Brand";v="8"',
    "sec_ch_ua_platform": '"Windows"',
    "sec_ch_ua_platform_version": '"15.0.0"',
}

Event = dict[str, Any]


def event(who: int, minute: str, agent: str, **fields: Any) -> Event:
    """An event of person `who`, who has a network of their own."""
    return {"time": f"2026-03-14T{minute}:00Z", "ip": f"198.51.{who}.1", "user_agent": agent, **fields}


def request(who: int, minute: str, agent: str, path: str, **fields: Any) -> Event:
    """A request of person `who` at the shop."""
    return event(who, minute, agent, host=SHOP, method="GET", path=path, status=200) | fields


def people() -> list[Event]:
    """What people of the table above do."""
    found = []
    for who in range(16):  # A
        app = {"device_id": f"phone-{who}", "language": "de-DE", "connection": "cellular", "host": APP}
        found += [
            event(who, "10:00", SAFARI, event="app_open", carrier="262-01", **app),
            request(who, "10:01", SAFARI, f"/shop/pot{who}/reviews", bytes=300, duration_ms=50, **app),
            event(who, "10:02", SAFARI, event="Add To Cart", **app),
        ]
    for who in range(20, 30):  # B
        web = {"language": "en-GB,en;q=0.9,de;q=0.5", "connection": "wifi", **HINTS}
        own = {"referrer": f"https://{SHOP}/", **web}
        deal = {"referrer": "https://partner.example.org/deal", **web}
        kettle = {"bytes": 700, "duration_ms": 100 * (who - 19)}
        found += [
            request(who, "11:00", CHROME, "/", bytes=1000, duration_ms=100, **deal),
            request(who, "11:15", CHROME, f"/search?q=kettle+{who}", bytes=500, duration_ms=200, **own),
            request(who, "11:40", CHROME, "/shop/kettle", **kettle, **own),
            request(who, "11:41", CHROME, "/cart", **own) | {"method": "POST"},
        ]
    for who in range(40, 45):  # C
        account = {"user_id": f"anna{who}@example.com", "language": "fr"}
        mail = "android-app://com.google.android.gm/"
        found += [
            request(who, "12:00", FIREFOX, "/shop/teapot", bytes=100, referrer=mail, **account),
            request(who, "12:10", SAFARI, "/shop/teapot", bytes=100, **account),
            request(who, "12:11", SAFARI, "/shop/tea.widget", bytes=50, **account),
        ]
    for who in range(50, 53):  # D
        found += [
            request(who, "16:00", CHROME, "/shop/rare", bytes=100, language="hu"),
            request(who, "16:01", CHROME, "/shop/rare", language="hu") | {"status": 500},
        ]
    game = {"event": "page_view", "host": APP, "path": "/shop/game", "language": "en", "age": 14}
    return found + [event(who, "17:00", SAFARI, device_id=f"t{who}", **game) for who in range(60, 64)]  # T


def bots() -> list[Event]:
    """What bots do."""
    return [
        *[request(who, "01:00", "UptimeBird/2", "/", bytes=10) for who in range(70, 75)],
        *[request(who, "02:00", "python-requests/2.32", "/", bytes=10) for who in range(75, 79)],
        *[request(79, f"15:{minute:02}", CHROME, "/", bytes=10) for minute in range(21)],
    ]


def left_out() -> list[Event]:
    """What the rules leave out."""
    office = [request(0, "09:00", CHROME, "/") | {"ip": "192.0.2.7"} for _ in range(2)]
    return office + [request(who, "11:00", CHROME, "/health") for who in range(20, 23)]


def withheld() -> list[Event]:
    """What the child does, and who opts out."""
    return [
        event(90, "10:00", SAFARI, host=APP, event="app_open", device_id="kid-phone", age=9),
        request(91, "11:00", SAFARI, "/shop/kettle", bytes=700, device_id="kid-phone"),
        request(92, "11:00", CHROME, "/shop/kettle", bytes=700, us_privacy="1YYN"),
    ]


def about(ms: float) -> Any:
    """A time to serve, which tables tell within 1 %."""
    return pytest.approx(ms, rel=0.01)


# Rows of each table, in the order of its columns.
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    # Hits: A 48, B 40, C 15, D 6, T 4. Page views: 16, 30, 10, 3, 4. Visits: 16, 20, 5, 3, 4. Bytes: 4,800,
    # 22,000, 1,250, 300, 0. One view: A 16, the second visits of B 10, D 3, T 4.
    "days": [(113, 63, 48, 38, 28350, 33)],
    # The 3 of D, at 16, take the smallest hour along: 17, with the 4 of T. T is sent nothing, so that bytes
    # would still be of 3 people: 12 goes along too, with the 5 of C.
    "hours": [
        (10, 48, 16, 16, 16, 4800),
        (11, 40, 30, 20, 10, 22000),
        (None, 6 + 4 + 15, 3 + 4 + 10, 3 + 4 + 5, None, 300 + 1250),
    ],
    # A and T have the app.
    "hosts": [
        (APP, 48 + 4, 16 + 4, 16 + 4, 16 + 4, 4800),
        (SHOP, 40 + 15 + 6, 30 + 10 + 3, 20 + 5 + 3, 10 + 5 + 3, 22000 + 1250 + 300),
    ],
    # The failures of D take the smallest row along, the orders of B. Events are no requests: A 32, T 4.
    "responses": [
        (OTHER, None, OTHER, 3 + 10, None, 0),
        (UNKNOWN, 0, UNKNOWN, 32 + 4, 16 + 4, 0),
        ("2xx", 200, "GET", 16 + 30 + 15 + 3, 16 + 10 + 5 + 3, 28350),
    ],
    # 6 of B wait 500 ms or longer for the kettle, 2 wait 900 ms or longer.
    "response_times": [
        (APP, "/shop/:product/reviews", 16, 16, *3 * [about(50)]),
        (SHOP, "/", 10, 10, *3 * [about(100)]),
        (SHOP, "/search", 10, 10, *3 * [about(200)]),
        (SHOP, "/shop/kettle", 10, 10, about(500), None, None),
    ],
    # D, Chrome on Windows 10, takes the smallest row along, C: it has Firefox on Linux before the phone.
    "systems": [
        (OTHER, OTHER, OTHER, 6 + 15, 3 + 10, 3 + 5, 3 + 5),
        ("desktop", "Windows", "11", 40, 30, 20, 10),
        ("mobile", "iOS", "18", 48 + 4, 16 + 4, 16 + 4, 16 + 4),
    ],
    "browsers": [
        (OTHER, OTHER, 6 + 15, 3 + 10, 3 + 5, 3 + 5),
        ("Edge", "141", 40, 30, 20, 10),
        ("Safari", "18", 48 + 4, 16 + 4, 16 + 4, 16 + 4),
    ],
    "countries": [(UNKNOWN, UNKNOWN, 113, 63, 48, 38)],
    # D takes the smallest along: French, of C. English is of B and T.
    "languages": [
        (OTHER, 6 + 15, 3 + 10, 3 + 5, 3 + 5),
        ("de", 48, 16, 16, 16),
        ("en", 40 + 4, 30 + 4, 20 + 4, 10 + 4),
    ],
    # C, D and T do not say.
    "networks": [
        (UNKNOWN, UNKNOWN, 15 + 6 + 4, 10 + 3 + 4, 5 + 3 + 4, 5 + 3 + 4),
        ("cellular", "Telekom", 48, 16, 16, 16),
        ("wifi", UNKNOWN, 40, 30, 20, 10),
    ],
    # Direct: A, D, T.
    "referrers": [
        ("direct", NONE, 48 + 6 + 4, 16 + 3 + 4, 16 + 3 + 4, 16 + 3 + 4),
        ("email", "Gmail", 15, 10, 5, 5),
        ("internal", NONE, 2 * 10, 10, 10, 10),
        ("referral", "Partner", 2 * 10, 2 * 10, 10, 10),
    ],
    "campaigns": [(NONE, NONE, NONE, 113, 63, 48, 38)],
    # The rare thing takes the smallest row along, the game of T.
    "pages": [
        (OTHER, OTHER, 3 + 4, None),
        (APP, "/shop/:product/reviews", 16, 16),
        (SHOP, "/", 10, 10),
        (SHOP, "/search", 10, 10),
        (SHOP, "/shop/kettle", 10, 10),
        (SHOP, "/shop/teapot", 2 * 5, 5),
    ],
    "entries": [
        (OTHER, OTHER, 3 + 4, None),
        (APP, "/shop/:product/reviews", 16, 16),
        (SHOP, "/", 10, 10),
        (SHOP, "/shop/kettle", 10, 10),
        (SHOP, "/shop/teapot", 5, 5),
    ],
    "exits": [
        (OTHER, OTHER, 3 + 4, None),
        (APP, "/shop/:product/reviews", 16, 16),
        (SHOP, "/search", 10, 10),
        (SHOP, "/shop/kettle", 10, 10),
        (SHOP, "/shop/teapot", 5, 5),
    ],
    # The one that asks too often takes the smallest row along, the 4 scripts.
    "bots": [(OTHER, OTHER, 21 + 4, None, 250), ("monitor", "Uptime Bird", 5, 5, 50)],
    "downloads": [],
    "not_found": [],
    # 3 people are too few for any row.
    "errors": [],
    "events": [
        ("add_to_cart", 16, 16),
        ("app_open", 16, 16),
        ("page_view", 4, 4),
        ("site_search", 10, 10),
    ],
    # All requests but events: A 16, B 40, C 15, D 6. A widget is an own ending, and no class of its own.
    "content": [(NONE, 32 + 4, 16 + 4, 0), ("page", 16 + 40 + 15 + 6, 16 + 10 + 5 + 3, 28350)],
    # One view: A, B's second visits, D, T. Two: B's first and C.
    "visit_depth": [("1", 16 + 10 + 3 + 4, 33), ("2", 10 + 5, 15)],
    # A 2 minutes, B 15 and 1, C 11, D 1, T none.
    "visit_length": [
        ("1-3 min", 16 + 10 + 3, 16 + 10 + 3),
        ("10-30 min", 10 + 5, 10 + 5),
        ("under 10 s", 4, 4),
    ],
    # 14 March 2026 is a Saturday.
    "weekday_hours": [
        (6, 10, 48, 16, 16, 16),
        (6, 11, 40, 30, 20, 10),
        (6, 12, 15, 10, 5, 5),
        (None, None, 6 + 4, 3 + 4, 3 + 4, None),
    ],
}
ACCOUNT = {
    "total": 113 + 30 + 5 + 3 + 1,
    "lines": {
        "counted": 113 + 30,
        "withheld": 3,
        "filtered": 3 + 2,
        "rejected": 1,
        **dict.fromkeys(("out_of_dates", "under_k", "blank", "duplicate"), 0),
    },
    # Shares of all 143 records that are counted.
    "bots": {
        "configured": {"hits": 5, "share": round(5 / 143, 6)},
        "rate": {"hits": 21, "share": round(21 / 143, 6)},
        "tool": {"hits": 4, "share": round(4 / 143, 6)},
    },
}


def released(folder: Path, events: list[Event]) -> Path:
    """The release of the events, and of a line that is none."""
    lines = [*event_lines(events), b'{"time": 1773482\n']
    return release_of_day(folder, "events.jsonl", lines, SETTINGS)


@pytest.fixture(scope="module")
def stats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    events = [*people(), *bots(), *left_out(), *withheld()]
    return released(tmp_path_factory.mktemp("shop") / "all", events)


@pytest.mark.parametrize("table", table_schemas())
def test_every_figure_is_what_was_counted_by_hand(stats: Path, table: str) -> None:
    assert released_rows(stats, table, DAY) == EXPECTED[table]


def test_every_line_is_accounted_for(stats: Path) -> None:
    account = json.loads((stats.parent / "account.json").read_text())
    assert {key: account[key] for key in ACCOUNT} == ACCOUNT


def test_who_is_withheld_leaves_no_trace(stats: Path, tmp_path: Path) -> None:
    without = released(tmp_path / "without", [*people(), *bots(), *left_out()])
    assert bytes_of(without) == bytes_of(stats)


def test_nothing_of_anybody_is_in_a_table(stats: Path) -> None:
    written = str([released_rows(stats, table, DAY) for table in EXPECTED]) + str(bytes_of(stats))
    for secret in ("198.51", "anna", "phone-1", "rare", "hu'", "192.0.2"):
        assert secret not in written
