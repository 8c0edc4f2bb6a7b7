"""GPP strings: examples of the specification, every section, and strings that are broken."""

import pytest

from logscrub.privacy.evidence import Evidence
from logscrub.privacy.gpp import gpp_evidence
from tests import gpp_encoder as encoder

UNREADABLE = Evidence.CHILD | Evidence.OPT_OUT
SPEC_TC_STRING = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
SECTIONS = sorted(encoder.CORES)
UNDER_13 = {7: 1}
"""The slot of children under 13, the first in every other section."""

children = [
    (section_id, version, slot, value)
    for section_id, version in SECTIONS
    for slot in range(encoder.children_slots(section_id, version))
    for value in range(4)
]
opt_outs = [
    (section_id, version, field, value)
    for section_id, version in SECTIONS
    for field in sorted(set("SHT") & set(encoder.CORES[section_id, version]))
    for value in range(4)
]


@pytest.mark.parametrize(
    ("ids", "text"),
    [((2,), "DBABMA"), ((2, 6), "DBACNYA"), ((7,), "DBABLA"), ((8,), "DBABBgA"), ((9,), "DBABRgA")],
)
def test_the_encoder_of_the_tests_writes_the_headers_of_others(ids: tuple[int, ...], text: str) -> None:
    assert encoder.header(*ids) == text.removesuffix("A")
    assert encoder.header_of_range(5, 6) == "DBABjw"


def test_the_encoder_of_the_tests_writes_a_section_as_others_do() -> None:
    numbers = encoder.numbers_of(7, S=2, H=2, T=2)
    numbers[1:5] = [(1, 2)] * 4  # notices given
    numbers[-3] = (2, 2)  # not covered by the MSPA
    assert encoder.encode(numbers, 8) == "BVQqAAAAAgA"


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        (f"DBABM~{SPEC_TC_STRING}", Evidence.NOTHING),
        (f"DBABMA~{SPEC_TC_STRING}", Evidence.NOTHING),
        (f"DBACNY~{SPEC_TC_STRING}~1YNN", Evidence.NOTHING),
        (f"DBACNYA~{SPEC_TC_STRING}~1YNN", Evidence.NOTHING),
        (f"DBACNYA~{SPEC_TC_STRING}~1YYN", Evidence.OPT_OUT),
        (f"DBABjw~{SPEC_TC_STRING}~1YNN", Evidence.NOTHING),
        (
            "DBACNYA~CPSG_8APSG_8ANwAAAENAwCAAAAAAAAAAAAAAAAAAAAA.QAAA.IAAA~1YNN",
            Evidence.NOTHING,
        ),
        ("DBABLA~BVQqAAAAAgA.QA", Evidence.NOTHING),
        ("DBABLA~BVQqAAAAAgA.YA", Evidence.OPT_OUT),
        ("DBAA", Evidence.NOTHING),
        ("  DBAA\t", Evidence.NOTHING),
    ],
)
def test_known_strings(text: str, evidence: Evidence) -> None:
    assert gpp_evidence(text) == evidence


@pytest.mark.parametrize("text", ["", " ", "-", "null", "NULL", "Unknown"])
def test_a_string_that_was_not_sent_says_nothing(text: str) -> None:
    assert gpp_evidence(text) == Evidence.NOTHING


@pytest.mark.parametrize("unit", [6, 8, 24])
@pytest.mark.parametrize(("section_id", "version", "slot", "value"), children)
def test_slots_of_known_children(section_id: int, version: int, slot: int, value: int, unit: int) -> None:
    slots = [0] * encoder.children_slots(section_id, version)
    slots[slot] = value
    expected = Evidence.NOTHING
    if value and section_id == 8:
        expected = Evidence.GPP_CALIFORNIA
    elif value and slot == UNDER_13.get(section_id, 0):
        expected = Evidence.CHILD
    assert gpp_evidence(encoder.gpp(section_id, version, unit, k=tuple(slots))) == expected


@pytest.mark.parametrize(("section_id", "version", "field", "value"), opt_outs)
def test_opt_outs(section_id: int, version: int, field: str, value: int) -> None:
    expected = Evidence.OPT_OUT if value in {1, 3} else Evidence.NOTHING
    assert gpp_evidence(encoder.gpp(section_id, version, **{field: value})) == expected


