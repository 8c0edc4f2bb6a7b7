"""The truth table: every signal, wherever it stands, with whatever it may say.

Expected verdicts are written by hand from the specifications, not from the reader under test.
"""

import itertools
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest

from logscrub.config import OptOuts, Settings, Unsure
from logscrub.formats.registry import format_by_name
from logscrub.schemas import signal_catalogue
from logscrub.signals import BETWEEN_ITEMS, Kind, Says, Signal
from logscrub.text.blocks import Block
from tests import gpp_encoder
from tests.gpp_encoder import gpp, tc
from tests.signal_records import (
    KEPT,
    NOON,
    TODAY,
    WITHHELD,
    Place,
    judged,
    judged_records,
    milliseconds,
    own,
    records_of,
)

# What a value says: that it withholds always, under a setting, never, or an ISO date from which 13 is sure.
CHILD, OPT_OUT, TFUA, CALIFORNIA, TCF, PERSONALISATION = (
    *("child", "opt_out", "tfua", "gpp_california", "tcf"),
    "personalisation",
)
Values = Mapping[str, str]

NOT_SENT = dict.fromkeys(("", "-", "null", "unknown", "NULL"), KEPT)
OFF = dict.fromkeys(("0", "0.0", "false", "False", "FALSE", "no", "off", "n"), KEPT)
ON = ("1", "1.0", "true", "True", "TRUE", "yes", "on", "Y", " 1 ", "\uff11", "\u0661")
UNREADABLE = ("2", "-2", "maybe", "01x", "nan", "[]", "{}", "1,0", "%", "\u00e9")


def flag(about: str) -> Values:
    return NOT_SENT | OFF | dict.fromkeys((*ON, *UNREADABLE), about)


def values(*meanings: tuple[str, str]) -> Values:
    """Words, with spaces between them, and what each of them says."""
    return NOT_SENT | {word: meaning for words, meaning in meanings for word in words.split()}


NATIONAL = {
    gpp(7, 2): KEPT,
    gpp(7, 2, k=(0, 1, 0)): CHILD,
    gpp(7, 2, k=(0, 2, 0)): CHILD,  # a parent consented: still a child
    gpp(7, 2, k=(1, 0, 2)): KEPT,  # 13 to 16, and 16 to 17
    gpp(7, 1, k=(0, 1)): CHILD,
    gpp(7, 1, k=(1, 0)): KEPT,
    gpp(7, 2, S=1): OPT_OUT,
    gpp(7, 2, H=1): OPT_OUT,
    gpp(7, 2, T=1): OPT_OUT,
    gpp(7, 2, S=2, H=2, T=2): KEPT,
    f"{gpp(7, 2)}.{gpp_encoder.gpc(on=True)}": OPT_OUT,
    f"{gpp(7, 2)}.{gpp_encoder.gpc(on=False)}": KEPT,
}
STATES = {
    **{gpp(state, k=(1, 0, 0)): CHILD for state in (12, 13, 14, 15, 20)},
    **{gpp(state, k=(0, 1, 2)): KEPT for state in (12, 13, 14, 15, 20)},
    **{gpp(state, k=(2, 0, 0, 0, 0)): CHILD for state in (17, 21)},
    **{gpp(state, k=(0, 1, 1, 2, 2)): KEPT for state in (17, 21)},
    **{gpp(state, k=1): CHILD for state in (9, 10, 11, 16, 18, 19, 22, 23, 25, 26, 27)},
    **{gpp(state, k=0): KEPT for state in (9, 10, 11, 16, 18, 19, 22, 23, 25, 26, 27)},
    gpp(8, k=(1, 0)): CALIFORNIA,
    gpp(8, k=(0, 2)): CALIFORNIA,
    gpp(8): KEPT,
    gpp(8, H=1): OPT_OUT,
    gpp(24): KEPT,  # Maryland has no field of children
    gpp(24, T=1): OPT_OUT,
}
CORRUPT = dict.fromkeys(
    ("1", "garbage", "D", "DBABLA~", gpp_encoder.header(7), gpp(7, 2)[:-6], f"{gpp(7, 2)}~A", "DBAB%A~x"),
    CHILD,
)

AGES = values(
    ("0 1 12 12.9 012 \uff11\uff12 ١٢ 0.5", CHILD),
    ("13 13.0 013 13.5 \uff11\uff13 ٤٠ 120", TODAY),
    ("-1 -13 121 1e2 nan inf thirteen 13+ <14 10-13 x", CHILD),
)
# Apple: no lower end means below the lowest gate, so its other parts by themselves tell of a child.
APPLE_SHARED = values(("0 12 15 17 x -1", CHILD))

