"""Fields of the US sections of IAB GPP strings: section id, version of the section, fields of its core.

Source: IAB Tech Lab, Global Privacy Platform, Sections/US-National and Sections/US-States. Sections are
known by their id alone, since prefixes changed over time (`uspca`, `usca`) and one is given twice.
"""

from typing import NamedTuple


class Field(NamedTuple):
    """`slots` numbers of `width` bits each."""

    name: str
    width: int = 2
    slots: int = 1


Fields = tuple[Field, ...]

US_PRIVACY = 6
US_NATIONAL = 7
CALIFORNIA = 8

KNOWN_CHILD = "KnownChildSensitiveDataConsents"
OPT_OUTS = frozenset({"SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"})

_VERSION = Field("Version", 6)
_NOTICES = (
    Field("ProcessingNotice"),  # SharingNotice in the older sections
    Field("SaleOptOutNotice"),
    Field("TargetedAdvertisingOptOutNotice"),
)
_CHOICES = (Field("SaleOptOut"), Field("TargetedAdvertisingOptOut"))
_ADDITIONAL = Field("AdditionalDataProcessingConsent")
_MSPA = (
    Field("MspaCoveredTransaction"),
    Field("MspaOptOutOptionMode"),
    Field("MspaServiceProviderMode"),
)


def _national(sensitive: int, children: int) -> Fields:
    return (
        _VERSION,
        Field("SharingNotice"),
        Field("SaleOptOutNotice"),
        Field("SharingOptOutNotice"),
        Field("TargetedAdvertisingOptOutNotice"),
        Field("SensitiveDataProcessingOptOutNotice"),
        Field("SensitiveDataLimitUseNotice"),
        Field("SaleOptOut"),
        Field("SharingOptOut"),
        Field("TargetedAdvertisingOptOut"),
        Field("SensitiveDataProcessing", slots=sensitive),
        Field(KNOWN_CHILD, slots=children),
        Field("PersonalDataConsents"),
        *_MSPA,
    )


def _state(
    sensitive: int, children: int, notices: Fields = _NOTICES, more: Fields = (_ADDITIONAL,)
) -> Fields:
    return (
        _VERSION,
        *notices,
        *_CHOICES,
        Field("SensitiveDataProcessing", slots=sensitive),
        Field(KNOWN_CHILD, slots=children),
        *more,
        *_MSPA,
    )


_CALIFORNIA = (
    _VERSION,
    Field("SaleOptOutNotice"),
    Field("SharingOptOutNotice"),
    Field("SensitiveDataLimitUseNotice"),
    Field("SaleOptOut"),
    Field("SharingOptOut"),
    Field("SensitiveDataProcessing", slots=9),
    Field(KNOWN_CHILD, slots=2),
    Field("PersonalDataConsents"),
    *_MSPA,
)
_SENSITIVE_NOTICE = (*_NOTICES, Field("SensitiveDataProcessingOptOutNotice"))
_MARYLAND = (
    Field("MspaVersion", 6),
    Field("MspaCoveredTransaction"),
    Field("MspaMode"),
    *_NOTICES,
    *_CHOICES,
    _ADDITIONAL,
)
_WITH_SUBSECTIONS = (*_MARYLAND[:-1], Field(KNOWN_CHILD), _ADDITIONAL)

CORES: dict[int, dict[int, Fields]] = {
    US_NATIONAL: {1: _national(sensitive=12, children=2), 2: _national(sensitive=16, children=3)},
    CALIFORNIA: {1: _CALIFORNIA},
    9: {1: _state(sensitive=8, children=1, more=())},  # Virginia
    10: {1: _state(sensitive=7, children=1, more=())},  # Colorado
    11: {1: _state(sensitive=8, children=1, notices=_SENSITIVE_NOTICE, more=())},  # Utah
    12: {1: _state(sensitive=8, children=3, more=())},  # Connecticut
    13: {1: _state(sensitive=8, children=3)},  # Florida
    14: {1: _state(sensitive=8, children=3)},  # Montana
    15: {1: _state(sensitive=11, children=3)},  # Oregon
    16: {1: _state(sensitive=8, children=1)},  # Texas
    17: {1: _state(sensitive=9, children=5)},  # Delaware
    18: {1: _state(sensitive=8, children=1, notices=_SENSITIVE_NOTICE, more=())},  # Iowa
    19: {1: _state(sensitive=8, children=1)},  # Nebraska
    20: {1: _state(sensitive=8, children=3)},  # New Hampshire
    21: {1: _state(sensitive=10, children=5)},  # New Jersey
    22: {1: _state(sensitive=8, children=1)},  # Tennessee
    23: {1: _state(sensitive=8, children=1)},  # Minnesota
    24: {1: _MARYLAND},
    25: {1: _WITH_SUBSECTIONS},  # Indiana
    26: {1: _WITH_SUBSECTIONS},  # Kentucky
    27: {1: _WITH_SUBSECTIONS},  # Rhode Island
}
"""Fields of the core of each section, by the version that the section gives in its first six bits."""

UNDER_13_SLOT = {US_NATIONAL: 1}
"""Which number of the field `KNOWN_CHILD` tells of a child under 13, the first where it is not named here."""

WITH_HEADER = frozenset({24, 25, 26, 27})
"""Sections that may begin with a header of their own: section id, version, sub-sections."""

WITH_SENSITIVE_DATA = frozenset({25, 26, 27})
"""Sections whose sub-section after the core is `SENSITIVE_DATA`; that of all others is GPC."""

SENSITIVE_DATA = Field("SensitiveDataProcessing", slots=8)
