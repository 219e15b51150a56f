"""Feeds of the sample outlets: RSS 2.0 with and without whole texts, RSS 1.0 (RDF), Atom and JSON Feed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape

from pipelines.demo.outlets import FeedFormat

CONTENT_TYPES: dict[FeedFormat, str] = {
    "rss": "application/rss+xml; charset=utf-8",
    "rss-content": "application/rss+xml; charset=utf-8",
    "rdf": "application/rdf+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json",
}
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, kw_only=True)
class SampleItem:
    """One article as a feed announces it; `link` is where it leads, `url` what it is called."""

    link: str
    url: str
    title: str
    summary: str
    author: str
    section: str
    published: datetime
    paragraphs: tuple[str, ...] = ()


def render(form: FeedFormat, *, url: str, home: str, title: str, language: str, items: Sequence[SampleItem]) -> bytes:
    """Write a feed.

    Args:
        form: the format.
        url: the feed's own address.
        home: the outlet's front page.
        title: the feed's title.
        language: what the outlet writes in, ISO 639.
        items: the articles, newest first.
    """
    head = {"url": url, "home": home, "title": title, "language": language}
    if form == "json":
        return _json(head, items)
    if form == "atom":
        return _atom(head, items).encode()
    if form == "rdf":
        return _rdf(head, items).encode()
    return _rss(head, items, whole=form == "rss-content").encode()


def _rss(head: dict[str, str], items: Sequence[SampleItem], *, whole: bool) -> str:
    written = "\n".join(rss_item(item, whole=whole) for item in items)
    return f"{rss_head(**head)}\n{written}\n{RSS_TAIL}"


def rss_head(*, url: str, home: str, title: str, language: str) -> str:
    """Give the beginning of an RSS 2.0 feed, up to its first item."""
    return (
        f'{XML}<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f"<channel>\n<title>{escape(title)}</title>\n<link>{escape(home)}</link>\n"
        f'<description>{escape(title)}</description>\n<language>{language}</language>\n<atom:link rel="self" '
        f'href="{escape(url)}"/>'
    )


RSS_TAIL = "</channel>\n</rss>\n"


def rss_item(item: SampleItem, *, whole: bool = False) -> str:
    """Give one RSS 2.0 item, with the whole text in `content:encoded` where asked."""
    html = "".join(f"<p>{escape(text)}</p>" for text in item.paragraphs)
    content = f"<content:encoded><![CDATA[{html}]]></content:encoded>\n" if whole else ""
    return (
        f"<item>\n<title>{escape(item.title)}</title>\n<link>{escape(item.link)}</link>\n"
        f'<guid isPermaLink="false">{escape(item.url)}</guid>\n<dc:creator>{escape(item.author)}</dc:creator>\n'
        f"<category>{escape(item.section)}</category>\n<pubDate>{format_datetime(item.published)}</pubDate>\n"
        f"<description>{escape(item.summary)}</description>\n{content}</item>"
    )


def _rdf(head: dict[str, str], items: Sequence[SampleItem]) -> str:
    sequence = "".join(f'<rdf:li rdf:resource="{escape(item.link)}"/>' for item in items)
    written = "\n".join(
        f'<item rdf:about="{escape(item.link)}">\n<title>{escape(item.title)}</title>\n'
        f"<link>{escape(item.link)}</link>\n<description>{escape(item.summary)}</description>\n<dc:creator>{escape(item.author)}</dc:creator>\n"
        f"<dc:subject>{escape(item.section)}</dc:subject>\n<dc:date>{_iso(item.published)}</dc:date>\n</item>"
        for item in items
    )
    return (
        f'{XML}<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel rdf:about="{escape(head["url"])}">\n'
        f"<title>{escape(head['title'])}</title>\n<link>{escape(head['home'])}</link>\n"
        f"<description>{escape(head['title'])}</description>\n<dc:language>{head['language']}</dc:language>\n"
        f"<items><rdf:Seq>{sequence}</rdf:Seq></items>\n</channel>\n{written}\n</rdf:RDF>\n"
    )


def _atom(head: dict[str, str], items: Sequence[SampleItem]) -> str:
    updated = max((item.published for item in items), default=None)
    written = "\n".join(
        f'<entry>\n<id>{escape(item.url)}</id>\n<title type="html">{escape(escape(item.title, quote=False))}</title>\n'
        f'<link rel="alternate" type="text/html" href="{escape(item.link)}"/>\n'
        f"<author><name>{escape(item.author)}</name></author>\n"
        f'<category term="{escape(item.section)}"/>\n<published>{_iso(item.published)}</published>\n'
        f"<updated>{_iso(item.published)}</updated>\n<summary>{escape(item.summary)}</summary>\n</entry>"
        for item in items
    )
    return (
        f'{XML}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{head["language"]}">\n'
        f"<id>{escape(head['url'])}</id>\n<title>{escape(head['title'])}</title>\n"
        f'<link rel="self" href="{escape(head["url"])}"/>\n<link rel="alternate" href="{escape(head["home"])}"/>\n'
        f"<updated>{_iso(updated) if updated else '1970-01-01T00:00:00+00:00'}</updated>\n{written}\n</feed>\n"
    )


def _json(head: dict[str, str], items: Sequence[SampleItem]) -> bytes:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": head["title"],
        "home_page_url": head["home"],
        "feed_url": head["url"],
        "language": head["language"],
        "items": [
            {
                "id": item.url,
                "url": item.link,
                "title": item.title,
                "summary": item.summary,
                "date_published": _iso(item.published),
                "authors": [{"name": item.author}],
                "tags": [item.section],
            }
            for item in items
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
