"""Countries and regions come from databases, codes only, and no error quotes an address."""

import io
import ipaddress
import itertools
import json
import pickle
import re
import traceback
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.demo_geoip import BUILT, assignments, demo_database
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from logscrub.enrich import geography
from logscrub.enrich.geography import NOTHING, NOWHERE, Answer, Database, Geography, Place, open_database
from logscrub.enrich.networks import carrier_names
from logscrub.errors import UsageError
from logscrub.schemas import UNKNOWN, vocabulary_names
from tests.support import CORPORA, ROOT

DEMO = ROOT / "sample_logs" / "geoip" / "demo-city.mmdb"
GEOIP = CORPORA / "geoip"
needs_corpora = pytest.mark.skipif(not GEOIP.is_dir(), reason="no corpora on this machine")

Network = IPv4Network | IPv6Network


def places(geo: Geography, networks: list[Network]) -> list[Place]:
    """Places of the first addresses of networks."""
    return [answer.place for answer in answers(geo, networks)]


def answers(geo: Geography, networks: list[Network]) -> list[Answer]:
    """What is told of the first addresses of networks."""
    starts = [int(network.network_address) for network in networks]
    is_ipv6 = [network.version == 6 for network in networks]
    found, known = geo(
        np.array([network.version for network in networks], np.uint8),
        np.array([n >> 64 if six else 0 for n, six in zip(starts, is_ipv6, strict=True)], np.uint64),
        np.array([0 if six else n for n, six in zip(starts, is_ipv6, strict=True)], np.uint64),
    )
    return [known[number] for number in found]


def places_of(geo: Geography, *texts: str) -> list[Place]:
    return places(geo, [ipaddress.ip_network(text, strict=False) for text in texts])


def codes(record: dict[str, Any] | None) -> Place:
    """What a record should give."""
    country = (record or {}).get("country", {}).get("iso_code")
    if country is None:
        return NOWHERE
    first = next(iter((record or {}).get("subdivisions", [])), {})
    return country, f"{country}-{first['iso_code']}" if "iso_code" in first else UNKNOWN


@pytest.fixture(scope="module")
def demo() -> Geography:
    return Geography([open_database(DEMO)])


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Database]:
    """A database of the given records, for IPv4 only unless told otherwise."""

    def make(records: dict[str, Any], name: str = "made", **options: Any) -> Database:
        writer = MMDBWriter(**({"database_type": "Test-City", "languages": ["en"]} | options))
        for network, record in records.items():
            writer.insert_network(IPSet([network]), record)
        writer.to_db_file(str(tmp_path / f"{name}.mmdb"))
        return open_database(tmp_path / f"{name}.mmdb")

    return make


def test_demo_database_is_what_the_script_makes() -> None:
    assert demo_database() == DEMO.read_bytes()
    assert len(demo_database()) < 60_000


def test_every_network_of_the_demo(demo: Geography) -> None:
    truth = list(assignments())
    assert places(demo, [network for network, _ in truth]) == [codes(record) for _, record in truth]


def test_demo_has_regions_countries_without_and_gaps(demo: Geography) -> None:
    found = set(places(demo, [network for network, _ in assignments()]))
    assert {("GB", "GB-ENG"), ("US", "US-CA"), ("DE", "DE-BY"), ("JP", UNKNOWN), NOWHERE} <= found


def test_metadata_for_the_manifest() -> None:
    database = open_database(str(DEMO))
    assert (database.database_type, database.build_epoch) == ("logscrub-Demo-City", BUILT)


def test_family_0_and_unassigned_networks_are_nowhere(demo: Geography) -> None:
    family = np.array([0, 4, 6, 0], np.uint8)
    zeros = np.zeros(4, np.uint64)
    found, known = demo(family, zeros, zeros)
    assert [known[number] for number in found] == [NOTHING] * 4
    assert len(demo(family[:0], zeros[:0], zeros[:0])[0]) == 0


def test_without_a_database_nothing_is_known() -> None:
    assert places_of(Geography([]), "198.18.0.0/24", "2001:db8::/48") == [NOWHERE] * 2


def test_open_file_gives_the_same(demo: Geography) -> None:
    copied = Geography([open_database(io.BytesIO(DEMO.read_bytes()), "gs://bucket/demo.mmdb")])
    networks = [network for network, _ in assignments()]
    assert places(copied, networks) == places(demo, networks)


