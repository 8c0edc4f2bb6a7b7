import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logscrub.formats import detect as detection
from logscrub.formats.detect import Detection, detect, detect_all
from logscrub.formats.registry import FORMATS
from logscrub.text.blocks import Block

SHARED = Path(os.environ.get("LOGSCRUB_SHARED", Path(__file__).parents[2].parent / "shared"))
COMMON = '192.0.2.1 - - [17/May/2015:10:05:03 +0200] "GET /a HTTP/1.1" 200 5'
COMBINED = COMMON + ' "http://example.com/" "Mozilla/5.0"'
HOSTILE = r'192.0.2.1 - - [17/May/2015:10:05:03 +0200] "\x16\x03\x01" 400 226 "-" "-"'
EVENT = json.dumps({"time": "2026-01-02T03:04:05Z", "path": "/"})


def name(*lines):
    return detect(("\n".join(lines) + "\n").encode()).format_name


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (COMMON, "common"),
        (COMBINED, "combined"),
        (f"example.com:80 {COMMON}", "vhost_common"),
        (f"example.com {COMBINED}", "vhost_combined"),
        (HOSTILE, "combined"),
        (f"example.com:443 {HOSTILE}", "vhost_combined"),
        (EVENT, "json_events"),
        ('{"level":30,"time":1531171074631,"msg":"hello"}', None),
        ("a,b,c", None),
        ("<html>", None),
        ("May 17 10:05:03 host sshd[1]: Accepted password", None),
        ("", None),
    ],
)
def test_each_format_is_told(line, expected):
    assert name(*[line] * 3) == expected


def test_a_cut_last_line_does_not_count_unless_it_is_alone():
    cut = detect((COMBINED + "\n" + COMBINED[:40]).encode())
    assert (cut.format_name, cut.share) == ("combined", 1.0)
    assert detect(COMBINED.encode()).format_name == "combined"


def test_the_share_is_told_and_too_poor_a_fit_is_none():
    assert detect(f"{COMBINED}\nx\n{COMBINED}\n{COMMON}\n\n".encode()).share == 0.75
    poor = detect(f"{COMBINED}\nx\ny\n".encode())
    assert (poor.format_name, round(poor.share, 2)) == (None, 0.33)


def test_a_hostile_head_and_a_byte_order_mark_do_not_mislead():
    assert name(*[HOSTILE] * 50, COMBINED) == "combined"
    assert detect(b"\xef\xbb\xbf" + COMMON.encode()).format_name == "common"


def test_a_tie_is_told_and_the_first_format_wins():
    tie = detect(COMMON.encode())
    assert (tie.format_name, tie.runner_up, tie.tie) == ("common", "combined", True)


def full_comparison(sample):
    """The definition: each format alone, on this sample alone."""
    sample = sample.removeprefix(b"\xef\xbb\xbf")
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    fits = []
    for known in FORMATS:
        parsed = known.parse(Block(whole, 0))
        lines = parsed.lines - parsed.blank
        captured = detection._captured_fields(parsed)
        share, score = (
            (float((captured > 1).sum()) / lines, float(captured.sum()) / lines) if lines else (0.0, 0.0)
        )
        fits.append((known.name, share, score))
    best, second = sorted(fits, key=lambda fit: -fit[2])[:2]
    return Detection(
        best[0] if best[1] >= detection.MIN_SHARE else None,
        best[1],
        second[0] if second[1] else None,
        second[1],
        second[1] > 0 and second[2] == best[2],
    )


LINES = st.sampled_from(
    [
        *(line.encode() for line in (COMMON, COMBINED, HOSTILE, EVENT, f"example.com:80 {COMBINED}")),
        f"example.com {COMMON}".encode(),
        b'{"time": 1, "child": true',
        b'{"a": 1}',
        b"",
        b" \t",
        b"diary",
        b'"""""""',
        b"\xff\xc3",
        b"\xef\xbb\xbf",
        COMMON.encode()[:30],
        EVENT.encode() + b"\r",
    ]
)
SAMPLES = st.tuples(st.lists(LINES, max_size=6), st.booleans()).map(
    lambda drawn: b"\n".join(drawn[0]) + b"\n" * drawn[1]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=5))
@example([b"\xef\xbb\xbf" + COMMON.encode(), b"", b"\r", EVENT.encode()])
def test_files_looked_at_together_are_told_like_each_alone(samples):
    assert detect_all(samples) == [full_comparison(sample) for sample in samples]


@pytest.mark.skipif(not SHARED.exists(), reason="the corpora are not here")
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("apache-real/apache_logs", "combined"),
        ("lnav/logfile_access_log.0", "combined"),
        ("lnav/logfile_shop_access_log.0", "combined"),
        ("lnav/logfile_regexp_access_log.0", "vhost_combined"),
        ("lnav/logfile_syslog_with_access_log.0", None),
        ("lnav/logfile_haproxy.0", None),
        ("lnav/logfile_w3c.0", None),
        ("lnav/logfile_pino.0", None),
        ("lnav/logfile_invalid_utf8.0", None),
    ],
)
def test_real_files(file, expected):
    with (SHARED / "corpora" / file).open("rb") as log:
        assert detect(log.read(65536)).format_name == expected
