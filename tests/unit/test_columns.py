"""Work on distinct values."""

import threading

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from logscrub.columns import Memo


def _lengths(asked: list[str]) -> list[pa.Array]:
    return [pa.array([len(value) for value in asked], pa.int64()), pa.array(asked, pa.string())]


@given(st.lists(st.lists(st.text(max_size=4), unique=True, max_size=8), max_size=8), st.integers(1, 12))
def test_a_memo_answers_as_the_function_does_and_asks_each_value_once(
    blocks: list[list[str]], limit: int
) -> None:
    asked: list[str] = []

    def function(values: list[str]) -> list[pa.Array]:
        asked.extend(values)
        return _lengths(values)

    memo = Memo(function, limit)
    for block in blocks:
        lengths, values = memo(pa.array(block, pa.string()))
        assert lengths.to_pylist() == [len(value) for value in block]
        assert values.to_pylist() == block
    if len({value for block in blocks for value in block}) + max(map(len, blocks), default=0) <= limit:
        assert len(asked) == len(set(asked))


def test_threads_share_a_memo() -> None:
    memo = Memo(_lengths, 500)
    wrong = []

    def ask(start: int) -> None:
        for first in range(start, start + 2000, 50):
            block = [str(number) for number in range(first, first + 90)]
            if memo(pa.array(block))[1].to_pylist() != block:
                wrong.append(first)

    threads = [threading.Thread(target=ask, args=(start,)) for start in (0, 25, 400, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
