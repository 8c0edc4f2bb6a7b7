"""What client hints say of software: they win over the user agent, which browsers have frozen.

Chromium writes Windows 10, macOS 10.15.7 and Android 10 into every agent, and the name of Chrome into that of
browsers made of it (https://wicg.github.io/ua-client-hints/, https://www.chromium.org/updates/ua-reduction/).
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from logscrub import schemas
from logscrub.enrich.user_agents import AgentClasses
from logscrub.schemas import UNKNOWN

BRANDS, MOBILE, PLATFORM, PLATFORM_VERSION = "ch_brands", "ch_mobile", "ch_platform", "ch_platform_version"
"""Names of the hints: Sec-CH-UA, Sec-CH-UA-Mobile, Sec-CH-UA-Platform and Sec-CH-UA-Platform-Version."""

Hints = Mapping[str, str]

_LONGEST = 1_000
# RFC 8941 section 3.1: a list of strings with parameters; `v` is the significant version.
_BRAND = re.compile(r'"(?P<name>[^"]{1,60})"\s*;\s*v\s*=\s*"(?P<major>[0-9]{1,3})[0-9.]{0,40}"')
_MAJOR = re.compile(r'"?(?P<major>0|[1-9][0-9]{0,2})(?:\.(?P<minor>[0-9]{1,4}))?[0-9.]*"?')
_WINDOWS_11 = 13  # https://learn.microsoft.com/microsoft-edge/web-platform/how-to-detect-win11
_WINDOWS_BEFORE_10 = {"1": "7", "2": "8", "3": "8.1"}


def with_hints(classes: AgentClasses, hints: Sequence[Hints | None]) -> AgentClasses:
    """Let hints win over what user agents say.

    Args:
        classes: names of agents.
        hints: for each the hints that were sent with it, by their names, as logged; None for none.

    Returns:
        The names that hold with the hints. One that is in no vocabulary changes nothing, and neither does any
        hint of a bot.
    """
    changed = {
        name: list(getattr(classes, name))
        for name in ("device", "system", "system_version", "browser", "browser_version")
    }
    for row, sent in enumerate(hints):
        if sent and classes.bot[row] is None:
            own = {name: values[row] for name, values in changed.items()}
            for name, value in (_browser(sent) | _system(sent, own) | _device(sent, own)).items():
                changed[name][row] = value
    return replace(classes, **changed)


def _browser(sent: Hints) -> dict[str, str]:
    text = sent.get(BRANDS, "")[:_LONGEST]
    brands = _vocabulary("browsers")["brands"]
    for brand in _BRAND.finditer(text):
        if brand["name"] in brands:
            return {"browser": brands[brand["name"]], "browser_version": str(int(brand["major"]))}
    return {}


def _system(sent: Hints, own: Mapping[str, str]) -> dict[str, str]:
    system = _vocabulary("systems")["platforms"].get(sent.get(PLATFORM, "").strip().strip('"'))
    system = system or (own["system"] if PLATFORM_VERSION in sent else None)
    if system is None:
        return {}
    version = _MAJOR.fullmatch(sent.get(PLATFORM_VERSION, "").strip())
    if version is not None:
        told = _windows(version) if system == "Windows" else version["major"]
        return {"system": system, "system_version": told} if told else {"system": system}
    same = own["system"] == system
    return {"system": system, "system_version": own["system_version"] if same else UNKNOWN}


def _windows(version: re.Match[str]) -> str | None:
    major = int(version["major"])
    if major == 0:
        return _WINDOWS_BEFORE_10.get(version["minor"] or "")
    return "11" if major >= _WINDOWS_11 else "10"


def _device(sent: Hints, own: Mapping[str, str]) -> dict[str, str]:
    mobile = sent.get(MOBILE, "").strip()
    if mobile == "?1" and own["device"] in {"desktop", UNKNOWN}:
        return {"device": "mobile"}
    if mobile == "?0" and own["device"] == "mobile":
        return {"device": "tablet"}
    return {}


@functools.cache
def _vocabulary(name: str) -> Mapping[str, Mapping[str, str]]:
    return schemas.vocabulary(name)
