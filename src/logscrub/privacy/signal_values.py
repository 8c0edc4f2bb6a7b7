"""What the values of signals say: evidence, and birth dates that the day of the record decides.

A value that was sent and cannot be read counts as what its signal is about: it fails closed.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from logscrub.privacy.age_bands import age_evidence, band_evidence, upper_bound_evidence
from logscrub.privacy.ages import (
    NOT_SENT_TEXTS,
    BirthForm,
    Reading,
    Unclear,
    age_years,
    normalise,
    under_13_until,
)
from logscrub.privacy.evidence import Evidence
from logscrub.privacy.gpp import gpp_evidence
from logscrub.privacy.tcf import tcf_evidence
from logscrub.privacy.us_privacy import us_privacy_evidence
from logscrub.signals import AGE_RANGE_PARTS, UNREADABLE, Kind, Says, Signal

YES = frozenset({"true", "1", "1.0", "yes", "on", "y", "t"})
NO = frozenset({"false", "0", "0.0", "-0.0", "no", "off", "n", "f"})

# A macro that an advertising system left as it was: nothing was sent.
_UNFILLED = re.compile(r"\$\{[^}]*\}|\{\{[^}]*\}\}|%%[^%]*%%|\[[A-Z0-9_]+\]")

_ABOUT = {
    Says.CHILD: Evidence.CHILD,
    Says.OPT_OUT: Evidence.OPT_OUT,
    Says.TFUA: Evidence.TFUA,
    Says.PERSONALISATION: Evidence.PERSONALISATION,
}
_FORMS = {
    Kind.BIRTH_DATE: BirthForm.DATE,
    Kind.BIRTH_MONTH: BirthForm.MONTH,
    Kind.BIRTH_YEAR: BirthForm.YEAR,
}


@dataclass(frozen=True)
class Said:
    """What some signals say.

    Attributes:
        evidence: the union of what each says.
        births: readings of each birth date; the day of the record tells which of them counts.
    """

    evidence: Evidence = Evidence.NOTHING
    births: tuple[tuple[Reading, ...], ...] = ()


def say(sent: Iterable[tuple[Signal, str]]) -> Said:
    """Read the signals of one record.

    Args:
        sent: signals and their values, in any order; a signal may stand there several times.
    """
    by_kind: dict[Kind, list[tuple[Signal, str]]] = defaultdict(list)
    for signal, value in sent:
        if not _UNFILLED.fullmatch(value.strip()):
            by_kind[signal.kind].append((signal, value))
    evidence, births = _tcf(by_kind) | _age_range(by_kind), []
    for kind, form in _FORMS.items():
        for _, value in by_kind.pop(kind, ()):
            readings = under_13_until(value, form)
            if readings is Unclear.UNREADABLE:
                evidence |= Evidence.CHILD
            elif readings is not Unclear.NOT_SENT:
                births.append(readings)
    for kind, read in _READERS.items():
        for signal, value in by_kind.get(kind, ()):
            evidence |= read(signal, value)
    return Said(evidence, tuple(sorted(set(births))))


def _flag(signal: Signal, value: str) -> Evidence:
    """Whether a flag is set; that it is not set proves nothing, since systems send it for everyone."""
    plain = normalise(value)
    if plain in NOT_SENT_TEXTS or plain in NO or plain.removesuffix(".0") in _words(signal.nothing):
        return Evidence.NOTHING
    return _unless_nothing(signal, plain in YES)


def _inverted_flag(signal: Signal, value: str) -> Evidence:
    plain = normalise(value)
    if plain in NOT_SENT_TEXTS:
        return Evidence.NOTHING
    if plain in YES:
        return Evidence.THIRTEEN if signal.says is Says.CHILD else Evidence.NOTHING
    return _unless_nothing(signal, plain in NO)


def _enum(signal: Signal, value: str) -> Evidence:
    plain = normalise(value).removesuffix(".0")
    if plain in NOT_SENT_TEXTS or plain in _words(signal.nothing):
        return Evidence.NOTHING
    meanings = (
        (signal.child, Evidence.CHILD),
        (signal.thirteen, Evidence.THIRTEEN),
        (signal.opted_out, Evidence.OPT_OUT),
    )
    for values, meaning in meanings:
        if plain in _words(values):
            return meaning
    return _unless_nothing(signal, known=False)


def _words(values: tuple[str, ...]) -> set[str]:
    return {normalise(value) for value in values}


def _unless_nothing(signal: Signal, known: bool) -> Evidence:
    """What the signal is about, unless its value is not known and need not be."""
    ignored = not known and signal.unreadable_says_nothing
    return Evidence.NOTHING if ignored else _ABOUT[signal.says]


def _present(signal: Signal, _: str) -> Evidence:
    return _ABOUT[signal.says]


def _gpc(_: Signal, value: str) -> Evidence:
    """Global Privacy Control: exactly 1, in one of the headers of that name (W3C GPC, section 2.2)."""
    said = any(part.strip(" \t").removesuffix(".0") in {"1", UNREADABLE} for part in value.split(","))
    return Evidence.OPT_OUT if said else Evidence.NOTHING


def _dnt(_: Signal, value: str) -> Evidence:
    """Do Not Track: 1, and what extensions may follow (W3C Tracking Preference Expression, section 5.2)."""
    said = any(part.strip().startswith(("1", "true", UNREADABLE)) for part in value.lower().split(","))
    return Evidence.OPT_OUT if said else Evidence.NOTHING


def _by_text(read: Callable[[str], Evidence]) -> Callable[[Signal, str], Evidence]:
    return lambda _, value: read(value)


_READERS: dict[Kind, Callable[[Signal, str], Evidence]] = {
    Kind.BOOL: _flag,
    Kind.BOOL_INVERTED: _inverted_flag,
    Kind.ENUM: _enum,
    Kind.PRESENT: _present,
    Kind.GPC: _gpc,
    Kind.DNT: _dnt,
    Kind.AGE_YEARS: _by_text(age_evidence),
    Kind.AGE_UPPER: _by_text(upper_bound_evidence),
    Kind.AGE_BAND: _by_text(band_evidence),
    Kind.GPP: _by_text(gpp_evidence),
    Kind.US_PRIVACY: _by_text(us_privacy_evidence),
}


def _tcf(by_kind: dict[Kind, list[tuple[Signal, str]]]) -> Evidence:
    applies = [value for _, value in by_kind.get(Kind.TCF_APPLIES, ())]
    consents = [value for _, value in by_kind.get(Kind.TCF, ())]
    return tcf_evidence(applies, consents) if applies or consents else Evidence.NOTHING


def _age_range(by_kind: dict[Kind, list[tuple[Signal, str]]]) -> Evidence:
    """A range that was shared and has no lower end lies below the lowest gate (Apple, Declared Age Range)."""
    sent = by_kind.get(Kind.AGE_RANGE, [])
    values = {
        part: [value for signal, value in sent if signal.name.endswith(part)] for part in AGE_RANGE_PARTS
    }
    lower = [value for value in values["lower_bound"] if age_years(value) is not Unclear.NOT_SENT]
    evidence = Evidence.NOTHING
    for value in lower:
        evidence |= age_evidence(value)
    for value in values["upper_bound"]:
        evidence |= upper_bound_evidence(value)
    shared = any(
        normalise(value) not in NOT_SENT_TEXTS
        for part in ("upper_bound", "declaration")
        for value in values[part]
    )
    declined = any(normalise(value) in YES for value in values["declined"])
    return evidence | (Evidence.CHILD if shared and not lower and not declined else Evidence.NOTHING)
