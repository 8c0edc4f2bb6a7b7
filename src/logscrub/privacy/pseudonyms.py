"""Keyed pseudonyms that live for one run: HMAC-SHA-256 for texts, SipHash-2-4 for integers.

Both give 64 bits. Among n identifiers of a run some two collide with odds of about n² / 2⁶⁵: 1 in 37 million
for a million, 1 in 3,700 for a hundred million. A collision makes two people one: it withholds or merges too
much, and never shows anyone.
"""

import hmac
import secrets
import struct
from collections.abc import Sequence
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.errors import KeyMismatchError
from logscrub.privacy.addresses import Addresses

KEY_BYTES = 32
_DOMAIN = b"logscrub/v1"
_CHUNK = 1 << 15  # the fastest of those measured: six arrays of 256 KiB stay in the cache

_NO_ONE = (
    "null|none|nil|undefined|unknown|nan|n/?a|false|true|anon(?:ymous)?|guest|empty|unset|not[ _]set"
    "|not available|redacted|object object|-1|opt(?:ed)?[-_ ]?out|no[-_ ]?id|0x0"
)
# Values that stand where an identifier is missing: all who lack one would become one person.
_SENTINELS = "|".join(
    (
        r"[0[:punct:]\p{Pd}\s]*",  # nil UUID (RFC 9562 section 5.9), 0, 0.0, -, ?, ***, zeroed IMEI or MAC
        r"(?:f[-:{}.]*){8,}",  # max UUID (RFC 9562 section 5.10), broadcast MAC
        "02(?:[-:]?00){5}",  # the MAC that iOS and Android give to every app
        "9774d56d682e549c",  # the ANDROID_ID that a whole generation of phones shared (Android issue 10603)
        f"[[:punct:] ]*(?:{_NO_ONE})[[:punct:] ]*",
        r"\$\{.*\}|\{\{.*\}\}|<[a-z_ ]*>|%[a-z_]+%",  # a template that nobody filled in
    )
)
_UUID = r"^\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?$"


class EphemeralKey:
    """The key of one run: made inside it, never stored, never shown."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"an ephemeral key has {KEY_BYTES} bytes")
        self._secret = bytes(secret)

    @classmethod
    def generate(cls) -> "EphemeralKey":
        """Make a new key from the operating system's random source."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_bytes(cls, secret: bytes) -> "EphemeralKey":
        """Take these 32 bytes as the key; ValueError for another length."""
        return cls(secret)

    def __repr__(self) -> str:
        return "EphemeralKey(hidden)"

    @property
    def check(self) -> bytes:
        """Key check value, 8 bytes: equal for equal keys, tells nothing of the key."""
        return self.digest(b"logscrub/check")[:8]

    def digest(self, message: bytes) -> bytes:
        """HMAC-SHA-256 (RFC 2104) of a message under this key, 32 bytes."""
        return hmac.digest(self._secret, message, "sha256")


def require_same(check: bytes, other: bytes) -> None:
    """Raise KeyMismatchError when two key check values differ."""
    if check != other:
        raise KeyMismatchError


def pseudonyms(
    key: EphemeralKey, kind: str, distinct: pa.StringArray | Sequence[str | None]
) -> npt.NDArray[np.uint64]:
    """Pseudonym of each value: the first 8 bytes of its HMAC-SHA-256.

    Args:
        key: the key of this run.
        kind: what the value identifies, such as `device_id`: equal values of two kinds are not linked.
        distinct: distinct values, normalised; null where there is none.

    Returns:
        uint64 for each value; 0 only for null.
    """
    values = distinct.to_pylist() if isinstance(distinct, pa.Array) else distinct
    prefix = _length_prefixed(_DOMAIN) + _length_prefixed(kind.encode())
    digests = [
        bytes(8) if value is None else key.digest(prefix + _length_prefixed(value.encode()))[:8]
        for value in values
    ]
    found = np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
    found[(found == 0) & np.array([value is not None for value in values], np.bool_)] = 1
    return found


