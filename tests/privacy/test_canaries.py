"""Promise A: nobody is in the output. Canaries in every field and encoding, then a search of every byte."""

import base64
import hashlib
import io
import json
import logging
import os
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from logscrub import cli, engine, scrubbing
from logscrub.beam import steps
from logscrub.beam.graph import TrafficStatistics
from logscrub.cli import running
from logscrub.config import Settings
from logscrub.inputs import FileRange
from logscrub.privacy.joins import SignalSet, Withheld
from logscrub.privacy.pseudonyms import EphemeralKey
from logscrub.release.day import PublishRules
from logscrub.release.parquet import write_rows
from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from logscrub.schemas import table_schemas
from logscrub.text.streams import Compression
from tests.privacy import canaries as c
from tests.support import CHROME, NOW_MS, ROOT, rows_of, run_engine, told

SECRET = bytes(range(101, 133))
KEY = EphemeralKey(SECRET)
DATE = "2026-03-14"
FIELDS = sorted(json.loads((ROOT / "schemas/event.schema.json").read_text())["properties"])
E_MAIL = "zebediah.quillfeather@example.com"
CHILD_WORDS = (b"kidlandia", b"childfence")


def everybody() -> dict[str, list[bytes]]:
    """Enough people that every table has rows."""
    web = [
        c.web_line(f"198.18.{network}.1", target, "https://www.example.org/")
        for network in range(30)
        for target in ("/", "/shop/cart")
    ]
    event = {"time": c.EVENT_TIME, "host": "shop.example.com", "path": "/", "user_agent": CHROME, "age": 30}
    return {
        "web.log": web,
        "vhost.log": [b"shop.example.com:443 " + line for line in web],
        "events.jsonl": [as_line(event | {"ip": f"198.18.{network}.1"}) for network in range(30)],
    }


