"""Signals in URLs without a column, in requests that are cut; configurations that cannot be meant."""

import json
from pathlib import Path

import pytest

from logscrub.config import Settings, load_settings
from logscrub.errors import UsageError
from logscrub.formats.pasted import compile_pasted
from logscrub.formats.records import Format
from logscrub.formats.registry import check_signals, format_by_name
from logscrub.privacy.children import Judge
from logscrub.text.blocks import Block

EVENT = {"time": "2026-03-14T12:00:00Z", "ip": "192.0.2.1"}


def withheld(known: Format, text: str) -> list[bool]:
    records = known.parse(Block(text.encode(), 0)).records
    found: list[bool] = Judge(Settings())(records, records.column("time")).withhold.tolist()
    return found


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("json_events", EVENT | {"path": "/x", "url": "https://example.com/x?coppa=1"}),
        (
            "sdk_event_json",
            {"timestamp": "2026-03-14T12:00:00Z"}
            | {"context": {"page": {"path": "/x", "url": "https://example.com/x?coppa=1"}}},
        ),
        (
            "ecs_json",
            {"@timestamp": "2026-03-14T12:00:00Z", "url": {"path": "/x", "original": "/x?coppa=1"}},
        ),
        (
            "ecs_json",
            {"@timestamp": "2026-03-14T12:00:00Z", "url": {"path": "/x?y=1", "query": "coppa=1"}},
        ),
        (
            "nginx_json",
            {"msec": 1773489600, "request_uri": "/x", "request": "GET /x?coppa=1 HTTP/1.1"},
        ),
        ("nginx_json", {"msec": 1773489600, "http_referer": "/a", "referrer": "/b?coppa=1", "status": 200}),
    ],
)
def test_every_url_of_a_json_line_is_searched(name: str, line: dict[str, object]) -> None:
    lines = [json.dumps(line), json.dumps(line).replace("coppa=1", "coppa=0")]
    assert withheld(format_by_name(name), "\n".join(lines)) == [True, False]


@pytest.mark.parametrize(
    "request_line", ["GET /x?coppa=1 HT", "POST /x?coppa=1", "GET /x?coppa=1 HTTP/1.1 more"]
)
def test_a_request_that_is_cut_is_searched(request_line: str) -> None:
    line = '192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "{}" 200 5 "-" "agent"'
    text = "\n".join(line.format(one) for one in (request_line, "GET /?a=b HTTP/1.1", "x=1"))
    assert withheld(format_by_name("combined"), text) == [True, False, False]


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ("date time c-ip cs-uri-query", "2026-03-14 12:00:00 192.0.2.1 coppa=1"),
        ("date time c-ip cs-uri cs-uri-query", "2026-03-14 12:00:00 192.0.2.1 /x coppa=1"),
        ("date time c-ip cs-uri-stem X-COPPA", "2026-03-14 12:00:00 192.0.2.1 /x 1"),
        ("date time c-ip cs-uri-stem Sec-GPC", "2026-03-14 12:00:00 192.0.2.1 /x 1"),
        ("date time c-ip cs-uri-stem coppa coppa", "2026-03-14 12:00:00 192.0.2.1 /x 0 1"),
    ],
)
def test_columns_of_w3c_logs_are_searched(fields: str, values: str) -> None:
    assert withheld(format_by_name("w3c"), f"#Fields: {fields}\n{values}\n") == [True]


def test_a_cookie_by_itself_in_a_pasted_json_format_is_a_signal() -> None:
    pasted = 'log_format j escape=json \'{"t":"$msec","a":"$remote_addr","kid":"$cookie_is_child"}\';'
    line = json.dumps({"t": "1773489600.000", "a": "192.0.2.1", "kid": "1"})
    assert withheld(compile_pasted(pasted), line) == [True]


@pytest.mark.parametrize(
    "query",
    ["coppa=undefined", "us_privacy=${US_PRIVACY}", "gpp=${GPP_STRING_755}", "gpp=%%GPP%%", "coppa=n/a"],
)
def test_what_was_not_filled_in_was_not_sent(query: str) -> None:
    line = f'192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "GET /?{query} HTTP/1.1" 200 5 "-" "agent"'
    assert withheld(format_by_name("combined"), line) == [False]


@pytest.mark.parametrize(
    ("signal", "named"),
    [
        ('name = "coppa"\nkind = "bool"\nquery = ["kid"]', "twice"),
        ('name = "mine"\nkind = "bool"\nquery = ["coppa"]', "two signals"),
        ('name = "device_id"\nkind = "bool"\nquery = ["kid"]', "another field"),
        ('name = "mine"\nkind = "bool"', "where it stands"),
        ('name = "mine"\nkind = "bool"\nquery = ["kid[]"]', "as the log has them"),
        ('name = "mine"\nkind = "bool"\njson_path = ["$..kid"]', "keys with dots"),
        ('name = "mine"\nkind = "enum"\nquery = ["kid"]', "values of an enum"),
    ],
)
def test_signals_that_cannot_be_meant_are_refused(signal: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        check_signals(load_settings(f"[[signals]]\n{signal}", {}).signals)


def test_a_run_with_such_a_signal_ends_with_a_usage_error(tmp_path: Path) -> None:
    from logscrub.beam.run import run_pipeline

    settings = load_settings('[[signals]]\nname = "coppa"\nkind = "bool"\nquery = ["kid"]', {})
    with pytest.raises(UsageError, match="twice"):
        run_pipeline([str(tmp_path)], str(tmp_path / "out"), settings)
