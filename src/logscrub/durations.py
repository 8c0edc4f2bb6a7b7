"""Durations in logarithmic buckets of 2 %: their counts add up, whatever the layout of the work."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

NO_BUCKET: Final = -1
"""Bucket of a hit without a duration."""

LONGEST_US: Final = 86_400_000_000
"""A day: what took longer is no time to serve."""


def _lower_bounds() -> npt.NDArray[np.int64]:
    """Microseconds at which buckets begin: whole numbers, so that every machine has the same ones."""
    bounds = [0]
    while bounds[-1] <= LONGEST_US:
        bounds.append(max(bounds[-1] + 1, -(-bounds[-1] * 102 // 100)))
    return np.array(bounds, dtype=np.int64)


_BOUNDS = _lower_bounds()
BUCKETS: Final = len(_BOUNDS) - 1
"""Number of buckets."""


def buckets(duration: pa.Array) -> npt.NDArray[np.int16]:
    """Bucket of each duration (int64 microseconds); `NO_BUCKET` for null and what is out of range."""
    micros = duration.fill_null(-1).to_numpy(zero_copy_only=False)
    found = np.searchsorted(_BOUNDS, micros, side="right") - 1
    return np.where((micros < 0) | (micros > LONGEST_US), NO_BUCKET, found).astype(np.int16)


def bucket_ms(bucket: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Milliseconds in the middle of each bucket: at most 1 % from any duration in it."""
    middle: npt.NDArray[np.float64] = (_BOUNDS[bucket] + _BOUNDS[bucket + 1] - 1) / 2000
    return middle
