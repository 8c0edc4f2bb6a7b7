"""Listed hosts and apps have their published names; nothing else of a referrer is shown."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.config import Settings
from logscrub.enrich.referrers import referrer_sources, registrable_domain
from logscrub.enrich.sources import APP
from logscrub.release.gate import scan
from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from logscrub.schemas import NONE, RESERVED, UNKNOWN, reference, table_schemas, vocabulary, vocabulary_names
from tests.support import CHROME, DAY, combined_line, event_lines, rows_of, run_engine

LISTS = {
    "search": "search_engines",
    "social": "social_networks",
    "ai": "ai_assistants",
    "email": "email_and_messaging",
}


def told(referrer: str) -> tuple[str | None, str]:
    (found,) = referrer_sources([referrer])
    return found.medium, found.source


@pytest.mark.parametrize(
    ("referrer", "name"),
    [
        ("https://www.google.com/", "Google"),
        ("https://www.google.co.uk/search?q=teapot", "Google"),
        ("http://m.google.com.br:80/url?q=x", "Google"),
        ("HTTPS://WWW.GOOGLE.DE", "Google"),
        ("https://joe:secret@www.google.com/search", "Google"),
        ("android-app://com.google.android.googlequicksearchbox/https/www.google.com", "Google"),
        ("https://www.google.fr/imgres?q=x", "Google Images"),
        ("https://www.google.fr/imgrestaurant", "Google"),
        ("https://news.google.com/articles/x", "Google News"),
        ("https://www.google.com/maps/place/x", "Google Maps"),
        ("https://www.bing.com/search?q=x", "Bing"),
        ("https://cn.bing.com/", "Bing"),
        ("https://www.bing.com/images/search?q=x", "Bing Images"),
        ("https://cn.bing.com/images/search#x", "Bing Images"),
        ("https://duckduckgo.com/?q=x", "DuckDuckGo"),
        ("https://html.duckduckgo.com/html/", "DuckDuckGo"),
        ("https://search.yahoo.com/", "Yahoo!"),
        ("https://de.search.yahoo.com/", "Yahoo!"),
        ("https://yandex.ru/", "Yandex"),
        ("https://yandex.com.tr/search/", "Yandex"),
        ("https://ya.ru/", "Yandex"),
        ("https://www.baidu.com/link?url=x", "Baidu"),
        ("https://search.brave.com/", "Brave Search"),
        ("https://www.ecosia.org/search?q=x", "Ecosia"),
        ("https://www.startpage.com/do/search", "Startpage"),
        ("https://search.naver.com/", "Naver"),
        ("https://search.seznam.cz/", "Seznam"),
    ],
)
def test_search_engine(referrer: str, name: str) -> None:
    assert told(referrer) == ("search", name)


@pytest.mark.parametrize(
    ("referrer", "name"),
    [
        ("https://l.facebook.com/l.php?u=x", "Facebook"),
        ("https://de-de.facebook.com/", "Facebook"),
        ("android-app://com.facebook.katana", "Facebook"),
        ("https://t.co/abc", "X"),
        ("https://mobile.twitter.com/anna", "X"),
        ("android-app://com.twitter.android/", "X"),
        ("https://x.com/i/groking", "X"),
        ("https://l.instagram.com/", "Instagram"),
        ("https://lnkd.in/x", "LinkedIn"),
        ("android-app://com.linkedin.android", "LinkedIn"),
        ("https://old.reddit.com/r/tea", "Reddit"),
        ("android-app://com.reddit.frontpage/", "Reddit"),
        ("https://www.pinterest.co.uk/pin/1", "Pinterest"),
        ("android-app://com.pinterest/", "Pinterest"),
        ("https://www.youtube.com/redirect", "YouTube"),
        ("https://joe.tumblr.com/", "Tumblr"),
        ("https://news.ycombinator.com/item?id=1", "Hacker News"),
        ("https://mastodon.social/@joe", "Mastodon"),
        ("https://bsky.app/", "Bluesky"),
        ("https://away.vk.com/", "VK"),
        ("https://github.com/joe/tea", "GitHub"),
    ],
)
def test_social_network(referrer: str, name: str) -> None:
    assert told(referrer) == ("social", name)


@pytest.mark.parametrize(
    ("referrer", "name"),
    [
        ("https://chatgpt.com/", "ChatGPT"),
        ("https://chat.openai.com/c/x", "ChatGPT"),
        ("https://www.perplexity.ai/", "Perplexity"),
        ("https://claude.ai/", "Claude"),
        ("https://gemini.google.com/", "Gemini"),
        ("https://copilot.microsoft.com/", "Copilot"),
        ("https://www.bing.com/chat", "Copilot"),
        ("https://x.com/i/grok?x", "Grok"),
        ("https://chat.mistral.ai/", "Le Chat"),
        ("https://chat.deepseek.com/", "DeepSeek"),
    ],
)
def test_ai_assistant(referrer: str, name: str) -> None:
    assert told(referrer) == ("ai", name)


@pytest.mark.parametrize(
    ("referrer", "name"),
    [
        ("https://mail.google.com/mail/u/0/", "Gmail"),
        ("android-app://com.google.android.gm/", "Gmail"),
        ("https://outlook.live.com/", "Outlook"),
        ("https://eur02.safelinks.protection.outlook.com/?url=x", "Outlook"),
        ("https://mail.yahoo.co.jp/", "Yahoo! Mail"),
        ("https://deref-gmx.net/", "GMX"),
        ("https://www.icloud.com/mail/", "iCloud Mail"),
        ("https://e.mail.ru/", "Mail.ru"),
        ("https://web.whatsapp.com/", "WhatsApp"),
        ("https://t.me/tea", "Telegram"),
        ("android-app://org.telegram.messenger", "Telegram"),
        ("android-app://com.Slack/", "Slack"),
        ("https://app.slack.com/", "Slack"),
        ("https://teams.microsoft.com/", "Microsoft Teams"),
    ],
)
def test_email_and_messaging(referrer: str, name: str) -> None:
    assert told(referrer) == ("email", name)


@pytest.mark.parametrize(
    ("referrer", "source"),
    [
        ("https://docs.google.com/", "google.com"),  # a portal's other services are no search
        ("https://finance.yahoo.com/", "yahoo.com"),
        ("https://www.icloud.com/", "icloud.com"),
        ("https://google.example.com/", "example.com"),
        ("https://www.google.com.example.net/", "example.net"),
        ("https://notfacebook.com/", "notfacebook.com"),
        ("https://example.org/?u=https://www.google.com/", "example.org"),
        ("https://www.google.com@example.org/", "example.org"),
        ("android-app://com.example.app/", UNKNOWN),
        ("android-app://com.google.android.gm.joe/", UNKNOWN),
        ("android-app://joe@com.google.android.gm/", UNKNOWN),
        ("android-app:com.slack", UNKNOWN),
        ("ios-app://123456789/https/www.google.com", UNKNOWN),
        ("https://com.slack/", UNKNOWN),
        ("https://google/", UNKNOWN),
    ],
)
def test_what_is_on_no_list_is_a_referral(referrer: str, source: str) -> None:
    assert told(referrer) == ("referral", source)


@pytest.mark.parametrize("host", ["007agent-i.fr", "www.007agent-i.fr", "a.b.007AGENT-I.fr:80"])
def test_a_spammer_is_no_referrer(host: str) -> None:
    assert told(f"https://{host}/offer") == (None, NONE)


def test_hits_of_spam_count_as_direct_and_stay_in_all_sums() -> None:
    lines = b"".join(
        combined_line(f"198.51.{n}.7", referrer=referrer)
        for n in range(3)
        for referrer in ("https://007agent-i.fr/", "-")
    )
    files, _ = run_engine({"a.log": lines})
    (row,) = rows_of(files, "referrers", DAY)
    assert (row["medium"], row["source"], row["hits"]) == ("direct", NONE, 6)
    assert not any(b"007agent" in data for data in files.values())


def test_own_hosts_go_before_all_lists() -> None:
    own = ("https://www.reddit.com/", "https://007agent-i.fr/")
    lines = b"".join(
        combined_line(f"198.51.{n}.7", referrer=url) for n, url in itertools.product(range(3), own)
    )
    settings = Settings(min_support=2, own_hosts=("reddit.com", "007agent-i.fr"))
    files, _ = run_engine({"a.log": lines}, settings)
    (row,) = rows_of(files, "referrers", DAY)
    assert (row["medium"], row["source"]) == ("internal", NONE)


def test_search_terms_and_packages_are_in_no_byte() -> None:
    referrers = (
        "https://www.google.com/search?q=anna+smith+teapot",
        "https://duckduckgo.com/annasmith",
        "android-app://com.annasmith.app/",
    )
    lines = b"".join(combined_line(f"198.51.{n}.7", referrer=url) for n in range(4) for url in referrers)
    files, _ = run_engine({"a.log": lines})
    assert {row["source"] for row in rows_of(files, "referrers", DAY)} <= {"Google", "DuckDuckGo", UNKNOWN}
    assert not any(word in data for word in (b"anna", b"teapot") for data in files.values())


def test_the_lists_are_those_of_the_table() -> None:
    medium, source = table_schemas()["referrers"].dimensions
    assert source.vocabularies == LISTS
    assert set(medium.values or ()) == {*LISTS, "direct", "internal", "referral"}


def test_every_listed_place_has_its_name_and_no_other() -> None:
    seen: set[str] = set()
    for medium, name in LISTS.items():
        for word, places in vocabulary(name)["names"].items():
            assert word not in RESERVED
            assert scan(word) is None
            for place in places:
                assert place not in seen
                seen.add(place)
                host = place.removeprefix("*.").replace(".*", ".com")
                url = host if place.startswith(APP) else f"https://{host}"
                assert told(url) == (medium, word)


def test_spammers_are_domains_and_on_no_other_list() -> None:
    spammers = reference("referrer_spam")["domains"]
    assert len(spammers) == len(set(spammers)) > 2_000
    assert {told(f"https://{host}/") for host in spammers if registrable_domain(host)} == {(None, NONE)}


HOSTS = st.sampled_from(
    ["google", "www.google", "yandex", "bing", "facebook", "t", "x", "mail.google", "007agent-i", "example"]
)
SUFFIXES = st.sampled_from(["com", "co.uk", "fr", "co", "example", "me", "xn--p1ai", ""])
WEB = st.builds("https://{}.{}/{}".format, HOSTS, SUFFIXES, st.text(max_size=12))
APPS = st.builds("android-app://{}".format, st.text("acdegimnorsx._A", max_size=30) | st.text(max_size=10))


@given(st.text() | WEB | APPS | st.builds("http://{}/".format, st.text()))
def test_any_referrer_is_in_the_closed_world(referrer: str) -> None:
    medium, source = told(referrer)
    if medium is None:
        assert source == NONE
    elif medium == "referral":
        assert source == UNKNOWN or registrable_domain(source) == source
    else:
        assert source in vocabulary_names(LISTS[medium])


TARGETS = st.builds(
    "/?{}={}".format, st.sampled_from(["utm_source", "mtm_medium", "gclid", "igsh"]), st.text()
)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.text() | WEB | APPS, TARGETS), min_size=1, max_size=20))
def test_any_release_is_in_the_closed_world(visits: list[tuple[str, str]]) -> None:
    events = [
        {
            "time": f"{DAY}T10:00:00Z",
            "event": "page_view",
            "ip": f"198.51.{2 * n + same}.7",
            "user_agent": CHROME,
            "path": path,
            "referrer": referrer,
        }
        for n, (referrer, path) in enumerate(visits)
        for same in range(2)
    ]
    store = MemoryStore()
    store.files, _ = run_engine({"a.jsonl": b"".join(event_lines(events))})
    assert list(verify(store)) == []
    hits = [sum(row["hits"] for row in rows_of(store.files, table, DAY)) for table in ("referrers", "days")]
    assert hits[0] == hits[1]