TABLE: dict[str, Values] = {
    "child": flag(CHILD),
    "under_13": flag(CHILD),
    "coppa": flag(CHILD),
    "coppa_pixel": values(("1 true TRUE yes 1.0", CHILD), ("0 2 0.35 campaign false", KEPT)),
    "tfcd": flag(CHILD),
    "tfat": values(
        ("1 1.0 child CHILD", CHILD),
        ("2 teen TEEN", TODAY),
        ("0 -1 unspecified UNSPECIFIED", KEPT),
        ("3 adult x 12", CHILD),
    ),
    "tfua": flag(TFUA),
    "age_restricted_user": flag(CHILD),
    "over_age_limit": values(
        ("false FALSE 0 0.0 no", CHILD), ("true TRUE 1 yes", TODAY), ("2 maybe nan x", CHILD)
    ),
    "age_group": values(
        ("1 minor MINOR child", CHILD), ("2 youth 3 adult", TODAY), ("0 unknown 18-24 x", KEPT)
    ),
    "age": AGES,
    "birth_date": values(
        ("2013-03-02 2013-12 2013 2026-03-01 20130302 03/04/2013", CHILD),
        ("2013-03-01 2013-02 20130301 01/03/2013", TODAY),
        ("2012-02-29", "2025-03-01"),
        ("2012", "2026-01-01"),
        ("1990-05-05 05/05/1990 05.05.90", "2003-05-05"),
        ("1900-01-01 1970-01-01 1970-01-01T00:00:00Z 1969-12-31", KEPT),
        ("2027-01-01 1899-12-31 1990-02-30 99/99/1999 yesterday x 0 641865600", CHILD),
    ),
    "birth_month": values(
        ("2013-03 201303 03/2013 2026-02", CHILD),
        ("2013-02 201302 02/2013 2.2013", TODAY),
        ("2012-12", "2026-01-01"),
        ("1970-01 1900-01", KEPT),
        ("2027-01 1990-13 1899-12 13/1990 x may", CHILD),
    ),
    "birth_year": values(
        ("2013 2026 2013.0 13 \uff12\uff10\uff11\uff13", CHILD),
        ("2012 2012.0 12 ٢٠١٢", "2026-01-01"),
        ("1990 90", "2004-01-01"),
        ("1900 1970", KEPT),
        ("2027 1899 0 99999 x 199", CHILD),
    ),
    "age_band": values(
        ("0-12 <13 kids 10-13 <14 12+ 12-17 under_18 11 12", CHILD),
        ("13-17 13\u201317 13+ 13..15 18-24 65+ teen adult >=13 >12 13 30", TODAY),
        ("undisclosed unspecified", KEPT),
        ("13- 17-13 x 200 200+ 13-x", CHILD),
    ),
    "play_age_lower": AGES,
    "play_age_upper": values(
        ("0 12 12.0 012 ١٢", CHILD), ("13 15 17 120", KEPT), ("-1 121 nan x 0-12", CHILD)
    ),
    "play_user_status": values(
        ("0 0.0 verified VERIFIED", TODAY),
        ("1 2 3 4 5 SUPERVISED supervised_approval_pending SUPERVISED_APPROVAL_DENIED declared", KEPT),
        ("6 -1 adult x", CHILD),
    ),
    "apple_lower_bound": AGES,
    "apple_upper_bound": APPLE_SHARED,
    "apple_declaration": values(("selfDeclared guardianDeclared confirmed x 1", CHILD)),
    "apple_declined": values(("true false 1 0 x", KEPT)),  # by itself it says nothing: age unknown
    "gpc": NOT_SENT
    | values(("1", OPT_OUT), ("0 true TRUE yes 01 2 11 1x 1;v=2 \uff11 x false -1 0.5", KEPT))
    | {" 1": OPT_OUT, "1 ": OPT_OUT, "\t1": OPT_OUT, "0, 1": OPT_OUT, "1,0": OPT_OUT},
    "openrtb_gpc": flag(OPT_OUT),
    "dnt": values(("1 10 1x 1; 1abc", OPT_OUT), ("0 01 2 x 0; 0x1 unset false", KEPT)) | {"0, 1": OPT_OUT},
    "opt_out": flag(OPT_OUT),
    "limit_ad_tracking": flag(OPT_OUT),
    "ad_tracking": values(
        ("false FALSE 0 no off", OPT_OUT), ("true TRUE 1 yes", KEPT), ("2 maybe nan x", OPT_OUT)
    ),
    "us_privacy": values(
        ("1YYN 1YYY 1NYN 1-Y- 1yyn", OPT_OUT),
        ("1YNN 1YNY 1NNN 1--- 1-N- 1ynn", KEPT),
        ("1 1Y 1YNNN YYNN 1YXN 1Y-N1 x garbage true", OPT_OUT),
    ),
    "gpp": NOT_SENT | NATIONAL | STATES | CORRUPT | {tc(): KEPT, "Cgarbage": CHILD},
    "gdpr": values(("0 0.0 false", KEPT), ("1 1.0 true TRUE 2 x maybe", TCF)),
    "gdpr_consent": NOT_SENT
    | {tc(1 << 23): KEPT, f"{tc(1 << 23)}.YAAAAAAAAAAA": KEPT, tc((1 << 24) - 1): KEPT}
    | {tc(): TCF, tc(1): TCF, tc(1 << 23, version=1): TCF, tc(1 << 23)[:20]: TCF, "1": TCF, "garbage": TCF},
    "matomo_ignore": dict.fromkeys(("", "-", "0", "1", "false", "x", "ignore=%2A", "null"), OPT_OUT),
    "npa": flag(PERSONALISATION),
}