def test_only_the_country_of_use_counts(made: Callable[..., Database]) -> None:
    record = {
        "registered_country": {"iso_code": "FR"},
        "represented_country": {"iso_code": "US"},
        "continent": {"code": "EU"},
        "traits": {"is_anycast": True},
    }
    geo = Geography([made({"192.0.2.0/24": record, "198.51.100.0/24": {"country": {"iso_code": "DE"}}})])
    assert places_of(geo, "192.0.2.0/24", "198.51.100.0/24") == [NOWHERE, ("DE", UNKNOWN)]


@pytest.mark.parametrize(
    "record",
    [
        {"country": {"iso_code": "ZZ"}},
        {"country": {"iso_code": "de"}},
        {"country": {"iso_code": 49}},
        {"country": "DE"},
        {"country": [{"iso_code": "DE"}]},
        {"subdivisions": [{"iso_code": "BY"}]},
        ["DE"],
        "DE",
        7,
    ],
)
def test_odd_records_are_nowhere(made: Callable[..., Database], record: Any) -> None:
    geo = Geography([made({"192.0.2.0/24": record, "198.51.100.0/24": {"country": {"iso_code": "DE"}}})])
    assert places_of(geo, "192.0.2.0/24") == [NOWHERE]


@pytest.mark.parametrize("region", ["", "by", "BAVA", "B Y", "ÄB", "BY\n", 7, None])
def test_odd_regions_are_unknown(made: Callable[..., Database], region: Any) -> None:
    subdivision = {} if region is None else {"iso_code": region}
    geo = Geography(
        [made({"192.0.2.0/24": {"country": {"iso_code": "DE"}, "subdivisions": [subdivision, {}]}})]
    )
    assert places_of(geo, "192.0.2.0/24") == [("DE", UNKNOWN)]


def test_first_database_that_knows_wins_per_field(made: Callable[..., Database]) -> None:
    country = made(
        {
            "192.0.2.0/24": {"country": {"iso_code": "DE"}},
            "198.51.100.0/24": {"country": {"iso_code": "DE"}},
        },
        "country",
    )
    city = made(
        {
            "192.0.2.0/24": {"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "BY"}]},
            "198.51.100.0/24": {"country": {"iso_code": "FR"}, "subdivisions": [{"iso_code": "IDF"}]},
            "203.0.113.0/24": {"country": {"iso_code": "FR"}, "subdivisions": [{"iso_code": "IDF"}]},
        },
        "city",
    )
    asked = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    assert places_of(Geography([country, city]), *asked) == [
        ("DE", "DE-BY"),
        ("DE", UNKNOWN),  # a region of another country is none
        ("FR", "FR-IDF"),
    ]
    assert places_of(Geography([city, country]), *asked)[1] == ("FR", "FR-IDF")


def test_ipv4_database_knows_no_ipv6(made: Callable[..., Database]) -> None:
    geo = Geography([made({"192.0.2.0/24": {"country": {"iso_code": "DE"}}})])
    assert places_of(geo, "2001:db8::/48", "::/48", "192.0.2.0/24") == [NOWHERE, NOWHERE, ("DE", UNKNOWN)]


def test_answers_do_not_depend_on_what_was_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = [network for network, _ in assignments()]
    expected = [codes(record) for _, record in assignments()]
    for remembered in (2_000_000, 50, 1):
        monkeypatch.setattr(geography, "_REMEMBERED", remembered)
        geo = Geography([open_database(DEMO)])
        for start in range(0, len(networks), 37):
            window = slice(max(0, start - 60), start + 37)
            assert places(geo, networks[window][::-1]) == expected[window][::-1]


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geography, "_REMEMBERED", 100)
    geo = Geography([open_database(DEMO)])
    networks = [network for network, _ in assignments()]
    for start in range(0, len(networks), 40):
        places(geo, networks[start : start + 40])
        assert all(len(memory) <= 100 for memory in geo._known.values())


def test_a_network_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(DEMO)
    asked: list[int] = []
    look_up = database.find
    monkeypatch.setattr(
        database, "find", lambda family, network: asked.append(network) or look_up(family, network)
    )
    geo = Geography([database])
    networks = [network for network, _ in assignments()]
    places(geo, networks)
    first = len(asked)
    places(geo, networks[::-1])
    assert first <= len(networks)
    assert len(asked) == first


