"""Opt-outs in US Privacy Strings.

Source: IAB Tech Lab, US Privacy String 1.0: version, notice given, opted out of sale, covered by the LSPA.
"""

import re

from logscrub.privacy.ages import NOT_SENT_TEXTS, normalise
from logscrub.privacy.evidence import Evidence

_US_PRIVACY = re.compile(r"[0-9][yn-]([yn-])[yn-]")


def us_privacy_evidence(text: str) -> Evidence:
    """Say whether a US Privacy String opts out of sale.

    Args:
        text: such as `1YNN`, in any case; `-` stands for what does not apply.

    Returns:
        `OPT_OUT` for an opt-out and for a text that cannot be read; else `NOTHING`, also for `-`, `null`,
        `unknown` and an empty text.
    """
    plain = normalise(text)
    if plain in NOT_SENT_TEXTS:
        return Evidence.NOTHING
    found = _US_PRIVACY.fullmatch(plain)
    return Evidence.NOTHING if found and found[1] != "y" else Evidence.OPT_OUT
