"""What flows: feeds and small article pages of our own making, each a function of its number and the plan. Pure."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape

from pipelines.lab.chaos.page_kinds import ChaosPage
from pipelines.lab.chaos.plan import FaultPlan
from pipelines.urls import article_id, canonical_url
from schemas.records import Entry, Feed

BLOCK = 10
"""Articles that a feed brings at once."""

SHARED_EVERY = 50
"""Each of so many articles stands in a second feed, too; another of so many does so long after the first one."""

LONG_AFTER = 150
"""Articles that come out before a second feed announces one of the first: more than the river remembers."""

_SHARED_LATE = 25
_ARTICLES_PER_FEED = 250
_FEWEST_HOSTS, _FEEDS_PER_HOST = 16, 2
_LAST_MONTH_DAYS = 32
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_HTML = "text/html; charset=utf-8"

_WHO = ("The council", "A panel of engineers", "The harbour office", "A group of teachers", "The hospital's board",
        "The mayor", "A farmers' union", "The rail company", "An inspector", "The fire service")  # fmt: skip
_DID = ("agreed on Tuesday to rebuild", "asked for more money for", "warned that rain had damaged",
        "published a long report on", "put off its vote on", "promised to open", "complained about",
        "signed a contract for", "began the yearly inspection of", "rejected a plan to sell")  # fmt: skip
_WHAT = ("the old bridge over the river", "the school by the market", "the northern line", "the new hospital wing",
         "the flood wall", "the bus station", "the town's water works", "the public library", "the football ground",
         "the wind farm off the coast")  # fmt: skip
_WHY = ("after years of argument", "because costs had doubled since spring", "in spite of a storm that cut the power",
        "while hundreds of people waited outside", "as the government had demanded", "without naming a date",
        "although the region had offered to pay half", "following a court's decision last month")  # fmt: skip
_PLACES = ("Aldermere", "Brackwater", "Corriefield", "Dunlow", "Eastmarch", "Fennick", "Garrowby", "Holmstead")


@dataclass(frozen=True, slots=True)
class ChaosAnswer:
    """What the site sends for a page or feed.

    Attributes:
        body: the bytes.
        status: HTTP status.
        headers: beside the length.
        promised: length that the headers name, where it is not the body's.
        raw: the whole answer, where it is no HTTP.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": _HTML})
    promised: int | None = None
    raw: bytes = b""


