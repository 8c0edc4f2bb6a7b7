"""Connections come from the vocabulary; names of carriers are tidy, or unknown."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.enrich.networks import LONGEST_CARRIER, carrier_names, connection_types
from logscrub.privacy.urls import may_identify_decoded
from logscrub.schemas import RESERVED, UNKNOWN, vocabulary, vocabulary_names

CONNECTIONS = vocabulary_names("connections")


@pytest.mark.parametrize(
    ("connection", "values"),
    [
        ("wifi", ["wifi", "Wi-Fi", "WIFI", " wi_fi ", "WLAN", "wireless", "2", "2.0"]),
        (
            "cellular",
            [
                *("cellular", "Mobile", "WWAN", "2g", "3G", "4g", "5G", "LTE", "4G LTE", "5G-NR", "EDGE"),
                *("slow-2g", "3", "4", "5", "6", "7", "7.0"),
            ],
        ),
        ("wired", ["ethernet", "Wired", "LAN", "broadband", "1", "Cable/DSL", "Dialup", "Corporate"]),
        ("satellite", ["Satellite"]),
        (
            UNKNOWN,
            [
                *("", "-", "unknown", "none", "other", "bluetooth", "0", "8", "22", "-2", "2/", "2.5", "1g"),
                *(
                    "home wifi of Joe",
                    "(unknown)",
                    "\uff37\uff29\uff26\uff29",
                    "\ud800",
                    "wifi" * 100,
                    "wi" + "-" * 300 + "fi",
                ),
            ],
        ),
    ],
)
def test_connection(connection: str, values: list[str]) -> None:
    assert connection_types(values) == [connection] * len(values)


def test_every_code_of_an_operator_is_told_by_a_name_that_may_be_released() -> None:
    operators = vocabulary("carriers")["names"]
    codes = [code for codes in operators.values() for code in codes]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[2-7][0-9]{4,5}", code) for code in codes)
    for name, of_operator in operators.items():
        assert carrier_names(of_operator) == [name] * len(of_operator)
        assert carrier_names([name]) == [name]
        assert not may_identify_decoded(name, LONGEST_CARRIER)


@given(st.from_regex(r"[0-9]{3}[-_ /.,:]?[0-9]{2,3}", fullmatch=True))
def test_numbers_give_a_name_of_the_vocabulary(codes: str) -> None:
    assert carrier_names([codes])[0] in vocabulary_names("carriers") | {UNKNOWN}


def test_every_spelling_stands_once_and_as_it_is_looked_up() -> None:
    spellings = [word for words in vocabulary("connections")["names"].values() for word in words]
    assert len(set(spellings)) == len(spellings)
    assert all(re.fullmatch("[a-z0-9]+", word) for word in spellings)
    assert {"wifi", "cellular", "wired", "satellite"} == CONNECTIONS


@given(st.lists(st.text() | st.from_regex(r"[ _-]*(wi-?fi|[0-9]g?|lte)[ .]*", fullmatch=True)))
def test_any_text_gives_a_connection_of_the_vocabulary(values: list[str]) -> None:
    found = connection_types(values)
    assert len(found) == len(values)
    assert set(found) <= CONNECTIONS | {UNKNOWN}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Vodafone", "Vodafone"),
        ("  AT&T \t Mobility ", "AT&T Mobility"),
        ("3 UK", "3 UK"),
        ("O2 (DE)", "O2 (DE)"),
        ("\uff2f\uff52\uff41\uff4e\uff47\uff45", "Orange"),
        ("Télé2", "Télé2"),
        ("एयरटेल", "एयरटेल"),
        ("Nonesuch", "Nonesuch"),
        ("Telefonica, S.A.", "Telefonica, S.A."),
        ("310-410", "AT&T"),
        ("310410", "AT&T"),
        ("310 260", "T-Mobile"),
        ("262/01", "Telekom"),
        ("26201", "Telekom"),
        ("\uff12\uff16\uff12\uff10\uff12", "Vodafone"),
        ("A" * 40, "A" * 40),
    ],
)
def test_carrier(value: str, name: str) -> None:
    assert carrier_names([value]) == [name]


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "-", "--", "unknown", "Unknown", "NULL", "none", "N/A", "n/a", "(none)", "(Unknown)"),
        *(
            "(other)",
            "\uff08other\uff09",
            "310999",
            "262-001",
            "26",
            "1310260",
            "+310260",
            "A" * 41,
            "A" * 10_000,
        ),
        *("joe@example.com", "a_b", "a:b", "<b>", "a\0b", "a\u202eb", "a\ud800", "☎ Phone", "()", "65535"),
    ],
)
def test_what_is_no_name_of_a_carrier_is_unknown(value: str) -> None:
    assert carrier_names([value]) == [UNKNOWN]


@given(st.lists(st.text() | st.text("aB3 &.-+'()/ﬁ\u00a0\t", max_size=50)))
def test_any_text_gives_a_tidy_name(values: list[str]) -> None:
    found = carrier_names(values)
    assert len(found) == len(values)
    for name in set(found) - {UNKNOWN}:
        assert 0 < len(name) <= LONGEST_CARRIER
        assert name not in RESERVED
        assert name == " ".join(unicodedata.normalize("NFKC", name).split())
        assert any(letter.isalpha() for letter in name)
        assert name.isprintable()
    assert carrier_names(found) == found
