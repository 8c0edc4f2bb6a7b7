"""Write a small geographic database for the addresses of the sample.

The assignments are invented: nobody lives in the ranges that RFC 5737, RFC 3849 and RFC 2544 keep for
documentation and benchmarks. It says nothing about any real network, and no real database is in it.

python benchmarks/demo_geoip.py --output sample_logs/geoip/demo-city.mmdb
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter, SearchTreeLeaf, SearchTreeNode, TreeWriter
from netaddr import IPSet  # type: ignore[import-untyped]  # it ships no types

DATABASE_TYPE = "logscrub-Demo-City"
BUILT = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())

# What is cut into pieces, and how many bits a piece has.
RANGES = (
    ("192.0.2.0/24", 24),
    ("198.18.0.0/15", 24),
    ("198.51.100.0/24", 24),
    ("203.0.113.0/24", 24),
    ("2001:db8::/32", 40),
)

# Country, English name, regions, and how many of 100 pieces it gets; the rest has no entry.
COUNTRIES = (
    ("US", "United States", ("CA", "TX", "NY", "WA", "IL"), 28),
    ("GB", "United Kingdom", ("ENG", "SCT", "WLS", "NIR"), 22),
    ("DE", "Germany", ("BY", "NW", "BE", "HH"), 11),
    ("FR", "France", ("IDF", "ARA", "PAC"), 8),
    ("ES", "Spain", ("MD", "CT", "AN"), 6),
    ("BR", "Brazil", ("SP", "RJ", "MG"), 6),
    ("JP", "Japan", (), 6),
    ("HU", "Hungary", (), 4),
    ("IE", "Ireland", (), 2),
    ("NZ", "New Zealand", (), 2),
)

Network = IPv4Network | IPv6Network


def main(argv: list[str] | None = None) -> None:
    """Write the database that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="demo_geoip.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    output: Path = parser.parse_args(argv).output
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(demo_database())


def demo_database() -> bytes:
    """Return the whole file, the same bytes every time."""
    writer = MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type=DATABASE_TYPE,
        languages=["en"],
        description="Invented places of reserved networks, for the sample logs of logscrub",
    )
    for network, record in assignments():
        if record is not None:
            writer.insert_network(IPSet([str(network)]), record)
    return _written(writer)


def assignments() -> Iterator[tuple[Network, dict[str, Any] | None]]:
    """Yield each piece of the ranges with its record, None for a piece without an entry."""
    for range_, prefix in RANGES:
        for network in ip_network(range_).subnets(new_prefix=prefix):
            yield network, _record(network)


def _record(network: Network) -> dict[str, Any] | None:
    draw = int.from_bytes(hashlib.sha256(str(network).encode()).digest()[:8], "big")
    share, rest = draw % 100, draw // 100
    for code, name, regions, pieces in COUNTRIES:
        if share < pieces:
            country = {"country": {"iso_code": code, "names": {"en": name}}}
            # Every eighth network has no region: databases know the country of more networks.
            if not regions or rest % 8 == 0:
                return country
            return country | {"subdivisions": [{"iso_code": regions[rest // 8 % len(regions)]}]}
        share -= pieces
    return None


def _written(writer: MMDBWriter) -> bytes:
    _join_equal_halves(writer.tree, {})
    # The writer's own way to a file stamps it with the time of the day.
    metadata = {
        "ip_version": writer.ip_version,
        "database_type": writer.database_type,
        "languages": writer.languages,
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "description": writer.description,
        "build_epoch": BUILT,
    }
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "demo.mmdb"
        TreeWriter(writer.tree, metadata).write(str(path))
        return path.read_bytes()


def _join_equal_halves(node: SearchTreeNode, leaves: dict[str, SearchTreeLeaf]) -> None:
    """Put one leaf in place of two that say the same, from the bottom up."""
    for side in (0, 1):
        child = node[side]
        if isinstance(child, SearchTreeNode):
            _join_equal_halves(child, leaves)
            if isinstance(child.left, SearchTreeLeaf) and child.left is child.right:
                node[side] = child.left
        elif isinstance(child, SearchTreeLeaf):
            node[side] = leaves.setdefault(repr(child.value), child)


if __name__ == "__main__":
    main()
