"""Kept records → hits: what was asked for, from where, and with what software."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.columns import Memo, compact, relabel, spread
from logscrub.config import Settings
from logscrub.enrich.referrers import Source, is_internal, referrer_sources, registrable_domain
from logscrub.enrich.user_agents import classify
from logscrub.privacy.urls import host_name, is_static_asset, route_template
from logscrub.schemas import UNKNOWN, vocabulary_names
from logscrub.scrub.identities import Identities
from logscrub.traffic.hits import HITS

_NO_REFERRER = ""
_NOT_A_BOT = ""

Flags = npt.NDArray[np.bool_]


class HitMaker:
    """Classifies the kept records of block after block; remembers answers for distinct values."""

    def __init__(self, settings: Settings) -> None:
        self._own = frozenset(filter(None, (registrable_domain(host) for host in settings.own_hosts)))
        self._paths = Memo(lambda distinct: [(route_template(p), is_static_asset(p)) for p in distinct])
        self._hosts = Memo(lambda distinct: [_host(text) for text in distinct])
        self._referrers = Memo(referrer_sources)
        self._agents = Memo(_agent_classes)
        self._methods = vocabulary_names("methods")

    def __call__(self, records: pa.RecordBatch, identities: Identities, kept: Flags) -> pa.RecordBatch:
        """Hits (schema HITS) of the records where `kept` is true, in their order."""
        chosen = pa.array(kept)
        text = {
            name: compact(records.column(name).filter(chosen))
            for name in ("host", "method", "target", "referrer", "user_agent", "event")
        }
        status = records.column("status").filter(chosen)
        template, page_view = self._requests(text, status.to_numpy(zero_copy_only=False))
        host_answers = self._hosts(text["host"].dictionary.to_pylist())
        columns = {
            "unit": pa.array(identities.unit[kept]),
            "visitor": pa.array(identities.visitor[kept]),
            "time": records.column("time").filter(chosen),
            "hour": pa.array(identities.hour[kept]),
            "status": status,
            "bytes": records.column("bytes").filter(chosen),
            "page_view": pa.array(page_view),
            "host": relabel(text["host"], [name for name, _ in host_answers], UNKNOWN),
            "path": template,
            "method": self._method(text),
            **self._sources(text, [domain for _, domain in host_answers]),
            **self._software(text["user_agent"]),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in HITS.names], schema=HITS)

    def _requests(
        self, text: dict[str, pa.DictionaryArray], status: npt.NDArray[np.int16]
    ) -> tuple[pa.DictionaryArray, Flags]:
        """Route templates, and which records are page views (see section 'Counting' of ARCHITECTURE.md)."""
        target = text["target"]
        # Most distinct targets differ in their query alone.
        target = relabel(target, pc.replace_substring_regex(target.dictionary, r"(?s)[?#].*$", ""), "")
        answers = self._paths(target.dictionary.to_pylist())
        templates = relabel(target, [template for template, _ in answers], UNKNOWN)
        page = np.array([t != UNKNOWN and not static for t, static in answers], dtype=bool)
        method, event = text["method"], text["event"]
        is_get = np.array([m == "GET" for m in method.dictionary.to_pylist()], dtype=bool)
        answered = (status == 0) | ((status >= 200) & (status < 300)) | (status == 304)  # noqa: PLR2004
        request = spread(method, is_get, null=True) & answered & spread(target, page, null=False)
        is_page_view = np.array([e == "page_view" for e in event.dictionary.to_pylist()], dtype=bool)
        no_event = np.asarray(event.is_null().to_numpy(zero_copy_only=False))
        return templates, np.where(no_event, request, spread(event, is_page_view, null=False))

    def _method(self, text: dict[str, pa.DictionaryArray]) -> pa.DictionaryArray:
        """Method in the vocabulary; a request without one is a GET, what is no request has none."""
        method = text["method"]
        requested = text["target"].is_valid() if len(method) else pa.array([], pa.bool_())
        asked = pc.and_(requested, text["event"].is_null())
        labels = [m if m in self._methods else UNKNOWN for m in method.dictionary.to_pylist()]
        plain = relabel(method, labels, "").cast(pa.string())
        absent = pc.if_else(asked, "GET", UNKNOWN)
        return pc.if_else(pc.equal(plain, ""), absent, plain).dictionary_encode()

    def _sources(
        self, text: dict[str, pa.DictionaryArray], own_domains: list[str | None]
    ) -> dict[str, pa.DictionaryArray]:
        """Medium and source of each referrer; internal where it is the domain of the record's own host."""
        referrer = text["referrer"]
        sources: list[Source] = self._referrers(referrer.dictionary.to_pylist())
        media = [source.medium or _NO_REFERRER for source in sources]
        names = [source.source if source.medium else _NO_REFERRER for source in sources]
        known_own = np.array([is_internal(source.domain, self._own) for source in sources], dtype=bool)
        own = spread(referrer, known_own, null=False) | self._same_domain(
            sources, referrer, own_domains, text
        )
        mask = pa.array(own)
        medium = relabel(referrer, media, _NO_REFERRER).cast(pa.string())
        source = relabel(referrer, names, _NO_REFERRER).cast(pa.string())
        return {
            "medium": pc.if_else(mask, "internal", medium).dictionary_encode(),
            "source": pc.if_else(mask, _NO_REFERRER, source).dictionary_encode(),
        }

    @staticmethod
    def _same_domain(
        sources: list[Source],
        referrer: pa.DictionaryArray,
        own_domains: list[str | None],
        text: dict[str, pa.DictionaryArray],
    ) -> Flags:
        numbers = {
            domain: n for n, domain in enumerate({*own_domains, *(s.domain for s in sources)} - {None})
        }
        of_referrer = np.array([numbers.get(source.domain, -1) for source in sources], dtype=np.int64)
        of_host = np.array([numbers.get(domain, -2) for domain in own_domains], dtype=np.int64)
        same: Flags = spread(referrer, of_referrer, -1) == spread(text["host"], of_host, -2)
        return same

    def _software(self, agent: pa.DictionaryArray) -> dict[str, pa.DictionaryArray]:
        classes = self._agents(agent.dictionary.to_pylist())
        names = ("device", "system", "system_version", "browser", "browser_version", "bot", "purpose")
        absent = (UNKNOWN,) * 5 + (_NOT_A_BOT,) * 2
        return {
            name: relabel(agent, [answer[place] for answer in classes], absent[place])
            for place, name in enumerate(names)
        }


def _host(text: str) -> tuple[str, str | None]:
    """Released name of a host, and its registrable domain."""
    name = host_name(text)
    return name, None if name == UNKNOWN else registrable_domain(name)


def _agent_classes(distinct: list[str]) -> list[tuple[str, ...]]:
    found = classify(distinct)
    bots = (
        (name or _NOT_A_BOT, purpose or _NOT_A_BOT)
        for name, purpose in zip(found.bot, found.purpose, strict=True)
    )
    return [
        (*software, *bot)
        for software, bot in zip(
            zip(
                found.device,
                found.system,
                found.system_version,
                found.browser,
                found.browser_version,
                strict=True,
            ),
            bots,
            strict=True,
        )
    ]
