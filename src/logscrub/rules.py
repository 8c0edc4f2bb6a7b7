"""Rules of the operator on what is counted: conditions on a record, as the configuration has them."""

import ipaddress
import re
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

_STATUS = re.compile(r"[1-5](?:xx|[0-9]{2})")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_ROUTE = re.compile(r"/(?:(?:[^/{}*?#\s]+|\{[A-Za-z][A-Za-z0-9_]*\})(?:/|$))*")


PURPOSES = ("search", "ai-training", "ai-assistant", "monitor", "seo", "feed", "tool", "other")
"""Purposes of bots, as schemas/vocabularies/bots.json has them."""

MEDIA = ("search", "social", "ai", "email", "referral")
"""Media of referrers of other sites, as schemas/tables/referrers.json has them."""


def _filled(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not all(text.strip() for text in texts):
        raise ValueError("a text is empty")
    return texts


Texts = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_filled)]


class Rule(BaseModel):
    """Conditions on a record; it matches when each that is given holds, by any of its values."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    host: Texts = Field((), description="names of hosts, with * for any characters")
    path: Texts = Field((), description="paths without their query, with * for any characters")
    method: Texts = Field((), description="methods, such as GET")
    status: Texts = Field((), description="status codes or classes, such as 404 or 5xx, as text")
    network: Texts = Field((), description="networks or addresses of clients, such as 192.0.2.0/24")
    user_agent: Texts = Field((), description="user agents in any case, with * for any characters")
    first_day: Annotated[date | None, Field(strict=False)] = Field(
        None, description="first day in the reporting time zone"
    )
    last_day: Annotated[date | None, Field(strict=False)] = Field(None, description="last day")

    @field_validator("status")
    @classmethod
    def _codes(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_STATUS.fullmatch(value) for value in values):
            raise ValueError('give status codes or classes as text, such as "404" or "5xx"')
        return values

    @field_validator("method")
    @classmethod
    def _methods(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_METHOD.fullmatch(value) for value in values):
            raise ValueError("give methods, such as GET")
        return values

    @field_validator("network")
    @classmethod
    def _networks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ipaddress.ip_network(value.strip())) for value in values)
        except ValueError:
            raise ValueError('give networks, such as "192.0.2.0/24" or "2001:db8::/32"') from None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self == type(self).model_construct():
            raise ValueError(f"give one or more of {', '.join(type(self).model_fields)}")
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError("first_day is after last_day")
        return self


_NAME = r"^[A-Za-z][A-Za-z0-9]*(?:[ ._-][A-Za-z0-9]+)*$"


class OwnBot(BaseModel):
    """A bot that the operator knows by its user agent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(pattern=_NAME, max_length=40, description="released name")
    purpose: str = Field(description="a purpose of schemas/vocabularies/bots.json, such as monitor")
    user_agent: Texts = Field(description="user agents in any case, with * for any characters", min_length=1)

    @field_validator("purpose")
    @classmethod
    def _known_purpose(cls, purpose: str) -> str:
        if purpose not in PURPOSES:
            raise ValueError(f"give a purpose: one of {', '.join(PURPOSES)}")
        return purpose


class OwnSource(BaseModel):
    """A site that the operator names as a source of visits."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(pattern=_NAME, max_length=40, description="released name")
    medium: str = Field(description="search, social, ai, email or referral")
    host: Texts = Field(description="names of hosts, each with all that stand below it", min_length=1)

    @field_validator("medium")
    @classmethod
    def _known_medium(cls, medium: str) -> str:
        if medium not in MEDIA:
            raise ValueError(f"give a medium: one of {', '.join(MEDIA)}")
        return medium


def check_routes(routes: tuple[str, ...]) -> tuple[str, ...]:
    """Check templates of routes.

    Raises:
        ValueError: one is no path of plain segments and `{names}`.
    """
    if not all(_ROUTE.fullmatch(route) for route in routes):
        raise ValueError("give paths of plain segments and names in braces, such as /shop/{product}/reviews")
    return routes
