"""Campaigns: three parameters, click ids by name, tidy values, and nothing else of the query."""

import unicodedata
from urllib.parse import quote_plus

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.enrich.campaigns import LONGEST_VALUE, Campaign, campaigns
from logscrub.privacy.urls import may_identify
from logscrub.schemas import RESERVED, UNKNOWN

NO_PART = (UNKNOWN, UNKNOWN, UNKNOWN)


def nobody(_: str) -> bool:
    return False


def campaign(target: str | None) -> Campaign | None:
    (found,) = campaigns(pa.array([target], pa.string()), nobody)
    return found


@pytest.mark.parametrize(
    "value", ["ann@example.com", "MjAwMS1kYjgtNWNhMS1hYjFl", "120212345678901", "2001:db8::1", "dfu1qxmjm0nt"]
)
def test_what_may_identify_is_unknown(value: str) -> None:
    targets = pa.array([f"/?utm_source={quote_plus(value)}&utm_medium=cpc"], pa.string())
    assert campaigns(targets, may_identify) == [(UNKNOWN, "cpc", UNKNOWN)]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/?utm_source=news&utm_medium=email&utm_campaign=spring", ("news", "email", "spring")),
        ("https://example.com/a?x=1&utm_source=News", ("news", UNKNOWN, UNKNOWN)),
        ("/?UTM_Source=a&Utm_Medium=b", ("a", "b", UNKNOWN)),
        ("/?utm_campaign=spring+sale%20%20now", (UNKNOWN, UNKNOWN, "spring sale now")),
        ("/?utm_source=a%26b%3Dc", ("a&b=c", UNKNOWN, UNKNOWN)),
        ("/?utm_source=a=b", ("a=b", UNKNOWN, UNKNOWN)),
        ("/?utm_source=a;b", ("a;b", UNKNOWN, UNKNOWN)),
        ("/?utm_source=&utm_source=+&utm_source=b&utm_source=c", ("b", UNKNOWN, UNKNOWN)),
        ("/?a?utm_source=x&utm_medium=b", (UNKNOWN, "b", UNKNOWN)),
        ("/?utm_source=a#utm_medium=b", ("a", UNKNOWN, UNKNOWN)),
        ("/?utm_source=%EF%BC%A1", ("a", UNKNOWN, UNKNOWN)),  # full-width
        ("/?utm_source=caf%C3%A9", ("café", UNKNOWN, UNKNOWN)),
        ("/?utm_source=" + "a" * 60, ("a" * 60, UNKNOWN, UNKNOWN)),
        ("/?utm_source=" + "%F0%90%90%A8" * 60, ("𐐨" * 60, UNKNOWN, UNKNOWN)),
    ],
)
def test_campaign(target: str, found: Campaign) -> None:
    assert campaign(target) == found


@pytest.mark.parametrize(
    "value",
    [
        *("a" * 61, "%28none%29", "(Other)", "(unknown)", "a%00", "a%0Ab", "%09a", "%7F", "%FF", "%ED%A0%80"),
        *("a%E2%80%AEb", "%E2%80%8B", "%EF%BF%BD", "%EE%80%80", "a" * 100_000),
    ],
)
def test_value_not_fit_for_release_is_unknown(value: str) -> None:
    assert campaign(f"/?utm_source={value}") == NO_PART
    assert campaign(f"/?utm_source={value}&utm_medium=email") == (UNKNOWN, "email", UNKNOWN)


