"""Work on the blocks of one stream in several threads, as far as a stream that is read in order allows."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_THREADS = min(4, os.cpu_count() or 1)  # what is held grows with them: a block each


def in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Give what is made of each item, in the order of the items, while later ones are taken and worked on.

    Args:
        work: is called in other threads, for several items at a time.
        items: are taken in this thread, a few more than results were asked for.

    Raises:
        Exception: whatever `work` or the iteration raises, in its place.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