@pytest.mark.parametrize(("section_id", "version"), SECTIONS)
def test_other_fields_say_nothing_of_children_and_opt_outs(section_id: int, version: int) -> None:
    others = {"n": 3, "d": 3, "c": 3, "m": 3}
    assert gpp_evidence(encoder.gpp(section_id, version, S=2, H=2, T=2, **others)) == Evidence.NOTHING


@pytest.mark.parametrize("unit", [6, 8])
@pytest.mark.parametrize(("section_id", "version"), [one for one in SECTIONS if one[0] < 25])
def test_global_privacy_control_in_a_sub_section(section_id: int, version: int, unit: int) -> None:
    core = encoder.gpp(section_id, version, unit)
    assert gpp_evidence(f"{core}.{encoder.gpc(True, unit)}") == Evidence.OPT_OUT
    assert gpp_evidence(f"{core}.{encoder.gpc(False, unit)}") == Evidence.NOTHING


def test_a_signal_of_any_section_counts() -> None:
    sections = {
        2: SPEC_TC_STRING,
        6: "1YNN",
        7: encoder.core(7, 2, k=(0, 2, 0)) + "." + encoder.gpc(False),
        8: encoder.core(8, k=(0, 1)),
        9: encoder.core(9, S=1),
    }
    text = "~".join([encoder.header(*sections), *sections.values()])
    assert gpp_evidence(text) == Evidence.CHILD | Evidence.GPP_CALIFORNIA | Evidence.OPT_OUT


@pytest.mark.parametrize("unknown", [1, 3, 4, 28, 400])
def test_unknown_sections_are_skipped(unknown: int) -> None:
    ids = sorted([unknown, 9])
    parts = {unknown: "any.thing", 9: encoder.core(9, k=1)}
    text = "~".join([encoder.header(*ids), *(parts[section_id] for section_id in ids)])
    assert gpp_evidence(text) == Evidence.CHILD


def test_a_range_of_sections() -> None:
    assert gpp_evidence(f"{encoder.header_of_range(9, 10)}~{encoder.core(9)}~{encoder.core(10, k=2)}") == 1


@pytest.mark.parametrize("section_id", [24, 25, 26, 27])
def test_sections_that_begin_with_a_header_of_their_own(section_id: int) -> None:
    start = f"{encoder.header(section_id)}~{encoder.section_header(section_id)}"
    assert gpp_evidence(f"{start}.{encoder.core(section_id, S=1)}") == Evidence.OPT_OUT
    assert gpp_evidence(f"{start}.{encoder.core(section_id, S=2)}") == Evidence.NOTHING
    assert gpp_evidence(start) == UNREADABLE
    later = f"{encoder.header(section_id)}~{encoder.section_header(section_id, version=2)}"
    assert gpp_evidence(f"{later}.{encoder.core(section_id)}") == UNREADABLE


@pytest.mark.parametrize("section_id", [25, 26, 27])
def test_sections_with_a_sub_section_of_sensitive_data(section_id: int) -> None:
    sensitive = encoder.encode([(2, 2)] * 8)
    child = encoder.core(section_id, k=1)
    header, own = encoder.header(section_id), encoder.section_header(section_id)
    assert gpp_evidence(f"{header}~{child}.{sensitive}") == Evidence.CHILD
    assert gpp_evidence(f"{header}~{own}.{child}.{sensitive}") == Evidence.CHILD
    assert gpp_evidence(f"{header}~{own}.{encoder.core(section_id)}.{sensitive}") == Evidence.NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "gpp",
        "${GPP_STRING_123}",
        "1YNN",
        "DBA",
        "D",
        "~",
        "DBABLA",
        "DBABLA~",
        "DBABLA~BVQqAAAAAgA.",
        "DBABLA~.QA",
        "DBABLA~BVQqAAAAAgA~BVQqAAAAAgA",
        "DBABLA~BVQqAAAAAgA~",
        "~BVQqAAAAAgA",
        "DBAA~",
        "DBABLA~BVQqAAAAAg=",
        "DBABLA~BVQqAAAA+gA",
        "DBABLA~BVQqAAAAAgA.QQ",
        "DBABLA~BVQqAAAAAgA.Q.",
        "DBABLA~BVQqAAAAAgAB",
        "DBABLB~BVQqAAAAAgA",
        "DBABLA~DVQqAAAAAgA",
        "DBABLA~AVQqAAAAAgA",
        "DBABLA%7EBVQqAAAAAgA",
        "dbabla~BVQqAAAAAgA",
        "\uff24BABLA~BVQqAAAAAgA",
        "DBABLA~BVQqAAAAAgA.AA",
        "DBABLA~BVQqAAAAAgA.gA",
        "DBD_" + "_" * 100,
        "D" * 1000,
        f"{encoder.header(7, kind=2)}~BVQqAAAAAgA",
        f"{encoder.header(7, version=2)}~BVQqAAAAAgA",
        f"{encoder.header_of_range(7, 2500)}~BVQqAAAAAgA",
        encoder.header(*range(1, 28)),
    ],
)
def test_a_broken_string_counts_as_a_child_and_an_opt_out(text: str) -> None:
    assert gpp_evidence(text) == UNREADABLE


