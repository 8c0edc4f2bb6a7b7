"""The column `signals` of records: what was sent in places of its own."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from logscrub.columns import pack, row_of_each
from logscrub.formats.records import encoded
from logscrub.signals import encode_signals


def signal_column(sent: Sequence[tuple[str, pa.Array]]) -> pa.DictionaryArray:
    """Make one text of the signals of each record; Python sees distinct combinations only.

    Args:
        sent: name of a signal, and its values (strings, or dictionaries of them; null, empty or `-` where it
            was not sent) of all records. A name may come several times.

    Returns:
        Dictionary of strings, as `encode_signals` makes them; null where nothing was sent.
    """
    columns = [
        values if pa.types.is_dictionary(values.type) else values.dictionary_encode() for _, values in sent
    ]
    texts = [[None, *column.dictionary.to_pylist()] for column in columns]
    keys = [pc.fill_null(column.indices.cast(pa.int64()), -1).to_numpy() + 1 for column in columns]
    combined = pa.array(pack(keys)).dictionary_encode()
    kind = combined.indices.to_numpy()
    labels = [
        _label([(name, text[key[at]]) for (name, _), text, key in zip(sent, texts, keys, strict=True)])
        for at in row_of_each(kind, len(combined.dictionary))
    ]
    return encoded(combined.indices, pa.array(labels, pa.string()))


def _label(values: list[tuple[str, str | None]]) -> str | None:
    given = sorted({(name, text) for name, text in values if text not in {None, "", "-"}})
    return encode_signals((name, str(text)) for name, text in given) if given else None