def as_line(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"


def plant(logs: dict[str, list[bytes]], x: str, address: str) -> None:
    logs["web.log"] += c.web_lines(x, address)
    logs["vhost.log"] += c.vhost_lines(x, address)
    logs["events.jsonl"] += map(as_line, c.events(x, address, FIELDS))


def joined(logs: dict[str, list[bytes]]) -> dict[str, bytes]:
    return {path: b"".join(lines) for path, lines in logs.items()}


def search_of(canaries: Iterable[c.Canary]) -> c.Search:
    chosen = list(canaries)
    keys = (SECRET, SECRET.hex().encode(), base64.b64encode(SECRET))
    return c.Search.of(chosen, *c.numbers_of_addresses(), *c.pseudonyms_of(chosen, KEY), *keys, *CHILD_WORDS)


# --- the release


def test_what_one_person_logged_is_in_no_byte() -> None:
    logs = everybody()
    for number, canary in enumerate(c.CANARIES):
        for spelled in c.spellings(canary.text):
            plant(logs, spelled, f"198.19.{number}.7")
    files, result = run_engine(joined(logs), Settings(min_support=2), KEY)
    assert sum(result.tally.kept.values()) > 30_000
    assert c.leaks(search_of(c.CANARIES), files) == set()
    assert search_of(c.CANARIES).find("\n".join(told(result, Settings())).encode()) == set()
    assert search_of(c.CANARIES).find(result.tally.to_json().encode()) == set()


def test_what_names_somebody_is_in_no_byte_however_many_share_it() -> None:
    logs = everybody()
    for canary in c.NAMING:
        for network in range(2):
            for x in c.spellings_without_case(canary.text)[:5]:
                plant(logs, x, f"198.19.{network}.7")
            for x in c.spellings(canary.text)[-2:]:
                logs["web.log"] += c.web_lines(x, f"198.19.{network}.7")
    files, _ = run_engine(joined(logs), Settings(min_support=2), KEY)
    assert "/u/:id/edit.html" in {row["path"] for row in rows_of(files, "pages", DATE)}
    assert c.leaks(search_of(c.NAMING), files) == set()


def test_a_host_that_names_somebody_folds_with_all_its_paths() -> None:
    """The folded row of its paths would name it too; to hide that over and over never ended."""
    host = b"219-09-9999.example.com"
    lines = [
        host + b":443 " + c.web_line(f"198.19.{network}.7", f"/{path}")
        for network in range(4)
        for path in ("news", "about")
    ]
    logs = everybody()
    logs["vhost.log"] += lines
    files, result = run_engine(joined(logs), Settings(min_support=2), KEY)
    assert c.leaks(c.Search({host[:11]}), files) == set()
    assert result.days[0].gate_hits["pages"] == {"national_id": 3}
    assert sum(row["page_views"] for row in rows_of(files, "pages", DATE)) == 120 + 30 + 8


@pytest.mark.parametrize("canary", [c.Canary("lycanthropy", word=True), c.Canary("quillfeather", word=True)])
def test_the_search_finds_what_is_released(canary: c.Canary) -> None:
    """A word of a route that k networks share is released: the search can fail."""
    logs = everybody()
    for network in range(12):
        plant(logs, canary.text, f"198.19.{network}.7")
    files, _ = run_engine(joined(logs), Settings(), KEY)
    assert canary.text.encode() in c.leaks(search_of([canary]), files)
    only_pages = {path: data for path, data in files.items() if path.startswith("pages/")}
    readings = c.parquet_pages(next(iter(only_pages.values())))
    assert any(canary.text.encode() in page for page in readings)


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
def test_a_naive_writer_fails_the_search(codec: str) -> None:
    """Arrow keeps filtered values in dictionaries, and Parquet writes them."""
    table = pa.table({"path": pa.array(["/", E_MAIL, c.IPV4]).dictionary_encode()})
    filtered = table.filter(pc.equal(table["path"], "/"))
    sink = io.BytesIO()
    pq.write_table(filtered, sink, compression=codec)
    found = c.leaks(search_of(c.NAMING), {"pages/part-0.parquet": sink.getvalue()})
    assert {E_MAIL.encode(), c.IPV4.encode()} <= found
    with pytest.raises(TypeError):
        write_rows(filtered)
    plain = filtered.cast(pa.schema([("path", pa.string())]))
    assert c.leaks(search_of(c.NAMING), {"pages/part-0.parquet": write_rows(plain)}) == set()


def test_a_failed_verification_does_not_quote_the_release() -> None:
    files, _ = run_engine(joined(everybody()), Settings(min_support=2), KEY)
    path = f"pages/date={DATE}/part-0.parquet"
    rows = pq.read_table(io.BytesIO(files[path]))
    spoilt = rows.set_column(1, rows.schema.field("path"), pa.array([f"/{E_MAIL}"] * len(rows)))
    for data in (write_rows(spoilt), E_MAIL.encode()):
        store = MemoryStore()
        store.files = files | {path: data}
        manifest = json.loads(store.files[f"_manifest/date={DATE}.json"])
        manifest["files"]["pages"]["sha256"] = hashlib.sha256(data).hexdigest()
        store.files[f"_manifest/date={DATE}.json"] = json.dumps(manifest).encode()
        problems = "\n".join(verify(store))
        assert problems
        assert search_of(c.NAMING).find(problems.encode()) == set()


# --- between steps


def test_nothing_raw_travels_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor any value of the records of a child, of a day that is not over, or rejected."""
    logs = everybody()
    for network, canary in enumerate(c.NAMING):
        for x in c.spellings(canary.text):
            logs["web.log"] += c.web_lines(x, f"198.19.{network}.7")
            events = c.events(x, f"198.19.{network}.7", FIELDS)
            # Names of hosts travel as they are: tokens in them meet the gate and the fold.
            logs["events.jsonl"] += [as_line(e) for e in events if e["host"] == "shop.example.com"]
    child = {"time": c.EVENT_TIME, "ip": "198.18.200.1", "child": True, "path": "/kidlandia/childfence"}
    logs["events.jsonl"] += [as_line(child), as_line(child | {"host": "kidlandia.example.com"})]
    logs["web.log"].append(c.web_line("198.18.200.2", "/kidlandia", size="9999999999999999"))
    logs["web.log"].append(c.web_line("198.18.200.2", "/childfence", time="21/Sep/2026:13:00:00 +0000"))
    elements = captured(monkeypatch)
    run_engine(joined(logs), Settings(min_support=2, shards=2), KEY)
    assert {kind for kind, _ in elements} == {"hits", "cells", "signals", "withheld"}
    # Pseudonyms under the key travel, and sizes: one that was logged is the address as a number.
    forms = {form for canary in c.NAMING for form in c.forms_of(canary)} | c.numbers_of_addresses()
    size = (0xCB00714D).to_bytes(4, "little")
    search = c.Search({*forms - {size, b"mq\0\xcb"}, SECRET, *CHILD_WORDS})
    found = {form for _, data in elements for form in search.find(data)}
    assert found == set()


def captured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """All bytes that the steps hand on, also decompressed, filled as the engine runs."""
    elements: list[tuple[str, bytes]] = []
    encode_hits, encode_cells = scrubbing.encode_hits, engine.encode_cells

    def hits(*args: Any) -> bytes:
        element = encode_hits(*args)
        elements.extend(("hits", reading) for reading in c.arrow_readings(element))
        return element

    def cells(*args: Any) -> bytes:
        element = encode_cells(*args)
        elements.extend(("cells", reading) for reading in c.arrow_readings(element))
        return element

    def withheld(signals: SignalSet, *args: Any) -> Withheld:
        found = resolve(signals, *args)
        elements.extend([("signals", signals.to_bytes()), ("withheld", found.to_bytes())])
        return found

    resolve = SignalSet.resolve
    monkeypatch.setattr(scrubbing, "encode_hits", hits)
    monkeypatch.setattr(engine, "encode_cells", cells)
    monkeypatch.setattr(SignalSet, "resolve", withheld)
    return elements


# --- the pipeline


def graph(settings: Settings) -> bytes:
    ranges = [(FileRange(f"logs/{n}.log", 0, 1000, Compression.NONE, "combined"),) for n in range(3)]
    pipeline = beam.Pipeline()
    TrafficStatistics(ranges, "out", "tmp/account.json", settings, 2, NOW_MS, None, PublishRules()).build(
        pipeline
    )
    proto: bytes = pipeline.to_runner_api().SerializeToString(deterministic=True)
    return proto


def test_the_graph_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two builds are equal, so no random byte is in them, but the names that cloudpickle gives to classes."""
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=1))
    one, other = graph(Settings()), graph(Settings())
    assert one == other
    assert list(c.unwrapped(one)) == list(c.unwrapped(other))


