"""Which signals of children and opt-outs logs of a format can carry, and where."""

from dataclasses import dataclass

from logscrub.signals import Catalogue, Kind, Says

_PROVE_AGES = frozenset(
    (
        *(Kind.AGE_YEARS, Kind.AGE_BAND, Kind.AGE_RANGE),
        *(Kind.BIRTH_DATE, Kind.BIRTH_YEAR, Kind.BIRTH_MONTH, Kind.BOOL_INVERTED),
    )
)
_OF_OPT_OUTS = frozenset((Kind.GPC, Kind.DNT, Kind.US_PRIVACY, Kind.TCF, Kind.TCF_APPLIES, Kind.GPP))


@dataclass(frozen=True)
class Carried:
    """Names of signals, sorted.

    Attributes:
        child: signals of children and ages.
        opt_out: signals of opt-outs; GPP strings are both.
        age: those of `child` that can prove an age of 13 or more.
    """

    child: tuple[str, ...]
    opt_out: tuple[str, ...]
    age: tuple[str, ...]


def carried_signals(fields: frozenset[str], signals: frozenset[str], catalogue: Catalogue) -> Carried:
    """Tell what logs can carry beside their URLs: in places of their own and in cookies.

    Args:
        fields: columns of `RECORDS` that the lines give.
        signals: names of the signals that they have places for.
        catalogue: the signals that are known.
    """
    names = signals.union(catalogue.cookie.values() if "cookie" in fields else ())
    return _carried(names, catalogue)


def url_signals(fields: frozenset[str], catalogue: Catalogue) -> Carried:
    """Tell what the URLs of logs can carry."""
    has_urls = not fields.isdisjoint(("target", "referrer"))
    return _carried(frozenset(catalogue.query.values()) if has_urls else frozenset(), catalogue)


def _carried(names: frozenset[str], catalogue: Catalogue) -> Carried:
    found = [catalogue.by_name[name] for name in sorted(names)]
    opt_outs = [
        one.name for one in found if one.kind in _OF_OPT_OUTS or one.says is Says.OPT_OUT or one.opted_out
    ]
    others = (Says.PERSONALISATION, Says.OPT_OUT)
    children = [
        one for one in found if one.kind is Kind.GPP or (one.name not in opt_outs and one.says not in others)
    ]
    ages = [one.name for one in children if one.kind in _PROVE_AGES or one.thirteen]
    return Carried(tuple(one.name for one in children), tuple(opt_outs), tuple(ages))
