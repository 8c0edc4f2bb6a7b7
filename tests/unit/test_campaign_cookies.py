"""Campaigns in cookies: what a visit goes back to, and what never begins one."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.enrich.campaign_cookies import stored_campaigns
from logscrub.enrich.campaigns import LONGEST_VALUE, Campaign
from logscrub.privacy.urls import may_identify
from logscrub.schemas import NONE, RESERVED, UNKNOWN
from tests.support import CHROME, DAY, event_lines, rows_of, run_engine

UTMZ = "theme=dark; __utmz=1.1400000000.3.2."
SPRING = "utmcsr=News|utmccn=Spring%20Sale|utmcmd=email"


def stored(*cookies: str | None) -> list[Campaign | None]:
    place, found = stored_campaigns(pa.array(cookies, pa.string()), may_identify)
    assert len(set(found)) == len(found)
    return [found[at] if at >= 0 else None for at in place]


@pytest.mark.parametrize(
    ("cookie", "found"),
    [
        (UTMZ + SPRING, ("news", "email", "spring sale")),
        (UTMZ + SPRING + "; sid=1", ("news", "email", "spring sale")),
        ("a=b;+_utmz=1.2.3.4." + SPRING + ";+c=d", ("news", "email", "spring sale")),
        ('__utmz="1.2.3.4.' + SPRING + '"', ("news", "email", "spring sale")),
        (UTMZ + SPRING + "|utmctr=anna%20smith|utmcct=/joe", ("news", "email", "spring sale")),
        (UTMZ + "utmgclid=CJabc|utmccn=(not%20set)|utmcmd=(not set)", ("google", "cpc", UNKNOWN)),
        (UTMZ + "utmcsr=google|utmgclid=CJabc|utmccn=teapots|utmcmd=ppc", ("google", "ppc", "teapots")),
        (UTMZ + "utmcsr=partner|utmccn=(not set)|utmcmd=referral", ("partner", "referral", UNKNOWN)),
        (UTMZ + "utmcsr=anna%40example.com|utmccn=x|utmcmd=email", (UNKNOWN, "email", "x")),
        (UTMZ + "utmcsr=(Other)|utmccn=x|utmcmd=email", (UNKNOWN, "email", "x")),
    ],
)
def test_stored_campaign(cookie: str, found: Campaign) -> None:
    assert stored(cookie) == [found]


@pytest.mark.parametrize(
    "cookie",
    [
        *(None, "", "__utmz=", "__utmz=1.2.3.4.", "__utmz=utmcsr=a|utmccn=b", "__utmz=1.2.3.4"),
        UTMZ + "utmcsr=(direct)|utmccn=(direct)|utmcmd=(none)",
        UTMZ + "utmcsr=google|utmccn=(organic)|utmcmd=organic|utmctr=anna",
        UTMZ + "utmcsr=example.com|utmccn=(referral)|utmcmd=referral|utmcct=/x",
        UTMZ + "utmcsr=google|utmccn=%28organic%29|utmcmd=organic",
        UTMZ + "utmcsr=(not set)|utmccn=(not set)|utmcmd=(none)",
        UTMZ + "utmctr=anna|utmcct=/x",
        "x__utmz=1.2.3.4." + SPRING,
    ],
)
def test_cookie_without_campaign(cookie: str | None) -> None:
    assert stored(cookie) == [None]


def test_cookies_keep_their_order_and_share_campaigns() -> None:
    other = UTMZ.replace(".3.2.", ".9.9.") + SPRING
    spring = ("news", "email", "spring sale")
    assert stored("a=b", UTMZ + SPRING, None, other) == [None, spring, None, spring]


FIELDS = st.sampled_from(
    ["utmcsr=", "utmccn=", "utmcmd=", "utmgclid=", "utmctr=", "|", "(direct)", "a", "%20"]
)


@given(st.lists(st.text() | st.lists(FIELDS | st.text(max_size=4)).map(lambda f: UTMZ + "".join(f))))
def test_any_cookie_gives_tidy_values(cookies: list[str]) -> None:
    for value in {value for found in stored(*cookies) if found for value in found} - {UNKNOWN}:
        assert 0 < len(value) <= LONGEST_VALUE
        assert value not in RESERVED
        assert value.isprintable()
        assert value == " ".join(value.split()).lower()


def event(person: int, minute: int, **fields: Any) -> dict[str, Any]:
    return {
        "time": f"{DAY}T10:{minute:02}:00Z",
        "event": "page_view",
        "ip": f"198.51.{person}.7",
        "user_agent": CHROME,
        "path": "/",
    } | fields


def campaigns_of(*of_each: list[dict[str, Any]]) -> tuple[list[tuple[Any, ...]], dict[str, bytes]]:
    """Rows of campaigns, two people having done the same, and the files."""
    files, _ = run_engine({"a.jsonl": b"".join(line for one in of_each for line in event_lines(one))})
    names = ("utm_source", "utm_medium", "utm_campaign", "hits", "visits")
    return [tuple(row[name] for name in names) for row in rows_of(files, "campaigns", DAY)], files


def test_a_stored_campaign_counts_for_the_visit_and_begins_none() -> None:
    rows, _ = campaigns_of(
        *(
            [
                event(person, 0),
                event(person, 1, cookie=UTMZ + SPRING),
                event(person, 2, cookie=UTMZ + SPRING.replace("Spring", "Summer")),
                event(person, 3),
            ]
            for person in range(2)
        )
    )
    assert rows == [("news", "email", "spring sale", 8, 2)]


def test_a_url_goes_before_the_cookie_and_begins_a_visit() -> None:
    rows, _ = campaigns_of(
        *(
            [
                event(person, 0, cookie=UTMZ + SPRING),
                event(person, 1, path="/?utm_source=a&utm_medium=b&utm_campaign=c", cookie=UTMZ + SPRING),
                event(person, 2, cookie=UTMZ + SPRING),
            ]
            for person in range(2)
        )
    )
    assert rows == [("a", "b", "c", 4, 2), ("news", "email", "spring sale", 2, 2)]


def test_order_of_lines_never_shows() -> None:
    cookies = (
        "",
        UTMZ + SPRING,
        UTMZ + "utmcsr=b|utmccn=c|utmcmd=d",
        UTMZ + "utmcsr=(direct)|utmccn=(direct)",
    )
    paths = ("/", "/?gclid=1", "/?pk_source=a", "/a")
    events = [
        event(person, minute, cookie=cookie, path=path)
        for person in range(2)
        for minute in (0, 1)
        for cookie in cookies
        for path in paths
    ]
    rows, files = campaigns_of(events)
    assert len(rows) > 2
    assert campaigns_of(events[::-1])[1] == files
    assert campaigns_of(events[1::2] + events[::2])[1] == files


def test_ids_and_words_searched_for_are_in_no_byte() -> None:
    rows, files = campaigns_of(
        *(
            [
                event(person, 0, path="/?gclid=EAIaIQsynthetic&mc_eid=eidsynthetic"),
                event(person, 40, cookie=UTMZ + "utmgclid=CJsynthetic|utmccn=(not set)|utmctr=synthetic"),
            ]
            for person in range(2)
        )
    )
    assert rows == [("google", "cpc", UNKNOWN, 4, 4)]
    assert not any(b"synthetic" in data for data in files.values())


def test_no_campaign_is_learned_from_a_child() -> None:
    rows, files = campaigns_of(
        *([event(person, 0), event(person + 100, 0, cookie=UTMZ + SPRING, child=True)] for person in range(2))
    )
    assert rows == [(NONE, NONE, NONE, 2, 2)]
    assert not any(b"spring sale" in data for data in files.values())
