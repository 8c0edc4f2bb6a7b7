"""Clients behind proxies: what a client sends itself never counts."""

import ipaddress
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from logscrub.cli.commands import cli
from logscrub.config import Settings, load_settings
from logscrub.errors import UsageError
from logscrub.formats.records import TEXT, record_batch
from logscrub.privacy.addresses import parse_addresses
from logscrub.privacy.proxies import TrustedProxies, client_addresses
from tests.support import run_engine

PEER = "192.0.2.9"
CLIENT = "203.0.113.5"
OURS = ("192.0.2.0/24", "2001:db8::/32")


def clients(pairs: list[tuple[str | None, str | None]], trusted: int | tuple[str, ...]) -> list[str | None]:
    address, forwarded = (pa.array(column, pa.string()).cast(TEXT) for column in zip(*pairs, strict=True))
    records = record_batch(
        pa.array(range(len(pairs)), pa.int64()).to_numpy(), {"address": address, "forwarded": forwarded}
    )
    found = client_addresses(records, TrustedProxies.of(trusted))
    assert found.schema == records.schema
    return found.column("address").to_pylist()


def client(forwarded: str | None, trusted: int | tuple[str, ...], peer: str | None = PEER) -> str | None:
    return clients([(peer, forwarded)], trusted)[0]


@pytest.mark.parametrize(
    ("forwarded", "trusted", "expected"),
    [
        (CLIENT, 0, PEER),
        (CLIENT, (), PEER),
        (CLIENT, 1, CLIENT),
        (None, 1, PEER),
        ("", 1, PEER),
        (f"198.51.100.1, {CLIENT}", 1, CLIENT),
        (f"198.51.100.1, {CLIENT}", 2, "198.51.100.1"),
        (f"198.51.100.1,{CLIENT},198.51.100.2", 2, CLIENT),
        (CLIENT, 7, CLIENT),
        (f"198.51.100.1, {CLIENT}, 192.0.2.7", OURS, CLIENT),
        (f"{CLIENT}, ::ffff:192.0.2.7, [2001:db8::1]:443", OURS, CLIENT),
        ("192.0.2.1, 192.0.2.7", OURS, "192.0.2.1"),
        (f"198.51.100.1, , {CLIENT}, ", 1, CLIENT),
        (f"{CLIENT}:4711", 1, f"{CLIENT}:4711"),
        (f"for={CLIENT};proto=http;by=192.0.2.1", 1, CLIENT),
        (f'proto=https; For="{CLIENT}:80"', 1, f"{CLIENT}:80"),
        ('for=198.51.100.1, for="[2001:db9:cafe::17]:4711"', 1, "[2001:db9:cafe::17]:4711"),
        (r"for=\"[2001:db9::17]\"", 1, "[2001:db9::17]"),
        ("fe80::1%eth0", 1, "fe80::1%eth0"),
        ("unknown", 1, None),
        (f"{CLIENT}, unknown", 1, None),
        (f"for={CLIENT}, for=_hidden", 1, None),
        (f"{CLIENT}, for=_hidden, 192.0.2.7", OURS, None),
        (f"{CLIENT}, by=192.0.2.1", 1, None),
        (f"{CLIENT}, for=", 1, None),
        ("<script>", 1, None),
        # An open quote of the client swallows nothing of what the proxy appends.
        (f'for="x, for="{CLIENT}"', 1, CLIENT),
        # Of IPv4 in IPv6 by a prefix of the client's own choice nothing is trusted.
        (f"{CLIENT}, 2002:c000:0207::1", OURS, "2002:c000:0207::1"),
    ],
)
def test_the_last_address_that_a_trusted_proxy_tells_is_the_client(
    forwarded: str | None, trusted: int | tuple[str, ...], expected: str | None
) -> None:
    assert client(forwarded, trusted) == expected


def test_a_peer_outside_our_networks_is_the_client_whatever_it_sends() -> None:
    assert client(f"{CLIENT}, 192.0.2.7", OURS, "198.51.100.77") == "198.51.100.77"
    assert client(CLIENT, OURS, "garbage") == "garbage"  # which no later step reads as an address


def test_without_a_peer_only_a_count_tells_whom_to_take() -> None:
    assert client(CLIENT, 0, None) is None
    assert client(CLIENT, 1, None) == CLIENT
    assert client(CLIENT, OURS, None) is None
    assert client(None, 1, None) is None


addresses = st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str)
nodes = addresses | st.sampled_from(["unknown", "_x", "for=_y", "", '"', "for=", "10.0.0.1:80", "\\"])
chains = st.lists(nodes | st.text(max_size=9), max_size=6).map(", ".join)


@given(chains, addresses, st.text(max_size=40))
def test_what_a_client_sends_changes_nothing(honest: str, real: str, spoofed: str) -> None:
    assert client(f"{spoofed}, {real}", 1) == real
    assert client(spoofed, 0) == PEER
    assert client(f"{spoofed},{real}, 192.0.2.7", ("192.0.2.7/32", f"{PEER}/32")) in (
        real,
        None,
        *spoofed.split(","),
    )
    assert client(f"{honest}, {spoofed}, {real}, 192.0.2.1", 2) == real


