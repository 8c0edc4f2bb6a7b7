"""Kept records → hits: what was asked for, from where, and with what software."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.cells import SEPARATOR
from logscrub.columns import Memo, codes, compact, compact_batch, relabel, spread
from logscrub.config import Settings
from logscrub.durations import buckets
from logscrub.enrich.campaigns import LONGEST_VALUE, campaigns
from logscrub.enrich.geography import Geography
from logscrub.enrich.languages import primary_languages
from logscrub.enrich.networks import LONGEST_CARRIER, carrier_names, connection_types
from logscrub.enrich.referrers import Source, is_internal, referrer_sources, registrable_domain
from logscrub.enrich.user_agents import classify
from logscrub.privacy.urls import host_name, is_static_asset, may_identify_decoded, route_template
from logscrub.schemas import NONE, UNKNOWN, vocabulary_names
from logscrub.scrub.identities import Identities
from logscrub.traffic.hits import HITS, visitors

_TEXTS = (
    *("host", "method", "target", "referrer", "user_agent", "event"),
    *("language", "connection", "carrier"),
)
_ABSENT = ""  # what a hit does not tell of its own: no referrer, no campaign, no bot

Flags = npt.NDArray[np.bool_]


class HitMaker:
    """Classifies the kept records of block after block; remembers answers for distinct values."""

    def __init__(self, settings: Settings, geography: Geography) -> None:
        self._own = frozenset(filter(None, (registrable_domain(host) for host in settings.own_hosts)))
        self._geography = geography
        self._paths = Memo(lambda distinct: [(route_template(p), is_static_asset(p)) for p in distinct])
        self._hosts = Memo(lambda distinct: [_host(text) for text in distinct])
        self._referrers = Memo(referrer_sources)
        self._agents = Memo(_agent_classes)
        self._languages = Memo(primary_languages)
        self._connections = Memo(connection_types)
        self._carriers = Memo(_carriers)
        self._methods = vocabulary_names("methods")

    def __call__(self, records: pa.RecordBatch, identities: Identities, kept: Flags) -> pa.RecordBatch:
        """Hits (schema HITS) of the records where `kept` is true, in their order."""
        if not kept.all():
            records, identities = _chosen(records, identities, kept)
        text = {name: records.column(name) for name in _TEXTS}
        status = records.column("status")
        template, page_view = self._requests(text, status.to_numpy(zero_copy_only=False))
        host_answers = self._hosts(text["host"].dictionary.to_pylist())
        columns = {
            "visitor": visitors(identities.visitor, identities.unit),
            "time": records.column("time"),
            "hour": pa.array(identities.hour),
            "status": status,
            "bytes": records.column("bytes"),
            "page_view": pa.array(page_view),
            "duration": pa.array(buckets(records.column("duration"))),
            "host": relabel(text["host"], [name for name, _ in host_answers], UNKNOWN),
            "path": template,
            "method": self._method(text),
            "referrer": self._referrer(text, [domain for _, domain in host_answers]),
            "campaign": _campaign(text["target"]),
            **self._software(text["user_agent"]),
            "place": self._place(identities),
            "language": self._language(text["language"]),
            "network": self._network(text["connection"], text["carrier"]),
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

    def _referrer(
        self, text: dict[str, pa.DictionaryArray], own_domains: list[str | None]
    ) -> pa.DictionaryArray:
        """Medium and source of each referrer; internal where it is the domain of the record's own host."""
        referrer = text["referrer"]
        sources: list[Source] = self._referrers(referrer.dictionary.to_pylist())
        labels = [joined(source.medium, source.source) if source.medium else _ABSENT for source in sources]
        known_own = np.array([is_internal(source.domain, self._own) for source in sources], dtype=bool)
        internal = joined("internal", NONE)
        if not any(own_domains):
            named = zip(labels, known_own.tolist(), strict=True)
            return relabel(referrer, [internal if own else label for label, own in named], _ABSENT)
        own = spread(referrer, known_own, null=False) | self._same_domain(
            sources, referrer, own_domains, text
        )
        external = relabel(referrer, labels, _ABSENT)
        distinct = pa.concat_arrays([external.dictionary, pa.array([internal])])
        code = np.where(own, np.int32(len(external.dictionary)), codes(external))
        return pa.DictionaryArray.from_arrays(pa.array(code), distinct)

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
        absent = (joined(*[UNKNOWN] * 3), joined(*[UNKNOWN] * 2), _ABSENT)
        return {
            name: relabel(agent, [answer[place] for answer in classes], absent[place])
            for place, name in enumerate(("system", "browser", "bot"))
        }

    def _place(self, identities: Identities) -> pa.DictionaryArray:
        networks = identities.networks
        found, places = self._geography(networks.family, networks.high, networks.low)
        code = spread(identities.network, found, null=0)
        labels = pa.array([joined(*place) for place in places], type=pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(code), labels)

    def _language(self, language: pa.DictionaryArray) -> pa.DictionaryArray:
        return relabel(language, self._languages(language.dictionary.to_pylist()), UNKNOWN)

    def _network(self, connection: pa.DictionaryArray, carrier: pa.DictionaryArray) -> pa.DictionaryArray:
        connections = relabel(connection, self._connections(connection.dictionary.to_pylist()), UNKNOWN)
        carriers = relabel(carrier, self._carriers(carrier.dictionary.to_pylist()), UNKNOWN)
        names = carriers.dictionary.to_pylist()
        labels = [joined(kind, name) for kind in connections.dictionary.to_pylist() for name in names]
        code = codes(connections) * np.int32(len(names)) + codes(carriers)
        return compact(pa.DictionaryArray.from_arrays(pa.array(code), pa.array(labels, type=pa.string())))


def _chosen(
    records: pa.RecordBatch, identities: Identities, kept: Flags
) -> tuple[pa.RecordBatch, Identities]:
    """Records and identities of those who are kept, without a value that only others have."""
    return compact_batch(records.filter(pa.array(kept))), identities.take(kept)


def joined(*parts: str) -> str:
    """What belongs together, as one text of hits."""
    return SEPARATOR.join(parts)


def _campaign(target: pa.DictionaryArray) -> pa.DictionaryArray:
    answers = campaigns(target.dictionary, lambda value: may_identify_decoded(value, LONGEST_VALUE))
    return relabel(target, [joined(*answer) if answer else _ABSENT for answer in answers], _ABSENT)


def _carriers(distinct: list[str]) -> list[str]:
    return [
        UNKNOWN if may_identify_decoded(name, LONGEST_CARRIER) else name for name in carrier_names(distinct)
    ]


def _host(text: str) -> tuple[str, str | None]:
    """Released name of a host, and its registrable domain."""
    name = host_name(text)
    return name, None if name == UNKNOWN else registrable_domain(name)


def _agent_classes(distinct: list[str]) -> list[tuple[str, str, str]]:
    """System, browser and bot of each agent, as hits hold them."""
    found = classify(distinct)
    systems = map(joined, found.device, found.system, found.system_version)
    browsers = map(joined, found.browser, found.browser_version)
    named = zip(found.purpose, found.bot, strict=True)
    bots = (joined(purpose or UNKNOWN, name) if name else _ABSENT for purpose, name in named)
    return list(zip(systems, browsers, bots, strict=True))