@pytest.mark.parametrize(("section_id", "version"), SECTIONS)
def test_an_unknown_version_of_a_known_section_is_unreadable(section_id: int, version: int) -> None:
    core = encoder.core(section_id, version)
    for first in "AD_":
        assert gpp_evidence(f"{encoder.header(section_id)}~{first}{core[1:]}") == UNREADABLE


def test_a_broken_us_privacy_section_is_an_opt_out() -> None:
    assert gpp_evidence(f"{encoder.header(6)}~1YZN") == Evidence.OPT_OUT


@pytest.mark.parametrize("text", [SPEC_TC_STRING, f"{SPEC_TC_STRING}.YAAAAAAAAAA", encoder.tc(1 << 23)])
def test_a_tc_string_in_place_of_a_gpp_string_says_nothing(text: str) -> None:
    assert gpp_evidence(text) == Evidence.NOTHING


@pytest.mark.parametrize("text", [SPEC_TC_STRING[:30], SPEC_TC_STRING + "~1YNN", "C", "CPX!", "child"])
def test_a_broken_tc_string_in_place_of_a_gpp_string_is_unreadable(text: str) -> None:
    assert gpp_evidence(text.replace("child", "Child")) == UNREADABLE


with_children = [one for one in SECTIONS if encoder.children_slots(*one) and one[0] != 8]


@pytest.mark.parametrize(("section_id", "version"), with_children)
def test_a_child_cannot_be_cut_off(section_id: int, version: int) -> None:
    for text in (
        encoder.gpp(section_id, version, k=2),
        encoder.gpp(section_id, version, k=2) + ".Q",
        f"{encoder.header(section_id, 30)}~{encoder.core(section_id, version, k=2)}~other",
        f"{encoder.header(1, section_id)}~other~{encoder.core(section_id, version, k=2)}",
    ):
        for end in range(1, len(text) + 1):
            assert Evidence.CHILD in gpp_evidence(text[:end])


@pytest.mark.parametrize(("section_id", "version"), with_children)
def test_a_wrong_character_hides_no_child_outside_of_its_own_bits(section_id: int, version: int) -> None:
    text = encoder.gpp(section_id, version, k=2)
    start = text.index("~") + 1
    bits = encoder.children_bits(section_id, version)
    # What a section is may be changed without trace, and so may the bits of its children.
    spared = {*range(4, start - 1), *(start + bit // 6 for bit in bits)}
    for position in set(range(len(text))) - spared:
        for character in encoder.ALPHABET + "~.!é":
            changed = text[:position] + character + text[position + 1 :]
            assert Evidence.CHILD in gpp_evidence(changed), (position, character)


@pytest.mark.parametrize(("section_id", "version"), with_children)
def test_a_character_outside_of_base64url_is_never_passed_over(section_id: int, version: int) -> None:
    text = encoder.gpp(section_id, version, k=2)
    for position in range(len(text)):
        for character in "!=+/ é\ud800":
            changed = text[:position] + character + text[position + 1 :]
            assert gpp_evidence(changed + "A") == UNREADABLE
