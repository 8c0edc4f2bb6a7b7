"""Privacy strings of any kind: no text stops their readers, and what is written is read."""

from hypothesis import given
from hypothesis import strategies as st

from logscrub.privacy.evidence import Evidence
from logscrub.privacy.gpp import gpp_evidence
from logscrub.privacy.tcf import tcf_evidence
from logscrub.privacy.us_privacy import us_privacy_evidence
from tests import gpp_encoder as encoder

any_text = st.text(st.characters(codec=None, exclude_categories=()))
near_text = st.text(encoder.ALPHABET + "~.", max_size=60).map("D".__add__)
texts = any_text | near_text | near_text.map("BAB".__add__)
section = st.sampled_from(sorted(encoder.CORES))


@st.composite
def sections(draw: st.DrawFn) -> tuple[int, str, Evidence]:
    """The id of a section, its text and what it says."""
    section_id, version = draw(section)
    field = st.integers(0, 3)
    slots = encoder.children_slots(section_id, version)
    values = {letter: draw(field) for letter in "nSHTdcm"}
    children = draw(st.tuples(*[field] * slots))
    evidence = Evidence.NOTHING
    if section_id == 8:
        evidence |= Evidence.GPP_CALIFORNIA if any(children) else Evidence.NOTHING
    elif slots and children[1 if section_id == 7 else 0]:
        evidence |= Evidence.CHILD
    if any(values[letter] in {1, 3} for letter in "SHT" if letter in encoder.CORES[section_id, version]):
        evidence |= Evidence.OPT_OUT
    text = encoder.core(section_id, version, draw(st.sampled_from([6, 8, 24])), **values, k=children)
    if section_id < 25 and (gpc := draw(st.sampled_from([None, False, True]))) is not None:
        text += "." + encoder.gpc(gpc)
        evidence |= Evidence.OPT_OUT if gpc else Evidence.NOTHING
    return section_id, text, evidence


@given(texts)
def test_no_text_stops_a_reader(text: str) -> None:
    assert isinstance(gpp_evidence(text), Evidence)
    assert us_privacy_evidence(text) in {Evidence.NOTHING, Evidence.OPT_OUT}
    assert tcf_evidence([text], [text]) in {Evidence.NOTHING, Evidence.TCF}
    assert tcf_evidence([], [text, "C" + text]) in {Evidence.NOTHING, Evidence.TCF}


@given(any_text.filter(lambda text: not text.strip().startswith(("C", "D"))))
def test_what_is_no_gpp_string_says_nothing_only_when_it_was_not_sent(text: str) -> None:
    assert gpp_evidence(text) in {Evidence.CHILD | Evidence.OPT_OUT, Evidence.NOTHING}
    assert gpp_evidence("x" + text) == Evidence.CHILD | Evidence.OPT_OUT


@given(st.lists(sections(), unique_by=lambda one: one[0], max_size=6))
def test_what_is_written_is_read(written: list[tuple[int, str, Evidence]]) -> None:
    written.sort()
    ids = [section_id for section_id, _, _ in written]
    expected = Evidence.NOTHING
    for _, _, evidence in written:
        expected |= evidence
    text = "~".join([encoder.header(*ids), *(text for _, text, _ in written)])
    assert gpp_evidence(text) == expected
    assert Evidence.CHILD in gpp_evidence(text + "~")
    assert Evidence.CHILD in gpp_evidence(text + "~A")


@given(st.integers(0, (1 << 24) - 1), st.sampled_from([6, 8]))
def test_consent_to_purpose_1_is_the_first_of_its_bits(purposes: int, unit: int) -> None:
    evidence = tcf_evidence(["1"], [encoder.tc(purposes, unit=unit)])
    assert evidence == (Evidence.NOTHING if purposes >> 23 else Evidence.TCF)
