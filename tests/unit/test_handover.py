"""Hits that stay in the process: what is left is picked up as it was, and dropped with its run."""

import pytest

from logscrub.beam.handover import ELSEWHERE, leave, pick_up, within_process
from logscrub.beam.options import is_one_process, pipeline_options


def test_what_is_left_is_picked_up_as_often_as_a_step_is_repeated():
    with within_process() as run:
        tickets = [leave(run, element) for element in (b"first", b"second", b"first")]
        assert len(set(tickets)) == 3
        assert all(len(ticket) == 8 for ticket in tickets)
        for _ in range(2):
            assert [pick_up(run, ticket) for ticket in tickets] == [b"first", b"second", b"first"]


def test_it_is_dropped_with_its_run():
    with within_process() as run:
        ticket = leave(run, b"hits")
    with pytest.raises(KeyError):
        pick_up(run, ticket)


def test_runs_do_not_see_each_other():
    with within_process() as one, within_process() as other:
        ticket = leave(one, b"hits")
        with pytest.raises(KeyError):
            pick_up(other, ticket)


def test_elsewhere_elements_are_moved_as_they_are():
    assert leave(ELSEWHERE, b"hits") == b"hits"
    assert pick_up(ELSEWHERE, b"hits") == b"hits"


@pytest.mark.parametrize(
    ("flags", "runner", "expected"),
    [
        ([], None, True),
        ([], "DirectRunner", True),
        (["--direct_running_mode=multi_threading"], None, True),
        (["--direct_running_mode=multi_processing"], None, False),
        (["--job_endpoint=embed", "--environment_type=LOOPBACK"], "PortableRunner", False),
    ],
)
def test_only_one_process_is_one(flags: list[str], runner: str | None, expected: bool):
    assert is_one_process(pipeline_options(flags, runner, 2)) is expected
