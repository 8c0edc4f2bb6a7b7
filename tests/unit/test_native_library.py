"""The compiled part is loaded, or its absence told; memory is handed to it as it must be."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from logscrub.native import library
from logscrub.native.library import address, result_room, strings, text_of


def test_a_missing_library_says_how_to_get_it(tmp_path: Path):
    place = shutil.copy(library.__file__, tmp_path / "library.py")
    spec = importlib.util.spec_from_file_location("library_alone", place)
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(ImportError, match="install logscrub with pip"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_values_that_are_not_side_by_side_are_refused():
    with pytest.raises(ValueError, match="one after the other"):
        address(np.arange(10)[::2])


def test_more_bytes_than_are_counted_are_refused():
    too_many = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (2**31,), (0,))
    with pytest.raises(ValueError, match="block_bytes"):
        text_of(too_many)


def test_room_for_results_is_used_again():
    first = result_room("test", (4, 5), np.int32)
    first[:] = 7
    assert result_room("test", (2, 2), np.float64).shape == (2, 2)
    again = result_room("test", (4, 5), np.int32)
    assert np.shares_memory(first, again)
    larger = result_room("test", (40, 5), np.int32)
    assert not np.shares_memory(first, larger)


def test_strings_are_a_copy():
    offsets, text = np.array([0, 1, 1, 3], np.int32), np.frombuffer(b"abcdef", np.uint8).copy()
    found = strings(offsets, text)
    text[:] = ord("x")
    assert found.to_pylist() == ["a", "", "bc"]
