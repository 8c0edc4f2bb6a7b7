"""Writes GPP and TC strings, from the specifications and without the reader under test."""

import base64

# One token a field, in the order of the specification. v: Version (6 bits), n: a notice, S, H, T: opt-outs of
# sale, sharing and targeted advertising, dN: N slots of sensitive data, kN: N slots of known children,
# c: another consent, m: a field of the MSPA.
CORES = {
    (7, 1): "v n n n n n n S H T d12 k2 c m m m",
    (7, 2): "v n n n n n n S H T d16 k3 c m m m",
    (8, 1): "v n n n S H d9 k2 c m m m",
    (9, 1): "v n n n S T d8 k1 m m m",
    (10, 1): "v n n n S T d7 k1 m m m",
    (11, 1): "v n n n n S T d8 k1 m m m",
    (12, 1): "v n n n S T d8 k3 m m m",
    (13, 1): "v n n n S T d8 k3 c m m m",
    (14, 1): "v n n n S T d8 k3 c m m m",
    (15, 1): "v n n n S T d11 k3 c m m m",
    (16, 1): "v n n n S T d8 k1 c m m m",
    (17, 1): "v n n n S T d9 k5 c m m m",
    (18, 1): "v n n n n S T d8 k1 m m m",
    (19, 1): "v n n n S T d8 k1 c m m m",
    (20, 1): "v n n n S T d8 k3 c m m m",
    (21, 1): "v n n n S T d10 k5 c m m m",
    (22, 1): "v n n n S T d8 k1 c m m m",
    (23, 1): "v n n n S T d8 k1 c m m m",
    (24, 1): "v m m n n n S T c",
    (25, 1): "v m m n n n S T k1 c",
    (26, 1): "v m m n n n S T k1 c",
    (27, 1): "v m m n n n S T k1 c",
}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encode(numbers: list[tuple[int, int]], unit: int = 6) -> str:
    """Base64url of pairs of a value and its width in bits, padded to a multiple of `unit` bits."""
    total = width = 0
    for value, bits in numbers:
        total, width = (total << bits) | value, width + bits
    padded = -(-width // unit) * unit
    characters = -(-padded // 6)
    octets = -(-characters * 6 // 8) + 1
    return base64.urlsafe_b64encode((total << (octets * 8 - width)).to_bytes(octets)).decode()[:characters]


def fibonacci(number: int) -> tuple[int, int]:
    """Value and width of a Fibonacci code word."""
    terms = [1, 2]
    while terms[-1] <= number:
        terms.append(terms[-1] + terms[-2])
    digits = ""
    for term in reversed(terms[:-1]):
        digits += "1" if term <= number else "0"
        number -= term if term <= number else 0
    word = digits.lstrip("0")[::-1] + "1"
    return int(word, 2), len(word)


def header(*ids: int, kind: int = 3, version: int = 1) -> str:
    """The header that names sections by ascending ids, one item each."""
    numbers = [(kind, 6), (version, 6), (len(ids), 12)]
    last = 0
    for section_id in ids:
        numbers += [(0, 1), fibonacci(section_id - last)]
        last = section_id
    return encode(numbers)


def header_of_range(first: int, last: int) -> str:
    """The header that names sections by one range."""
    return encode([(3, 6), (1, 6), (1, 12), (1, 1), fibonacci(first), fibonacci(last - first)])


def numbers_of(section_id: int, version: int = 1, **values: int | tuple[int, ...]) -> list[tuple[int, int]]:
    """Value and width of each slot; fields, by the letters of `CORES`, are 0 unless given."""
    numbers = []
    for token in CORES[section_id, version].split():
        slots = int(token[1:] or 1)
        if token == "v":
            numbers.append((version, 6))
            continue
        value = values.get(token[0], 0)
        numbers += [(one, 2) for one in (value if isinstance(value, tuple) else (value,) * slots)]
    return numbers


def core(section_id: int, version: int = 1, unit: int = 6, **values: int | tuple[int, ...]) -> str:
    return encode(numbers_of(section_id, version, **values), unit)


def gpp(section_id: int, version: int = 1, unit: int = 6, **values: int | tuple[int, ...]) -> str:
    """A GPP string of one section."""
    return f"{header(section_id)}~{core(section_id, version, unit, **values)}"


def gpc(on: bool, unit: int = 6) -> str:
    return encode([(1, 2), (int(on), 1)], unit)


def section_header(section_id: int, version: int = 1) -> str:
    """The header of a section that lists its sub-sections: here one item, for the core."""
    return encode([(section_id, 6), (version, 6), (1, 12), (0, 1), fibonacci(1)])


def children_slots(section_id: int, version: int = 1) -> int:
    tokens = CORES[section_id, version].split()
    return sum(int(token[1:]) for token in tokens if token[0] == "k")


def children_bits(section_id: int, version: int = 1) -> range:
    """Where the slots of known children lie in the core."""
    before = CORES[section_id, version].split(" k")[0].split()
    start = 6 + sum(2 * int(token[1:] or 1) for token in before[1:])
    return range(start, start + 2 * children_slots(section_id, version))


def tc(purposes: int = 0, version: int = 2, language: str = "EN", unit: int = 8) -> str:
    """The core of a TC string; the highest of the 24 bits of `purposes` is consent to purpose 1."""
    letters = [(ord(letter) - ord("A"), 6) for letter in language]
    return encode(
        [
            *((version, 6), (15_000_000_000, 36), (15_000_000_000, 36), (31, 12), (1, 12), (1, 6)),
            *letters,
            *((48, 12), (2, 6), (0, 1), (0, 1), (0, 12), (purposes, 24), (0, 24), (0, 1)),
            *((0, 6), (0, 6), (0, 16), (0, 1), (0, 16), (0, 1), (0, 12)),
        ],
        unit,
    )
