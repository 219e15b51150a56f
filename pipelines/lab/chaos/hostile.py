"""The hostile site beside the good ones: what it sends where, in which order, and what is announced of it. Pure.

Each trick has a host of its own, as each site in life has: a host that drips for ten seconds holds up nobody but
itself. One feed announces the pages of all tricks; a trick that is a feed is polled by itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, cycle, islice

from pipelines.lab.chaos.hostile_feeds import FEEDS, ROBOTS, listing, rss
from pipelines.lab.chaos.hostile_http import ANSWERS, COSTLY, Pieces, whole
from pipelines.lab.chaos.hostile_pages import CHEAP, HEAVY, page, poison
from pipelines.urls import article_id, canonical_url
from schemas.records import Feed

HOSTILE_SHARE = 0.1
"""Hostile pages for each good one."""

FLOOD_HOSTS = 10
"""Hosts that send nothing but poisoned pages in a flood."""

_MOST_OF_THE_COSTLY = 3
_FEEDS_AT_LEAST, _PAGES_PER_FEED = 6, 50
_FEED_SECONDS = 30.0
_ALWAYS = ("author-pattern", "json-cut", "sitemap-deep", "distinct-attributes")
"""Feeds that are in every run, however small."""

_FIRST = (
    "robots-agents-times-rules",
    "no-full-stop",
    "reason-escapes",
    "title-of-1-mb",
    "consent-150-fields",
    "escapes",
)
"""Pages that are."""

_FLOOD, _LISTING = 200, 199


class HostilePart(StrEnum):
    """What of a site is hostile."""

    FEED = "feed"
    ROBOTS = "robots"
    PAGE = "page"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Trick:
    """One thing that a hostile host does.

    Attributes:
        name: for people.
        part: what of the host is hostile; the rest is ordinary.
        make: what it sends.
        costly: whether it takes seconds to read: a run has a few of it.
    """

    name: str
    part: HostilePart
    make: Callable[[], Pieces]
    costly: bool = False


def _sent(make: Callable[[], str | bytes], kind: bytes) -> Callable[[], Pieces]:
    def pieces() -> Pieces:
        made = make()
        return Pieces((whole(made if isinstance(made, bytes) else made.encode(), kind),))

    return pieces


def _tricks() -> Iterator[Trick]:
    tables: tuple[tuple[Mapping[str, Callable[[], str | bytes]], HostilePart, bytes, bool], ...] = (
        (FEEDS, HostilePart.FEED, b"application/xml", False),
        (ROBOTS, HostilePart.ROBOTS, b"text/plain", False),
        (CHEAP, HostilePart.PAGE, b"text/html; charset=utf-8", False),
        (HEAVY, HostilePart.PAGE, b"text/html; charset=utf-8", True),
    )
    for table, part, kind, costly in tables:
        for name, make in table.items():
            yield Trick(name, part, _sent(make, kind), costly)
    for answers, costly in ((ANSWERS, False), (COSTLY, True)):
        for name, answer in answers.items():
            yield Trick(name, HostilePart.ANSWER, answer, costly)


TRICKS: tuple[Trick, ...] = tuple(_tricks())


def feed_tricks(articles: int, chance: random.Random) -> tuple[int, ...]:
    """Choose the hostile feeds of a run, by their places among `TRICKS`: all of them in a large one."""
    own = _shuffled(chance, [place for place, trick in enumerate(TRICKS) if trick.part is HostilePart.FEED], _ALWAYS)
    return tuple(own[: max(_FEEDS_AT_LEAST, articles // _PAGES_PER_FEED)])


def page_tricks(articles: int, chance: random.Random) -> tuple[int, ...]:
    """Give the trick of each hostile page of a run, by its place among `TRICKS`: a tenth of the pages, in turns."""
    own = _shuffled(chance, [place for place, trick in enumerate(TRICKS) if trick.part is not HostilePart.FEED], _FIRST)
    cheap = [place for place in own if not TRICKS[place].costly]
    turns = chain(*[own] * _MOST_OF_THE_COSTLY, cycle(cheap))
    return tuple(islice(turns, round(articles * HOSTILE_SHARE)))


def _shuffled(chance: random.Random, places: list[int], first: tuple[str, ...]) -> list[int]:
    chance.shuffle(places)
    return sorted(places, key=lambda place: TRICKS[place].name not in first)


@dataclass(frozen=True)
class Hostile:
    """Addresses, feeds and pages of the hostile site.

    Attributes:
        feed_places: the tricks that are feeds, by their places among `TRICKS`.
        page_places: the trick of each page.
        flood: poisoned pages that can come all at once.
        port: the port in the URLs, the first of several where all hosts share one address.
        apart: whether each host has an address of its own.
    """

    feed_places: tuple[int, ...]
    page_places: tuple[int, ...]
    flood: int
    port: int
    apart: bool

    @property
    def networks(self) -> list[str]:
        """The addresses for `fetch.allow_networks`."""
        return ["127.0.2.0/24"] if self.apart else []

    def hosts(self) -> list[int]:
        """Give the numbers of all hosts: a trick's is its place."""
        own = {*self.feed_places, *self.page_places, _LISTING}
        return sorted(own | {_FLOOD + number for number in range(FLOOD_HOSTS)})

    def place(self, host: int) -> tuple[str, int]:
        """Give address and port of a host."""
        return (f"127.0.2.{host + 1}", self.port) if self.apart else ("127.0.0.1", self.port + host)

    def feed_list(self) -> list[Feed]:
        """Give the feeds to poll."""
        hosts = [_LISTING, *self.feed_places]
        return [
            Feed(url=f"{self._base(host)}/feed.xml", source=f"hostile-{host}", interval_seconds=_FEED_SECONDS)
            if host != _LISTING
            else Feed(url=f"{self._base(host)}/feed.xml", source="hostile")
            for host in hosts
        ]

    def links(self, revealed: int, flooded: int) -> list[str]:
        """Give the addresses of all pages that are announced."""
        pages = [f"{self._base(self.page_places[number])}/page/{number}" for number in range(revealed)]
        return pages + [f"{self._base(_FLOOD + number % FLOOD_HOSTS)}/flood/{number}" for number in range(flooded)]

    def ids(self, revealed: int, flooded: int) -> list[str]:
        """Give the ids of all articles that are announced."""
        return [article_id(canonical_url(link)) for link in self.links(revealed, flooded)]

    def feed(self, revealed: int, flooded: int) -> bytes:
        """Give the feed that announces pages."""
        return listing(self.links(revealed, flooded)).encode()

    def _base(self, host: int) -> str:
        address, port = self.place(host)
        return f"http://{address}:{port}"


def answer(host: int, path: str, *, hostile_feed: bool) -> Pieces:
    """Give what a host sends, but for the feed that announces pages.

    Args:
        host: its number.
        path: what is asked for.
        hostile_feed: whether a feed is to be hostile at this time, or an ordinary one without entries.
    """
    part = TRICKS[host].part if host < len(TRICKS) else None
    if path == "/robots.txt":
        return TRICKS[host].make() if part is HostilePart.ROBOTS else Pieces((whole(b"none", status=b"404 Not Found"),))
    if path == "/feed.xml":
        if part is HostilePart.FEED and hostile_feed:
            return TRICKS[host].make()
        return Pieces((whole(rss().encode(), b"application/rss+xml"),))
    if path.startswith("/flood/"):
        return Pieces((whole(poison()),))
    if part in (HostilePart.PAGE, HostilePart.ANSWER) and path.startswith("/page/"):
        return TRICKS[host].make()
    return Pieces((whole(page(f"The ferry, again: {path[1:40]}")),))