# Places of names that tell of children only where their context says so: never in a query by themselves.
NEVER_IN_QUERIES = {
    "child",
    "age",
    "dob",
    "birth_date",
    "birthdate",
    "birthday",
    "yob",
    "birth_year",
    "is_child",
}

CATALOGUE = signal_catalogue()
PLACES = ("query", "cookie", "header", "field", "json_path", "event")
STANDING = [
    (signal.name, place, name)
    for signal in CATALOGUE.signals
    for place in PLACES
    for name in getattr(signal, place)
]
UNSURE = {TFUA, CALIFORNIA, TCF, PERSONALISATION}
SETTINGS = [
    Settings(opt_outs=opt_outs, also_withhold=also)
    for opt_outs, also in (
        (OptOuts.EXCLUDE, ()),
        (OptOuts.EXCLUDE_FROM_SHARING, tuple(Unsure)),
        *((OptOuts.EXCLUDE_FROM_SHARING, (one,)) for one in Unsure),
    )
] + [Settings()]


def expected(meaning: str, settings: Settings) -> str:
    if meaning == CHILD:
        return WITHHELD
    if meaning == OPT_OUT:
        return WITHHELD if settings.opt_outs is OptOuts.EXCLUDE else KEPT
    if meaning in UNSURE:
        return WITHHELD if meaning in settings.also_withhold else KEPT
    return meaning


def parsed(name: str, text: str) -> pa.RecordBatch:
    """Records of a log, of which none may be refused."""
    result = format_by_name(name).parse(Block(text.encode(), 0))
    assert not len(result.rejected)
    return result.records


def json_object(path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: json_object(rest, value) if rest else value}


def json_log(*lines: Mapping[str, Any]) -> str:
    head = {"time": f"{NOON}Z", "ip": "192.0.2.7", "path": "/"}
    return "".join(f"{json.dumps(head | dict(line))}\n" for line in lines)


def w3c_log(field: str, sent: list[str]) -> str:
    lines = "".join(f"2026-03-01 12:00:00 192.0.2.7 /a {quote(text) or '-'} 200\n" for text in sent)
    return f"#Fields: date time c-ip cs-uri-stem {field} sc-status\n{lines}"


def everywhere(signal: str, place: str, name: str, value: str) -> dict[str, Place]:
    """Records that hold a value at a place of its signal, by the way in which they hold it."""
    escaped = quote(value)
    if place == "query":
        return {
            "target": {"target": f"/p?x=1&{name}={escaped}&y=2"},
            "target, last": {"target": f"/p?{name}={escaped}"},
            "whole URL": {"target": f"https://example.com:8080/p?x&{name}={escaped}#part"},
            "upper case": {"target": f"/p?a=b;{name.upper()}={escaped};c=d"},
            "matrix": {"target": f"/p;{name}={escaped};c=d/q"},
            "array": {"target": f"/p?{name}[]={escaped}&c"},
            "escaped": {"target": f"/p?c&%{ord(name[0]):02X}{name[1:]}={escaped}"},
            "referrer": {"referrer": f"https://example.org/?{name}={escaped}"},
        }
    if place == "cookie":
        return {
            "cookie": {"cookie": f"a=b; {name}={escaped}; c=d"},
            "alone": {"cookie": f"{name}={escaped}"},
            "upper case, quoted": {"cookie": f'a=b;{name.upper()}="{escaped}"'},
        }
    return {"own": own((signal, value))}


@pytest.fixture(scope="module", autouse=True)
def _table_is_whole() -> None:
    assert set(TABLE) == set(CATALOGUE.by_name), "each signal of schemas/signals.toml has a row in TABLE"


def test_every_signal_has_a_row_that_says_something_and_a_place() -> None:
    assert {name for name, _, _ in STANDING} == set(TABLE)
    for name, row in TABLE.items():
        if name != "apple_declined":
            assert {CHILD, OPT_OUT, *UNSURE} & set(row.values()), name
        if name != "matomo_ignore":
            assert KEPT in row.values(), name
    assert not NEVER_IN_QUERIES & set(CATALOGUE.query)


