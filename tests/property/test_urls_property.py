"""Route templates of any target: stable, printable, and of words only."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.privacy.urls import MAX_SEGMENT_LENGTH, MAX_SEGMENTS, host_name, is_static_asset, route_template

PIECES = st.one_of(
    st.text(max_size=6),
    st.text(string.ascii_letters + string.digits, max_size=12),
    st.sampled_from(
        [
            *(
                "%",
                "%25",
                "%2F",
                "%3f",
                "%23",
                "%2A",
                "*",
                "/",
                "//",
                "?",
                "#",
                ";",
                ":",
                ":id",
                ":rest",
                "&#64;",
            ),
            *("%u0040", "\uff0f", "\uff05", "\uff0a", "\uff1f", "..", ".", "@", "://", "\\", "%C3%A9", "%FF"),
            *("(other)", "\u2100", "\u00b7", "\ufdfa", "&amp;"),
        ]
    ),
)
TARGETS = st.lists(PIECES, max_size=12).map("".join)
WORDS = st.sampled_from(
    [
        *[
            "shop",
            "blog",
            "tags",
            "contact",
            "kitchen-and-dining",
            "cast-iron-pan",
            "annotated.html",
            "index.php",
            "v2",
        ],
        *[
            "style_guide",
            "getUserProfile",
            "my_page.html",
            "logstash-1.3.2.jar",
            "café",
            "商品",
            "FAQ",
            "top10",
            "mp3",
        ],
    ]
)


@settings(max_examples=500, deadline=None)
@given(TARGETS)
def test_applying_it_twice_changes_nothing(target: str) -> None:
    for form in (target, "/" + target):
        template = route_template(form)
        assert route_template(template) == template


@settings(max_examples=500, deadline=None)
@given(TARGETS)
def test_a_template_is_a_clean_path(target: str) -> None:
    template = route_template("/" + target)
    assert template.startswith("/")
    assert template.isprintable()
    assert not set(template.replace("%2A", "")) & set("?#;%*@\\")
    segments = template[1:].removesuffix("/").split("/")
    assert len(segments) <= MAX_SEGMENTS
    assert all(len(segment.replace("%2A", "*")) <= MAX_SEGMENT_LENGTH for segment in segments)
    assert all(segments) or template == "/"


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8), TARGETS)
def test_words_are_kept_whatever_the_query(words: list[str], query: str) -> None:
    path = "/" + "/".join(words)
    assert route_template(f"{path}?{query}") == path


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_host_names_are_dns_names_or_unknown(text: str) -> None:
    name = host_name(text)
    assert name == "(unknown)" or set(name) <= set(string.ascii_lowercase + string.digits + "-._")
    assert host_name(name) == name


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_static_asset_takes_any_text(target: str) -> None:
    assert is_static_asset(target) in {True, False}
