"""Consent under the GDPR, as requests carry it: `gdpr=` and an IAB TC string.

Source: IAB Europe Transparency and Consent Framework, "Consent string and vendor list formats v2", of which
only the first fields of the core are read; v1 strings have not been valid since August 2020.
"""

from collections.abc import Collection

from logscrub.privacy.ages import NOT_SENT_TEXTS, normalise
from logscrub.privacy.bits import BitReader, CorruptString
from logscrub.privacy.evidence import Evidence

_APPLIES_NOT = frozenset({"0", "0.0", "-0.0", "false", "no", "off", "n", "f"})

_VERSION = 2
_LETTERS = 26

# Widths in bits of what surrounds the fields that are read.
_CREATED_TO_SCREEN = 36 + 36 + 12 + 12 + 6
_VENDOR_LIST_TO_OPT_INS = 12 + 6 + 1 + 1 + 12
_OTHER_PURPOSES_TO_TREATMENT = 23 + 24 + 1
_VENDORS = 16 + 1


def tcf_evidence(applies: Collection[str], consents: Collection[str]) -> Evidence:
    """Say whether the GDPR applies without a consent to purpose 1, storing and reading on a device.

    Args:
        applies: values of `gdpr=`; 1 and whatever cannot be read mean that the GDPR applies, 0 that it does
            not. `-`, `null`, `unknown` and an empty text were not sent. Where values differ, it applies.
        consents: TC strings of `gdpr_consent=` or the cookie `euconsent-v2`; all of them must consent.

    Returns:
        `TCF` when a TC string refuses purpose 1 or cannot be read, and when the GDPR applies and there is no
        TC string; `NOTHING` when the GDPR does not apply, and else.
    """
    flags = {flag for text in applies if (flag := normalise(text)) not in NOT_SENT_TEXTS}
    if flags and flags <= _APPLIES_NOT:
        return Evidence.NOTHING
    sent = {text for text in consents if normalise(text) not in NOT_SENT_TEXTS}
    missing = not sent and bool(flags)
    return Evidence.TCF if missing or not all(_consents(text) for text in sent) else Evidence.NOTHING


def consents_to_purpose_1(text: str) -> bool:
    """Read the consent to purpose 1 in a TC string of version 2.

    Args:
        text: the core, and further segments after dots, which are not read.

    Raises:
        CorruptString: the text is no TC string of version 2, or ends within its core.
    """
    bits = BitReader(text.strip().partition(".")[0])
    if bits.take(6) != _VERSION:
        raise CorruptString("not a TC string of version 2")
    bits.take(_CREATED_TO_SCREEN)
    _take_letters(bits)  # consent language
    bits.take(_VENDOR_LIST_TO_OPT_INS)
    consent = bits.take(1)
    bits.take(_OTHER_PURPOSES_TO_TREATMENT)
    _take_letters(bits)  # country of the publisher
    bits.take(_VENDORS)
    return consent == 1


def _consents(text: str) -> bool:
    try:
        return consents_to_purpose_1(text)
    except CorruptString:
        return False


def _take_letters(bits: BitReader) -> None:
    if bits.take(6) >= _LETTERS or bits.take(6) >= _LETTERS:
        raise CorruptString("no letters where a language or a country belongs")