def test_databases_are_not_sent(demo: Geography) -> None:
    for thing in (demo, open_database(DEMO)):
        with pytest.raises(TypeError, match="not sent"):
            pickle.dumps(thing)


def refused(source: Any, name: str | None = None) -> str:
    """The whole message of a refusal, with all that stands behind it."""
    with pytest.raises(UsageError, match=r"^--geoip ") as caught:
        open_database(source, name)
    return "".join(traceback.format_exception(caught.value, chain=True))


def test_refusals_say_what_to_do(tmp_path: Path) -> None:
    text = tmp_path / "text.mmdb"
    text.write_bytes(b"192.0.2.1 DE\n" * 100)
    assert "No such file or directory: check the path" in refused(tmp_path / "none.mmdb")
    assert "Is a directory" in refused(tmp_path)
    assert "no MaxMind database" in refused(text)
    assert "GeoLite2-City.mmdb" in refused(text)
    message = refused(io.BytesIO(b""), "gs://bucket/geo.mmdb")
    assert "--geoip gs://bucket/geo.mmdb: it is no MaxMind database" in message
    assert "192.0.2" not in refused(text)


def test_database_without_countries_is_refused(made: Callable[..., Database]) -> None:
    with pytest.raises(UsageError, match=r"Test-Anonymous holds no countries, carriers or kinds"):
        made({"192.0.2.0/24": {"is_anonymous": True}}, database_type="Test-Anonymous")


def test_cut_database_is_refused() -> None:
    content = DEMO.read_bytes()
    for length in range(0, len(content), 101):
        assert "no MaxMind database" in refused(io.BytesIO(content[:length]))


# Under the C extension a few of these end the process: it takes damaged keys of a record for text.
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_database_is_refused_or_gives_codes(damage: list[tuple[float, int]]) -> None:
    content = bytearray(DEMO.read_bytes())
    for place, byte in damage:
        content[int(place * len(content))] = byte
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geography.maxminddb, "_extension", None)
        try:
            geo = Geography([open_database(io.BytesIO(bytes(content)))])
        except UsageError as error:
            told, geo = str(error), Geography([])
        else:
            told = ""
    assert not re.search(r"[0-9]+[.][0-9]+[.]|2001:", told)
    for country, region in places(geo, [network for network, _ in assignments()][::7]):
        assert country == UNKNOWN or country in vocabulary_names("countries")
        assert region == UNKNOWN or re.fullmatch(country + "-[A-Z0-9]{1,3}", region)


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 4, 6, 9]), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
        unique=True,
    )
)
def test_any_integers_give_a_place(networks: list[tuple[int, int, int]]) -> None:
    geo = Geography([open_database(DEMO)])
    family, high, low = ([row[i] for row in networks] for i in range(3))
    found, known = geo(np.array(family, np.uint8), np.array(high, np.uint64), np.array(low, np.uint64))
    assert len(found) == len(networks)
    assert all(known[number][0] in vocabulary_names("countries") | {UNKNOWN} for number in found)


def truth_of(name: str) -> dict[Network, dict[str, Any]]:
    rows = json.loads((GEOIP / "source-data" / f"{name}.json").read_text())
    return {ipaddress.ip_network(text, strict=False): record for row in rows for text, record in row.items()}


def is_asked(network: Network) -> bool:
    """Whether a network is one that logscrub can ask for: IPv4 inside IPv6 is unwrapped before."""
    start = int(network.network_address)
    if network.version == 4:
        return True
    return (
        network.prefixlen <= 64 and start >> 64 != 0 and start >> 112 != 0x2002 and start >> 96 != 0x20010000
    )


@needs_corpora
@pytest.mark.parametrize(
    "name", ["GeoIP2-City-Test", "GeoIP2-Country-Test", "GeoLite2-City-Test", "GeoLite2-Country-Test"]
)
def test_lookups_agree_with_the_source_of_the_database(name: str) -> None:
    truth = truth_of(name)
    networks = [network for network in truth if is_asked(network)]
    assert len(networks) > 200
    records = []
    for network in networks:
        around = [
            other
            for other in truth
            if other.version == network.version and network.network_address in other  # type: ignore[operator]
        ]
        records.append(truth[max(around, key=lambda other: other.prefixlen)])
    geo = Geography([open_database(GEOIP / "test-data" / f"{name}.mmdb")])
    assert places(geo, networks) == [codes(record) for record in records]


