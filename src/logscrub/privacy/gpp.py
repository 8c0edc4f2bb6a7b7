"""Children and opt-outs in IAB Global Privacy Platform (GPP) strings.

Source: IAB Tech Lab, Global Privacy Platform, "Consent String Specification" 1.0, and its sections.
"""

from logscrub.privacy.ages import NOT_SENT_TEXTS, normalise
from logscrub.privacy.bits import BitReader, CorruptString
from logscrub.privacy.evidence import Evidence
from logscrub.privacy.gpp_sections import (
    CALIFORNIA,
    CORES,
    KNOWN_CHILD,
    OPT_OUTS,
    SENSITIVE_DATA,
    UNDER_13_SLOT,
    US_PRIVACY,
    WITH_HEADER,
    WITH_SENSITIVE_DATA,
    Field,
    Fields,
)
from logscrub.privacy.tcf import consents_to_purpose_1
from logscrub.privacy.us_privacy import us_privacy_evidence

_UNREADABLE = Evidence.CHILD | Evidence.OPT_OUT

_TYPE, _VERSION = 3, 1
_GPC = 1
_DID_NOT_OPT_OUT = frozenset({0, 2})  # 0 where there was nothing to opt out of
_TCF_START = "C"  # a TC string of version 2; a GPP string starts with D


def gpp_evidence(text: str) -> Evidence:
    """Say what a GPP string tells of children and opt-outs.

    Consent of a parent and its refusal (1 and 2) both tell of a child. Sections of a kind that is not known,
    and those of the TCF, say nothing.

    Args:
        text: such as `DBABLA~BVQqAAAAAgA.QA`, without percent-encoding.

    Returns:
        `CHILD` for a known child under 13; `GPP_CALIFORNIA` for one under 16 in the section of California;
        `OPT_OUT` for an opt-out of sale, sharing or targeted advertising, and for GPC; their union where a
        string says several of these. `CHILD | OPT_OUT` for a text that cannot be read in full. `NOTHING` for
        `-`, `null`, `unknown`, an empty text, and a TC string (`CP...`) in its place.
    """
    if normalise(text) in NOT_SENT_TEXTS:
        return Evidence.NOTHING
    plain = text.strip()
    try:
        if plain.startswith(_TCF_START):
            consents_to_purpose_1(plain)
            return Evidence.NOTHING
        header, *sections = plain.split("~")
        evidence = Evidence.NOTHING
        for section_id, section in zip(_section_ids(header, len(sections)), sections, strict=True):
            evidence |= _section_evidence(section_id, section)
    except CorruptString:
        return _UNREADABLE
    return evidence


def _section_ids(header: str, expected: int) -> list[int]:
    """Read the header, whose ranges must name as many sections as there are."""
    bits = BitReader(header)
    if bits.take(6) != _TYPE or bits.take(6) != _VERSION:
        raise CorruptString("not a GPP string of version 1")
    ids: list[int] = []
    last = 0
    for _ in range(bits.take(12)):
        is_range = bits.take(1)
        first = last + bits.take_fibonacci()
        last = first + (bits.take_fibonacci() if is_range else 0)
        if last - first >= expected - len(ids):
            break
        ids.extend(range(first, last + 1))
    else:
        bits.finish()
        if len(ids) == expected:
            return ids
    raise CorruptString("not as many sections as the header names")


def _section_evidence(section_id: int, section: str) -> Evidence:
    if not section:
        raise CorruptString("empty section")
    if section_id == US_PRIVACY:
        return us_privacy_evidence(section)
    if section_id not in CORES:
        return Evidence.NOTHING
    core, *others = section.split(".")
    bits = BitReader(core)
    version = bits.take(6)
    if section_id in WITH_HEADER and version == section_id:
        version = bits.take(6)
        bits.take(12)  # how many items list the sub-sections, whose ids cannot be told: Fibonacci has no 0
        if not others:
            raise CorruptString("no core")
        core, *others = others
    if version not in CORES[section_id]:
        raise CorruptString("unknown version of a section")
    evidence = _core_evidence(section_id, _read(core, CORES[section_id][version]))
    for other in others:
        evidence |= _subsection_evidence(section_id, other)
    return evidence


def _read(text: str, fields: Fields) -> dict[str, list[int]]:
    bits = BitReader(text)
    values = {field.name: [bits.take(field.width) for _ in range(field.slots)] for field in fields}
    bits.finish()
    return values


def _core_evidence(section_id: int, values: dict[str, list[int]]) -> Evidence:
    evidence = Evidence.NOTHING
    children = values.get(KNOWN_CHILD, [0])
    if section_id == CALIFORNIA:
        if any(children):
            evidence |= Evidence.GPP_CALIFORNIA
    elif children[UNDER_13_SLOT.get(section_id, 0)]:
        evidence |= Evidence.CHILD
    if any(values[name][0] not in _DID_NOT_OPT_OUT for name in OPT_OUTS & values.keys()):
        evidence |= Evidence.OPT_OUT
    return evidence


def _subsection_evidence(section_id: int, text: str) -> Evidence:
    if section_id in WITH_SENSITIVE_DATA:
        _read(text, (SENSITIVE_DATA,))
        return Evidence.NOTHING
    values = _read(text, (Field("SubsectionType"), Field("Gpc", 1)))
    if values["SubsectionType"] != [_GPC]:
        raise CorruptString("unknown sub-section")
    return Evidence.OPT_OUT if values["Gpc"][0] else Evidence.NOTHING
