"""Pseudonyms: keyed, separated by kind, hidden keys, SipHash against its reference, sentinels."""

import hmac
import pickle
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pytest

from logscrub.errors import KeyMismatchError
from logscrub.privacy.addresses import parse_addresses
from logscrub.privacy.pseudonyms import (
    EphemeralKey,
    normalise_identifiers,
    pair_pseudonyms,
    pseudonyms,
    require_same,
    siphash24,
)

KEY = EphemeralKey.from_bytes(bytes(range(32)))

# Outputs of the reference implementation (github.com/veorq/SipHash, vectors.h, 64 bit) for the key
# 00 01 … 0f and the message 00 01 … of as many bytes.
SIPHASH_VECTORS = {
    8: 0x93F5F5799A932462,
    16: 0x3F2ACC7F57C29BDB,
    24: 0xB8AD50C6F649AF94,
    32: 0x7127512F72F27CCE,
    40: 0x0E3EA96B5304A7D0,
    48: 0xE612A3CB9ECBA951,
    56: 0xB78DBFAF3A8D83BD,
}


@pytest.mark.parametrize("length", sorted(SIPHASH_VECTORS))
def test_siphash_gives_the_reference_vectors(length: int) -> None:
    words = [np.array([word], np.uint64) for word in np.frombuffer(bytes(range(length)), "<u8")]
    assert siphash24(bytes(range(16)), words)[0] == SIPHASH_VECTORS[length]


def test_siphash_of_many_is_siphash_of_each_and_leaves_its_input() -> None:
    many = np.arange(70_001, dtype=np.uint64)  # more than two chunks
    found = siphash24(bytes(range(16)), [many, many])
    assert (many == np.arange(70_001)).all()
    for index in (0, 1, 32_767, 32_768, 65_536, 70_000):
        one = many[index : index + 1]
        assert siphash24(bytes(range(16)), [one, one])[0] == found[index]
    assert len(np.unique(found)) == len(many)
    assert len(siphash24(bytes(16), [many[:0]])) == 0


def test_a_pseudonym_is_the_head_of_a_length_prefixed_hmac() -> None:
    parts = (b"logscrub/v1", b"device_id", "ä1".encode())
    message = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    expected = hmac.new(bytes(range(32)), message, sha256).digest()[:8]
    assert pseudonyms(KEY, "device_id", pa.array(["ä1"]))[0] == int.from_bytes(expected, "little")


def test_pseudonyms_depend_on_key_kind_and_value() -> None:
    values = pa.array(["a", "b", None])
    found = pseudonyms(KEY, "user_id", values)
    assert found.dtype == np.uint64
    assert found[2] == 0
    assert found[0] != found[1]
    assert (found == pseudonyms(KEY, "user_id", ["a", "b", None])).all()
    assert found[0] != pseudonyms(KEY, "client_id", values)[0]
    assert found[0] != pseudonyms(EphemeralKey.generate(), "user_id", values)[0]
    assert pseudonyms(KEY, "ab", ["c"])[0] != pseudonyms(KEY, "a", ["bc"])[0]
    assert len(pseudonyms(KEY, "user_id", [])) == 0


def test_a_digest_of_zero_is_not_taken_for_null(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EphemeralKey, "digest", lambda _self, _message: bytes(32))
    assert pseudonyms(KEY, "user_id", ["a", None]).tolist() == [1, 0]


def test_a_key_is_never_shown_and_survives_as_a_side_input() -> None:
    assert repr(KEY) == str(KEY) == f"{KEY}" == "EphemeralKey(hidden)"
    assert not hasattr(KEY, "__dict__")
    assert pickle.loads(pickle.dumps(KEY)).check == KEY.check
    assert EphemeralKey.generate().check != EphemeralKey.generate().check
    assert len(KEY.check) == 8


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        EphemeralKey.from_bytes(bytes(length))


def test_key_check_values_must_agree() -> None:
    require_same(KEY.check, EphemeralKey.from_bytes(bytes(range(32))).check)
    with pytest.raises(KeyMismatchError):
        require_same(KEY.check, EphemeralKey.generate().check)


def test_pairs_tell_address_agent_and_day_apart() -> None:
    texts = ["192.0.2.1", "192.0.2.2", "::192.0.2.1", "2001:db8::1", "::1", "0.0.0.1", None, "::"]
    addresses = parse_addresses(pa.array(texts))
    agent, day = np.full(8, 7, np.uint64), np.full(8, 20_000, np.int64)
    found = pair_pseudonyms(KEY, addresses, agent, day)
    assert (found != 0).all()
    assert found[0] == found[2]  # an IPv4-compatible address is the IPv4 address
    assert len(np.unique(found)) == 7
    assert (found != pair_pseudonyms(KEY, addresses, agent + np.uint64(1), day)).all()
    assert (found != pair_pseudonyms(KEY, addresses, agent, day + 1)).all()
    assert (found != pair_pseudonyms(KEY, addresses, agent, -day)).all()
    assert (found != pair_pseudonyms(EphemeralKey.generate(), addresses, agent, day)).all()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "-",
        "--",
        "?",
        "***",
        "0",
        "0.0",
        "-0.0",
        "-1",
        "-1.0",
        "null",
        "NULL",
        "(null)",
        "<none>",
        '"undefined"',
        " Unknown ",
        "NaN",
        "n/a",
        "[object Object]",
        "(not set)",
        "anonymous",
        "guest",
        "false",
        "True",
        "00000000-0000-0000-0000-000000000000",
        "{00000000-0000-0000-0000-000000000000}",
        "00000000000000000000000000000000",
        "\uff10\uff10\uff10",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "FF:FF:FF:FF:FF:FF",
        "02:00:00:00:00:00",
        "9774d56d682e549c",
    ],
)
def test_sentinels_are_null(text: str | None) -> None:
    assert normalise_identifiers(pa.array([text], pa.string())).to_pylist() == [None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alice", "alice"),
        ("  u-17 ", "u-17"),
        ("\uff55\uff11\uff17", "u17"),
        ("6D92078A-8246-4BA4-AE5B-76104861E7DC", "6d92078a82464ba4ae5b76104861e7dc"),
        ("{6d92078a-8246-4ba4-ae5b-76104861e7dc}", "6d92078a82464ba4ae5b76104861e7dc"),
        ("6d92078a82464ba4ae5b76104861e7dc", "6d92078a82464ba4ae5b76104861e7dc"),
        ("1234.0", "1234"),
        ("1234567890.1700000000", "1234567890.1700000000"),
        ("10", "10"),
        ("ff", "ff"),
        ("иван", "иван"),
        ("李", "李"),
        ("nulla", "nulla"),
        ("guest7", "guest7"),
    ],
)
def test_one_spelling_for_each_identifier(text: str, expected: str) -> None:
    assert normalise_identifiers(pa.array([text])).to_pylist() == [expected]


def test_normalising_no_values() -> None:
    assert normalise_identifiers(pa.array([], pa.string())).to_pylist() == []