def test_the_search_reads_what_beam_packs_into_a_graph() -> None:
    packed = graph(Settings(own_hosts=("quillfeather.example",)))
    search = search_of(c.WORDS)
    assert search.find(packed) == set()
    assert b"quillfeather" in {found for data in c.unwrapped(packed) for found in search.find(data)}


# --- the command line

WATCHED = """
import json, os, secrets, sys, tempfile
grave, written = os.environ["GRAVE"], []
real_bytes = secrets.token_bytes

def keep(path, folder=-1):
    path = os.fsdecode(path)
    if folder is not None and folder >= 0:
        path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
    if os.path.isfile(path):
        os.link(path, os.path.join(grave, "removed-" + real_bytes(8).hex()))

def watch(event, args):
    if event == "os.remove":
        keep(*args)
    elif event == "os.rename":
        keep(args[0], args[2])
        keep(args[1], args[3])
    elif event == "open" and isinstance(args[0], (str, bytes)) and args[2] & (os.O_WRONLY | os.O_RDWR):
        written.append(os.fsdecode(args[0]))
    elif event == "socket.connect":
        written.append("network " + str(args[1]))

sys.addaudithook(watch)
tempfile.TemporaryFile = tempfile.NamedTemporaryFile  # one without a name could not be kept
secrets.token_bytes = lambda n=32: bytes(range(101, 133))[:n] if n == 32 else real_bytes(n)
import apache_beam
run = apache_beam.Pipeline.run
def saved(pipeline, *args, **options):
    with open(os.path.join(grave, "proto"), "wb") as file:
        file.write(pipeline.to_runner_api().SerializeToString())
    return run(pipeline, *args, **options)
apache_beam.Pipeline.run = saved
import logscrub.cli
try:
    logscrub.cli.main()
finally:
    with open(os.path.join(grave, "written.json"), "w") as file:
        json.dump(written, file)
"""


