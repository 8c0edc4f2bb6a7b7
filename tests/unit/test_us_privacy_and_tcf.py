"""US Privacy Strings, and consent under the GDPR."""

import pytest

from logscrub.privacy.evidence import Evidence
from logscrub.privacy.tcf import consents_to_purpose_1, tcf_evidence
from logscrub.privacy.us_privacy import us_privacy_evidence
from tests import gpp_encoder as encoder

CONSENT, REFUSAL = encoder.tc(1 << 23), encoder.tc(0)
ONLY_OTHER_PURPOSES = encoder.tc((1 << 23) - 1)
SPEC_REFUSAL = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"  # Global Privacy Platform, first example
UNREADABLE = ["", "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA", "${GDPR_CONSENT_123}", CONSENT[:38], "C", "é", "1"]


@pytest.mark.parametrize("text", ["1YYN", "1yyn", " 1YYY ", "1-Y-", "2NYN"])
def test_an_opt_out_of_sale(text: str) -> None:
    assert us_privacy_evidence(text) == Evidence.OPT_OUT


@pytest.mark.parametrize("text", ["1YNN", "1ynn", "1---", "1NNN", "1Y-Y", "", " ", "-", "null", "unknown"])
def test_no_opt_out_of_sale(text: str) -> None:
    assert us_privacy_evidence(text) == Evidence.NOTHING


@pytest.mark.parametrize("text", ["1YN", "1YNNN", "YYNN", "1YXN", "${US_PRIVACY}", "0", "--", "1YN\ud800"])
def test_an_unreadable_us_privacy_string_is_an_opt_out(text: str) -> None:
    assert us_privacy_evidence(text) == Evidence.OPT_OUT


@pytest.mark.parametrize("applies", ["1", "1.0", "true", "TRUE", " yes ", "2", "${GDPR}", "é"])
def test_where_the_gdpr_applies_a_consent_is_needed(applies: str) -> None:
    assert tcf_evidence([applies], []) == Evidence.TCF
    assert tcf_evidence([applies], ["", "-"]) == Evidence.TCF
    assert tcf_evidence([applies], [CONSENT]) == Evidence.NOTHING
    assert tcf_evidence([applies], [REFUSAL]) == Evidence.TCF
    assert tcf_evidence([applies], [CONSENT, REFUSAL]) == Evidence.TCF
    assert tcf_evidence([applies], [SPEC_REFUSAL]) == Evidence.TCF
    assert tcf_evidence([applies, "0"], []) == Evidence.TCF


@pytest.mark.parametrize("applies", [[], [""], ["-", "null"], ["unknown"]])
def test_where_nothing_is_said_of_the_gdpr_a_refusal_counts(applies: list[str]) -> None:
    assert tcf_evidence(applies, []) == Evidence.NOTHING
    assert tcf_evidence(applies, ["null"]) == Evidence.NOTHING
    assert tcf_evidence(applies, [CONSENT]) == Evidence.NOTHING
    assert tcf_evidence(applies, [REFUSAL]) == Evidence.TCF
    assert tcf_evidence(applies, [CONSENT, REFUSAL]) == Evidence.TCF


@pytest.mark.parametrize("applies", ["0", "0.0", "false", "No", "off"])
@pytest.mark.parametrize("consents", [[], [CONSENT], [REFUSAL], ["broken"]])
def test_where_the_gdpr_does_not_apply_nothing_counts(applies: str, consents: list[str]) -> None:
    assert tcf_evidence([applies, ""], consents) == Evidence.NOTHING


@pytest.mark.parametrize("text", UNREADABLE[1:])
def test_an_unreadable_consent_is_none(text: str) -> None:
    for applies in ([], ["1"]):
        assert tcf_evidence(applies, [text]) == Evidence.TCF
        assert tcf_evidence(applies, [CONSENT, text]) == Evidence.TCF


@pytest.mark.parametrize("unit", [6, 8, 24])
def test_the_bit_of_purpose_1(unit: int) -> None:
    assert consents_to_purpose_1(encoder.tc(1 << 23, unit=unit))
    assert consents_to_purpose_1(f" {encoder.tc((1 << 24) - 1, unit=unit)}.IAAA.YAAA ")
    for purposes in (0, 1, (1 << 23) - 1):
        assert not consents_to_purpose_1(encoder.tc(purposes, unit=unit))


@pytest.mark.parametrize(
    "text",
    [
        *UNREADABLE,
        encoder.tc(1 << 23, version=1),
        encoder.tc(1 << 23, version=3),
        encoder.tc(1 << 23, language="E["),
    ],
)
def test_what_is_no_tc_string_of_version_2(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-zA-Z0-9 ]+$"):
        consents_to_purpose_1(text)