def record_around(truth: dict[Network, dict[str, Any]], network: Network) -> dict[str, Any]:
    """The record of the smallest network of the truth that holds the first address of a network."""
    length = 32 if network.version == 4 else 128
    start = int(network.network_address)
    kind = IPv4Network if network.version == 4 else IPv6Network
    for prefix in range(length, -1, -1):
        found = truth.get(kind((start >> (length - prefix) << (length - prefix), prefix)))
        if found is not None:
            return found
    return {}


def truncated(truth: dict[Network, dict[str, Any]]) -> list[Network]:
    """The networks of a truth as logscrub asks for them, those of the database for IPv4 being in IPv6 too."""
    asked = {
        network.supernet(new_prefix=min(network.prefixlen, 24 if network.version == 4 else 40))
        for network in truth
        if is_asked(network)
    }
    return sorted(asked, key=lambda network: (network.version, network))


def unmapped(truth: dict[Network, dict[str, Any]]) -> dict[Network, dict[str, Any]]:
    """IPv4 networks, which the databases' sources write as `::192.0.2.0/120`, as such."""
    return {
        IPv4Network((int(network.network_address), network.prefixlen - 96))
        if network.version == 6 and network.prefixlen >= 96 and int(network.network_address) >> 32 == 0
        else network: record
        for network, record in truth.items()
    }


KINDS = {"Cable/DSL": "wired", "Dialup": "wired", "Corporate": "wired", "Cellular": "cellular"}
KINDS["Satellite"] = "satellite"


@needs_corpora
@pytest.mark.parametrize(
    "name",
    [
        *("GeoIP2-City-Test", "GeoIP2-Country-Test", "GeoLite2-City-Test", "GeoLite2-Country-Test"),
        *("GeoLite2-ASN-Test", "GeoIP2-ISP-Test", "GeoIP2-Connection-Type-Test", "GeoIP2-Enterprise-Test"),
    ],
)
def test_truncated_networks_have_the_answer_of_the_source(name: str) -> None:
    truth = unmapped(truth_of(name))
    networks = truncated(truth)
    assert len(networks) > 20
    geo = Geography([open_database(GEOIP / "test-data" / f"{name}.mmdb")])
    for network, found in zip(networks, answers(geo, networks), strict=True):
        record = record_around(truth, network)
        told = record.get("traits", {}) | record
        names = [told.get(key) or "" for key in ("isp", "autonomous_system_organization")]
        carriers = [carrier for carrier in carrier_names(names) if carrier != UNKNOWN]
        assert found.place == codes(record)
        assert found.carrier == (carriers or [UNKNOWN])[0]
        assert found.connection == KINDS.get(told.get("connection_type", ""), UNKNOWN)


@needs_corpora
def test_several_databases_tell_what_each_tells_in_any_order() -> None:
    names = ("GeoIP2-Country-Test", "GeoLite2-ASN-Test", "GeoIP2-ISP-Test", "GeoIP2-Connection-Type-Test")
    networks = sorted(
        {network for name in names for network in truncated(unmapped(truth_of(name)))},
        key=lambda network: (network.version, network),
    )
    databases = [open_database(GEOIP / "test-data" / f"{name}.mmdb") for name in names]
    country, asn, isp, kinds = (answers(Geography([one]), networks) for one in databases)
    expected = [
        (a.place, d.connection, next((n for n in (c.provider, c.holder, b.holder) if n != UNKNOWN), UNKNOWN))
        for a, b, c, d in zip(country, asn, isp, kinds, strict=True)
    ]
    assert [len({row[part] for row in expected}) > 3 for part in range(3)] == [True] * 3
    for order in itertools.permutations(databases):
        found = answers(Geography(order), networks)
        told = [(one.place, one.connection, one.carrier) for one in found]
        differing = [pair for pair in zip(told, expected, strict=True) if pair[0] != pair[1]]
        # The list of ASN databases is of another date: only the holder may differ by order.
        assert all(one[:2] == other[:2] for one, other in differing)
        assert not [pair for pair in differing if UNKNOWN in (pair[0][2], pair[1][2])]