def slow_client(peer: str, forwarded: str, trusted: int | tuple[str, ...]) -> str | None:
    """The rule as it is written, for lists of plain nodes."""
    entries = [node.strip() for node in forwarded.split(",") if node.strip(" \t")]
    chain = [*entries, peer]

    def ours(node: str) -> bool:
        try:
            address = ipaddress.ip_address(node)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in ipaddress.ip_network(network) for network in trusted)

    if isinstance(trusted, int):
        chosen = chain[max(len(chain) - 1 - trusted, 0)]
    else:
        chosen = next((node for node in reversed(chain) if not ours(node)), chain[0])
    readable = parse_addresses(pa.array([chosen])).family[0] > 0
    return chosen if readable or chosen == peer else None


local = st.integers(0, 255).map(lambda n: f"192.0.2.{n}") | st.integers(0, 9).map(lambda n: f"2001:db8::{n}")
plain = local | addresses | st.sampled_from(["unknown", "::ffff:192.0.2.3", "::ffff:203.0.113.3"])


@given(
    st.lists(
        st.tuples(local | addresses, st.lists(plain, max_size=5).map(", ".join)), min_size=1, max_size=9
    ),
    st.integers(0, 4)
    | st.sampled_from([OURS, ("192.0.2.128/25",), ("0.0.0.0/0", "2001:db8::/33"), ("2001:db8::3/128",)]),
)
def test_records_together_are_what_each_is_alone(
    pairs: list[tuple[str, str]], trusted: int | tuple[str, ...]
) -> None:
    expected = [slow_client(peer, forwarded, trusted) for peer, forwarded in pairs]
    assert clients(list(pairs), trusted) == expected


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("trusted_proxies = 2", 2),
        ('trusted_proxies = ["10.0.0.0/8", " 192.0.2.1"]', ("10.0.0.0/8", "192.0.2.1/32")),
        ("trusted_proxies = []", ()),
    ],
)
def test_the_setting_is_a_number_or_networks(toml: str, expected: int | tuple[str, ...]) -> None:
    settings = load_settings(toml, {})
    assert settings.trusted_proxies == expected
    assert (settings.policy_hash() == Settings().policy_hash()) == (expected == 0)


@pytest.mark.parametrize("value", ["-1", "true", "1.5", '"10.0.0.0/8"', '["10.0.0.1/8"]', '["proxy"]', "[8]"])
def test_anything_else_is_refused_once_and_not_repeated(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(f"trusted_proxies = {value}", {})
    assert str(caught.value) == (
        "configuration: trusted_proxies: neither a number of proxies nor a list of networks, such as "
        '["10.0.0.0/8"]'
    )


def test_zones_of_log_times_are_checked() -> None:
    assert Settings(source_timezone="America/New_York").policy_hash() != Settings().policy_hash()
    with pytest.raises(UsageError, match="source_timezone"):
        load_settings('source_timezone = "Mars/Olympus"', {})


def lines_of(chains: list[str]) -> bytes:
    """A W3C log, all of one peer."""
    head = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent) cs(X-Forwarded-For)\n"
    rows = (f"2026-03-14 10:00:00 {PEER} GET /{n % 3} 200 x {chain}\n" for n, chain in enumerate(chains))
    return head + "".join(rows).encode()


def released(chains: list[str], trusted: int | list[str]) -> tuple[dict[str, bytes], int]:
    settings = load_settings(None, {"trusted_proxies": trusted, "min_support": 5})
    files, result = run_engine({"a.log": lines_of(chains)}, settings)
    assert result.tally.rejects == 0
    return files, sum(day.hits for day in result.days)


@pytest.mark.parametrize(("trusted", "counted"), [(0, 0), (1, 40), (["192.0.2.0/24"], 40)])
def test_a_spoofed_header_changes_no_released_byte(trusted: int | list[str], counted: int) -> None:
    real = [f"198.51.{n}.7" for n in range(40)]
    spoofed = [f"203.0.113.{n},10.{n}.0.1,{address}" for n, address in enumerate(real)]
    honest, hits = released(real, trusted)
    assert hits == counted  # one peer alone is one support unit, too few to release
    assert released(spoofed, trusted) == (honest, hits)


def test_spoofing_makes_nobody_many() -> None:
    """One client that names forty others stays one support unit."""
    assert released([f"198.51.{n}.7,203.0.113.5" for n in range(40)], 1)[1] == 0


def test_flags_set_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.log").write_bytes(lines_of([f"198.51.{n}.7" for n in range(40)]))
    monkeypatch.chdir(tmp_path)
    flags = [["--trusted-proxies", "1"], ["--trusted-proxies", "10.0.0.0/8, 192.0.2.0/24"], []]
    said = []
    for at, given_flags in enumerate(flags):
        ended = CliRunner().invoke(cli, ["run", "a.log", "-o", f"o{at}", "--quiet", *given_flags])
        assert ended.exit_code == 0, ended.output
        said.append(any(tmp_path.glob(f"o{at}/days/*/*.parquet")))
    assert said == [True, True, False]
    wrong = CliRunner().invoke(cli, ["run", "a.log", "-o", "o9", "--source-timezone", "Mars"])
    assert wrong.exit_code != 0