def normalise_identifiers(distinct: pa.StringArray) -> pa.StringArray:
    """One spelling for each identifier, and null for values that stand for "no identifier".

    White space, case, invisible characters, compatibility forms (NFKC), percent-encoding, the dashes and
    braces of a UUID and the `.0` of a whole number do not tell people apart. Null are: words such as `null`
    or `anonymous`, also in brackets or quotes; values without any letter or digit but 0; eight or more f;
    unfilled templates; known constants. A shorter run of f may be a real name and is kept. Sentinels never
    join records and never make a visitor.
    """
    texts = _percent_decoded(distinct)
    if pc.all(pc.string_is_ascii(texts)).as_py():  # most are, and have one form only
        texts = pc.ascii_lower(texts)
    else:
        texts = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC"))
        texts = pc.replace_substring_regex(texts, r"\p{Cf}", "")
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.replace_substring_regex(texts, r"^(-?[0-9]+)\.0+$", r"\1")
    sentinel = pc.match_substring_regex(texts, f"^(?:{_SENTINELS})$")
    texts = pc.replace_substring_regex(texts, _UUID, r"\1\2\3\4\5")
    return pc.if_else(pc.fill_null(sentinel, True), pa.scalar(None, pa.string()), texts)


def _percent_decoded(distinct: pa.StringArray) -> pa.StringArray:
    """Undo percent-encoding (RFC 3986 section 2.1): a cookie may hold an id encoded, and an event plain."""
    encoded = pc.fill_null(pc.match_substring_regex(distinct, "%[0-9A-Fa-f]{2}"), False)
    if not pc.any(encoded).as_py():
        return distinct
    decoded = [unquote(text) for text in distinct.filter(encoded).to_pylist()]
    return pc.replace_with_mask(distinct, encoded, pa.array(decoded, pa.string()))


def pair_pseudonyms(
    key: EphemeralKey, addresses: Addresses, agent: npt.NDArray[np.uint64], day: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Pseudonym of an address, a user agent and a day: one visitor, or a child's one hop.

    Args:
        key: the key of this run.
        addresses: unwrapped addresses before truncation.
        agent: uint64 pseudonym of the user agent, 0 where absent.
        day: days since 1970-01-01 in the reporting time zone.

    Returns:
        uint64, never 0. A null address has a value too, so that it can stand for a visitor; the caller must
        not join by it.
    """
    # The family shares the word of the day, which is far below 56 bits.
    day_and_family = (day.astype(np.int64) << 8).view(np.uint64) | addresses.family
    words = [day_and_family, addresses.high, addresses.low, agent]
    found = siphash24(key.digest(b"logscrub/siphash")[:16], words)
    return np.maximum(found, np.uint64(1), out=found)


def siphash24(key: bytes, words: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """SipHash-2-4 (Aumasson and Bernstein 2012) of many messages of equal length at once.

    Args:
        key: 16 bytes.
        words: word i of every message; each uint64 array has one entry for each message, and a message is
            its words in little-endian order.

    Returns:
        uint64 digest of each message.
    """
    found = np.empty(len(words[0]), np.uint64)
    for start in range(0, len(found), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        found[chunk] = _siphash24_chunk(key, [word[chunk] for word in words])
    return found


def _siphash24_chunk(key: bytes, words: list[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    key_words = struct.unpack("<QQ", key) * 2
    constants = struct.unpack(">4Q", b"somepseudorandomlygeneratedbytes")
    count = len(words[0])
    state = [np.full(count, k ^ c, np.uint64) for k, c in zip(key_words, constants, strict=True)]
    spare = np.empty(count, np.uint64)
    length = np.full(
        count, len(words) * 8 % 256 << 56, np.uint64
    )  # the last word of a message without odd bytes
    for word in (*words, length):
        state[3] ^= word
        _rounds(2, state, spare)
        state[0] ^= word
    state[2] ^= np.uint64(0xFF)
    _rounds(4, state, spare)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(count: int, state: list[npt.NDArray[np.uint64]], spare: npt.NDArray[np.uint64]) -> None:
    """Apply SipRound in place (section 2.2 of the paper)."""
    v0, v1, v2, v3 = state
    for _ in range(count):
        for add_to, added, turns in ((v0, v1, 13), (v2, v3, 16), (v0, v3, 21), (v2, v1, 17)):
            np.add(add_to, added, out=add_to)
            _rotate(added, turns, spare)
            np.bitwise_xor(added, add_to, out=added)
            if turns in (13, 17):
                _rotate(add_to, 32, spare)


def _rotate(value: npt.NDArray[np.uint64], bits: int, spare: npt.NDArray[np.uint64]) -> None:
    np.right_shift(value, np.uint64(64 - bits), out=spare)
    np.left_shift(value, np.uint64(bits), out=value)
    np.bitwise_or(value, spare, out=value)


def _length_prefixed(part: bytes) -> bytes:
    # Without lengths `ab` + `c` would equal `a` + `bc`.
    return struct.pack("<Q", len(part)) + part
