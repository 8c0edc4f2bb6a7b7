"""What signals say of a person: a set that only grows, so that the order of signals cannot matter."""

from enum import IntFlag


class Evidence(IntFlag):
    """What one or more signals say; the evidence of a record is the union of that of its signals."""

    NOTHING = 0
    CHILD = 1
    """Under 13, or a signal of a child that was sent and cannot be read."""
    OPT_OUT = 2
    """The person does not want to be counted, tracked or sold, or such a signal cannot be read."""
    THIRTEEN = 4
    """13 or more on the day of the record."""
    TFUA = 8
    """Under the age of consent of a country (13 to 16): may be under 13 (Google)."""
    GPP_CALIFORNIA = 16
    """Under 16, as California asks: may be under 13 (IAB GPP, section 8)."""
    TCF = 32
    """The GDPR applies, and there is no consent that can be read (IAB TCF)."""
    PERSONALISATION = 64
    """Wants no personal advertising, which says nothing of being counted (Google npa, rdp, ltd)."""