def test_databases_of_other_vendors_are_known_by_their_records(made: Callable[..., Database]) -> None:
    holder = {"autonomous_system_number": 64496, "autonomous_system_organization": "Example Net"}
    dbip = made({"192.0.2.0/24": holder}, "asn", database_type="DBIP-ASN-Lite (compat=GeoLite2-ASN)")
    place = {"country": {"iso_code": "DE"}, "subdivisions": [{"names": {"en": "Bavaria"}}]}
    city = made({"192.0.2.0/24": place}, "city", database_type="DBIP-City-Lite")
    (found,) = answers(Geography([dbip, city]), [IPv4Network("192.0.2.0/24")])
    assert (found.place, found.carrier) == (("DE", UNKNOWN), "Example Net")
    assert (dbip.tells_countries, city.tells_countries) == (False, True)


def test_a_provider_goes_before_the_holder_of_the_network(made: Callable[..., Database]) -> None:
    asn = made({"192.0.2.0/24": {"autonomous_system_organization": "Example Holder"}}, "asn")
    isp = made({"192.0.2.0/24": {"isp": "Example Provider", "organization": "Joe Doe"}}, "isp")
    for order in ([asn, isp], [isp, asn]):
        (found,) = answers(Geography(order), [IPv4Network("192.0.2.0/24")])
        assert found.carrier == "Example Provider"
    assert "Joe Doe" not in found


@pytest.mark.parametrize(("years", "is_old"), [(0, False), (0.99, False), (1.01, True), (30, True)])
def test_a_database_is_old_after_a_year(years: float, is_old: bool) -> None:
    age = open_database(DEMO).age("demo.mmdb", int((BUILT + years * 366 * 86_400) * 1000))
    assert (age.name, age.built, age.is_old, age.tells_countries) == (
        "demo.mmdb",
        "2026-03-01",
        is_old,
        True,
    )


@needs_corpora
def test_neighbours_in_one_record_are_found_as_if_alone() -> None:
    database = GEOIP / "test-data" / "GeoIP2-City-Test.mmdb"
    networks: list[Network] = []
    for network in truth_of("GeoIP2-City-Test"):
        if network.version == 4 and network.prefixlen <= 24:
            base = int(network.network_address)
            networks += [IPv4Network((max(0, base + step * 256), 24)) for step in range(-3, 300)]
    for text in ("2001:218::/30", "2a02:d100::/26"):
        networks += list(ipaddress.ip_network(text).subnets(new_prefix=40))[:1024]
    networks = sorted(set(networks), key=lambda network: (network.version, network))
    together = places(Geography([open_database(database)]), networks)
    one_by_one = Geography([open_database(database)])
    assert together == [places(one_by_one, [network])[0] for network in networks]
    assert len(set(together)) > 3


@needs_corpora
@pytest.mark.parametrize(
    "name",
    [
        "GeoIP2-Anonymous-IP-Test",
        "GeoIP2-Domain-Test",
        "GeoIP2-DensityIncome-Test",
        "GeoIP2-User-Count-Test",
        "GeoIP2-Static-IP-Score-Test",
        "MaxMind-DB-test-decoder",
        "MaxMind-DB-string-value-entries",
        "GeoIP2-City-Test-Broken-Double-Format",
        "GeoIP2-City-Test-Invalid-Node-Count",
        "MaxMind-DB-test-broken-pointers-24",
        "MaxMind-DB-test-broken-search-tree-24",
        "MaxMind-DB-no-ipv4-search-tree",
    ],
)
def test_other_and_broken_databases_are_refused(name: str) -> None:
    message = refused(GEOIP / "test-data" / f"{name}.mmdb")
    assert not re.search(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]+::", message)


@needs_corpora
@pytest.mark.parametrize("pure", [False, True])
def test_broken_records_give_unknown(monkeypatch: pytest.MonkeyPatch, pure: bool) -> None:
    path = GEOIP / "test-data" / "GeoIP2-City-Test-Broken-Double-Format.mmdb"
    if pure:
        monkeypatch.setattr(geography.maxminddb, "_extension", None)
    database = Database(geography.maxminddb.open_database(path))
    found = places(Geography([database]), [n for n in truth_of("GeoIP2-City-Test") if is_asked(n)])
    assert NOWHERE in found
