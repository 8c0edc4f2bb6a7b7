"""The committed sample is what its generator makes, is safe to publish, and holds the cases that matter."""

import gzip
import ipaddress
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks import generate, sample, traffic  # noqa: E402
from benchmarks.people import BOTS  # noqa: E402

COMMITTED = ROOT / "sample_logs" / "site"
RESERVED = [
    ipaddress.ip_network(text)
    for text in ("2001:db8::/32", "198.18.0.0/15", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
]
SENTINELS = {None, "", "-", "null", "unknown", "00000000-0000-0000-0000-000000000000"}
IDENTIFIERS = ("device_id", "session_id", "client_id", "user_id")
COMMON = r'(\S+) - \S+ \[[^]]+\] "(\S+) (\S+) HTTP/\d\.\d" (\d{3}) (\d+|-)'
COMBINED = re.compile(COMMON + r' "([^"]*)" "([^"]*)"')


@cache
def built():
    return sample.build()


def read(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def app_records():
    """Every well-formed app record with its person and day."""
    for name, lines in built().lines.items():
        if name.startswith("app/"):
            for line in lines:
                yield line.who, name, json.loads(line.text)


def flags_child(record: dict) -> bool:
    if record.get("child") in (True, "true") or record.get("coppa") == 1 or record.get("age", 99) < 13:
        return True
    return record.get("birth_date", "1900-01-01") > "2013-03-15"


def flags_opt_out(record: dict) -> bool:
    return bool(record.get("opt_out"))


def test_the_committed_files_are_what_the_generator_makes():
    made = built().contents()
    logs = filter(Path.is_file, COMMITTED.rglob("*"))
    there = {str(path.relative_to(COMMITTED)): path for path in logs}
    assert set(there) == set(made)
    for name, data in made.items():
        assert read(there[name]) == data, name


def test_the_command_writes_the_same_bytes_whatever_the_surroundings(tmp_path):
    surroundings = (
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo"},
    )
    written = []
    for number, environment in enumerate(surroundings):
        output = tmp_path / str(number)
        command = [sys.executable, str(ROOT / "benchmarks/generate.py"), "sample", "--output", str(output)]
        subprocess.run(command, check=True, env=environment, cwd=tmp_path, capture_output=True)
        files = [path for path in output.rglob("*") if path.is_file()]
        written.append({str(path.relative_to(output)): path.read_bytes() for path in files})
    assert written[0] == written[1]
    # No name and no time in the gzip header (RFC 1952): flags 0, then four zero bytes.
    assert all(data[3:8] == bytes(5) for name, data in written[0].items() if name.endswith(".gz"))


def test_the_sample_is_small():
    assert sum(path.stat().st_size for path in COMMITTED.rglob("*") if path.is_file()) < 1_500_000
    lines = sum(data.count(b"\n") for data in built().contents().values())
    assert 15_000 < lines < 25_000


def unwrapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address):
    if isinstance(address, ipaddress.IPv6Address):
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return ipaddress.ip_address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def test_only_reserved_addresses_occur():
    versions = re.compile(r"\b(?:Chrome|Edg|OPR|CriOS)/[\d.]+")
    seen = set()
    for data in built().contents().values():
        text = versions.sub("", data.decode("utf-8", "replace"))
        seen.update(
            re.findall(r"(?<![\w.:])[0-9A-Fa-f:]*(?:\d{1,3}(?:\.\d{1,3}){3}|:[0-9A-Fa-f]+)(?![\w.])", text)
        )
    addresses = set()
    for candidate in seen:
        try:
            addresses.add(unwrapped(ipaddress.ip_address(candidate)))
        except ValueError:
            continue  # a clock time, or hostile on purpose
    assert len(addresses) > 1_000
    assert not [address for address in addresses if not any(address in network for network in RESERVED)]


def test_the_rotated_copy_equals_its_compressed_original():
    assert read(COMMITTED / "blog/access.log.1") == read(COMMITTED / "blog/access.log-20260315.gz")


def test_lines_stand_in_order_of_time_in_the_file_of_their_day():
    for name, lines in built().lines.items():
        times = [line.time - sample.START for line in lines]
        day = int("20260315" in name)
        assert times == sorted(times)
        assert times[0] >= day * sample.DAY
        assert times[-1] < (day + 1) * sample.DAY


def test_the_readme_tells_the_numbers():
    readme = (ROOT / "benchmarks" / "SAMPLE.md").read_text("utf-8")
    for name, data in built().contents().items():
        count = data.count(b"\n") + (not data.endswith(b"\n"))
        assert re.search(rf"^\| `{re.escape(name)}` \|.*\| {count:,} \|$", readme, re.MULTILINE), (
            name,
            count,
        )
    owners = [line.who for lines in built().lines.values() for line in lines]
    people = [built().people[who] for who in owners if who is not None]
    roles = Counter(person.role for person in {person.number: person for person in people}.values())
    told = [
        f"**{roles.total():,} people** who leave {len(people):,} lines",
        f"**{roles['child']} children**",
        f"**{roles['opt_out']} people opted out**",
        f"**{len(BOTS)} bots** with {owners.count(None):,} lines",
        f"All in all {sum(person.withheld for person in people):,} lines",
    ]
    assert [words for words in told if words not in readme] == []


def test_children_and_opt_outs_are_flagged_on_only_some_of_their_records():
    flagged, plain = Counter(), Counter()
    for who, _, record in app_records():
        told = flags_child(record) or flags_opt_out(record)
        (flagged if told else plain)[who] += 1
    people = built().people
    assert set(flagged) == {person.number for person in people if person.flagged}
    assert all(plain[number] >= flagged[number] for number in flagged)
    children = [person for person in people if person.role == "child"]
    assert (len(children), sum(person.flagged for person in children)) == (25, 20)
    assert sum(person.role == "opt_out" for person in people) == 15


def test_records_without_a_flag_come_before_the_first_flag():
    first_seen: dict[int, bool] = {}
    days = defaultdict(set)
    for who, name, record in app_records():
        first_seen.setdefault(who, flags_child(record) or flags_opt_out(record))
        if flags_child(record):
            days[who].add(name)
    assert not any(first_seen.values())
    assert {len(names) for names in days.values()} == {1, 2}


def test_every_way_of_telling_a_child_occurs():
    told = Counter()
    for _, _, record in app_records():
        if flags_child(record):
            told.update(key for key in ("age", "birth_date", "child", "coppa") if key in record)
    assert min(told[key] for key in ("age", "birth_date", "child", "coppa")) >= 5
    ages = {record["age"] for _, _, record in app_records() if "age" in record}
    assert min(ages) >= 9
    assert max(ages) > 60


def test_identifiers_join_exactly_the_people_to_withhold():
    """From the flags along device, session, client and user ids: children, kin, opt-outs, nobody else."""
    joined: dict[tuple[str, str], set[int]] = defaultdict(set)
    reached = set()
    records = list(app_records())
    for number, (_, _, record) in enumerate(records):
        for field in IDENTIFIERS:
            if record.get(field) not in SENTINELS:
                joined[field, record[field]].add(number)
        if flags_child(record) or flags_opt_out(record):
            reached.add(number)
    fresh = set(reached)
    while fresh:
        ids = {(field, records[number][2].get(field)) for number in fresh for field in IDENTIFIERS}
        fresh = set().union(*(joined.get(one, set()) for one in ids)) - reached
        reached |= fresh
    withheld = {person.number for person in built().people if person.withheld}
    assert {records[number][0] for number in reached} == withheld
    assert {number for number, (who, _, _) in enumerate(records) if who in withheld} == reached


def test_sentinel_ids_are_shared_by_many_and_by_a_child():
    zeroed = {who for who, _, record in app_records() if record.get("device_id") in SENTINELS - {None}}
    roles = Counter(built().people[who].role for who in zeroed)
    assert roles["child"] == 1
    assert roles["adult"] >= 10


def test_address_and_agent_tell_people_apart_and_follow_the_withheld_onto_the_web():
    people = built().people
    pairs = Counter((person.address, person.agent) for person in people)
    assert max(pairs.values()) == 1
    in_app = {(who, name[-17:-9]) for who, name, _ in app_records()}
    on_web = {
        (line.who, name[-11:-3])
        for name, lines in built().lines.items()
        if name.startswith(("shop/", "blog/access"))
        for line in lines
        if line.who is not None and people[line.who].withheld
    }
    assert len({who for who, _ in on_web if people[who].role == "child"}) >= 10
    assert on_web <= in_app


def test_leaving_the_withheld_out_changes_only_the_files_they_are_in():
    whole, rest = built().contents(), built().contents(withheld=False)
    changed = {name for name in whole if whole[name] != rest[name]}
    assert {name.split("/")[0] for name in changed} == {"app", "blog", "shop"}
    assert all(set(rest[name].splitlines()) <= set(whole[name].splitlines()) for name in whole)


def test_tables_have_something_to_see_at_ten_networks():
    lines = [line.text.split(" ", 1)[1] for line in built().lines["shop/access.log-20260314.gz"]]
    networks = [defaultdict(set) for _ in range(7)]
    for line in lines:
        fields = COMBINED.fullmatch(line).groups()
        network = ipaddress.ip_network(f"{fields[0]}/{40 if ':' in fields[0] else 24}", strict=False)
        for column, value in zip(networks, fields, strict=True):
            column[value.split("?")[0]].add(network)
    assert len(set().union(*networks[6].values())) >= 300
    seen = [sum(len(supporters) >= 10 for supporters in column.values()) for column in networks]
    tail = [sum(len(supporters) < 10 for supporters in column.values()) for column in networks]
    method, target, status, _, referrer, agent = range(1, 7)
    assert seen[method] >= 3
    assert seen[status] >= 6
    assert min(seen[target], seen[referrer], seen[agent]) >= 15
    assert min(tail[target], tail[referrer], tail[agent]) >= 10
    bots = {bot.name for bot in BOTS if len(networks[agent][bot.agent]) >= 10}
    assert {"Googlebot", "bingbot", "GPTBot", "ClaudeBot", "UptimeRobot"} <= bots


@pytest.mark.parametrize("form", traffic.FORMATS)
@pytest.mark.parametrize("packed", [False, True])
def test_traffic_has_the_lines_files_and_form_asked_for(tmp_path, form, packed):
    plan = traffic.Plan(lines=5_000, visitors=700, days=2, files=3, format=form, gzip=packed, seed=4)
    paths = traffic.write(plan, tmp_path)
    lines = b"".join(read(path) for path in paths).decode().splitlines()
    assert [read(path).count(b"\n") for path in paths] == [1_666, 1_667, 1_667]
    assert len(set(lines)) > 4_990
    if form == "json":
        assert all({"time", "ip", "path", "device_id"} <= set(json.loads(line)) for line in lines)
    else:
        host = r"\w+\.example\.com:443 " if form == "vhost_combined" else ""
        line_form = COMMON if form == "common" else COMBINED.pattern
        assert all(re.fullmatch(host + line_form, line) for line in lines)
    traffic.write(plan, tmp_path / "again")
    assert (
        b"".join(read(path) for path in sorted((tmp_path / "again").iterdir())).decode().splitlines() == lines
    )


def test_traffic_is_in_order_of_time_and_by_many(tmp_path):
    (path,) = traffic.write(traffic.Plan(lines=60_000, visitors=3_000, format="json", seed=1), tmp_path)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    times = [record["time"] for record in records]
    assert times == sorted(times)
    assert times[-1] < "2026-03-03"
    assert 2_000 < len({record["device_id"] for record in records}) < 4_000
    assert len({record["path"] for record in records}) > 3_000
    unowned = [ipaddress.ip_network("240.0.0.0/4"), ipaddress.ip_network("3fff::/20")]
    addresses = {ipaddress.ip_address(record["ip"]) for record in records}
    assert all(any(address in network for network in unowned) for address in addresses)
    assert any(record.get("age", 99) < 13 for record in records)


def test_traffic_differs_by_seed(tmp_path):
    texts = [
        traffic.write(traffic.Plan(lines=500, visitors=50, seed=seed), tmp_path / str(seed))[0].read_bytes()
        for seed in (1, 2)
    ]
    assert texts[0] != texts[1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((5_000, 700, None), (5_000, 700)),
        ((5_000, None, 20.0), (5_000, 250)),
        ((None, 700, 2.5), (1_750, 700)),
        ((1_750, 700, 2.5), (1_750, 700)),
        ((3, None, 10.0), (3, 1)),
    ],
)
def test_two_of_lines_visitors_and_hits_per_visitor_give_the_third(given, expected):
    assert generate.amounts(*given) == expected


@pytest.mark.parametrize(
    "given",
    [
        (5_000, None, None),
        (None, None, 2.0),
        (5_000, 700, 2.0),
        (0, 5, None),
        (5_000, 0, None),
        (None, 1, 0.1),
        (5_000, None, 0.0),
        (None, 700, float("inf")),
    ],
)
def test_amounts_that_are_missing_or_disagree_are_an_error(given, capsys):
    with pytest.raises(ValueError, match="--"):
        generate.amounts(*given)
    names = ("--lines", "--visitors", "--hits-per-visitor")
    flags = [f"{name}={value}" for name, value in zip(names, given, strict=True) if value is not None]
    with pytest.raises(SystemExit):
        generate.main(["traffic", *flags, "--output", "never"])
    assert "generate.py: error: " in capsys.readouterr().err
