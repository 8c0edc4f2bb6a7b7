"""Kept records → hits: what was asked for, from where, and with what software."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.cells import SEPARATOR
from logscrub.columns import Memo, codes, compact, compact_batch, relabel, spread
from logscrub.config import Settings
from logscrub.durations import buckets
from logscrub.enrich.campaign_cookies import stored_campaigns
from logscrub.enrich.campaigns import LONGEST_VALUE, campaigns
from logscrub.enrich.content import LONGEST_EVENT, PAGE, SITE_SEARCH, content_classes, event_names, searches
from logscrub.enrich.geography import Answer, Geography
from logscrub.enrich.languages import primary_languages
from logscrub.enrich.networks import LONGEST_CARRIER, carrier_names, connection_types
from logscrub.enrich.referrers import is_internal, own_sources, referrer_sources, site
from logscrub.formats.records import encoded
from logscrub.privacy.urls import OwnRoutes, host_name, is_static_asset, may_identify_decoded
from logscrub.schemas import NONE, UNKNOWN, vocabulary_names
from logscrub.scrub.filters import matching
from logscrub.scrub.identities import Identities
from logscrub.scrub.software import Software
from logscrub.traffic.hits import HITS, STORED, visitors

_TEXTS = (
    *("host", "method", "target", "referrer", "user_agent", "client_hints", "event"),
    *("language", "connection", "carrier"),
)


def joined(*parts: str) -> str:
    """What belongs together, as one text of hits."""
    return SEPARATOR.join(parts)


_INTERNAL = joined("internal", NONE)
_THURSDAY = 3  # of 1970-01-01, counted from Monday
_ABSENT = ""  # what a hit does not tell of its own: no referrer, no campaign, no bot

Flags = npt.NDArray[np.bool_]


class HitMaker:
    """Classifies the kept records of block after block; remembers answers for distinct values."""

    def __init__(self, settings: Settings, geography: Geography) -> None:
        self._own = frozenset(filter(None, map(site, settings.own_hosts)))
        self._geography = geography
        self._route = OwnRoutes(settings.routes)
        self._static = frozenset(ending.lower() for ending in settings.static_extensions)
        self._views = settings.page_views
        self._paths = Memo(self._routes)
        self._hosts = Memo(_hosts)
        self._referrers = Memo(self._sources)
        self._software = Software(settings.bots)
        self._own_sources = own_sources(settings.sources)
        self._languages = Memo(lambda distinct: [_strings(primary_languages(distinct))])
        self._connections = Memo(lambda distinct: [_strings(connection_types(distinct))])
        self._carriers = Memo(lambda distinct: [_strings(_carriers(distinct))])
        self._events = Memo(lambda distinct: [_strings(event_names(distinct, _may_name))])
        self._methods = vocabulary_names("methods")

    def __call__(self, records: pa.RecordBatch, identities: Identities, kept: Flags) -> pa.RecordBatch:
        """Hits (schema HITS) of the records where `kept` is true, in their order."""
        if not kept.all():
            records, identities = _chosen(records, identities, kept)
        text = {name: records.column(name) for name in _TEXTS}
        status = records.column("status")
        template, content, page_view = self._requests(records, text, identities.day)
        host_names, own_sites = self._hosts(text["host"].dictionary)
        columns = {
            "visitor": visitors(identities.visitor, identities.unit),
            "time": records.column("time"),
            "weekday": pa.array(((identities.day + _THURSDAY) % 7 + 1).astype(np.int8)),
            "hour": pa.array(identities.hour),
            "status": status,
            "bytes": records.column("bytes"),
            "page_view": pa.array(page_view),
            "duration": pa.array(buckets(records.column("duration"))),
            "host": relabel(text["host"], host_names, UNKNOWN),
            "path": template,
            "content": content,
            "event": self._event(text, page_view),
            "method": self._method(text),
            "referrer": self._referrer(text, own_sites),
            "campaign": _campaign(text["target"], records.column("cookie")),
            **self._software(text["user_agent"], text["client_hints"], text["event"]),
            "place": self._place(identities),
            "language": self._language(text["language"]),
            "network": self._network(text["connection"], text["carrier"], identities),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in HITS.names], schema=HITS)

    def _requests(
        self, records: pa.RecordBatch, text: dict[str, pa.DictionaryArray], day: npt.NDArray[np.int32]
    ) -> tuple[pa.DictionaryArray, pa.DictionaryArray, Flags]:
        """Route templates, classes of files, and which records are page views (see `_is_viewed`)."""
        target = text["target"]
        # Most distinct targets differ in their query alone.
        target = relabel(target, pc.replace_substring_regex(target.dictionary, r"(?s)[?#].*$", ""), "")
        names, classes, is_page = self._paths(target.dictionary)
        templates = relabel(target, names, UNKNOWN)
        page = is_page.to_numpy(zero_copy_only=False)
        event = text["event"]
        viewed = matching(self._views, records, day) if self._views else _is_viewed(records)
        request = viewed & spread(target, page, null=False)
        is_page_view = np.array([e == "page_view" for e in event.dictionary.to_pylist()], dtype=bool)
        no_event = np.asarray(event.is_null().to_numpy(zero_copy_only=False))
        content = _of_requests(relabel(target, classes, PAGE), no_event)
        return templates, content, np.where(no_event, request, spread(event, is_page_view, null=False))

    def _routes(self, distinct: list[str]) -> list[pa.Array]:
        """Route template and class of each path, and whether it is a page."""
        templates = [self._route(path) for path in distinct]
        named = zip(distinct, templates, strict=True)
        pages = [template != UNKNOWN and not is_static_asset(path, self._static) for path, template in named]
        return [_strings(templates), _strings(content_classes(distinct)), pa.array(pages, pa.bool_())]

    def _event(self, text: dict[str, pa.DictionaryArray], page_view: Flags) -> pa.DictionaryArray:
        """Names of events; a page view with a search is one, whatever the app calls it."""
        event, target = text["event"], text["target"]
        named = relabel(event, self._events(event.dictionary)[0], _ABSENT)
        search = page_view & spread(target, searches(target.dictionary), null=False)
        if not search.any():
            return named
        code = np.where(search, np.int32(len(named.dictionary)), codes(named))
        return encoded(pa.array(code), pa.concat_arrays([named.dictionary, _strings([SITE_SEARCH])]))

    def _method(self, text: dict[str, pa.DictionaryArray]) -> pa.DictionaryArray:
        """Method in the vocabulary; a request without one is a GET, what is no request has none."""
        method = text["method"]
        names = [m if m in self._methods else UNKNOWN for m in method.dictionary.to_pylist()]
        code = codes(method)
        requested = pc.and_(text["target"].is_valid(), text["event"].is_null())
        no_request = ~np.asarray(requested.to_numpy(zero_copy_only=False), dtype=bool)
        code = np.where((code == len(names)) & no_request, np.int32(len(names) + 1), code)
        return encoded(pa.array(code), _strings([*names, "GET", UNKNOWN]))

    def _referrer(self, text: dict[str, pa.DictionaryArray], own_sites: pa.Array) -> pa.DictionaryArray:
        """Medium and source of each referrer; internal where it is the site of the record's own host."""
        referrer = text["referrer"]
        labels, sites = self._referrers(referrer.dictionary)
        external = relabel(referrer, labels, _ABSENT)
        if own_sites.null_count == len(own_sites):
            return external
        own = _same_site(referrer, sites, text["host"], own_sites)
        code = np.where(own, np.int32(len(external.dictionary)), codes(external))
        return encoded(pa.array(code), pa.concat_arrays([external.dictionary, _strings([_INTERNAL])]))

    def _sources(self, distinct: list[str]) -> list[pa.Array]:
        """Label of each referrer, as far as its host is not asked for, and its site."""
        sources = referrer_sources(distinct, self._own_sources)
        labels = (
            _INTERNAL
            if is_internal(source.site, self._own)
            else joined(source.medium, source.source)
            if source.medium
            else _ABSENT
            for source in sources
        )
        return [_strings(labels), _strings(source.site for source in sources)]

    def _told(self, identities: Identities) -> tuple[npt.NDArray[np.int32], list[Answer]]:
        """What databases tell of each record's network: the number of its answer, and the answers."""
        networks = identities.networks
        found, answers = self._geography(networks.family, networks.high, networks.low)
        return spread(identities.network, found, null=0), answers

    def _place(self, identities: Identities) -> pa.DictionaryArray:
        code, answers = self._told(identities)
        return _labelled(code, [joined(*answer.place) for answer in answers])

    def _language(self, language: pa.DictionaryArray) -> pa.DictionaryArray:
        return relabel(language, self._languages(language.dictionary)[0], UNKNOWN)

    def _network(
        self, connection: pa.DictionaryArray, carrier: pa.DictionaryArray, identities: Identities
    ) -> pa.DictionaryArray:
        """Connection and carrier, each as the record tells it, else as databases tell it of its network."""
        code, answers = self._told(identities)
        names = self._carriers(_strings(answer.carrier for answer in answers))[0]
        kinds = _strings(answer.connection for answer in answers)
        return _pairs(
            _known_else(
                relabel(connection, self._connections(connection.dictionary)[0], UNKNOWN), code, kinds
            ),
            _known_else(relabel(carrier, self._carriers(carrier.dictionary)[0], UNKNOWN), code, names),
        )


