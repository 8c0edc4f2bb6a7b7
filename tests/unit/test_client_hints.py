"""Client hints win over the frozen user agent, in every form in which they are logged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.config import Settings
from logscrub.enrich.client_hints import BRANDS, MOBILE, PLATFORM, PLATFORM_VERSION, with_hints
from logscrub.enrich.user_agents import AgentClasses, classify
from logscrub.schemas import UNKNOWN, vocabulary_names
from tests.support import CHROME, rows_of, run_engine

ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 {}Safari/537.36"
EDGE = '"Chromium";v="140", "Microsoft Edge";v="140", "Not-A.Brand";v="99"'
CHROMIUM = '"Chromium";v="140", "Not-A.Brand";v="99"'


def told(agent: str | None, **hints: str) -> tuple[Any, ...]:
    found = with_hints(classify([agent]), [hints])
    return tuple(getattr(found, name)[0] for name in list(AgentClasses.__dataclass_fields__)[:5])


@pytest.mark.parametrize(
    ("agent", "hints", "expected"),
    [
        (CHROME, {}, ("desktop", "Windows", "10", "Chrome", "140")),
        (CHROME, {BRANDS: EDGE}, ("desktop", "Windows", "10", "Edge", "140")),
        (CHROME, {BRANDS: CHROMIUM}, ("desktop", "Windows", "10", "Chrome", "140")),
        (CHROME, {BRANDS: '"Brave";v="141.0.1.2"'}, ("desktop", "Windows", "10", "Brave", "141")),
        (CHROME, {PLATFORM: "macOS", PLATFORM_VERSION: "15"}, ("desktop", "macOS", "15", "Chrome", "140")),
        (CHROME, {PLATFORM_VERSION: '"13.0.0"'}, ("desktop", "Windows", "11", "Chrome", "140")),
        (CHROME, {PLATFORM_VERSION: '"10.0.0"'}, ("desktop", "Windows", "10", "Chrome", "140")),
        (CHROME, {PLATFORM_VERSION: '"0.3.0"'}, ("desktop", "Windows", "8.1", "Chrome", "140")),
        (CHROME, {PLATFORM_VERSION: '"0.9"'}, ("desktop", "Windows", "10", "Chrome", "140")),
        (CHROME, {PLATFORM_VERSION: '""'}, ("desktop", "Windows", "10", "Chrome", "140")),
        (CHROME, {PLATFORM: '"macOS"'}, ("desktop", "macOS", UNKNOWN, "Chrome", "140")),
        (CHROME, {PLATFORM: '"My Own"'}, ("desktop", "Windows", "10", "Chrome", "140")),
        (CHROME, {BRANDS: '"anna@example.com";v="1"'}, ("desktop", "Windows", "10", "Chrome", "140")),
        (
            ANDROID.format("Mobile "),
            {PLATFORM_VERSION: '"16"'},
            ("mobile", "Android", "16", "Chrome", "140"),
        ),
        (ANDROID.format("Mobile "), {MOBILE: "?0"}, ("tablet", "Android", "10", "Chrome", "140")),
        (CHROME, {MOBILE: "?1"}, ("mobile", "Windows", "10", "Chrome", "140")),
        (None, {PLATFORM: '"Linux"', MOBILE: "?1"}, ("mobile", "Linux", UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
)
def test_hints_win(agent: str | None, hints: dict[str, str], expected: tuple[str, ...]) -> None:
    assert told(agent, **hints) == expected


def test_a_bot_stays_what_it_is() -> None:
    bot = classify(["curl/8.5.0"])
    assert with_hints(bot, [{BRANDS: EDGE, PLATFORM: '"macOS"'}]) == bot


@given(st.dictionaries(st.sampled_from([BRANDS, MOBILE, PLATFORM, PLATFORM_VERSION]), st.text(max_size=60)))
def test_nothing_of_a_hint_itself_comes_through(hints: dict[str, str]) -> None:
    device, system, version, browser, major = told(CHROME, **hints)
    assert {device, system, browser} <= {
        UNKNOWN,
        *(name for part in ("devices", "systems", "browsers") for name in vocabulary_names(part)),
    }
    assert {version, major} <= {UNKNOWN, "8.1", *map(str, range(1000))}


APACHE = (
    '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%{Sec-CH-UA}i" "%{Sec-CH-UA-Mobile}i" '
    '"%{Sec-CH-UA-Platform}i" "%{Sec-CH-UA-Platform-Version}i"'
)
NGINX = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent" "$http_sec_ch_ua" "$http_sec_ch_ua_mobile" "$http_sec_ch_ua_platform" '
    '"$http_sec_ch_ua_platform_version"'
)
VALUES = (EDGE, "?0", '"Windows"', '"15.0.0"')


def line(number: int, escape: str) -> str:
    hints = '" "'.join(value.replace('"', escape) for value in VALUES)
    return (
        f"198.51.{number}.1 - - [14/Mar/2026:10:00:00 +0000] "
        f'"GET / HTTP/1.1" 200 5 "-" "{CHROME}" "{hints}"\n'
    )


def caddy(number: int) -> str:
    names = ("Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Ch-Ua-Platform-Version")
    headers = {"User-Agent": [CHROME]} | {name: [value] for name, value in zip(names, VALUES, strict=True)}
    request = {
        "remote_ip": f"198.51.{number}.1",
        "method": "GET",
        "host": "www.example.com",
        "uri": "/",
        "headers": headers,
    }
    return json.dumps({"ts": 1773482400.0, "request": request, "status": 200, "size": 5}) + "\n"


FORMS = {
    "apache": ({"log_format": APACHE}, "".join(line(n, r"\"") for n in range(3))),
    "nginx": ({"log_format": NGINX}, "".join(line(n, r"\x22") for n in range(3))),
    "caddy": ({"format": "caddy_json"}, "".join(map(caddy, range(3)))),
    "w3c": (
        {"format": "w3c"},
        "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent) cs(Sec-CH-UA) "
        "cs(Sec-CH-UA-Mobile) cs(Sec-CH-UA-Platform) cs(Sec-CH-UA-Platform-Version)\n"
        + "".join(
            f"2026-03-14 10:00:00 198.51.{n}.1 GET / 200 "
            + " ".join(value.replace(" ", "+") for value in (CHROME, *VALUES)).replace('"', "%22")
            + "\n"
            for n in range(3)
        ),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_hints_are_read_where_servers_log_them(form: str) -> None:
    settings, text = FORMS[form]
    files, result = run_engine({"a.log": text.encode()}, Settings(min_support=3, **settings))
    assert result.tally.rejects == 0
    (system,) = rows_of(files, "systems", "2026-03-14")
    (browser,) = rows_of(files, "browsers", "2026-03-14")
    assert (system["device"], system["system"], system["version"]) == ("desktop", "Windows", "11")
    assert (browser["browser"], browser["version"]) == ("Edge", "140")