@pytest.mark.parametrize(("signal", "place", "name"), STANDING, ids=map(":".join, STANDING))
def test_what_each_value_says_in_each_place(signal: str, place: str, name: str) -> None:
    row = TABLE[signal]
    cases = [
        (way, value, meaning, columns)
        for value, meaning in row.items()
        for way, columns in everywhere(signal, place, name, value).items()
    ]
    records = records_of([columns for *_, columns in cases])
    for settings in SETTINGS:
        found = judged_records(records, milliseconds(*[NOON] * len(cases)), settings)
        wanted = {(way, value): expected(meaning, settings) for way, value, meaning, _ in cases}
        assert {(way, value): one for (way, value, *_), one in zip(cases, found, strict=True)} == wanted


@pytest.mark.parametrize(
    ("signal", "path"),
    [(signal, name) for signal, place, name in STANDING if place in {"json_path", "event"}],
)
def test_what_each_value_says_in_a_line_of_json(signal: str, path: str) -> None:
    row = TABLE[signal]
    typed = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?|true|false|null")
    sent: list[tuple[Any, str]] = list(row.items())
    sent += [(json.loads(text), meaning) for text, meaning in row.items() if typed.fullmatch(text)]
    sent = [(value, meaning) for value, meaning in sent if (signal, value) != ("gpc", True)]
    records = parsed("json_events", json_log(*(json_object(path, value) for value, _ in sent), {}))
    for settings in SETTINGS:
        found = judged_records(records, records.column("time"), settings)
        wanted = [(value, expected(meaning, settings)) for value, meaning in sent]
        assert [(value, one) for (value, _), one in zip(sent, found[:-1], strict=True)] == wanted
        assert found[-1] == KEPT


@pytest.mark.parametrize(
    ("signal", "field"),
    [
        (signal, f"cs({name})" if place == "header" else name)
        for signal, place, name in STANDING
        if place in {"header", "field"}
    ],
)
def test_what_each_value_says_in_a_column_of_its_own(signal: str, field: str) -> None:
    row = TABLE[signal]
    for name in (field, field.upper()):
        records = parsed("w3c", w3c_log(name, list(row)))
        for settings in SETTINGS:
            found = judged_records(records, records.column("time"), settings)
            wanted = {value: expected(meaning, settings) for value, meaning in row.items()}
            assert dict(zip(row, found, strict=True)) == wanted


@pytest.mark.parametrize(("signal", "name"), [(s, name) for s, place, name in STANDING if place == "header"])
def test_headers_count_in_every_format_that_has_them(signal: str, name: str) -> None:
    head, tail = '192.0.2.7 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5', "\n"
    snake = name.lower().replace("-", "_")
    nginx = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
    caddy = {
        "ts": 1772366400.0,
        "request": {"remote_ip": "192.0.2.7", "uri": "/", "headers": {name.title(): ["1"]}},
        "status": 200,
    }
    for log in (
        (f'apache:%h %l %u %t "%r" %>s %b "%{{{name}}}i"', f'{head} "1"{tail}'),
        (f'nginx:{nginx} "$http_{snake}"', f'{head} "1"{tail}'),
        ("caddy_json", json.dumps(caddy) + tail),
    ):
        records = parsed(*log)
        assert judged_records(records, records.column("time")) == [WITHHELD], log[0]


# -------------------------------------------------------------------------------- signals that contradict

ADULT = ("play_age_lower", "40")
ADULT_PLACES: list[Place] = [
    {"target": "/?tfat=2"},
    {"referrer": "https://example.org/?tfat=2&coppa=0"},
    {"cookie": "dob=1990-05-05; coppa=0"},
    own(ADULT, ("child", "false"), ("gpc", "0"), ("us_privacy", "1YNN"), ("opt_out", "0")),
]
# A consent answers `gdpr=1`, and a lower end or a refusal the rest of Apple's range: they are read together.
ANSWERED = {"gdpr", "gdpr_consent", "apple_upper_bound", "apple_declaration", "apple_declined"}


def joined(first: Place, second: Place) -> Place:
    """One record of two, first things first."""
    marks = {"target": "&", "referrer": "&", "cookie": "; ", "signals": BETWEEN_ITEMS}
    result = dict(first)
    for name, text in second.items():
        if name in result:
            given = str(text).partition("?")[2] if name in {"target", "referrer"} else text
            result[name] = f"{result[name]}{marks[name]}{given}"
        else:
            result[name] = text
    return result


