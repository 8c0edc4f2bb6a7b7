"""Signals: neither their order nor more of them can bring back a person, and no text breaks a judge."""

import json
from collections.abc import Sequence
from urllib.parse import quote

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.config import OptOuts, Settings, Unsure
from logscrub.formats.records import record_batch
from logscrub.formats.registry import format_by_name
from logscrub.privacy.children import NEVER, Judge
from logscrub.schemas import signal_catalogue
from logscrub.signals import (
    BETWEEN_ITEMS,
    BETWEEN_VALUES,
    Kind,
    Signal,
    decode_signals,
    encode_signals,
)
from logscrub.text.blocks import Block
from tests.gpp_encoder import gpp, tc
from tests.signal_records import KEPT, NOON, WITHHELD, Place, judged, judged_records, own, records_of

CATALOGUE = signal_catalogue()
# A consent answers `gdpr=1`, and a lower end or a refusal the rest of Apple's range: more is then said less.
ANSWERED = (Kind.TCF, Kind.TCF_APPLIES, Kind.AGE_RANGE)
VALUES = (
    *("", "-", "null", "0", "1", "true", "false", "yes", "no", "2", "3", "12", "13", "40", "12.9", "x", "-1"),
    *("13+", "10-13", "teen", "kids", "2000-05-05", "2020-05-05", "03/04/2013", "1970-01-01", "1990", "2020"),
    *(
        "1YYN",
        "1YNN",
        "1---",
        "selfDeclared",
        gpp(7, 2, k=(0, 1, 0)),
        gpp(8, k=(1, 0)),
        gpp(7, 2),
        gpp(9, S=1),
    ),
    *(tc(), tc(1 << 23), "garbage"),
)
JUDGES = [
    Judge(Settings(opt_outs=opt_outs, also_withhold=also))
    for opt_outs in OptOuts
    for also in ((), tuple(Unsure), (Unsure.TCF,))
]

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
plain_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
values = st.sampled_from(VALUES) | plain_text
sent_signals = st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE.by_name)), values), max_size=6)
growing = [name for name, signal in CATALOGUE.by_name.items() if signal.kind not in ANSWERED]
parameters = [name for name, of in CATALOGUE.query.items() if CATALOGUE.by_name[of].kind not in ANSWERED]
cookies = [name for name, of in CATALOGUE.cookie.items() if CATALOGUE.by_name[of].kind not in ANSWERED]
times = st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(1_500_000_000_000, 1_900_000_000_000)


def pairs(names: Sequence[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.tuples(st.sampled_from(names), values), max_size=3)


def written(sent: dict[str, list[tuple[str, str]]]) -> Place:
    """A record whose places hold names and values."""
    given = {place: items for place, items in sent.items() if items}
    row: dict[str, str] = {}
    for place, items in given.items():
        escaped = [(name, quote(value)) for name, value in items]
        if place == "signals":
            row[place] = encode_signals(items)
        elif place == "cookie":
            row[place] = "; ".join(f"{name}={value}" for name, value in escaped)
        else:
            row[place] = "/?" + "&".join(f"{name}={value}" for name, value in escaped)
    return row


records = st.fixed_dictionaries(
    {
        "signals": pairs(growing),
        "target": pairs(parameters),
        "referrer": pairs(parameters),
        "cookie": pairs(cookies),
    }
)


@given(sent_signals, st.randoms(use_true_random=False), times)
@settings(max_examples=80, deadline=None)
def test_the_order_of_signals_cannot_matter(
    sent: list[tuple[str, str]], random: object, time: int | None
) -> None:
    orders = [list(sent) for _ in range(4)]
    for order in orders[1:]:
        random.shuffle(order)  # type: ignore[attr-defined]
    orders.append(sent + sent[:2])
    batch = records_of([own(*order) for order in orders])
    for judge in JUDGES:
        verdicts = judge(batch, pa.array([time] * len(orders), pa.int64()))
        assert len(set(verdicts.withhold.tolist())) == 1
        assert len(set(verdicts.adult_since.tolist())) == 1


@given(records, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_parameters_and_cookies_cannot_matter(
    sent: dict[str, list[tuple[str, str]]], random: object
) -> None:
    shuffled = {place: list(items) for place, items in sent.items()}
    for items in shuffled.values():
        random.shuffle(items)  # type: ignore[attr-defined]
    turned = {"target": "referrer", "referrer": "target"}
    swapped = {turned.get(place, place): items for place, items in sent.items()}
    found = judged(written(sent), written(shuffled), written(swapped))
    assert len(set(found)) == 1


@given(records, records, times)
@settings(max_examples=80, deadline=None)
def test_more_signals_never_bring_back_a_person(
    sent: dict[str, list[tuple[str, str]]], more: dict[str, list[tuple[str, str]]], time: int | None
) -> None:
    rows = [sent, more, {place: sent[place] + more[place] for place in sent}]
    batch = records_of([written(row) for row in rows])
    for judge in JUDGES:
        first, second, both = judge(batch, pa.array([time] * 3, pa.int64())).withhold.tolist()
        assert both == (first or second)


@given(records, records)
@settings(max_examples=100, deadline=None)
def test_more_signals_never_put_off_the_day_of_a_proof(
    sent: dict[str, list[tuple[str, str]]], more: dict[str, list[tuple[str, str]]]
) -> None:
    rows = [sent, more, {place: sent[place] + more[place] for place in sent}]
    first, second, both = judged(*map(written, rows))
    if both == WITHHELD:
        assert WITHHELD in (first, second)
    else:
        assert both == min((day for day in (first, second) if day != KEPT), default=KEPT)


@given(st.lists(st.tuples(st.none() | any_text, any_text, any_text, any_text, times), max_size=5))
@settings(max_examples=80, deadline=None)
def test_no_text_in_any_column_breaks_a_judge(
    rows: list[tuple[str | None, str, str, str, int | None]],
) -> None:
    names = ("signals", "target", "referrer", "cookie")
    columns = {
        name: pa.array([row[at] for row in rows], pa.string()).dictionary_encode()
        for at, name in enumerate(names)
    }
    batch = record_batch(np.arange(len(rows)), columns)
    for judge in JUDGES[:2]:
        verdicts = judge(batch, pa.array([row[4] for row in rows], pa.int64()))
        assert len(verdicts.withhold) == len(verdicts.adult_since) == len(rows)
        assert (verdicts.adult_since[verdicts.withhold] == NEVER).all()


@given(st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE.by_name)), any_text), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_value_of_any_signal_breaks_a_judge(sent: list[tuple[str, str]]) -> None:
    row = own(*sent) | {
        "target": "/?"
        + "&".join(f"{name}={value}" for name, (_, value) in zip(CATALOGUE.query, sent, strict=False)),
        "cookie": "; ".join(
            f"{name}={value}" for name, (_, value) in zip(CATALOGUE.cookie, sent, strict=False)
        ),
    }
    assert len(judged(row)) == 1


