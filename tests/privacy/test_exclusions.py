"""Lists of people to withhold: in every form, whoever is on them is gone, and the list is nowhere."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from logscrub.config import MIB, Settings, Support
from logscrub.errors import LogscrubError, UsageError
from logscrub.exclusions import ExclusionError
from tests.support import CHROME, FIREFOX, Run, bytes_of, combined_line, event_lines, run_engine

CONFIG = Settings(min_support=2, support=Support.VISITORS)
MARK = "canary7f3a9"  # of all ids here, so that none can be told elsewhere unseen
BOM = b"\xef\xbb\xbf"
KINDS = ("user_id", "device_id", "client_id", "session_id")


def event(number: int, **fields: Any) -> bytes:
    known = {"time": "2026-03-14T10:00:00Z", "ip": f"198.51.{number}.1", "path": "/", "user_agent": CHROME}
    return event_lines([known | fields])[0]


def people(kind: str = "device_id", count: int = 8) -> bytes:
    """People with an id each, `MARK-0` and so on."""
    return b"".join(event(n, **{kind: f"{MARK}-{n}"}) for n in range(count))


def withheld(files: dict[str, bytes], named: bytes, config: Settings = CONFIG) -> int:
    _, result = run_engine(files | {"list": named}, config, exclude=["list"])
    assert "list" not in str(result.plan)
    return result.tally.withheld


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_id_is_of_any_kind(kind: str) -> None:
    files = {"a.jsonl": people(kind) + event(9, **{kind: f" {MARK.upper()}-3"})}
    assert withheld(files, f"{MARK}-3\n".encode()) == 2


def test_who_is_joined_to_one_on_the_list_is_withheld_too() -> None:
    chain = event(20, user_id="u", device_id=f"{MARK}-3") + event(21, user_id="U", session_id="s")
    hop = event(21, ip="198.51.21.1") + combined_line("198.51.21.1", agent=FIREFOX)
    assert withheld({"a.jsonl": people() + chain + event(22, session_id="s")}, f"{MARK}-3".encode()) == 4
    logs = {"a.jsonl": people() + chain + hop[: hop.index(b"\n") + 1]}
    assert withheld(logs | {"b.log": hop[hop.index(b"\n") + 1 :] * 2}, f"{MARK}-3".encode()) == 4


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda ids: ids,
    "no newline": lambda ids: ids.removesuffix(b"\n"),
    "CRLF": lambda ids: ids.replace(b"\n", b"\r\n"),
    "mark": lambda ids: BOM + ids,
    "mark and CRLF": lambda ids: BOM + ids.replace(b"\n", b"\r\n"),
    "comments": lambda ids: b"# parents asked\n#\n" + ids.replace(b"\n", b"\n# again\n"),
    "mark and comment": lambda ids: BOM + b"# parents asked\n" + ids,
    "blank lines": lambda ids: b"\n \n\t\r\n" + ids.replace(b"\n", b"\n\n"),
    "blanks": lambda ids: b"  " + ids.replace(b"\n", b" \t\n  "),
    "capitals": bytes.upper,
    "gzip": gzip.compress,
    "gzip in parts": lambda ids: gzip.compress(ids[:7]) + gzip.compress(ids[7:]),
    "twice": lambda ids: ids * 2,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("block_bytes", [1, 20, MIB])
def test_forms_of_lists_of_ids(form: str, block_bytes: int) -> None:
    config = CONFIG.model_copy(update={"block_bytes": block_bytes, "range_bytes": max(block_bytes, 900)})
    named = FORMS[form](f"{MARK}-1\nnobody-here\n{MARK}-5\n".encode())
    assert withheld({"a.jsonl": people()}, named, config) == 2


@pytest.mark.parametrize(
    ("cookie", "value"),
    [
        ("_ga=GA1.2.1111.2222", "GA1.2.1111.2222"),
        ("_gid=GA1.1.1111.2222", "GA1.3-2.1111.2222"),
        ("_ga=GA1.2.1111.2222", "1111.2222"),
        ("__utma=9.77777.3.4.5.6", "9.77777.3.4.5.6"),
        ("_pk_id.1.1fff=0123456789abcdef.1773.", "0123456789abcdef.99.1.2"),
        ("_pk_id.1.1fff=0123456789abcdef.1773.", "0123456789abcdef"),
        ("PHPSESSID=s%3Aabc", "s:abc"),
        ("PHPSESSID=s%3Aabc", "s%3Aabc"),
    ],
)
def test_values_of_cookies(cookie: str, value: str) -> None:
    lines = [(f"203.0.{n}.1", "theme=dark") for n in range(6)] + [("203.0.9.1", cookie), ("203.0.9.1", "a=b")]
    log = b"".join(combined_line(who)[:-1] + f' "{sent}"\n'.encode() for who, sent in lines)
    assert withheld({"a.log": log}, value.encode()) == 2


@pytest.mark.parametrize("before", [b"", BOM, b"\r\n\n"])
@pytest.mark.parametrize("timed", [False, True])
def test_records_as_json(before: bytes, timed: bool) -> None:
    more = {"time": "2025-01-01T00:00:00Z", "ip": "192.0.2.1"} if timed else {}
    named = before + b"".join(event_lines(more | {"device_id": f"{MARK}-{n}"} for n in (1, 4)))
    for block_bytes in (10, MIB):
        config = CONFIG.model_copy(update={"block_bytes": block_bytes})
        assert withheld({"a.jsonl": people()}, named, config) == 2
        assert withheld({"a.jsonl": people()}, gzip.compress(named), config) == 2


def test_all_cookies_of_a_line_are_meant() -> None:
    clients = ["1111.2222", "3333.4444"]
    logs = b"".join(event(at, client_id=client) for at, client in enumerate([*clients, "5555.6666"], 50))
    named = "; ".join(f"_ga=GA1.2.{client}" for client in clients)
    assert withheld({"a.jsonl": logs + people()}, f"{named}\n".encode()) == len(clients)


def test_a_record_with_several_ids_names_all_of_them() -> None:
    lines = people() + event(10, user_id="u1") + event(11, session_id="s1")
    named = event_lines([{"user_id": "u1", "device_id": f"{MARK}-1", "session_id": "s1"}])[0]
    assert withheld({"a.jsonl": lines}, named) == 3


def test_records_as_lines_of_a_log_name_an_address_agent_and_day() -> None:
    times = ("14/Mar/2026:10:00:00 +0000", "14/Mar/2026:23:00:00 +0000", "15/Mar/2026:10:00:00 +0000")
    log = b"".join(combined_line("192.0.2.9", time) for time in times) + combined_line("192.0.2.8")
    log += combined_line("192.0.2.9", agent=FIREFOX)
    joined = event(30, ip="192.0.2.9", device_id="near")
    named = combined_line("192.0.2.9", "14/Mar/2026:01:02:03 +0000", "POST /x HTTP/2", 500)
    assert withheld({"a.log": log, "b.jsonl": people() + joined + event(31, device_id="near")}, named) == 3


@pytest.mark.parametrize("before", [b"# asked\n", BOM + b"# asked\r\n", b"\n# asked\n"])
def test_records_after_a_comment_are_never_silently_ignored(before: bytes) -> None:
    named = before + event_lines([{"device_id": f"{MARK}-1"}])[0]
    try:
        found = withheld({"a.jsonl": people()}, named)
    except ExclusionError:
        return
    assert found == 1


def test_records_among_ids_are_never_silently_ignored() -> None:
    named = f"{MARK}-1\n".encode() + event_lines([{"device_id": f"{MARK}-2"}])[0]
    try:
        found = withheld({"a.jsonl": people()}, named)
    except ExclusionError:
        return
    assert found == 2


@pytest.mark.parametrize("named", [b"", b"\n\n", b" \r\n", BOM, b"# nobody yet\n", gzip.compress(b"")])
def test_an_empty_list_withholds_nobody(named: bytes) -> None:
    assert withheld({"a.jsonl": people()}, named) == 0


NOBODY = ("-", "null", "00000000-0000-0000-0000-000000000000", "unknown", "0", "***", "${user_id}")


@pytest.mark.parametrize("nobody", NOBODY)
@pytest.mark.parametrize("block_bytes", [1, 30, MIB])
def test_a_line_that_names_nobody_ends_the_run(nobody: str, block_bytes: int) -> None:
    config = CONFIG.model_copy(update={"block_bytes": block_bytes})
    named = f"# asked\r\n{MARK}-1\n\n{MARK}-2\n{nobody}\n{MARK}-4\n-\n"
    with pytest.raises(ExclusionError, match=r"--exclude list: line 5 names nobody") as error:
        withheld({"a.jsonl": people()}, named.encode(), config)
    assert MARK not in str(error.value)
    assert nobody in {"-", "0"} or nobody not in str(error.value)


@pytest.mark.parametrize("record", [{"path": "/"}, {"ip": "192.0.2.1"}, {"device_id": "null", "ip": "x"}])
@pytest.mark.parametrize("block_bytes", [1, 50, MIB])
def test_a_record_that_names_nobody_ends_the_run(record: dict[str, str], block_bytes: int) -> None:
    config = CONFIG.model_copy(update={"block_bytes": block_bytes})
    good = event_lines([{"device_id": f"{MARK}-1"}])[0]
    for bad in (event_lines([record])[0], b'{"device_id": \n'):
        with pytest.raises(ExclusionError, match=r"--exclude list: line 3 names nobody") as error:
            withheld({"a.jsonl": people()}, good + b"\n" + bad + good, config)
        assert "192.0.2.1" not in str(error.value)
        assert MARK not in str(error.value)


def test_a_list_larger_than_a_block_is_read_to_its_end() -> None:
    named = b"".join(b"someone-%d\n" % n for n in range(5000)) + f"{MARK}-7\n".encode()
    config = CONFIG.model_copy(update={"block_bytes": 4000, "range_bytes": 4000})
    assert withheld({"a.jsonl": people()}, named, config) == 1
    assert withheld({"a.jsonl": people()}, gzip.compress(named), config) == 1
    with pytest.raises(ExclusionError, match="line 5002 names nobody"):
        withheld({"a.jsonl": people()}, named + b"-\n", config)


def test_lists_that_cannot_be_read_end_the_run() -> None:
    packed = gzip.compress(b"".join(b"someone-%d\n" % (n * n) for n in range(50_000)))
    for damaged in (packed[:-8], packed[:20_000]):
        with pytest.raises(LogscrubError):
            withheld({"a.jsonl": people()}, damaged)
    for other in (f"{MARK}-1\n".encode("utf-16"), bytes(range(256)) * 20):
        with pytest.raises(UsageError, match="--exclude list: the file is not text"):
            withheld({"a.jsonl": people()}, other)
    with pytest.raises(ExclusionError, match="--exclude list: a line is too long"):
        withheld({"a.jsonl": people()}, b"x\n" + b"a" * (MIB + 1))


def test_several_lists_count_together() -> None:
    files = {
        "a.jsonl": people(),
        "one": f"{MARK}-1".encode(),
        "two": b'{"device_id": "%s-2"}' % MARK.encode(),
    }
    _, result = run_engine(files, CONFIG, exclude=["one", "two"])
    assert result.tally.withheld == 2


# ---------------------------------------------------------------- by the command line


def write(**contents: bytes) -> None:
    for name, content in contents.items():
        Path(f"{name}.jsonl").write_bytes(content)


def test_the_list_is_in_no_byte_of_what_a_run_leaves(logscrub: Run, tmp_path: Path) -> None:
    write(a=people(count=14), list=f"# {MARK} asked\n{MARK}-3\nGA1.2.{MARK}\n".encode())
    flags = ("-o", "out", "--min-support", "2", "--account", "account.json", "--exclude", "list.jsonl")
    said = logscrub("run", "a.jsonl", *flags)
    assert said.code == 0
    told = said.out + said.err + Path("account.json").read_text()
    left = b"".join(name.encode() + content for name, content in bytes_of(tmp_path / "out").items())
    for secret in (MARK, "list.jsonl"):
        assert secret not in told
        assert secret.encode() not in left
    assert json.loads(Path("account.json").read_text())["lines"]["withheld"] == 1
    assert json.loads(Path("account.json").read_text())["total"] == 14


def test_replace_rewrites_a_day_without_who_asked(logscrub: Run, tmp_path: Path) -> None:
    write(a=people(count=14), list=f"{MARK}-3\n".encode())
    write(b=b"".join(line for line in people(count=14).splitlines(True) if f"{MARK}-3" not in line.decode()))
    assert logscrub("run", "b.jsonl", "-o", "other", "--min-support", "2").code == 0
    flags = ("run", "a.jsonl", "-o", "out", "--min-support", "2")
    assert logscrub(*flags).code == 0
    before = bytes_of(tmp_path / "out")
    assert logscrub(*flags, "--exclude", "list.jsonl").code == 3
    assert bytes_of(tmp_path / "out") == before
    said = logscrub(*flags, "--exclude", "list.jsonl", "--replace", "--force")
    assert said.code == 0
    assert "replaced" in said.out
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "other") != before


def test_wrong_lists_end_the_command(logscrub: Run) -> None:
    write(a=people(), list=f"{MARK}-1\n# x\nnull\n".encode())
    flags = ("run", "a.jsonl", "-o", "out", "--exclude")
    said = logscrub(*flags, "gone.txt")
    assert (said.code, said.out) == (2, "")
    assert "--exclude gone.txt: there is no such file" in said.err
    said = logscrub(*flags, "list.jsonl")
    assert (said.code, said.out) == (1, "")
    assert "--exclude list.jsonl: line 3 names nobody" in said.err
    assert MARK not in said.err
    assert "null" not in said.err
    assert not list(Path("out").glob("*"))


def test_a_damaged_list_is_named(logscrub: Run) -> None:
    packed = gzip.compress(b"".join(b"someone-%d\n" % (n * n) for n in range(50_000)))
    write(a=people(), list=packed[:-8])
    said = logscrub("run", "a.jsonl", "-o", "out", "--exclude", "list.jsonl")
    assert said.code == 1
    assert not list(Path("out").glob("*"))
    assert "--exclude list.jsonl" in said.err