@pytest.mark.parametrize(("signal", "place", "name"), STANDING, ids=map(":".join, STANDING))
def test_what_withholds_wins_over_every_signal_that_says_the_opposite(
    signal: str, place: str, name: str
) -> None:
    standing = everywhere(signal, place, name, "VALUE")
    for settings in (Settings(), Settings(also_withhold=tuple(Unsure))):
        withheld = [value for value, said in TABLE[signal].items() if expected(said, settings) == WITHHELD]
        rows = []
        for value, way in itertools.product(
            withheld[:12], set(standing) - {"matrix", "whole URL", "upper case"}
        ):
            row = everywhere(signal, place, name, value)[way]
            rows += [order for adult in ADULT_PLACES for order in (joined(row, adult), joined(adult, row))]
        assert set(judged(*rows, settings=settings)) <= {WITHHELD}


@pytest.mark.parametrize("name", [name for name in TABLE if name not in ANSWERED])
def test_of_repeated_values_the_worst_counts_in_both_orders(name: str) -> None:
    row = TABLE[name]
    bad = [value for value, said in row.items() if said in {CHILD, OPT_OUT, *UNSURE}]
    good = [value for value in row if value not in bad]
    settings = Settings(also_withhold=tuple(Unsure))
    rows = []
    for place, spelled in ((place, spelled) for one, place, spelled in STANDING if one == name):
        for first, second in itertools.product(bad[:6], good[:8]):
            ways = [everywhere(name, place, spelled, value) for value in (first, second)]
            for way in set(ways[0]) & {"target, last", "referrer", "alone", "own"}:
                rows += [joined(ways[0][way], ways[1][way]), joined(ways[1][way], ways[0][way])]
    assert set(judged(*rows, settings=settings)) <= {WITHHELD}


def test_signals_of_a_json_line_contradict_in_any_order_and_type() -> None:
    head = f'{{"time":"{NOON}Z","ip":"192.0.2.7"'
    pairs = [
        '"age":40',
        '"coppa":0',
        '"coppa":1',
        '"child":false',
        '"ageLower":18',
        '"birth_date":"1990-05-05"',
    ]
    lines = [f"{head},{','.join(order)}}}\n" for order in itertools.permutations(pairs)]
    nested = ['{"coppa":0,"coppa":"true"}', '{"coppa":true,"coppa":0}', '{"ext":{"coppa":1},"coppa":0}']
    lines += [f'{head},"regs":{one},"user":{{"coppa":0}},"age":40}}\n' for one in nested]
    lines += [
        f'{head},"child":{odd},"age":40}}\n' for odd in ("{}", "[1, 0]", '["x"]', "[0, 1]", "[true]", "2")
    ]
    records = parsed("json_events", "".join(lines))
    assert judged_records(records, records.column("time")) == [WITHHELD] * len(lines)


def test_places_of_different_kinds_contradict_in_one_line_of_json() -> None:
    records = parsed(
        "json_events",
        json_log(
            {"age": 40, "path": "/?coppa=1"},
            {"age": 40, "referrer": "https://example.org/?tfcd=true"},
            {"age": 40, "cookie": "is_child=1"},
            {"age": 12, "path": "/?tfat=2", "cookie": "dob=1990-05-05"},
            {"age": 40, "path": "/?coppa=0", "cookie": "is_child=0", "referrer": "/?tfat=0"},
        ),
    )
    assert judged_records(records, records.column("time")) == [*[WITHHELD] * 4, TODAY]


# -------------------------------------------------------------------------- signals that are read together

CONSENT, REFUSAL = tc(1 << 23), tc()


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        (f"gdpr=1&gdpr_consent={CONSENT}", KEPT),
        (f"gdpr_consent={CONSENT}&gdpr=1", KEPT),
        ("gdpr=1&gdpr_consent=", WITHHELD),
        ("gdpr=1", WITHHELD),
        (f"gdpr=1&gdpr_consent={REFUSAL}", WITHHELD),
        (f"gdpr=1&gdpr_consent={CONSENT}&gdpr_consent={REFUSAL}", WITHHELD),
        (f"gdpr_consent={REFUSAL}&gdpr_consent={CONSENT}", WITHHELD),
        ("gdpr=1&gdpr_consent=garbage", WITHHELD),
        ("gdpr=0&gdpr_consent=garbage", KEPT),
        (f"gdpr=0&gdpr_consent={REFUSAL}", KEPT),
        (f"gdpr=0&gdpr=1&gdpr_consent={REFUSAL}", WITHHELD),
        (f"gdpr=1&gdpr=0&gdpr_consent={CONSENT}", KEPT),
        ("gdpr=1&gdpr=0", WITHHELD),
        ("gdpr=&gdpr_consent=", KEPT),
    ],
)
def test_the_gdpr_and_its_consent(query: str, verdict: str) -> None:
    for place in ("target", "referrer"):
        assert judged({place: f"https://example.com/?{query}"}) == [verdict]
        assert judged({place: f"/?{query}"}, settings=Settings(also_withhold=())) == [KEPT]
        assert judged({place: f"/?{query}"}, settings=Settings(also_withhold=(Unsure.TFUA,))) == [KEPT]


