"""Articles as HTML pages: one template a style of site, from clean modern markup to none at all.

The templates are `string.Template` files in `pages/`; what repeats in a page (paragraphs, links, share labels) is
marked up here in the manner of its template.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from string import Template

from pipelines.demo.outlets import Article, Outlet


@dataclass(frozen=True)
class Manner:
    """How a template marks up what repeats: format strings with `{text}`, and `{href}` or `{time}` where they fit."""

    paragraph: str = "<p>{text}</p>"
    nav: str = '<li><a href="{href}">{text}</a></li>'
    related: str = '<li><a href="{href}">{text}</a></li>'
    share: str = '<a class="share-button" href="#">{text}</a>'
    comment: str = '<p class="comment">{text}</p>'


LIVE_POST = (
    '<div class="live-post"><header><time>{time}</time></header>\n<p>{text}</p>\n'
    '<div class="live-tools share">{share}</div></div>'
)
MANNERS = {
    "semantic": Manner(share="<li><button>{text}</button></li>"),
    "table": Manner(
        paragraph='<p align="justify"><font face="Times New Roman" size="3">{text}</font></p>',
        nav='<a href="{href}">{text}</a> |',
        related='<font size="2"><a href="{href}">{text}</a></font><br>',
        share='<a href="#">[{text}]</a>',
        comment='<font size="1">{text}</font><br>',
    ),
    "soup": Manner(
        paragraph='<div class="para">{text}</div>',
        nav='<a class="menu__item" href="{href}">{text}</a>',
        related='<div class="teaser"><a href="{href}">{text}</a></div>',
        share='<span class="social-bar__button">{text}</span>',
        comment='<div class="comment">{text}</div>',
    ),
    "amp": Manner(share='<amp-social-share type="system">{text}</amp-social-share>'),
    "blog": Manner(comment="<li>{text}</li>"),
    "live": Manner(paragraph=LIVE_POST),
    "wordpress": Manner(share="<li><span>{text}</span></li>", comment='<p class="comment-notes">{text}</p>'),
    "bare": Manner(nav="{text}    ", share="{text}<br>", comment="{text}"),
    "plain": Manner(nav='<a href="{href}">{text}</a>'),
}


def article_page(
    outlet: Outlet, article: Article, *, url: str, published: datetime, paragraphs: Iterable[str] | None = None
) -> str:
    """Give an article's page in its outlet's template, furniture included.

    Args:
        outlet: whose page it is.
        article: what it shows.
        url: the page's canonical URL.
        published: when it appeared.
        paragraphs: its text; None means the article's as first published.
    """
    texts = tuple(article.paragraphs if paragraphs is None else paragraphs)
    manner = MANNERS[outlet.template]
    marked = _paragraphs(outlet, manner, texts, published)
    labels = outlet.labels
    others = [other for other in outlet.articles if other.slug != article.slug]
    return _fill(
        outlet.template,
        outlet,
        **_words(outlet, article, url, published),
        number=str(article.number),
        date_iso=published.isoformat(timespec="seconds"),
        jsonld=_linked_data(outlet, article, url, published),
        opening="\n".join(marked[:2]),
        rest="\n".join(marked[2:]),
        nav=_each(manner.nav, ((text, "/") for text in labels.nav)),
        related=_each(manner.related, ((other.title, outlet.article_path(other)) for other in others)),
        share=_each(manner.share, ((text, "") for text in labels.share)),
        comments=_each(manner.comment, ((text, "") for text in labels.comments)),
    )


def lines_page(outlet: Outlet, *, title: str, lines: Iterable[str]) -> str:
    """Give a page whose text and furniture are the same kind of bare line: nothing but length tells them apart.

    Lines of `LONG` characters or more become paragraphs; the others stay text without markup.
    """
    marked = [f"<p>{html.escape(line)}</p>" if len(line) >= LONG else f"{html.escape(line)}<br>" for line in lines]
    return _fill("lines", outlet, title=html.escape(title), lines="\n".join(marked))


LONG = 200
"""Characters from which a line of such a page is a paragraph."""


def front_page(outlet: Outlet) -> str:
    """Give the outlet's front page: its feeds for feed readers and its headlines for people."""
    links = ((article.title, outlet.article_path(article)) for article in outlet.articles)
    feeds = (f'<link rel="alternate" title="{html.escape(feed.title)}" href="{feed.path}">' for feed in outlet.feeds)
    return _fill("front", outlet, articles=_each(Manner.related, links), feeds="\n".join(feeds))


def picture(number: int) -> str:
    """Give an SVG picture for an article: two colours that depend on its number."""
    hue = number % 360
    hill = f"M0 {180 + number % 90} Q 320 {60 + number % 120} 640 240 V 360 H 0 Z"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360">'
        f'<rect width="640" height="360" fill="hsl({hue},45%,55%)"/>'
        f'<path d="{hill}" fill="hsl({hue + 40},40%,35%)"/>'
        "</svg>"
    )


def _words(outlet: Outlet, article: Article, url: str, published: datetime) -> dict[str, str]:
    """Give everything that stands in a page once, escaped."""
    labels = outlet.labels
    words = {
        "title": article.title,
        "summary": article.summary,
        "author": article.author,
        "byline": labels.by.format(author=article.author),
        "section": article.section,
        "caption": article.caption,
        "date_text": published.strftime(outlet.date_format),
        "url": url,
        "picture": f"/picture/{article.number}.svg",
        "related_title": labels.related,
        "newsletter": labels.newsletter,
        "cookies": labels.cookies,
        "advertisement": labels.advertisement,
        "footer": labels.footer,
        "comments_title": labels.comments_title,
        "exit": labels.exit,
    }
    return {name: html.escape(text) for name, text in words.items()}


def _paragraphs(outlet: Outlet, manner: Manner, texts: tuple[str, ...], published: datetime) -> list[str]:
    share = html.escape(" · ".join(outlet.labels.share))
    times = (published - timedelta(minutes=17 * place) for place in range(len(texts)))
    return [
        manner.paragraph.format(text=html.escape(text), time=time.strftime("%H:%M"), share=share)
        for text, time in zip(texts, times, strict=True)
    ]


def _each(pattern: str, pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(pattern.format(text=html.escape(text), href=html.escape(href)) for text, href in pairs)


def _fill(name: str, outlet: Outlet, **values: str) -> str:
    return _template(name).substitute(lang=outlet.language, site=html.escape(outlet.title), **values)


@cache
def _template(name: str) -> Template:
    return Template(resources.files(__package__).joinpath("pages", f"{name}.html").read_text("utf-8"))


def _linked_data(outlet: Outlet, article: Article, url: str, published: datetime) -> str:
    """Give schema.org data as JSON-LD; `<` is escaped so that no text can end the script element."""
    data = {
        "@context": "https://schema.org",
        "@type": "LiveBlogPosting" if outlet.template == "live" else "NewsArticle",
        "headline": article.title,
        "description": article.summary,
        "datePublished": published.isoformat(timespec="seconds"),
        "inLanguage": outlet.language,
        "author": {"@type": "Person", "name": article.author},
        "publisher": {"@type": "NewsMediaOrganization", "name": outlet.title},
        "articleSection": article.section,
        "mainEntityOfPage": url,
    }
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
