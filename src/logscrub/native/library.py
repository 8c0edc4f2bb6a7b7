"""The compiled part of logscrub: the library that `hatch_build.py` makes of the Zig sources beside this file.

It is called without Python's lock, so that threads run side by side, and keeps nothing between two calls.
"""

import ctypes
import math
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

NAME = "native.dll" if sys.platform == "win32" else "native.so"
"""Name of its file on this system."""

_POINTER, _SIZE, _COUNT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_ssize_t
_BYTE, _U32, _U64 = ctypes.c_uint8, ctypes.c_uint32, ctypes.c_uint64
_I16, _I64 = ctypes.c_int16, ctypes.c_int64
_OUT_OF_MEMORY = -1
_FIRST_SCRATCH, _MOST_SCRATCH = 2**24, 2**34
_FUNCTIONS = {
    "count_byte": (_SIZE, [_POINTER, _SIZE, _BYTE]),
    "places_of": (None, [_POINTER, _SIZE, _BYTE, _POINTER, _SIZE]),
    "marked_lines": (_SIZE, [_POINTER, _SIZE, _POINTER, _SIZE, _POINTER, _POINTER, _SIZE]),
    "count_cells": (
        _COUNT,
        [
            *[_POINTER, _SIZE],
            *[_SIZE, _POINTER, _POINTER, _POINTER, _SIZE, _POINTER, _SIZE],
            *[_POINTER, _I16, _POINTER, _SIZE, _I64, _SIZE, *[_POINTER] * 8],
        ],
    ),
    "read_objects": (
        _COUNT,
        [
            *[_POINTER, _SIZE, _POINTER, _SIZE, _POINTER, _POINTER, _SIZE, _POINTER, _SIZE],
            *[_POINTER] * 4,
            *[_SIZE, _SIZE, _U64, *[_POINTER] * 7],
        ],
    ),
    "split_lines": (
        _COUNT,
        [
            *[_POINTER, _SIZE, _POINTER, _SIZE, _POINTER, _POINTER, _POINTER, _SIZE, _U32, _U64, _SIZE],
            *[_POINTER] * 4,
            *[_SIZE, _POINTER, _POINTER, _POINTER],
        ],
    ),
}


def _loaded() -> ctypes.CDLL:
    place = Path(__file__).with_name(NAME)
    if not place.exists():
        raise ImportError(f"{NAME} of logscrub is missing: install logscrub with pip, which builds it")
    library = ctypes.CDLL(str(place))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


LIBRARY = _loaded()
"""The functions of `native.zig`."""


def address(array: npt.NDArray[np.generic]) -> ctypes.c_void_p:
    """Where the values of an array stand, which must be one after the other; it keeps the array alive."""
    if not array.flags.c_contiguous:
        raise ValueError("the values of an array are not one after the other")
    return array.ctypes.data_as(ctypes.c_void_p)


class _Scratch(threading.local):
    """Memory of a thread for one call after the other: fresh memory costs more than what is done in it."""

    def __init__(self) -> None:
        self.bytes = np.empty(_FIRST_SCRATCH, np.uint8)
        self.results: dict[str, npt.NDArray[np.uint8]] = {}


_SCRATCH = _Scratch()


def result_room(name: str, shape: tuple[int, ...], kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array for results of which mostly a small part is used, which is to be copied.

    Args:
        name: arrays of one name share their memory in a thread.
        shape: of the array.
        kind: its dtype.
    """
    size = math.prod(shape) * np.dtype(kind).itemsize
    memory = _SCRATCH.results.get(name)
    if memory is None or len(memory) < size:
        memory = _SCRATCH.results[name] = np.empty(size, np.uint8)
    return memory[:size].view(kind).reshape(shape)


def with_scratch(function: Callable[..., int], *arguments: object) -> int:
    """Call a function that takes scratch memory first, with as much of it as it turns out to need.

    Raises:
        MemoryError: it needs more than 16 GiB.
    """
    while True:
        memory = _SCRATCH.bytes
        answer = function(address(memory), len(memory), *arguments)
        if answer != _OUT_OF_MEMORY:
            return answer
        if len(memory) >= _MOST_SCRATCH:
            raise MemoryError
        _SCRATCH.bytes = np.empty(2 * len(memory), np.uint8)


def strings(offsets: npt.NDArray[np.int32], text: npt.NDArray[np.uint8]) -> pa.StringArray:
    """Strings that stand one after the other, by where each begins and the last one ends; a copy."""
    buffers = pa.py_buffer(offsets.tobytes()), pa.py_buffer(text[: offsets[-1]].tobytes())
    return pa.StringArray.from_buffers(len(offsets) - 1, *buffers)


def text_of(data: memoryview | bytes) -> npt.NDArray[np.uint8]:
    """Bytes as an array, without a copy.

    Raises:
        ValueError: more than 2 GiB, which the library does not count.
    """
    if len(data) > np.iinfo(np.int32).max:
        raise ValueError("a block of more than 2 GiB: make block_bytes smaller")
    return np.frombuffer(data, np.uint8)
