"""What there is to see: the pages of a tea shop and its blog, and the ways people walk through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.people import Bot, Dice, Person, Weighted

SHOP, BLOG, APP = "shop.example.com", "blog.example.com", "app.example.com"


class Hit(NamedTuple):
    """One request. `time` is in seconds since 1970, `who` the person's number (None: a bot)."""

    time: int
    who: int | None
    host: str
    address: str
    user: str
    method: str
    target: str
    status: int
    size: int
    referrer: str
    agent: str
    port: int = 443


class Step(NamedTuple):
    """One thing somebody does on the site."""

    method: str
    target: str
    status: int = 200


def _falling(names: tuple[str, ...], first: int) -> tuple[tuple[str, int], ...]:
    """Give each name tickets that fall as its rank (Zipf), as visitors do with the pages of any site."""
    return tuple((name, first // (rank + 1) + 1) for rank, name in enumerate(names))


_TEAS = (
    "sencha", "earl-grey", "assam", "matcha", "darjeeling", "chamomile", "oolong", "mint", "genmaicha",
    "rooibos", "white-peony", "pu-erh", "lapsang-souchong", "jasmine", "ceylon", "hojicha", "keemun",
    "yerba-mate",
)  # fmt: skip
_POTS = ("cast-iron", "glass-1l", "porcelain", "kyusu", "travel-mug", "samovar", "gaiwan", "tasting-cups")
_GIFTS = ("spring-box", "tea-calendar", "voucher", "starter-set", "cosy", "infuser-cat")
_POSTS = (
    "how-to-brew-green-tea", "water-matters", "first-flush-2026", "a-pot-for-life", "matcha-without-clumps",
    "tea-and-sleep", "milk-first", "iced-tea-basics", "visiting-uji", "the-story-of-earl-grey", "cold-brew",
    "storing-tea", "gongfu-for-beginners", "what-is-oolong", "cleaning-cast-iron", "spring-box-2026",
    "tea-in-the-office", "reading-leaves", "decaf-how", "our-potter", "harvest-diary", "second-infusions",
)  # fmt: skip

CATEGORIES = Weighted((("/shop/tea", 50), ("/shop/pots", 25), ("/shop/gifts", 20), ("/shop/sale", 15)))
PRODUCTS = Weighted(
    (
        *((f"/shop/tea/{name}", count) for name, count in _falling(_TEAS, 120)),
        *((f"/shop/pots/{name}", count) for name, count in _falling(_POTS, 60)),
        *((f"/shop/gifts/{name}", count) for name, count in _falling(_GIFTS, 50)),
    )
)
POSTS = Weighted((f"/posts/{name}", count) for name, count in _falling(_POSTS, 120))
TAGS = Weighted(_falling(("/tags/green", "/tags/brewing", "/tags/pots", "/tags/health", "/tags/travel"), 20))
WORDS = Weighted(
    _falling(("green+tea", "matcha", "teapot", "gift", "decaf", "cup", "loose+leaf", "sencha"), 30)
)
PICTURES = ("/media/kettle.mp4", "/media/uji-1600.jpg", "/media/brewing-guide.pdf", "/media/harvest.jpg")

OUTSIDE = Weighted(
    (
        ("-", 90),
        ("https://www.google.com/", 70),
        ("https://www.bing.com/", 22),
        ("https://duckduckgo.com/", 22),
        ("https://news.ycombinator.com/", 18),
        ("https://www.reddit.com/r/tea/", 17),
        ("https://chatgpt.com/", 14),
        ("https://www.pinterest.com/", 12),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.example.com%2F&h=AT0synthetic", 12),
        ("https://www.example.org/links/where-to-buy-tea", 9),
        ("https://search.yahoo.com/", 5),
        ("android-app://com.google.android.googlequicksearchbox/", 5),
        ("https://www.ecosia.org/", 4),
        ("https://mail.example.net/inbox?message=a-friend-wrote", 3),
        ("https://search.brave.com/", 3),
        ("https://www.qwant.com/", 2),
        ("https://www.startpage.com/", 2),
        ("https://tea.forum.example.net/thread/8842?page=3", 2),
        ("https://yandex.com/", 1),
        ("https://www.baidu.com/", 1),
        ("http://192.0.2.80/start.html", 1),
    )
)
CAMPAIGNS = Weighted(
    (
        ("", 170),
        ("?utm_source=newsletter&utm_medium=email&utm_campaign=spring-2026", 16),
        ("?utm_source=google&utm_medium=cpc&utm_campaign=teapots&gclid=EAIaIQsynthetic", 12),
        ("?fbclid=IwARsynthetic", 6),
        ("?utm_source=partner&utm_medium=affiliate&utm_campaign=uji", 3),
    )
)
_ASSETS = {
    SHOP: ("/assets/shop.8f2c1d.css", "/assets/shop.4be09a.js", "/img/logo.svg", "/fonts/serif.woff2"),
    BLOG: ("/theme/blog.css", "/theme/blog.js", "/theme/logo.svg"),
}
_HOLES = (
    "/wp-login.php",
    "/.env",
    "/xmlrpc.php",
    "/.git/config",
    "/admin.php",
    "/vendor/phpunit/phpunit.xml",
)
# Visits begin by the clock of a European town: midnight first.
HOURS = Weighted((hour, count) for hour, count in enumerate((
    8, 5, 4, 3, 3, 5, 10, 18, 26, 30, 32, 33, 35, 33, 31, 32, 34, 37, 42, 48, 52, 46, 32, 18,
)))  # fmt: skip


def _looking(dice: Dice) -> Step:
    """Return the next page of somebody who is looking around the shop."""
    throw = dice.between(1, 100)
    if throw <= 48:
        return Step("GET", dice.draw(PRODUCTS))
    if throw <= 70:
        return Step("GET", dice.draw(CATEGORIES) + dice.pick(("", "", "", "?page=2", "?sort=price")))
    if throw <= 80:
        return Step("GET", f"/search?q={dice.draw(WORDS)}")
    if throw <= 90:
        return Step("GET", "/")
    if throw <= 95:
        return Step("GET", dice.pick(("/about", "/shipping", "/contact", "/terms")))
    return Step("GET", dice.pick(("/old-shop", "/shop/tea/discontinued", "/Shop/Tea")), 404)


def _buying(dice: Dice) -> list[Step]:
    """Return what happens when a visitor takes out the purse: often nothing but a full cart."""
    steps = [Step("POST", "/cart", 303), Step("GET", "/cart")]
    if dice.chance(0.6):
        steps += [Step("GET", "/checkout"), Step("POST", "/account/login", 302 if dice.chance(0.8) else 401)]
    if dice.chance(0.45):
        if dice.chance(0.12):
            steps.append(Step("POST", "/checkout", 500))
        order = dice.between(20000, 29999)
        steps += [Step("POST", "/checkout", 303), Step("GET", f"/checkout/thanks?order={order}")]
        steps.append(Step("GET", f"/account/orders/{order}"))
    return steps


def shop_steps(dice: Dice) -> list[Step]:
    """Return the pages of one visit to the shop, two or three for most."""
    entry = _looking(dice) if dice.chance(0.6) else Step("GET", "/")
    steps = [entry._replace(target=entry.target + ("" if "?" in entry.target else dice.draw(CAMPAIGNS)))]
    while dice.chance(0.58) and len(steps) < 14:
        steps.append(_looking(dice))
    if dice.chance(0.14):
        steps += _buying(dice)
    return steps


def blog_steps(dice: Dice) -> list[Step]:
    """Return the pages of one visit to the blog, where most people read one post and go."""
    steps = [Step("GET", dice.draw(POSTS) if dice.chance(0.8) else "/")]
    while dice.chance(0.35) and len(steps) < 8:
        steps.append(Step("GET", dice.draw(TAGS) if dice.chance(0.25) else dice.draw(POSTS)))
    return steps


def _page_assets(dice: Dice, host: str, page: str, first: bool) -> Iterator[tuple[str, int]]:
    """Give what the browser fetches for `page`, as (path, status): everything at first, little later."""
    known = dice.chance(0.25)
    if first and not known:
        for asset in _ASSETS[host]:
            if dice.chance(0.75):
                yield asset, 200
    elif dice.chance(0.3):
        yield dice.pick(_ASSETS[host]), 304
    path = page.partition("?")[0]
    if path.count("/") >= 3 and dice.chance(0.8):
        yield f"/img/{path.rpartition('/')[2]}-{dice.pick((400, 800, 1200))}.webp", 200
    if first and dice.chance(0.08):
        yield dice.pick(("/favicon.ico", "/apple-touch-icon-precomposed.png")), 404


def walk(dice: Dice, person: Person, start: int, host: str) -> Iterator[Hit]:
    """Give the requests of one visit, with those for static files, beginning at `start` (seconds)."""
    steps = shop_steps(dice) if host == SHOP else blog_steps(dice)
    referrer, now = dice.draw(OUTSIDE), start
    if host == BLOG and dice.chance(0.2):
        referrer = f"https://{SHOP}/"

    def hit(step: Step, size: int, port: int = 443) -> Hit:
        return Hit(now, person.number, host, person.address, "-", *step, size, referrer, person.agent, port)

    if host == SHOP and dice.chance(0.08):
        yield hit(Step(steps[0].method, steps[0].target, 301), 247, 80)
    for number, step in enumerate(steps):
        fresh = step._replace(status=304) if step == Step("GET", "/") and dice.chance(0.1) else step
        yield hit(fresh, _size(dice, fresh))
        referrer = f"https://{host}{step.target}"
        if step.method == "GET" and step.status == 200:
            for path, status in _page_assets(dice, host, step.target, number == 0):
                now += dice.between(0, 1)
                asset = Step("GET", path, status)
                yield hit(asset, _size(dice, asset))
        now += dice.between(2100, 5400) if dice.chance(0.02) else dice.between(4, 40) * dice.between(1, 6)


def _size(dice: Dice, step: Step) -> int:
    if step.status == 304:
        return 0
    return dice.between(180, 900) if step.status >= 300 else dice.between(2_000, 48_000)


def crawl(dice: Dice, bot: Bot, address: str, time: int, host: str) -> Hit:
    """Return one request of a bot at `time`."""
    step = Step("GET", dice.draw(PRODUCTS if host == SHOP else POSTS))
    if bot.wants == "up":
        step = Step("HEAD", "/")
    elif bot.wants == "holes" and dice.chance(0.7):
        step = Step("GET", dice.pick(_HOLES), 404)
    elif bot.wants == "feed":
        step = Step("GET", "/feed.xml", 304 if dice.chance(0.6) else 200)
    elif dice.chance(0.2):
        step = Step("GET", dice.pick(("/robots.txt", "/sitemap.xml", "/")))
    size = 0 if step.method == "HEAD" else _size(dice, step)
    return Hit(time, None, host, address, "-", *step, size, "-", bot.agent)
