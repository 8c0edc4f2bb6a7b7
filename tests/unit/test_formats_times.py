from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from logscrub.errors import LineReason
from logscrub.formats.records import PROBLEMS
from logscrub.formats.times import clf_shaped, clf_times, event_times


def read(value):
    text, number = (value, None) if isinstance(value, str) else (None, value)
    times = event_times(pa.array([text], pa.string()), pa.array([number], pa.float64()))
    return result(times)


def read_clf(text):
    return result(clf_times(np.frombuffer(text.encode(), np.uint8).reshape(1, -1)))


def result(times):
    problem = int(times.problem[0])
    if problem >= 0:
        return PROBLEMS[problem]
    return datetime.fromtimestamp(int(times.millis[0]) / 1000, UTC).isoformat(timespec="milliseconds")[:-6]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000"),
        ("2026-01-02t03:04:05.6789z", "2026-01-02T03:04:05.678"),
        ("2026-01-02 03:04:05,1+05:30", "2026-01-01T21:34:05.100"),
        ("2024-02-29T00:00:00-0800", "2024-02-29T08:00:00.000"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000"),
        ("1700000000", "2023-11-14T22:13:20.000"),
        ("1700000000.123", "2023-11-14T22:13:20.123"),
        (1700000000.5, "2023-11-14T22:13:20.500"),
        (1700000000123.0, "2023-11-14T22:13:20.123"),
        (1.700000000123e15, "2023-11-14T22:13:20.123"),
        (1.7e18, "2023-11-14T22:13:20.000"),
        ("2025-02-29T00:00:00Z", LineReason.IMPOSSIBLE_TIME),
        ("1900-02-29T00:00:00Z", LineReason.IMPOSSIBLE_TIME),
        ("2026-01-02T24:00:00Z", LineReason.IMPOSSIBLE_TIME),
        ("2026-00-02T00:00:00Z", LineReason.IMPOSSIBLE_TIME),
        ("2026-01-02T00:00:00+24:00", LineReason.IMPOSSIBLE_TIME),
        ("1989-12-31T23:59:59Z", LineReason.IMPOSSIBLE_TIME),
        (-1.0, LineReason.IMPOSSIBLE_TIME),
        (0.0, LineReason.IMPOSSIBLE_TIME),
        (1e300, LineReason.IMPOSSIBLE_TIME),
        (float("nan"), LineReason.NO_TIME),
        (float("inf"), LineReason.NO_TIME),
        (None, LineReason.NO_TIME),
        ("", LineReason.NO_TIME),
        ("2026-01-02T03:04:05", LineReason.NO_TIME),
        ("2026-01-02", LineReason.NO_TIME),
        ("yesterday evening, 5 pm", LineReason.NO_TIME),
        ("\uff12026-01-02T03:04:05Z", LineReason.NO_TIME),
    ],
)
def test_times_of_events(value, expected):
    assert read(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17/May/2015:10:05:03 +0000", "2015-05-17T10:05:03.000"),
        ("17/may/2015:10:05:60 -0730", "2015-05-17T17:35:59.000"),
        ("29/Feb/2000:00:00:00 +0000", "2000-02-29T00:00:00.000"),
        ("29/Feb/2100:00:00:00 +0000", LineReason.IMPOSSIBLE_TIME),
        ("17/Foo/2015:10:05:03 +0000", LineReason.IMPOSSIBLE_TIME),
        ("00/May/2015:10:05:03 +0000", LineReason.IMPOSSIBLE_TIME),
        ("17/May/2015:10:60:03 +0000", LineReason.IMPOSSIBLE_TIME),
        ("17/May/2015:10:05:03 +0060", LineReason.IMPOSSIBLE_TIME),
    ],
)
def test_times_of_access_logs(text, expected):
    assert read_clf(text) == expected


def test_every_day_of_four_centuries():
    days = np.arange(np.datetime64("1996-01-01"), np.datetime64("2396-01-01"))
    text = pa.array([f"{day}T00:00:00Z" for day in days])
    times = event_times(text, pa.nulls(len(days), pa.float64()))
    assert (times.problem == -1).all()
    assert (times.millis == days.astype("datetime64[ms]").astype(np.int64)).all()


def test_shape():
    texts = ["17/May/2015:10:05:03 +0000", "1x/May/2015:10:05:03 +0000", "17/M4y/2015:10:05:03 +0000"]
    texts += ["17-May-2015:10:05:03 +0000", "17/May/2015 10:05:03 +0000", "17/May/2015:10:05:03 *0000"]
    matrix = np.frombuffer("".join(texts).encode(), np.uint8).reshape(-1, 26)
    assert clf_shaped(matrix).tolist() == [True] + [False] * 5