@given(st.sampled_from(sorted(CATALOGUE.by_name)), any_text)
def test_a_value_that_holds_separators_never_hides_a_child(name: str, value: str) -> None:
    sent = [(name, value + BETWEEN_ITEMS + value), ("child", "true")]
    assert judged(own(*sent), own(*reversed(sent))) == [WITHHELD] * 2


@given(st.lists(st.tuples(st.from_regex(r"\A[a-z][a-z0-9_]{0,9}\Z"), plain_text), min_size=1))
def test_signals_are_decoded_to_what_was_encoded(sent: list[tuple[str, str]]) -> None:
    assert decode_signals(encode_signals(sent)) == sent
    several = [(name, f"{value}{BETWEEN_VALUES}{value}") for name, value in sent]
    assert decode_signals(encode_signals(several)) == [one for one in sent for _ in range(2)]


@given(any_text)
def test_any_text_can_be_decoded(text: str) -> None:
    assert decode_signals(text)


CONFIGURED = {
    Kind.BOOL: ("1", "true"),
    Kind.BOOL_INVERTED: ("0", "false"),
    Kind.AGE_YEARS: ("12", "x"),
    Kind.AGE_UPPER: ("12", "0"),
    Kind.AGE_BAND: ("10-13", "kids"),
    Kind.BIRTH_DATE: ("2020-05-05", "x"),
    Kind.BIRTH_YEAR: ("2020", "x"),
    Kind.BIRTH_MONTH: ("05/2020", "202005"),
    Kind.ENUM: ("kid", "other"),
    Kind.PRESENT: ("0", "x"),
    Kind.GPC: ("1", " 1"),
    Kind.DNT: ("1", "1x"),
    Kind.GPP: (gpp(9, k=1), "garbage"),
    Kind.US_PRIVACY: ("1YYN", "garbage"),
    Kind.TCF: (tc(), "garbage"),
    Kind.TCF_APPLIES: ("1", "true"),
}
own_names = st.from_regex(r"\A[a-zA-Z][a-zA-Z0-9_-]{0,8}[a-zA-Z0-9]\Z").map(lambda name: f"own-{name}")


def test_each_kind_that_stands_by_itself_is_configured() -> None:
    assert set(CONFIGURED) == set(Kind) - {Kind.AGE_RANGE}


@given(st.sampled_from(sorted(CONFIGURED)), own_names, st.data())
@settings(max_examples=80, deadline=None)
def test_a_configured_signal_of_each_kind_withholds_in_each_place(
    kind: Kind, name: str, data: st.DataObject
) -> None:
    given_value = data.draw(st.sampled_from(CONFIGURED[kind]))
    value = quote(given_value)
    places = dict.fromkeys(("query", "cookie", "header", "field", "json_path"), (name,))
    child = ("kid",) if kind is Kind.ENUM else ()
    mine = Settings(signals=(Signal(name="mine", kind=kind, child=child, **places),))
    spelled = data.draw(st.sampled_from((name, name.lower(), name.upper())))
    rows: list[Place] = [
        {"target": f"/a?b=c&{spelled}={value}"},
        {"target": f"/a;{spelled}={value};b"},
        {"referrer": f"https://example.org/?{spelled}[]={value}#d"},
        {"cookie": f"a=b; {spelled}={value}"},
    ]
    assert judged(*rows, settings=mine) == [WITHHELD] * len(rows)
    assert judged(*rows) == [KEPT] * len(rows)
    for field in (spelled, f"cs({spelled})"):
        log = f"#Fields: date time c-ip cs-uri-stem {field}\n2026-03-01 12:00:00 192.0.2.7 / {value}\n"
        batch = format_by_name("w3c", signals=mine.signals).parse(Block(log.encode(), 0)).records
        assert judged_records(batch, batch.column("time"), mine) == [WITHHELD]
    line = json.dumps({"time": f"{NOON}Z", "ip": "192.0.2.7", name: given_value}) + "\n"
    batch = format_by_name("json_events", signals=mine.signals).parse(Block(line.encode(), 0)).records
    assert judged_records(batch, batch.column("time"), mine) == [WITHHELD]