@dataclass(frozen=True)
class Press:
    """All feeds and pages of a run and their addresses.

    Attributes:
        plan: the plan of the run.
        port: the port in the URLs, the first of several where all hosts share one address.
        apart: whether each host has an address of its own; otherwise each has its own port on 127.0.0.1.
    """

    plan: FaultPlan
    port: int
    apart: bool

    @property
    def feeds(self) -> int:
        """Number of feeds."""
        return max(_FEWEST_HOSTS, -(-self.plan.articles // _ARTICLES_PER_FEED))

    @property
    def hosts(self) -> int:
        """Number of hosts: several for each partition, so that what waits for one meets what is done for another."""
        return max(_FEWEST_HOSTS, self.feeds // _FEEDS_PER_HOST)

    @property
    def numbers(self) -> range:
        """All articles; those from `plan.articles` on were discovered last month."""
        return range(self.plan.articles + self.plan.old)

    @property
    def networks(self) -> list[str]:
        """The addresses for `fetch.allow_networks`."""
        return ["127.0.1.0/24"] if self.apart else ["127.0.0.1/32"]

    def place(self, host: int) -> tuple[str, int]:
        """Give address and port of a host."""
        return (f"127.0.1.{host + 1}", self.port) if self.apart else ("127.0.0.1", self.port + host)

    def feed_of(self, number: int) -> int:
        """Give the feed that announces an article."""
        return number // BLOCK % self.feeds

    def feed_url(self, feed: int) -> str:
        """Give a feed's address."""
        return f"{self._base(feed)}/feed/{feed}.xml"

    def url(self, number: int) -> str:
        """Give an article's address."""
        folder = "private" if self.plan.page(number) is ChaosPage.FORBIDDEN else "news"
        return f"{self._base(self.feed_of(number))}/{folder}/{number}"

    def id(self, number: int) -> str:
        """Give an article's id."""
        return article_id(canonical_url(self.url(number)))

    def feed_lists(self) -> tuple[list[Feed], list[Feed]]:
        """Give the feeds of the river's list, and those that only a second list has, which a copy of poll brings."""
        feeds = [Feed(url=self.feed_url(feed), source=f"paper-{feed}", language="en") for feed in range(self.feeds)]
        apart = self.feeds - self.feeds // 16 if self.plan.joins("poll") else self.feeds
        return feeds[:apart], feeds[apart:]

    def feeds_of(self, number: int) -> set[str]:
        """Give the addresses of all feeds that announce an article in the end."""
        feed = self.feed_of(number)
        shared = number < self.plan.articles and (
            number % SHARED_EVERY == 0
            or (number % SHARED_EVERY == _SHARED_LATE and number + LONG_AFTER < self.plan.articles)
        )
        return {self.feed_url(feed), *([self.feed_url((feed + 1) % self.feeds)] if shared else [])}

    def shown(self, feed: int, revealed: int) -> list[int]:
        """Give the articles in a feed, the newest first, when so many of all articles are out."""
        own = self._announced(feed, revealed)
        neighbour = list(self._announced((feed - 1) % self.feeds, revealed))
        shared = (number for number in neighbour if number % SHARED_EVERY == 0)
        late = (
            number for number in neighbour if number % SHARED_EVERY == _SHARED_LATE and number + LONG_AFTER < revealed
        )
        old = [number for number in self.numbers[self.plan.articles :] if self.feed_of(number) == feed]
        return sorted((*own, *shared, *late, *(old if revealed > self.plan.articles // 2 else ())), reverse=True)

    def entry(self, number: int, now: datetime) -> Entry:
        """Give the entry of an article of last month as `poll` wrote it then."""
        return Entry(
            id=self.id(number),
            url=canonical_url(self.url(number)),
            link=self.url(number),
            feed_url=self.feed_url(self.feed_of(number)),
            source=f"paper-{self.feed_of(number)}",
            title=headline(number),
            first_seen=now.replace(microsecond=0) - timedelta(days=_LAST_MONTH_DAYS),
        )

    def _announced(self, feed: int, revealed: int) -> Iterator[int]:
        for start in range(feed * BLOCK, revealed, self.feeds * BLOCK):
            yield from range(start, min(start + BLOCK, revealed))

    def feed(self, feed: int, revealed: int) -> bytes:
        """Give a feed as RSS 2.0."""
        items = "".join(
            f"<item><title>{escape(headline(number))}</title><link>{self.url(number)}</link>"
            f"<pubDate>{format_datetime(_date(number))}</pubDate></item>\n"
            for number in self.shown(feed, revealed)
        )
        head = f"<title>Paper {feed}</title><link>{self._base(feed)}/</link><description>A paper</description>"
        return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}\n{items}</channel></rss>'.encode()

    def answer(self, number: int, earlier: int) -> ChaosAnswer:
        """Give what the site sends for an article.

        Args:
            number: the article.
            earlier: how often it was sent before.
        """
        return answer(self.plan.page(number), number, self.plan.seed, earlier)

    def _base(self, feed: int) -> str:
        address, port = self.place(feed % self.hosts)
        return f"http://{address}:{port}"


def answer(page: ChaosPage, number: int, seed: int, earlier: int) -> ChaosAnswer:
    """Give what the site sends for a page with something wrong, or nothing."""
    whole = article(number, seed)
    if page is ChaosPage.HALF or (earlier == 0 and page is ChaosPage.CUT_ONCE):
        return ChaosAnswer(whole[: len(whole) // 2], promised=len(whole))
    if earlier == 0 and page is ChaosPage.FAILS_ONCE:
        return ChaosAnswer(b"busy", 503)
    return _ODD.get(page, ChaosAnswer)(whole)


def headline(number: int) -> str:
    """Give an article's title."""
    return f"{_PLACES[number % 8]}: {_WHO[number % 10].lower()} and {_WHAT[number // 10 % 10]}, part {number}"


def article(number: int, seed: int) -> bytes:
    """Give a whole good page of 3 to 8 KB."""
    chance = random.Random(f"{seed} {number}")  # noqa: S311 - the same page for the same number
    paragraphs = "".join(f"<p>{' '.join(_sentences(chance, number))}</p>\n" for _ in range(chance.randint(6, 13)))
    menu = "".join(f'<li><a href="/{place.lower()}">{place}</a></li>' for place in _PLACES)
    date = _date(number).isoformat()
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(headline(number))}</title>'
        f'<meta property="article:published_time" content="{date}"></head><body><nav><ul>{menu}</ul></nav>\n'
        f"<article><h1>{escape(headline(number))}</h1>\n{paragraphs}</article>\n"
        "<footer><p>All rights reserved</p></footer></body></html>"
    ).encode()


def _sentences(chance: random.Random, number: int) -> Iterator[str]:
    for _ in range(chance.randint(3, 5)):
        who, did, what, why = (chance.choice(words) for words in (_WHO, _DID, _WHAT, _WHY))
        yield f"{who} of {chance.choice(_PLACES)} {did} {what} {why}, says note {chance.randrange(10**6)} of {number}."


def _framed(content: str) -> bytes:
    return f"<!doctype html><html><head><title>A page</title></head><body>{content}</body></html>".encode()


def _date(number: int) -> datetime:
    return _EPOCH + timedelta(minutes=number)


_ODD: dict[ChaosPage, Callable[[bytes], ChaosAnswer]] = {
    ChaosPage.MISSING: lambda _: ChaosAnswer(b"gone", 404),
    ChaosPage.BAD_HEADERS: lambda whole: ChaosAnswer(raw=b"no status and no header\r\n\r\n" + whole),
    ChaosPage.BAD_ENCODING: lambda _: ChaosAnswer(b"\x1f\x8bno gzip", headers={"Content-Encoding": "gzip"}),
    ChaosPage.ODD_CHARSET: lambda whole: ChaosAnswer(whole, headers={"Content-Type": "text/html; charset=klingon-8"}),
    ChaosPage.BINARY: lambda whole: ChaosAnswer(b"\x89PNG\r\n\x1a\n" + hashlib.sha512(whole).digest() * 50),
    ChaosPage.STRAY_CONTROLS: lambda whole: ChaosAnswer(whole.replace(b"river", b"ri\x00ver&#xD800;", 3)),
    ChaosPage.CUT_OFF: lambda whole: ChaosAnswer(whole[: len(whole) * 3 // 4]),
    ChaosPage.NESTED: lambda _: ChaosAnswer(_framed("<div>" * 9000 + "deep" + "</div>" * 9000)),
    ChaosPage.ATTRIBUTES: lambda _: ChaosAnswer(_framed(f"<p {' '.join(f'a{n}=1' for n in range(2000))}>wide</p>")),
    ChaosPage.CONTROLS: lambda _: ChaosAnswer(_framed("<p>" + "\x01\x02 text" * 500 + "</p>")),
    ChaosPage.EMPTY: lambda _: ChaosAnswer(),
    ChaosPage.SHORT: lambda _: ChaosAnswer(_framed("<p>Nothing but these five words</p>")),
    ChaosPage.SCRIPTED: lambda _: ChaosAnswer(_framed(f"<script>{'draw();' * 4000}</script><div id=root></div>")),
}
"""What the site sends instead of a whole page."""