@pytest.mark.parametrize(
    "target",
    [
        *(None, "", "/", "/?", "/utm_source=a", "/#?utm_source=a", "/?utm_source", "/?utm_source=", "?"),
        *("/?utm_source=+&utm_medium=%20", "/?utm_term=a&utm_content=b&utm_id=c", "/?xutm_source=a"),
        "/utm_source/?q=utm_source",
    ],
)
def test_target_without_campaign(target: str | None) -> None:
    assert campaign(target) is None


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/?mtm_source=a&mtm_medium=b&mtm_campaign=c", ("a", "b", "c")),
        ("/?pk_source=a&PK_Medium=b&pk_campaign=C", ("a", "b", "c")),
        ("/?piwik_campaign=c&pk_kwd=tea", (UNKNOWN, UNKNOWN, "c")),
        ("/?pk_source=&mtm_source=a&utm_source=b&utm_medium=m", ("a", "m", UNKNOWN)),
    ],
)
def test_parameters_of_matomo(target: str, found: Campaign) -> None:
    assert campaign(target) == found


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/?gclid=EAIaIQsynthetic", ("google", "cpc", UNKNOWN)),
        ("/?x=1&WBRAID=abc", ("google", "cpc", UNKNOWN)),
        ("/?msclkid=abc", ("bing", "cpc", UNKNOWN)),
        ("/?ScCid=abc", ("snapchat", "cpc", UNKNOWN)),
        ("/?li_fat_id=abc", ("linkedin", "cpc", UNKNOWN)),
        ("/?fbclid=abc", ("facebook", "social", UNKNOWN)),
        ("/?igsh=abc", ("instagram", "social", UNKNOWN)),
        ("/?fbclid=abc&gclid=def", ("google", "cpc", UNKNOWN)),  # paid before shared, in any order
        ("/?gclid=def&fbclid=abc", ("google", "cpc", UNKNOWN)),
        ("/?fbclid=abc&utm_medium=paid&utm_campaign=spring", ("facebook", "paid", "spring")),
        ("/?utm_source=Newsletter&gclid=abc", ("newsletter", "cpc", UNKNOWN)),
        ("/?utm_source=a&utm_medium=b&utm_campaign=c&gclid=abc", ("a", "b", "c")),
        ("/?utm_source=ann%40example.com&gclid=abc", ("ann@example.com", "cpc", UNKNOWN)),
        ("/?utm_source=%00&gclid=abc", (UNKNOWN, "cpc", UNKNOWN)),
    ],
)
def test_a_click_id_tells_what_is_not_given(target: str, found: Campaign) -> None:
    assert campaign(target) == found


@pytest.mark.parametrize(
    "target",
    ["/?gclid", "/?gclid=", "/gclid=a", "/#gclid=a", "/?a=gclid=b", "/?agclid=b", "/?gclids=b", "/?pk_kwd=a"],
)
def test_what_is_no_click_id_tells_nothing(target: str) -> None:
    assert campaign(target) is None


def test_order_is_kept() -> None:
    targets = pa.array(["/", "/?utm_source=a", None, "/?utm_medium=b"], pa.string())
    expected = [None, ("a", UNKNOWN, UNKNOWN), None, (UNKNOWN, "b", UNKNOWN)]
    assert campaigns(targets, nobody) == expected
    assert campaigns(targets[1:], nobody) == expected[1:]
    assert campaigns(targets[:0], nobody) == []


VALUES = st.text() | st.binary().map(lambda raw: "".join(f"%{byte:02X}" for byte in raw))
NAMES = st.sampled_from(
    ["utm_source", "UTM_MEDIUM", "utm_campaign", "mtm_source", "pk_campaign", "gclid", "q"]
)
FIELDS = st.tuples(NAMES, VALUES).map("=".join)
TARGETS = st.text() | st.lists(FIELDS).map(lambda fields: "/?" + "&".join(fields))


@given(st.lists(st.none() | TARGETS))
def test_any_target_gives_tidy_values(targets: list[str | None]) -> None:
    found = campaigns(pa.array(targets, pa.string()), nobody)
    assert len(found) == len(targets)
    for value in {value for row in found if row for value in row} - {UNKNOWN}:
        assert 0 < len(value) <= LONGEST_VALUE
        assert value not in RESERVED
        assert value.isprintable()
        assert value == " ".join(value.split()) == unicodedata.normalize("NFKC", value)
        assert campaign(f"/?utm_source={quote_plus(value)}") == (value, UNKNOWN, UNKNOWN)
