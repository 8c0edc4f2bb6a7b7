"""Pseudonyms of the ids of records: several in one value, and none of those that are nobody's."""

import numpy as np
import pyarrow as pa
import pytest

from logscrub.privacy.identifiers import ID_KINDS, kind_of, listed_ids, record_ids
from logscrub.privacy.pseudonyms import KEY_BYTES, EphemeralKey
from logscrub.signals import BETWEEN_VALUES

KEY = EphemeralKey.from_bytes(bytes(range(KEY_BYTES)))
OTHER_KEY = EphemeralKey.from_bytes(bytes(KEY_BYTES))
UUID = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
SENTINELS = ("00000000-0000-0000-0000-000000000000", "-", "null", "undefined", "unknown", "", "0", " N/A ")


def column(*texts: str | None) -> pa.DictionaryArray:
    return pa.array(texts, pa.string()).dictionary_encode()


def several(*ids: str) -> str:
    return BETWEEN_VALUES.join(ids)


def ids_of(*texts: str | None, kind: str = "device_id", key: EphemeralKey = KEY) -> list[list[int]]:
    """Ids of each record, first ones first."""
    found = record_ids(key, kind, column(*texts))
    assert all(one.dtype == np.uint64 and len(one) == len(texts) for one in found)
    return [[int(one[row]) for one in found] for row in range(len(texts))]


def id_of(text: str, kind: str = "device_id", key: EphemeralKey = KEY) -> int:
    ((found,),) = ids_of(text, kind=kind, key=key)
    assert found
    return found


def test_one_id_for_each_record() -> None:
    assert ids_of("a", None, "b", "a") == [[id_of("a")], [0], [id_of("b")], [id_of("a")]]
    assert id_of("a") != id_of("b")


def test_a_column_without_ids_has_none() -> None:
    assert ids_of() == []
    assert ids_of(None, None) == [[], []]
    assert record_ids(KEY, "user_id", column()) == []


@pytest.mark.parametrize("sentinel", SENTINELS)
def test_sentinels_are_no_ids(sentinel: str) -> None:
    assert ids_of(sentinel, "a") == [[0], [id_of("a")]]
    assert ids_of(several(sentinel, sentinel), "a") == [[0], [id_of("a")]]


@pytest.mark.parametrize("sentinel", SENTINELS)
def test_the_first_id_that_is_no_sentinel_comes_first(sentinel: str) -> None:
    a, b = id_of("a"), id_of("b")
    assert ids_of(several(sentinel, "a", "b"), several("b", sentinel, "a"), several("a", sentinel)) == [
        *([a, b], [b, a], [a, 0]),
    ]


def test_all_of_several_ids_count() -> None:
    a, b, c = (id_of(text) for text in "abc")
    assert ids_of(several("a", "b", "c"), "c", None, several("b", "a")) == [
        *([a, b, c], [c, 0, 0], [0, 0, 0], [b, a, 0]),
    ]


def test_only_sentinels_in_every_record_make_no_ids() -> None:
    assert ids_of(several("null", "-"), None) == [[], []]


def test_ids_that_repeat_are_one_person() -> None:
    ((first, second),) = ids_of(several("a", "a"))
    assert {first, second} - {0} == {id_of("a")}
    assert first == id_of("a")
    assert ids_of(several("a", "A"), "a")[0][0] == ids_of(several("a", "A"), "a")[1][0]


@pytest.mark.parametrize(
    "text",
    [UUID, UUID.lower(), UUID.replace("-", ""), f"{{{UUID}}}", f" {UUID}\t", UUID.replace("F", "\uff26")],
)
def test_case_and_dashes_do_not_tell_ids_apart(text: str) -> None:
    assert id_of(text) == id_of(UUID)
    assert ids_of(several("null", text, "b"))[0] == [id_of(UUID), id_of("b")]


def test_dictionary_values_that_repeat_or_are_not_used_change_nothing() -> None:
    indices = pa.array([2, None, 0], pa.int32())
    given = pa.DictionaryArray.from_arrays(indices, pa.array(["a", "unused", "a"]))
    (found,) = record_ids(KEY, "device_id", given)
    assert found.tolist() == [id_of("a"), 0, id_of("a")]
    given = pa.DictionaryArray.from_arrays(
        indices, pa.array([several("b", "a"), several("x", "y", "z"), "a"])
    )
    rows = [[int(one[row]) for one in record_ids(KEY, "device_id", given)] for row in range(3)]
    assert [[one for one in row if one] for row in rows] == [[id_of("a")], [], [id_of("b"), id_of("a")]]


def test_ids_of_two_kinds_or_two_runs_are_not_linked() -> None:
    pseudonyms = [id_of("a", kind, key) for kind in ID_KINDS for key in (KEY, OTHER_KEY)]
    assert len(set(pseudonyms)) == len(pseudonyms)


def test_the_kind_of_a_pseudonym_can_be_told() -> None:
    for place, kind in enumerate(ID_KINDS):
        texts = [str(number) for number in range(1, 200)]
        (found,) = record_ids(KEY, kind, column(*texts))
        assert kind_of(found).tolist() == [place] * len(texts)
        assert len(set(found.tolist())) == len(texts)


def test_ids_that_were_found_elsewhere() -> None:
    cookies = column("first", None, "second", "first", "third")
    found = listed_ids(KEY, "client_id", cookies, [["a", "null", "b"], [], ["b"]])
    a, b = id_of("a", "client_id"), id_of("b", "client_id")
    assert [one.tolist() for one in found] == [[a, 0, 0, a, b], [b, 0, 0, b, 0]]


def test_nothing_that_was_found_elsewhere() -> None:
    assert listed_ids(KEY, "client_id", column("first", None), [[]]) == []
    assert listed_ids(KEY, "client_id", column("first"), [["null", "-"]]) == []
    assert listed_ids(KEY, "client_id", column(), []) == []


def test_ids_of_a_column_and_of_cookies_are_the_same() -> None:
    (of_cookie,) = listed_ids(KEY, "session_id", column("PHPSESSID=ABC"), [["ABC"]])
    assert of_cookie.tolist() == [id_of("abc", "session_id")]
