"""Feeds that are broken in one way each, or do something worth watching."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pipelines.demo.answers import Responder, SampleAnswer, fixed, page
from pipelines.demo.cases import course, course_page
from pipelines.demo.feeds import CONTENT_TYPES, RSS_TAIL, SampleItem, render, rss_head, rss_item
from pipelines.demo.outlets import Article, Outlet
from pipelines.demo.timetable import CLOSED_ADDRESS, Timetable

LARGE_FEED_BYTES = 50_000_000
CUT_SLUGS = ("orchard-counts-its-owls", "night-bus-with-a-library")
"""Articles that the truncated feed announces whole."""
MISSING = "http://missing.invalid/feed.xml"
"""A host that does not resolve: `.invalid` never does (RFC 2606)."""


@dataclass(frozen=True, kw_only=True)
class FeedCase:
    """One special feed.

    Attributes:
        name: what is special about it.
        about: one sentence for people.
        place: its path on the course, or its whole URL where it is `elsewhere`.
        reasons: names of the failure any one of which is right; empty for a feed that must succeed.
        answers: makes what is served, by path; nothing for a feed elsewhere.
        elsewhere: `missing` for a host without an address, `closed` for an address without a listener.
    """

    name: str
    about: str
    place: str
    reasons: tuple[str, ...] = ()
    answers: Callable[[Timetable], Mapping[str, Responder]] = lambda _: {}
    elsewhere: Literal["", "missing", "closed"] = ""

    def url(self, times: Timetable) -> str:
        """Give the feed's address in a run."""
        if self.elsewhere == "missing":
            return self.place
        if self.elsewhere == "closed":
            return times.base(CLOSED_ADDRESS) + self.place
        return times.url(course(), self.place)


def item(outlet: Outlet, article: Article, times: Timetable, tracking: str = "") -> SampleItem:
    """Give an article as its outlet's feed announces it."""
    path = outlet.article_path(article)
    url = times.url(outlet, path)
    joint = "&" if "?" in path else "?"
    return SampleItem(
        link=f"{url}{joint}{tracking}" if tracking else url,
        url=url,
        title=article.title,
        summary=article.summary,
        author=article.author,
        section=article.section,
        published=times.published(article),
        paragraphs=article.paragraphs,
    )


def _head(times: Timetable, path: str, title: str) -> str:
    outlet = course()
    return rss_head(url=times.url(outlet, path), home=times.base(outlet.address), title=title, language="en")


def _cut(times: Timetable) -> Mapping[str, Responder]:
    """Serve two whole entries and the beginning of a third, and the two articles' pages."""
    outlet = course()
    articles = [outlet.article(slug) for slug in CUT_SLUGS]
    items = [rss_item(item(outlet, article, times)) for article in articles]
    text = "\n".join([_head(times, "/feeds/cut.xml", "Half a feed"), *items, "<item>\n<title>The third sto"])
    pages = {outlet.article_path(each): fixed(page(course_page(each.slug, times))) for each in articles}
    return {"/feeds/cut.xml": fixed(page(text, CONTENT_TYPES["rss"])), **pages}


def _endless(times: Timetable) -> Mapping[str, Responder]:
    """Serve 50 MB of small entries, announced with their length."""
    head = _head(times, "/feeds/endless.xml", "Every ripple").encode()
    line = b"<item><title>A ripple</title><link>http://missing.invalid/ripple</link></item>\n"
    block = line * (65_536 // len(line))
    blocks = LARGE_FEED_BYTES // len(block) + 1
    tail = RSS_TAIL.encode()

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(blocks):
            yield block
        yield tail

    length = len(head) + blocks * len(block) + len(tail)
    headers = {"Content-Type": CONTENT_TYPES["rss"], "Content-Length": str(length)}
    return {"/feeds/endless.xml": fixed(SampleAnswer(headers=headers, pieces=pieces))}


def _quiet(times: Timetable) -> Mapping[str, Responder]:
    url, home = times.url(course(), "/feeds/quiet.xml"), times.base(course().address)
    body = render("atom", url=url, home=home, title="Nothing yet", language="en", items=[])
    return {"/feeds/quiet.xml": fixed(page(body, CONTENT_TYPES["atom"]))}


_PAGE = "<!DOCTYPE html><html><head><title>Subscribe</title></head><body><h1>Our feeds have moved</h1></body></html>"

FEED_CASES: tuple[FeedCase, ...] = (
    FeedCase(
        name="feed is a web page",
        about="Answers 200 with HTML, as sites do that have dropped their feed.",
        place="/feeds/page.xml",
        reasons=("html",),
        answers=lambda _: {"/feeds/page.xml": fixed(page(_PAGE))},
    ),
    FeedCase(
        name="empty feed",
        about="Answers 200 with no bytes at all.",
        place="/feeds/empty.xml",
        reasons=("empty",),
        answers=lambda _: {"/feeds/empty.xml": fixed(page(b"", CONTENT_TYPES["rss"]))},
    ),
    FeedCase(
        name="feed without entries",
        about="Is a whole feed in which nothing has been published yet: a success.",
        place="/feeds/quiet.xml",
        answers=_quiet,
    ),
    FeedCase(
        name="truncated feed",
        about="Breaks off inside its third entry: the two whole ones must be announced.",
        place="/feeds/cut.xml",
        reasons=("", "truncated"),
        answers=_cut,
    ),
    FeedCase(
        name="endless feed",
        about="Announces 50 MB and sends them.",
        place="/feeds/endless.xml",
        reasons=("too-large",),
        answers=_endless,
    ),
    FeedCase(
        name="host does not resolve",
        about="Lives on a host that has no address.",
        place=MISSING,
        reasons=("dns",),
        elsewhere="missing",
    ),
    FeedCase(
        name="connection refused",
        about="Lives on an address where nothing listens.",
        place="/feed.xml",
        reasons=("connect",),
        elsewhere="closed",
    ),
)
"""Every special feed."""