def files_under(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_of_the_command_line_leaves_nothing_anywhere(tmp_path: Path) -> None:
    logs = everybody()
    for number, canary in enumerate(c.CANARIES):
        for x in c.spellings(canary.text)[:3]:
            plant(logs, x, f"198.19.{number}.7")
    for canary in (c.Canary(E_MAIL), c.Canary(c.IPV4), c.IDENTIFIERS[0], c.IDENTIFIERS[11]):
        for network in range(12):
            plant(logs, canary.text, f"198.19.{200 + network}.7")
    folders = {name: tmp_path / name for name in ("logs", "grave", "tmp", "home", "cwd")}
    for folder in folders.values():
        folder.mkdir()
    for path, data in joined(logs).items():
        (folders["logs"] / path).write_bytes(data)
    (folders["logs"] / "unknown.log").write_bytes(f"{E_MAIL}\n".encode() * 20)
    (folders["logs"] / "cut.log.gz").write_bytes(b"\x1f\x8b\x08\0" + E_MAIL.encode())
    out, account = tmp_path / "out", tmp_path / "account.json"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'src'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GRAVE": str(folders["grave"]),
        "TMPDIR": str(folders["tmp"]),
        "HOME": str(folders["home"]),
    }
    arguments = ["run", str(folders["logs"]), "-o", str(out), "--account", str(account)]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *arguments],
        capture_output=True,
        check=False,
        env=environment,
        cwd=folders["cwd"],
        timeout=120,
    )
    assert done.returncode == 3, done.stderr[-2000:]
    release, grave = files_under(out), files_under(folders["grave"])
    assert f"_manifest/date={DATE}.json" in release
    assert len(release) == 1 + len(table_schemas())
    search = search_of(c.CANARIES)
    assert c.leaks(search, release) == set()
    assert search.find(done.stdout + done.stderr + account.read_bytes()) == set()
    assert any(name.startswith("removed-") for name in grave)
    for name, data in grave.items():
        for reading in c.Evidence("x.parquet", data).readings if data[:4] == b"PAR1" else c.unwrapped(data):
            assert search.find(reading) == set(), name
    assert [files_under(folders[name]) for name in ("tmp", "home", "cwd")] == [{}, {}, {}]
    places = (str(out), str(folders["tmp"]), str(account), str(folders["grave"]), os.devnull)
    assert [path for path in json.loads(grave["written.json"]) if not path.startswith(places)] == []


# --- failures

FAULTS: dict[str, Callable[[], Exception]] = {
    "ValueError": lambda: ValueError(E_MAIL),
    "ArrowInvalid": lambda: pa.ArrowInvalid(f"CSV parse error: {E_MAIL}"),
    "OSError": lambda: OSError(5, E_MAIL, E_MAIL),
    "OSError of a library": lambda: OSError(E_MAIL),
    "KeyError": lambda: KeyError(E_MAIL),
    "chained": lambda: chained(int),
    "group": lambda: ExceptionGroup(E_MAIL, [ValueError(E_MAIL)]),
}
STEPS = {
    "read_signals": (engine, "read_signals"),
    "resolve": (SignalSet, "resolve"),
    "scrub_range": (engine, "scrub_range"),
    "follow_visitors": (engine, "follow_visitors"),
    "release_cells": (engine, "release_cells"),
    "publish_day": (steps, "publish_day"),
}


def chained(convert: Callable[[str], Any]) -> Exception:
    """An error with a cause and a note."""
    try:
        convert(E_MAIL)
    except ValueError as error:
        failure = UnicodeDecodeError("utf-8", E_MAIL.encode(), 0, 1, E_MAIL)
        failure.__cause__ = error
        failure.add_note(E_MAIL)
        return failure
    raise AssertionError


