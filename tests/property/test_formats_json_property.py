"""JSON lines by a field map: Arrow and the reader of single lines give the same."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from logscrub.formats.json_catalogue import JSON_FORMATS
from logscrub.formats.json_fields import parse_field_map
from logscrub.formats.json_lines import JsonFormat
from logscrub.text.blocks import Block
from tests.property.test_formats_property import block, rows

MAP = parse_field_map(
    """
    time=t time=a.t address=a.b address=c[0] host=a.h[0].n forwarded=f[0] path=a.p query=q request=r url=u
    status=s status=a.s duration_s=d duration_ns=a.d user_agent=a.ua[0] user_id=a.id user_id=i coppa=k[0]
    coppa=a.k us_privacy=a.usp ad_tracking=x cookie=x opt_out=o age=a.age[0] connection_type=n child=s
    """
)
KNOWN = JsonFormat("mine", MAP)
KEYS = st.sampled_from([*"tabcfqrusdikxon", *(f"a.{key}" for key in ("t", "b", "p", "s", "k", "usp", "id"))])
INNER = st.sampled_from(["t", "b", "h", "p", "s", "d", "ua", "id", "k", "usp", "age", "other", "n"])
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 99),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from(["", "-", "a", "12", "1YYN", "0.12s", "/p?q", "192.0.2.1", "GET /x HTTP/1.1"]),
    st.sampled_from(["2026-03-14T12:00:00Z", "2026-03-14 12:00:00", "14/Mar/2026:12:00:00 +0000"]),
    st.sampled_from([1773489600, "é", 2**63, "https://example.com/"]),
).map(json.dumps)


def objects(keys, values, most):
    return st.lists(st.tuples(keys, values), max_size=most).map(
        lambda pairs: "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
    )


ARRAYS = st.lists(st.one_of(PLAIN, objects(INNER, PLAIN, 2)), max_size=2).map(
    lambda inner: f"[{','.join(inner)}]"
)
VALUES = st.one_of(PLAIN, ARRAYS, objects(INNER, st.one_of(PLAIN, ARRAYS), 4))
LINES = st.one_of(
    objects(KEYS, VALUES, 5),
    st.builds('{{"a":{}}}'.format, objects(INNER, st.one_of(PLAIN, ARRAYS), 5)),
    st.sampled_from(
        ["", "[]", "{", '{"a":"\\x41\\xff"}', '{"\\u0061.b":"x"}', '{"a\\u002eb":"x"}', '{"q":Inf}']
    ),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=6))
@example(['{"a":{"h":[{"n":"x"}]}}', '{"a":{"h":{"n":"y"}}}'])
@example(['{"k":[null,null]}', "no json"])
@example(["{}", '{"t":[null,null]}'])
@example(['{"i":0}', '{"a":{"id":""}}'])
def test_a_line_alone_among_others_and_line_by_line_is_the_same(lines):
    alone = [rows(KNOWN.parse(block([line])), [line])[0] for line in lines]
    assert rows(KNOWN.parse(block(lines)), lines) == alone
    for line, expected in zip(lines, alone, strict=True):  # many alike go through Arrow where it takes them
        assert rows(KNOWN.parse(block([line] * 3)), [line] * 3) == [expected] * 3
    poisoned = [*lines, "no json"]
    assert rows(KNOWN.parse(block(poisoned)), poisoned) == [*alone, "rejected"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(JSON_FORMATS), st.binary(max_size=200))
def test_bytes_never_raise_and_never_lose_a_line(known, data):
    parsed = known.parse(Block(data, 0))
    assert parsed.lines == parsed.records.num_rows + len(parsed.rejected) + parsed.blank