def test_each_place_is_read_by_itself_so_that_a_consent_elsewhere_is_not_seen() -> None:
    assert judged({"target": "/?gdpr=1", "cookie": f"euconsent-v2={CONSENT}"}) == [WITHHELD]
    assert judged({"target": "/?gdpr=0", "cookie": f"euconsent-v2={REFUSAL}"}) == [WITHHELD]


@pytest.mark.parametrize(
    ("shared", "verdict"),
    [
        ({"lowerBound": None, "upperBound": 12}, WITHHELD),
        ({"upperBound": 12}, WITHHELD),
        ({"lowerBound": None, "upperBound": 15}, WITHHELD),
        ({"lowerBound": None, "ageRangeDeclaration": "selfDeclared"}, WITHHELD),
        ({"lowerBound": 13, "upperBound": 15, "ageRangeDeclaration": "guardianDeclared"}, TODAY),
        ({"lowerBound": 13, "upperBound": None}, TODAY),
        ({"lowerBound": 18, "ageRangeDeclaration": "confirmed", "declinedSharing": False}, TODAY),
        ({"lowerBound": 10, "upperBound": 15}, WITHHELD),
        ({"lowerBound": 16, "upperBound": 12}, WITHHELD),
        ({"lowerBound": "x", "upperBound": 17}, WITHHELD),
        ({"declinedSharing": True}, KEPT),
        ({"declinedSharing": True, "lowerBound": None, "upperBound": None}, KEPT),
        ({"declinedSharing": True, "upperBound": 12}, WITHHELD),
        ({"declinedSharing": False, "ageRangeDeclaration": "selfDeclared"}, WITHHELD),
        ({"lowerBound": {}, "upperBound": 17}, WITHHELD),
    ],
)
def test_the_declared_age_range_of_apple(shared: dict[str, Any], verdict: str) -> None:
    names = ("ageRange", "declaredAgeRange")
    orders = [{name: dict(order)} for name in names for order in (shared.items(), reversed(shared.items()))]
    for line in orders:
        records = parsed("json_events", json_log(line))
        assert judged_records(records, records.column("time")) == [verdict]


@pytest.mark.parametrize(
    ("shared", "verdict"),
    [
        ({"userStatus": 0}, TODAY),
        ({"userStatus": 0, "ageLower": None, "ageUpper": None}, TODAY),
        ({"userStatus": 1, "ageLower": 0, "ageUpper": 12}, WITHHELD),
        ({"userStatus": 1, "ageLower": None, "ageUpper": 12}, WITHHELD),
        ({"userStatus": 1, "ageLower": 13, "ageUpper": 15}, TODAY),
        ({"userStatus": 1, "ageLower": 0, "ageUpper": 14}, WITHHELD),
        ({"userStatus": 2, "ageLower": 10, "ageUpper": 13}, WITHHELD),
        ({"userStatus": 3, "ageLower": 18}, TODAY),
        ({"userStatus": 0, "ageUpper": 12}, WITHHELD),
        ({"userStatus": 4, "ageLower": None, "ageUpper": None}, KEPT),
        ({"userStatus": None}, KEPT),
        ({"userStatus": "SUPERVISED", "ageUpper": "x"}, WITHHELD),
    ],
)
def test_the_age_signals_of_google_play(shared: dict[str, Any], verdict: str) -> None:
    for name in ("ageSignals", "ageSignalsResult"):
        records = parsed("json_events", json_log({name: shared}))
        assert judged_records(records, records.column("time")) == [verdict]


def test_when_tfcd_and_tfua_are_both_set_it_is_a_child() -> None:
    settings = Settings(also_withhold=())
    assert judged({"target": "/?tfua=1&tfcd=1"}, {"target": "/?tfua=1"}, settings=settings) == [
        WITHHELD,
        KEPT,
    ]


# ------------------------------------------------------------------------------- names that are no signals


@pytest.mark.parametrize(
    "url",
    [
        *("/?child=1&adults=2", "/?age=12", "/?dob=2020-01-01", "/?birth_date=2020-01-01", "/?birthday=x"),
        *("/?is_child=1", "/?children=2", "/?yob=2020", "/?opt_out=1", "/?dnt=1", "/?age_band=0-12"),
        *("/coppa=1", "/coppa/1", "/?notcoppa=1", "/?coppa_=1", "/?coppa", "/?x=coppa=1", "/?coppa=&x=1"),
        *("/?url=https%3A%2F%2Fexample.org%2F%3Fcoppa%3D1", "/a%3Fcoppa=1", "/?q=coppa%3D1", "/?%ZZcoppa=1"),
        *("?", ";", "/?=1", "/?&&;;", "%", "/?%", "/?%=%", "https://coppa=1.example.com/"),
    ],
)
def test_urls_that_say_nothing(url: str) -> None:
    assert judged({"target": url}, {"referrer": url}) == [KEPT, KEPT]


