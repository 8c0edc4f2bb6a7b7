"""Ids in Cookie headers."""

import pytest

from logscrub.privacy.cookies import client_id, cookie_ids
from logscrub.privacy.cookies import session_cookies as known_sessions

SESSION_COOKIES = known_sessions()

VISITOR = "1033501218.1368477899"


def clients(header: str) -> list[str]:
    return [one for kind, one in cookie_ids(header, SESSION_COOKIES) if kind == "client_id"]


def sessions(header: str, session_cookies: frozenset[str] = SESSION_COOKIES) -> list[str]:
    return [one for kind, one in cookie_ids(header, session_cookies) if kind == "session_id"]


@pytest.mark.parametrize(
    ("header", "visitor"),
    [
        (f"_ga=GA1.2.{VISITOR}", VISITOR),
        (f"_ga=GA1.1.{VISITOR}", VISITOR),
        (f"_ga=GA1.10-2.{VISITOR}", VISITOR),
        (f"_GA = GA1.2.{VISITOR}", VISITOR),
        (f'_ga="GA1.2.{VISITOR}"', VISITOR),
        (f"_ga=GA1%2E2%2E{VISITOR}", VISITOR),
        (f"_gid=GA1.2.{VISITOR}", VISITOR),
        ("__utma=173272373.1033501218.1368477899.1368477899.1368477899.1", "1033501218"),
        ("_utma=173272373.1033501218.1368477899.1368477899.1368477899.1", "1033501218"),
        ("_pk_id=0123456789abcdef.1368477899.1.1368477899.1368477899.", "0123456789abcdef"),
        ("_pk_id.1.1fff=0123456789abcdef.1368477899.", "0123456789abcdef"),
        ("_PK_ID.7.abcd=0123456789abcdef", "0123456789abcdef"),
    ],
)
def test_the_visitor_part_of_a_cookie_of_an_analytics_product(header: str, visitor: str) -> None:
    assert clients(header) == [visitor]
    assert cookie_ids(f"a=b; {header};c=d", SESSION_COOKIES) == [("client_id", visitor)]


@pytest.mark.parametrize(
    "header",
    [
        *("", ";", "=", "_ga", "_ga=", "_ga=x", "_ga=GA1.2.", f"_ga={VISITOR}", f"_ga=GA1.2.{VISITOR}.x"),
        *(f"_gat=GA1.2.{VISITOR}", f"x_ga=GA1.2.{VISITOR}", f"_ga_ABC123=GA1.2.{VISITOR}", "__utma=1.2"),
        *(
            "__utmb=173272373.4.10.1368477899",
            "__utmz=173272373.1.2.3",
            "_pk_id=0123456789abcdeg",
            "_pk_id=0",
        ),
        *("_pk_ses.1.1fff=0123456789abcdef", "_pk_id=0123456789abcdef0", f"_ga=GA1.2.{'1' * 40}.1"),
    ],
)
def test_cookies_that_tell_no_visitor(header: str) -> None:
    assert cookie_ids(header, SESSION_COOKIES) == []


@pytest.mark.parametrize(
    "name",
    [
        *("PHPSESSID", "JSESSIONID", "virtuemart", "ASP.NET_SessionId", "connect.sid", "laravel_session"),
        *("sessionid", "ci_session", "CFTOKEN", "sid", "ASPSESSIONIDQQABCDEF", "_session_id", "phpsessid"),
    ],
)
def test_session_cookies_of_well_known_software(name: str) -> None:
    assert cookie_ids(f"a=b; {name}=Abc%2F1; c=d", SESSION_COOKIES) == [("session_id", "Abc/1")]
    assert sessions(f'{name}="Abc"') == ["Abc"]
    assert sessions(f"{name}=; {name}; x{name}=Abc") == []


def test_session_cookies_of_ones_own() -> None:
    assert sessions("Shop_Session=Abc") == []
    assert sessions("Shop_Session=Abc", frozenset({"shop_session"})) == ["Abc"]
    assert sessions("PHPSESSID=Abc", frozenset({"shop_session"})) == []


def test_all_ids_of_a_header_in_their_order() -> None:
    header = (
        f"sid=b; _ga=GA1.2.{VISITOR}; theme=dark; PHPSESSID=a; _gid=GA1.2.7.8; "
        "__utma=1.2.3.4.5.6; PHPSESSID=c; sid=b"
    )
    assert cookie_ids(header, SESSION_COOKIES) == [
        ("session_id", "b"),
        ("client_id", VISITOR),
        ("session_id", "a"),
        ("client_id", "7.8"),
        ("client_id", "2"),
        ("session_id", "c"),
        ("session_id", "b"),
    ]


def test_a_value_may_hold_equals_signs_and_what_is_not_utf_8() -> None:
    assert sessions("sid=a=b==") == ["a=b=="]
    assert sessions("sid=%FF%zz") == ["\ufffd%zz"]


def test_the_visitor_part_of_a_value_whatever_its_name() -> None:
    assert client_id(f"GA1.2.{VISITOR}") == VISITOR
    assert client_id("173272373.1033501218.1368477899.1368477899.1368477899.1") == "1033501218"
    assert client_id("0123456789abcdef.1368477899.") == "0123456789abcdef"
    for text in ("", "x", VISITOR, "0123456789abcde", f"GA1.2.{VISITOR}\n", "GA1.2.1.2 "):
        assert client_id(text) is None