def make_fail(monkeypatch: pytest.MonkeyPatch, step: str, fault: str) -> list[str]:
    """Let a step raise; gives what was called."""
    called: list[str] = []

    def fail(*_: Any, **__: Any) -> Any:
        called.append(step)
        raise FAULTS[fault]()

    place, name = STEPS[step]
    monkeypatch.setattr(place, name, fail)
    return called


@pytest.fixture
def quiet_again() -> Iterator[None]:
    """Undo what the command line does to logging."""
    loggers = [logging.getLogger(name) for name in (None, "apache_beam", "root")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def run_cli(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    quiet_again: None,
) -> Callable[..., tuple[int, str, Path]]:
    """Run the command line over a small log; gives its exit code, all that was said, and the work folder."""
    logs, temporary = tmp_path / "logs", tmp_path / "tmp"
    logs.mkdir()
    temporary.mkdir()
    for path, lines in everybody().items():
        (logs / path).write_bytes(b"".join(lines))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)

    def run(*flags: str, logging_on: bool = False) -> tuple[int, str, Path]:
        if logging_on:
            monkeypatch.setattr(running, "silence_beam", lambda: None)
            logging.getLogger().setLevel(logging.DEBUG)
            for name in ("apache_beam", "root"):  # a run before this one may have silenced them
                monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
        monkeypatch.setattr(sys, "argv", ["logscrub", "run", str(logs), "-o", str(tmp_path / "out"), *flags])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = "".join(capfd.readouterr()) + caplog.text + "".join(map(str, caplog.records))
        return int(str(ended.value.code)), said, tmp_path

    return run


def assert_nothing_left(said: str, folder: Path) -> None:
    search = search_of(c.NAMING)
    assert search.find(said.encode()) == set()
    left = files_under(folder / "tmp")
    assert {Path(path).name for path in left} <= {"submission_environment_dependencies.txt"}
    assert search.find(b"".join(left.values())) == set()
    files = files_under(folder / "out")
    assert not any("manifest" in path or ".tmp" in path or "beam" in path for path in files)
    assert c.leaks(search, files) == set()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", ["ArrowInvalid", "OSError"])
def test_a_step_that_fails_says_nothing_of_the_data(
    step: str, fault: str, monkeypatch: pytest.MonkeyPatch, run_cli: Callable[..., tuple[int, str, Path]]
) -> None:
    called = make_fail(monkeypatch, step, fault)
    code, said, folder = run_cli()
    assert called
    assert code == 1
    assert "internal error" in said or "cannot be written" in said
    assert_nothing_left(said, folder)


def test_nor_do_beams_own_logs(
    monkeypatch: pytest.MonkeyPatch, run_cli: Callable[..., tuple[int, str, Path]]
) -> None:
    make_fail(monkeypatch, "scrub_range", "chained")
    code, said, folder = run_cli(logging_on=True)
    assert code == 1
    assert "Traceback" in said
    assert_nothing_left(said, folder)


def test_nor_does_a_worker_of_another_runner(
    monkeypatch: pytest.MonkeyPatch, run_cli: Callable[..., tuple[int, str, Path]]
) -> None:
    make_fail(monkeypatch, "follow_visitors", "OSError")
    flags = ("--runner", "PortableRunner", "--", "--job_endpoint=embed", "--environment_type=LOOPBACK")
    code, said, folder = run_cli(*flags)
    assert code == 1
    assert_nothing_left(said, folder)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_leaves_a_step_without_what_caused_it(fault: str) -> None:
    @steps.sealed
    def step(record: str) -> None:
        raise FAULTS[fault]() from ValueError(record)

    with pytest.raises(steps.StepFailedError) as raised:
        step(E_MAIL)
    error = raised.value
    assert error.__cause__ is None
    assert error.__context__ is None
    told_of_it = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert search_of(c.NAMING).find(told_of_it.encode()) == set()