@pytest.mark.parametrize(
    "url",
    [
        *("/?COPPA=1", "/?CoPpA=TRUE", "/?coppa=%31", "/?coppa=+1", "/?coppa%5B%5D=1", "/?coppa[]=1"),
        *("/?%63oppa=1", "/?%43%4F%50%50%41=1", "/a;coppa=1", "/a;coppa=1;b/c", "/a;coppa=1/b"),
        *("/?x=1&amp;coppa=1", "/?x?coppa=1", "/?coppa=0&coppa=1", "/?coppa=1&coppa=0", "/?coppa=&coppa=1"),
        *("/?coppa=1#coppa=0", "http://example.com?coppa=1", "//example.com/?coppa=1", "*?coppa=1"),
        *(
            "/?regs.coppa=1",
            "/?tag%5Ffor%5Fchild%5Fdirected%5Ftreatment=1",
            "/?us%5Fprivacy=1YYN",
            "/?x&U13=y",
        ),
    ],
)
def test_urls_that_withhold(url: str) -> None:
    assert judged({"target": url}, {"referrer": url}) == [WITHHELD, WITHHELD]


@pytest.mark.parametrize(
    ("cookies", "verdict"),
    [
        *(("matomo_ignore", WITHHELD), ("a=b; matomo_ignore", WITHHELD), ("MATOMO_IGNORE=; a=b", WITHHELD)),
        *(("coppa", KEPT), ("coppa=", KEPT), ("xcoppa=1", KEPT), ("coppa_=1", KEPT), ("a=coppa=1", KEPT)),
        *(("child=1", KEPT), ("age=12", KEPT), ("a=b;coppa=1", WITHHELD), ("a=b;  coppa = 1 ;c", WITHHELD)),
        *(('coppa="1"', WITHHELD), ("coppa=0; coppa=1", WITHHELD), ("coppa=1; coppa=0", WITHHELD)),
        *((";;;=;", KEPT), ("", KEPT), ("dob=2020%2D01%2D01", WITHHELD), ("yob=1990", "2004-01-01")),
    ],
)
def test_cookies(cookies: str, verdict: str) -> None:
    assert judged({"cookie": cookies}) == [verdict]


def test_names_of_events_mean_nothing_in_logs_of_servers() -> None:
    lines = [
        {"age": 3},
        {"age_group": 1},
        {"birthday": "2020-01-01"},
        {"coppa": 1},
        {"birth_date": "2020-01-01"},
    ]
    text = "".join(
        json.dumps({"time": f"{NOON}Z", "ip": "192.0.2.7", "url": "/"} | line) + "\n" for line in lines
    )
    records = parsed("json:time=time address=ip url=url", text)
    found = judged_records(records, records.column("time"))
    assert found == [KEPT, KEPT, KEPT, WITHHELD, WITHHELD]


# ---------------------------------------------------------------------------------- signals of one's own


def one_of_each_kind(**places: tuple[str, ...]) -> list[tuple[Signal, str, str]]:
    """A signal of each kind, and what it says: a value and a verdict."""
    said: dict[Kind, tuple[str, str]] = {
        Kind.BOOL: ("1", WITHHELD),
        Kind.BOOL_INVERTED: ("true", TODAY),
        Kind.AGE_YEARS: ("40", TODAY),
        Kind.AGE_UPPER: ("12", WITHHELD),
        Kind.AGE_BAND: ("13-17", TODAY),
        Kind.BIRTH_DATE: ("2013-03-01", TODAY),
        Kind.BIRTH_YEAR: ("1990", "2004-01-01"),
        Kind.BIRTH_MONTH: ("02/2013", TODAY),
        Kind.ENUM: ("kid", WITHHELD),
        Kind.PRESENT: ("0", WITHHELD),
        Kind.GPC: ("1", WITHHELD),
        Kind.DNT: ("1", WITHHELD),
        Kind.GPP: (gpp(9, k=1), WITHHELD),
        Kind.US_PRIVACY: ("1YYN", WITHHELD),
        Kind.TCF: (tc(), WITHHELD),
        Kind.TCF_APPLIES: ("1", WITHHELD),
    }
    child = {Kind.ENUM: ("kid",)}
    return [
        (Signal(name=f"my_{kind}", kind=kind, child=child.get(kind, ()), **places), value, verdict)
        for kind, (value, verdict) in said.items()
    ]


