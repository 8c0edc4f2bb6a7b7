"""The bits of IAB privacy strings, six to each base64url character (RFC 4648, section 5)."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SIX_BITS = {character: f"{index:06b}" for index, character in enumerate(_ALPHABET)}

# Numbers up to 2583: without a bound a short text could ask for endless work.
_FIBONACCI = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584)


class CorruptString(ValueError):  # noqa: N818
    """A privacy string that cannot be read; its message never quotes the string."""


class BitReader:
    """Reads the numbers of a base64url text from left to right.

    Args:
        text: base64url without `=`; padding to 6 or 8 bits is the same to a reader.

    Raises:
        CorruptString: the text is empty or holds another character.
    """

    def __init__(self, text: str) -> None:
        try:
            self._bits = "".join([_SIX_BITS[character] for character in text])
        except KeyError:
            raise CorruptString("not base64url") from None
        if not text:
            raise CorruptString("empty")
        self._position = 0

    def take(self, width: int) -> int:
        """Read an unsigned number of `width` bits; raises `CorruptString` past the end."""
        start, self._position = self._position, self._position + width
        if self._position > len(self._bits):
            raise CorruptString("cut short")
        return int(self._bits[start : self._position], 2)

    def take_fibonacci(self) -> int:
        """Read a Fibonacci-coded number, 1 or more; raises `CorruptString` past the end or above 2583."""
        total = previous = 0
        for value in _FIBONACCI:
            bit = self.take(1)
            if bit and previous:
                return total
            total += bit * value
            previous = bit
        raise CorruptString("number too large")

    def finish(self) -> None:
        """Check that only zeros are left, as padding is; raises `CorruptString`."""
        if "1" in self._bits[self._position :]:
            raise CorruptString("more bits than fields")
