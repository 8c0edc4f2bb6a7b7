"""Ages, bands of ages and upper ends: only what is surely 13 or more is no child."""

import pytest

from logscrub.privacy.age_bands import age_evidence, band_evidence, upper_bound_evidence
from logscrub.privacy.evidence import Evidence

NOT_SENT = ["", " ", "-", "null", "unknown", "Unknown", "NULL"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "13-15",
            "13-17",
            "13\u201317",
            "13\u201417",
            "13\u221217",
            "13\uff0d17",
            "13 - 17",
            "13 to 17",
            "13..17",
        ),
        *("13...17", "13\u202617", "13_17", "13-13", "13.0-17.0", "013-017", "18-120", "65-99", "16-17"),
        *(
            "age_13_17",
            "AGE_RANGE_18_24",
            "ages 13-17",
            "Age group: 13-17",
            "age18",
            "13-17 years",
            "13-17 yrs old",
        ),
        *(
            "13+",
            "18+",
            "18 +",
            "65 plus",
            "65_PLUS",
            "AGE_RANGE_65_UP",
            "13 and over",
            "13_and_over",
            "13 & up",
        ),
        *(
            "18 or older",
            "18 years and older",
            "13+ years",
            "18 yo",
            "18 years old",
            "at least 13",
            "at_least_18",
        ),
        *(
            ">=13",
            ">= 18",
            "\u226513",
            ">12",
            "> 12",
            ">13",
            "over 12",
            "over 13",
            "over_18",
            "over18",
            "older than 13",
        ),
        *("13", "13.0", "13.9", "120", " 40 ", "\u00a013\u00a0", "13 years"),
        *("\uff11\uff13\uff0b", "\u0661\u0663-\u0661\u0667", "\u0967\u0969+"),
        *("[13,18)", "[13,18]", "(13, 18]", "[13,13]", "[13.0, 18.0)", "[18,)", "[65, inf)", "(17,\u221e)"),
        *("teen", "Teens", "TEENAGER", "teenagers", "adult", "Adults", "age_group_adult", "age: teen"),
    ],
)
def test_a_band_from_13_on(text: str) -> None:
    assert band_evidence(text) == Evidence.THIRTEEN


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0-12",
            "0\u201312",
            "0-12 years",
            "5-8",
            "age_0_12",
            "AGE_RANGE_0_12",
            "12",
            "12.0",
            "12.9",
            "0",
            "7",
        ),
        *(
            "<13",
            "< 13",
            "<14",
            "\u226412",
            "<=12",
            "<=17",
            "under 13",
            "under_13",
            "under13",
            "u13",
            "U18",
            "up to 17",
        ),
        *("13 and under", "13-", "-13", "12 or younger", "[0,13)", "[0,12]", "(,18)", "(-inf,13)"),
    ],
)
def test_a_band_that_ends_before_13_or_has_no_lower_end_is_a_child(text: str) -> None:
    assert band_evidence(text) == Evidence.CHILD


@pytest.mark.parametrize(
    "text",
    [
        *(
            "10-13",
            "12-17",
            "0-14",
            "12.9-17",
            "0-120",
            "12+",
            "12 plus",
            "12 and over",
            ">=12",
            "\u226512",
            ">11",
        ),
        *(
            "over 11",
            ">12.5",
            ">12.0",
            "12.99999999999999999999+",
            "[12,18)",
            "(12,18]",
            "(12.0, 18.0]",
            "[0,)",
        ),
    ],
)
def test_a_band_that_straddles_13_is_a_child(text: str) -> None:
    assert band_evidence(text) == Evidence.CHILD


@pytest.mark.parametrize(
    "text",
    [
        *(
            "17-13",
            "18-17.9",
            "18-121",
            "18-999",
            "121",
            "121+",
            ">120",
            "1000+",
            "-18",
            "-18+",
            "[18,13]",
            "[13,13)",
        ),
        *(
            "(13,13]",
            "age:-18",
            "age -18",
            "age--18",
            "over --18",
            "--",
            "13--17",
            "13-17-20",
            "13-17 months",
        ),
        *(
            "18 months",
            "13 17",
            "13,17",
            "nan",
            "inf",
            "1e2",
            "thirteen",
            "PG-13",
            "E10+",
            "x13+",
            "13+x",
            "18?",
        ),
        *("age", "age_", "age range", "years", "+", "[,]", "[18", "18)", "13\n17", "\u200b13"),
        *(
            "child",
            "kid",
            "kids",
            "minor",
            "youth",
            "preteen",
            "tween",
            "young adult",
            "not adult",
            "all",
            "everyone",
        ),
        "0" * 9000 + "1" * 9000,
    ],
)
def test_a_band_that_cannot_be_or_cannot_be_read_is_a_child(text: str) -> None:
    assert band_evidence(text) == Evidence.CHILD


@pytest.mark.parametrize(
    "text",
    [*NOT_SENT, "undisclosed", "Undetermined", "unspecified", "AGE_RANGE_UNDETERMINED", "age: unknown"],
)
def test_a_band_that_was_not_sent_says_nothing(text: str) -> None:
    assert band_evidence(text) == Evidence.NOTHING


def test_leading_zeros_are_read_however_many() -> None:
    assert band_evidence("0" * 9000 + "13+") == Evidence.THIRTEEN


@pytest.mark.parametrize(
    "text", ["0", "8", "12", "12.0", "12.9", " 12 ", "\u0661\u0662", "x", "-1", "0-12", "nan"]
)
def test_an_upper_end_under_13_or_unreadable_is_a_child(text: str) -> None:
    assert upper_bound_evidence(text) == Evidence.CHILD


@pytest.mark.parametrize("text", ["13", "13.0", "14", "17", "120", *NOT_SENT])
def test_an_upper_end_from_13_on_says_nothing_of_the_lower(text: str) -> None:
    assert upper_bound_evidence(text) == Evidence.NOTHING


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0",
            "12",
            "12.0",
            "12.9",
            "12.999999999999999999999",
            "012",
            "\uff11\uff12",
            "\u00a07 ",
            "\u0661\u0662",
        ),
        *(
            "-1",
            "121",
            "120.5",
            "nan",
            "inf",
            "1e2",
            "13+",
            "10-13",
            "12 years",
            "40 years",
            "4 0",
            "40\u066b5",
        ),
    ],
)
def test_an_age_under_13_or_unreadable_is_a_child(text: str) -> None:
    assert age_evidence(text) == Evidence.CHILD


@pytest.mark.parametrize(
    "text", ["13", "13.0", "013", "120", "\u00a013 ", "\u0664\u0660", "\u0967\u0969", "\U0001d7cf3"]
)
def test_an_age_of_13_is_no_child(text: str) -> None:
    assert age_evidence(text) == Evidence.THIRTEEN


@pytest.mark.parametrize("text", NOT_SENT)
def test_an_age_that_was_not_sent_says_nothing(text: str) -> None:
    assert age_evidence(text) == Evidence.NOTHING