def _known_else(
    told: pa.DictionaryArray, code: npt.NDArray[np.int32], others: pa.StringArray
) -> pa.DictionaryArray:
    """The labels of records; where one is unknown, the other of the record's code."""
    own = codes(told)
    is_known = spread(told, np.array([label != UNKNOWN for label in told.dictionary.to_pylist()]), null=False)
    labels = pa.concat_arrays([told.dictionary, others])
    return _labelled(np.where(is_known, own, code + np.int32(len(told.dictionary))), labels)


def _pairs(first: pa.DictionaryArray, second: pa.DictionaryArray) -> pa.DictionaryArray:
    """Two labels of each record as one; only pairs that occur are made."""
    width = len(second.dictionary)
    pair = pa.array(codes(first) * np.int64(width) + codes(second)).dictionary_encode()
    heads, tails = first.dictionary.to_pylist(), second.dictionary.to_pylist()
    labels = [joined(heads[at // width], tails[at % width]) for at in pair.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(pair.indices, _strings(labels))


def _labelled(code: npt.NDArray[np.int32], labels: Iterable[str] | pa.StringArray) -> pa.DictionaryArray:
    """A column of labels, each of them once and none that no record has."""
    given = labels if isinstance(labels, pa.Array) else _strings(labels)
    return compact(relabel(pa.DictionaryArray.from_arrays(pa.array(code), given), given, UNKNOWN))


def _chosen(
    records: pa.RecordBatch, identities: Identities, kept: Flags
) -> tuple[pa.RecordBatch, Identities]:
    """Records and identities of those who are kept, without a value that only others have."""
    return compact_batch(records.filter(pa.array(kept))), identities.take(kept)


def _may_name(text: str) -> bool:
    return may_identify_decoded(text, LONGEST_EVENT)


def _of_requests(content: pa.DictionaryArray, is_request: Flags) -> pa.DictionaryArray:
    """Classes of requests; events of apps ask for no content."""
    if is_request.all():
        return content
    code = np.where(is_request, codes(content), np.int32(len(content.dictionary)))
    return encoded(pa.array(code), pa.concat_arrays([content.dictionary, _strings([NONE])]))


def _is_viewed(records: pa.RecordBatch) -> Flags:
    """Which records are GET requests that were answered, as far as method and status are known."""
    method, status = records.column("method"), records.column("status").to_numpy(zero_copy_only=False)
    is_get = np.array([m == "GET" for m in method.dictionary.to_pylist()], dtype=bool)
    answered = (status == 0) | ((status >= 200) & (status < 300)) | (status == 304)  # noqa: PLR2004
    viewed: Flags = spread(method, is_get, null=True) & answered
    return viewed


def _campaign(target: pa.DictionaryArray, cookie: pa.DictionaryArray) -> pa.DictionaryArray:
    """Campaign of each target; where it gives none, the one in the cookie, marked as stored."""
    answers = campaigns(target.dictionary, _may_identify)
    told = relabel(target, [joined(*answer) if answer else _ABSENT for answer in answers], _ABSENT)
    place, found = stored_campaigns(cookie.dictionary, _may_identify)
    if not found:
        return told
    stored, code = spread(cookie, place, null=-1), codes(told)
    absent = code == pc.index(told.dictionary, _ABSENT).as_py()
    code = np.where(absent & (stored >= 0), stored + np.int32(len(told.dictionary)), code)
    labels = _strings(joined(*campaign, STORED) for campaign in found)
    return encoded(pa.array(code), pa.concat_arrays([told.dictionary, labels]))


def _may_identify(value: str) -> bool:
    return may_identify_decoded(value, LONGEST_VALUE)


def _carriers(distinct: list[str]) -> list[str]:
    return [
        UNKNOWN if may_identify_decoded(name, LONGEST_CARRIER) else name for name in carrier_names(distinct)
    ]


def _hosts(distinct: list[str]) -> list[pa.Array]:
    """Released name of each host, and its site."""
    return [_strings(map(host_name, distinct)), _strings(map(site, distinct))]


def _same_site(
    referrer: pa.DictionaryArray, sites: pa.Array, host: pa.DictionaryArray, own_sites: pa.Array
) -> Flags:
    """Which records were referred by the site of their own host."""
    number = pa.concat_arrays([sites, own_sites]).dictionary_encode().indices.fill_null(-1).to_numpy()
    of_referrer, of_host = number[: len(sites)], number[len(sites) :]
    same: Flags = spread(referrer, of_referrer, -1) == spread(host, np.where(of_host < 0, -2, of_host), -2)
    return same


def _strings(values: Iterable[str | None]) -> pa.StringArray:
    return pa.array(values, pa.string())