@pytest.mark.parametrize("name", ["child", "age", "dob", "My-Site.Age"])
def test_configured_signals_count_where_they_stand(name: str) -> None:
    places = dict.fromkeys(("query", "cookie", "header", "field", "json_path", "event"), (f"own_{name}",))
    for signal, value, verdict in one_of_each_kind(**places):
        settings = Settings(signals=(signal,))
        spelled, escaped = f"own_{name}", quote(value)
        rows: list[Place] = [
            {"target": f"/?x=1&{spelled}={escaped}"},
            {"referrer": f"/?{spelled.upper()}={escaped}"},
            {"cookie": f"a=b; {spelled}={escaped}"},
            own((signal.name, value)),
        ]
        assert judged(*rows, settings=settings) == [verdict] * 4, signal.kind
        for log, text in (
            ("w3c", w3c_log(f"cs({spelled})", [value])),
            ("w3c", w3c_log(spelled, [value])),
            ("json_events", json_log(json_object(spelled, value))),
        ):
            read = format_by_name(log, signals=settings.signals).parse(Block(text.encode(), 0)).records
            assert judged_records(read, read.column("time"), settings) == [verdict], (log, signal.kind)


def test_a_hotel_and_a_whisky_count_when_they_are_configured() -> None:
    settings = Settings(
        signals=(
            Signal(name="my_child", kind=Kind.BOOL, query=("child",)),
            Signal(name="my_age", kind=Kind.AGE_YEARS, query=("age",)),
            Signal(name="my_birth", kind=Kind.BIRTH_DATE, query=("dob",)),
        )
    )
    urls = ("/?child=1&adults=2", "/?child=0", "/?age=12", "/?age=18", "/?dob=2020-01-01", "/?dob=1990-05-05")
    rows = [{"target": url} for url in urls]
    assert judged(*rows) == [KEPT] * 6
    assert judged(*rows, settings=settings) == [WITHHELD, KEPT, WITHHELD, TODAY, WITHHELD, "2003-05-05"]


@pytest.mark.parametrize("says", Says)
def test_a_configured_flag_is_about_what_it_says(says: Says) -> None:
    signal = Signal(name="mine", kind=Kind.BOOL, says=says, query=("mine",))
    for base in SETTINGS:
        settings = base.model_copy(update={"signals": (signal,)})
        assert judged({"target": "/?mine=1"}, {"target": "/?mine=maybe"}, settings=settings) == (
            [expected(says.value, settings)] * 2
        )


def test_a_configured_enum_knows_all_its_meanings() -> None:
    words = {"child": ("kid",), "thirteen": ("Grown",), "opted_out": ("out",), "nothing": ("some",)}
    strict = Signal(name="mine", kind=Kind.ENUM, query=("mine",), **words)
    rows = [{"target": f"/?mine={value}"} for value in ("KID", "grown", "out", "some", "other", "")]
    found = [WITHHELD, TODAY, WITHHELD, KEPT, WITHHELD, KEPT]
    assert judged(*rows, settings=Settings(signals=(strict,))) == found
    lenient = strict.model_copy(update={"unreadable_says_nothing": True})
    found[4] = KEPT
    assert judged(*rows, settings=Settings(signals=(lenient,))) == found
    sharing = Settings(signals=(lenient,), opt_outs=OptOuts.EXCLUDE_FROM_SHARING)
    assert judged(*rows, settings=sharing) == [WITHHELD, TODAY, KEPT, KEPT, KEPT, KEPT]


# ------------------------------------------------------------------------------- values at the edge


def test_tfcd_of_minus_one_is_unspecified() -> None:
    assert judged({"target": "/?tfcd=-1"}) == [KEPT]


def test_a_pixel_with_cpp_on_is_of_a_child() -> None:
    assert judged({"target": "/?cpp=on"}) == [WITHHELD]


@pytest.mark.parametrize("url", ["/?coppa=?", "/?coppa=?1", "/?x&us_privacy=?&y"])
def test_a_question_mark_is_a_value_that_cannot_be_read(url: str) -> None:
    assert judged({"target": url}) == [WITHHELD]


@pytest.mark.parametrize("url", ["/?+coppa=1", "/?coppa+=1", "/? coppa=1", "/?x#coppa=1"])
def test_a_parameter_that_says_nothing_changes_nothing(url: str) -> None:
    silent = url.replace("?", "?tfat=0&", 1)
    assert judged({"target": url}) == judged({"target": silent})


def test_a_value_of_separators_and_another_signal_cannot_be_read() -> None:
    line = {"coppa": f"{BETWEEN_ITEMS}gpc=0"}
    records = parsed("json_events", json_log(line))
    assert judged_records(records, records.column("time")) == [WITHHELD]


def test_records_without_a_time_are_withheld_all_the_same() -> None:
    rows: list[Place] = [{"target": "/?coppa=1"}, {"target": "/?tfat=2"}, {"cookie": "dob=1990-05-05"}]
    found = judged(*rows, times=[None] * 3)
    assert found == [WITHHELD, KEPT, WITHHELD]
    assert milliseconds(None).null_count == 1
