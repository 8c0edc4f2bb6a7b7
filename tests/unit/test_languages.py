"""Languages come from the vocabulary; the first choice decides."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.enrich.languages import primary_languages
from logscrub.schemas import UNKNOWN, vocabulary, vocabulary_names

LANGUAGES = vocabulary_names("languages")


@pytest.mark.parametrize(
    ("value", "language"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("EN-us", "en"),
        ("en_GB", "en"),
        ("zh_TW_#Hant", "zh"),
        ("zh-Hant-TW", "zh"),
        ("de_DE.UTF-8", "de"),
        ("de_DE@euro", "de"),
        ("fil-PH", "fil"),
        ("da, en-gb;q=0.8, en;q=0.7", "da"),  # the example of RFC 9110
        ("en;q=0.5,fr;q=0.9,de;q=0.9", "fr"),
        ("en;q=0.5,fr", "fr"),
        ("en;q=0,fr;q=0.1", "fr"),
        ("en ; q=0.2 , hu ; q=0.3", "hu"),
        ("en;Q=.2,hu;q=1.", "hu"),
        ("*,pt;q=0.5", "pt"),
        ("*;q=0.1,pt;q=0.05", "pt"),
        (",,pt", "pt"),
        ("nonsense!,pt;q=0.5", "pt"),
        ("en;q=2,pt;q=0.5", "pt"),
        ("en;level=1,pt;q=0.5", "pt"),
        ("iw-IL", "he"),
        ("in", "id"),
        ("ji", "yi"),
        ("mo", "ro"),
        ("sh", "sr"),
        ("eng", "en"),
        ("ger-DE", "de"),
        ("zh-yue", "zh"),
        ("yue-HK", "yue"),
        ("no", "no"),
        ("nb-NO", "nb"),
    ],
)
def test_language(value: str, language: str) -> None:
    assert primary_languages([value]) == [language]


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "-", "*", "en;q=0", "xx", "und", "mul", "mis", "zxx", "qaa", "x-private", "i-klingon"),
        *("english", "C", "POSIX", "en\0", "e", "192.0.2.1", "joe@example.com", "tlh,en;q=0.9"),
        *("en;q=nan", "en;q=1e9", "en;q=-1", "\uff45\uff4e", "eñ", "\ud800", "en" * 1_000, "en," * 1_000),
    ],
)
def test_what_names_no_language_is_unknown(value: str) -> None:
    assert primary_languages([value]) == [UNKNOWN]


def test_order_is_kept() -> None:
    assert primary_languages(["de", "", "fr"]) == ["de", UNKNOWN, "fr"]
    assert primary_languages([]) == []


def test_vocabulary_is_of_primary_subtags() -> None:
    assert all(re.fullmatch("[a-z]{2,3}", subtag) for subtag in LANGUAGES)
    assert {"en", "zh", "he", "nb", "fil", "yue", "chr"} <= LANGUAGES
    assert not {"iw", "in", "ji", "und", "mul", "mis", "zxx", "qaa"} & LANGUAGES
    preferred = vocabulary("languages")["preferred"]
    assert set(preferred.values()) <= LANGUAGES
    assert not set(preferred) & LANGUAGES


PIECES = st.sampled_from(
    ["en", "de-AT", "iw", "*", ",", ";", "q=", "0.5", "=", "-", "_", " ", "1", "\0", "é"]
)


@given(st.lists(st.text() | st.lists(PIECES).map("".join)))
def test_any_text_gives_a_word_of_the_vocabulary(values: list[str]) -> None:
    found = primary_languages(values)
    assert len(found) == len(values)
    assert set(found) <= LANGUAGES | {UNKNOWN}


@given(st.lists(st.sampled_from(sorted(LANGUAGES)), min_size=1, max_size=8, unique=True))
def test_first_of_a_browsers_list_wins(languages: list[str]) -> None:
    header = ",".join(f"{tag};q={1 - place / 10:.1f}" for place, tag in enumerate(languages))
    assert primary_languages([header]) == [languages[0]]
