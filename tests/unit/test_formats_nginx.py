"""log_format statements, and formats told apart by what they are made of."""

import pytest

from logscrub.errors import UsageError
from logscrub.formats.json_lines import JsonFormat
from logscrub.formats.nginx import compile_nginx, json_keys, read_statement
from logscrub.formats.pasted import COMPILERS, compile_pasted, costs
from logscrub.schemas import signal_catalogue
from logscrub.text.blocks import Block

NOON = 1773489600000  # 2026-03-14 12:00:00 UTC
MAIN = """
    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';
"""
LINE = '192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "GET /x HTTP/1.1" 200 5 "-" "agent" "192.0.2.7"'
JSON = """log_format json escape=json '{"ts":"$time_iso8601","http":{"ip":"$remote_addr","code":$status},'
  '"uri":"$request_uri","fixed":"text","two":"$scheme://$host","took":$request_time}';"""


def one(known, line):
    parsed = known.parse(Block(line.encode(), 0))
    assert parsed.records.num_rows == 1
    return {name: value for name, value in parsed.records.to_pylist()[0].items() if value is not None}


def test_a_statement_over_several_lines():
    row = one(compile_nginx(MAIN), LINE)
    assert (row["time"], row["target"], row["user_agent"], row["forwarded"]) == (
        NOON,
        "/x",
        "agent",
        "192.0.2.7",
    )
    assert read_statement(MAIN).name == "main"
    assert read_statement(MAIN.replace("main  '", "main escape=none '")).escape == "none"


@pytest.mark.parametrize(
    ("log_format", "line", "column", "value"),
    [
        ("$remote_addr", "192.0.2.1", "address", "192.0.2.1"),
        ("$realip_remote_addr $remote_addr", "192.0.2.9 192.0.2.1", "address", "192.0.2.1"),
        ("$remote_addr $proxy_protocol_addr", "192.0.2.9 192.0.2.1", "address", "192.0.2.1"),
        ("$remote_addr $proxy_protocol_addr", "192.0.2.9 -", "address", "192.0.2.9"),
        ("$remote_addr:$remote_port $status", "2001:db8::1:4711 200", "address", "2001:db8::1"),
        ("[$time_local]", "[14/Mar/2026:13:00:00 +0100]", "time", NOON),
        ("$time_iso8601 |", "2026-03-14T12:00:00+00:00 |", "time", NOON),
        ("$msec $time_iso8601", "1773489600.123 2026-03-14T12:00:00+00:00", "time", NOON + 123),
        ("${request_method} $uri$is_args$args!", "GET /a?b=c!", "target", "/a?b=c"),
        ("$request_method $request_uri!", "GET /a?b=c!", "target", "/a?b=c"),
        ("$scheme://$host$request_uri $status", "https://www.example.com/x 200", "target", "/x"),
        ("$scheme://$host$request_uri $status", "https://www.example.com/x 200", "host", "www.example.com"),
        ("$host:$server_port $status", "www.example.com:443 200", "host", "www.example.com"),
        ("$server_name $status", "www.example.com 200", "host", "www.example.com"),
        ("$bytes_sent $body_bytes_sent", "300 5", "bytes", 5),
        ("$bytes_sent", "300", "bytes", 300),
        ('"$http_referer"', '"https://www.example.com/"', "referrer", "https://www.example.com/"),
        ('"$http_accept_language"', '"de"', "language", "de"),
        ('"$http_cookie"', '"PHPSESSID=abc"', "cookie", "PHPSESSID=abc"),
        ('"$cookie_phpsessid"', '"abc"', "cookie", "phpsessid=abc"),
        ('"$cookie__ga" "$cookie_theme"', '"GA1.2.1.2" "dark"', "cookie", "_ga=GA1.2.1.2; theme=dark"),
        ("$http_sec_gpc $http_dnt", "- 1", "signals", "dnt=1"),
        ("$arg_coppa $arg_x", "1 2", "signals", "coppa=1"),
        ('"$http_x_real_ip"', '"192.0.2.7"', "forwarded", "192.0.2.7"),
        ("$request_time $upstream_response_time", "0.250 0.1, 0.2", "duration", 250_000),
        ('"$http_user_agent" $unknown', '"x\\x41" what ever', "user_agent", "xA"),
    ],
)
def test_variables(log_format, line, column, value):
    assert one(compile_nginx(f"$connection {log_format}"), f"7 {line}")[column] == value


@pytest.mark.parametrize("bad", ["log_format main;", "no variable", "$remote_addr $ 5", "log_format main ''"])
def test_what_is_no_format_is_refused(bad):
    with pytest.raises(UsageError):
        compile_nginx(bad)


def test_keys_of_a_json_format():
    assert json_keys(JSON) == {
        "ts": "time_iso8601",
        "http.ip": "remote_addr",
        "http.code": "status",
        "uri": "request_uri",
        "took": "request_time",
    }
    with pytest.raises(UsageError, match="JSON"):
        json_keys("log_format json '{\"a\": $b c}';")


def test_a_json_format_becomes_a_field_map():
    known = compile_pasted(JSON)
    assert isinstance(known, JsonFormat)
    line = (
        '{"ts":"2026-03-14T12:00:00+00:00","http":{"ip":"192.0.2.1","code":200},"uri":"/x?y","fixed":"text",'
        '"two":"https://www.example.com","took":0.5}'
    )
    row = one(known, line)
    assert (row["time"], row["address"], row["status"], row["target"]) == (NOON, "192.0.2.1", 200, "/x?y")
    assert row["duration"] == 500_000


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (r"%h %t \"%r\"", "apache"),
        ('LogFormat "%h %t" x', "apache"),
        (MAIN, "nginx"),
        ("$remote_addr [$time_local]", "nginx"),
        (JSON, "nginx"),
        ("time=ts address=client.ip user_agent=headers.ua", "json"),
    ],
)
def test_a_pasted_format_is_told_by_itself_and_compiled_again_by_its_name(text, kind):
    known = compile_pasted(text)
    first, _, quoted = known.name.partition(":")
    assert first == kind
    assert not set(quoted) & set(":+")
    again = COMPILERS[first](quoted, "UTC", signal_catalogue())
    assert (again.name, again.fields) == (known.name, known.fields)


@pytest.mark.parametrize("text", ["", "hello", "client.ip"])
def test_what_is_nothing_is_refused(text):
    with pytest.raises(UsageError):
        compile_pasted(text)


def test_a_format_says_what_it_costs():
    assert costs(compile_pasted(MAIN).fields) == []
    assert "no line can be counted" in costs(compile_pasted("%h %>s").fields)[0]
    missing = costs(compile_pasted("[$time_local] $http_x_forwarded_for").fields)
    assert [cost.split()[2] for cost in missing] == ["user", "status", "request"]
