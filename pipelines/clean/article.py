"""A page to an article: the order of the steps, and nothing else. Pure: no I/O, the same answer for the same bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from lxml import html as lxml_html

from pipelines.clean import boilerplate, choice, dates, guard, html, linear, plain, sniff, titles
from pipelines.clean.author_names import names
from pipelines.clean.bylines import byline_names
from pipelines.clean.decode import decode, normal
from pipelines.clean.evidence import LineEvidence
from pipelines.clean.facts import authors_of, summary_of
from pipelines.clean.head import Head, read_head
from pipelines.clean.interstitials import interstitial
from pipelines.clean.main_content import MainContent, texts_of
from pipelines.clean.page_layout import read_layout
from pipelines.clean.reasons import CleanReason, refuse
from pipelines.clean.rights import METAS, refuse_reserved, rights_of
from pipelines.clean.script_text import script_lines
from pipelines.language import language, word_count
from pipelines.settings import CleanSettings
from schemas.records import Article, Entry, PageFacts

MUCH_HTML = 20_000
"""Characters of HTML from which it is suspicious, and said so, that no text was found."""
HEADLINE_WORDS = (4, 25)

_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,500})", re.IGNORECASE)
_META = re.compile(r"<meta\s[^<>]{0,1000}>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_LANG = re.compile(r"<html[^<>]{0,500}?\slang\s*=\s*[\"']?([a-zA-Z-]{2,15})", re.IGNORECASE)


@dataclass
class ReadPage:
    """A page as one of the ways of reading it left it.

    Attributes:
        lines: lines of its main text, furniture included.
        head: what it says about itself.
        seen: what its markup says about its lines.
        tree: the parsed page; None for plain text and for monsters.
        prose_words: words of all prose on the page, the article's or not.
    """

    lines: list[str]
    head: Head = field(default_factory=Head)
    seen: dict[str, LineEvidence] = field(default_factory=dict)
    tree: lxml_html.HtmlElement | None = None
    prose_words: int = 0


def clean(body: bytes, entry: Entry, facts: PageFacts, settings: CleanSettings) -> Article:
    """Make an article of a page, without topics.

    Args:
        body: the bytes as fetched, content encodings undone.
        entry: what the feed said.
        facts: what is known of the fetch.
        settings: sizes and limits.

    Raises:
        Rejected: the page was understood and holds no article.
        Skipped: the publisher reserves what `clean.skip_rights` names.
        Poison: the page cannot be processed; `pipelines.clean.reasons` lists the reasons of it and of Rejected.
    """
    page = read(body, facts.content_type, settings, facts.url)
    rights = rights_of(page.head, facts)
    refuse_reserved(rights, settings.skip_rights, facts.url)
    title = titles.headline(page.head, entry.title, facts.url)
    authors = _authors(page, entry)
    known = [title, entry.title, page.head.said("headline"), page.head.meta("og:title"), *page.head.headings]

    def ruled(raw: list[str], seen: dict[str, LineEvidence]) -> list[str]:
        return boilerplate.article_lines(
            raw, seen, titles=known, names=[*authors, page.head.site], news=page.head.is_news_article
        )

    lines = ruled(page.lines, page.seen)
    if page.tree is not None:
        lines = choice.longest_if_poor(lines, page.prose_words, title, choice.rivals(page.tree, page.head, ruled))
        if word_count("\n".join(lines)) < settings.min_words:
            lines = script_lines(page.tree, title) or lines
    if found := interstitial(page.head, lines or page.lines, page.tree, entry.title):
        refuse(found[0], facts.url, found[1])
    _long_enough(lines, page, settings, facts.url)
    if not title:
        title = _headline_above(page, lines[0]) or titles.first_sentence(lines)
    text = "\n".join(lines)
    published = entry.published_at
    if page.tree is not None:
        published = dates.published(page.head, page.tree, entry.published_at, facts.fetched_at, facts.url)
    return Article(
        id=entry.id,
        url=entry.url,
        source=entry.source,
        feeds=list(dict.fromkeys([entry.feed_url, *entry.origins])),
        title=title,
        summary=summary_of(page.head, entry.summary),
        body=text,
        authors=authors,
        language=language(text, _declared_language(page, facts), entry.language),
        published_at=published,
        first_seen=entry.first_seen,
        fetched_at=facts.fetched_at,
        words=word_count(text),
        content_digest=content_digest(title, text, rights.claims()),
        rights=list(rights.reserved),
        tdm_policy=rights.tdm_policy,
        license=rights.license,
        free=rights.free,
    )


def content_digest(title: str, body: str, claims: Sequence[str] = ()) -> str:
    """Give the digest that tells whether an article changed: BLAKE2b, 32 hexadecimal digits.

    Args:
        title: the headline.
        body: the clean text.
        claims: what is said of its use; a page that takes back a right must be written again, text or no text.
    """
    said = "".join(f"\x1f{claim}" for claim in claims)  # a character that is in no cleaned text
    return blake2b(f"{title}\n{body}{said}".encode(), digest_size=16).hexdigest()


def read(body: bytes, content_type: str, settings: CleanSettings, url: str) -> ReadPage:
    """Read a body the way its kind and its shape ask for.

    Raises:
        Rejected: `empty-body`, `not-html`, `no-text`, `text-lost`.
        Poison: `too-large`, `undecodable`, `too-many-tags`, `too-deep`, `too-many-attributes`.
    """
    # A character has at most four bytes; what is larger than that is too large in any encoding.
    if len(body) > 4 * settings.max_html_bytes:
        refuse(CleanReason.TOO_LARGE, url, f"{len(body):,} bytes")
    sniff.refuse_binary(body, url)
    text = decode(body, content_type, url)
    if len(text) > settings.max_html_bytes:
        refuse(CleanReason.TOO_LARGE, url, f"{len(text):,} characters")
    if sniff.kind(text, content_type, url) is sniff.ContentKind.PLAIN:
        return ReadPage(plain.paragraphs(text))
    page = _rich(text, url) if guard.way(text, url) is guard.Way.RICH else ReadPage([])
    if page.lines or page.prose_words:
        return page  # other readings find what the walk has passed over
    page.lines, page.seen = linear.plain_lines(text), {}
    page.head = page.head if page.tree is not None else _short_head(text)
    if not page.lines:
        refuse(
            CleanReason.TEXT_LOST if len(text) > MUCH_HTML else CleanReason.NO_TEXT, url, f"{len(text):,} characters"
        )
    return page


def _rich(text: str, url: str) -> ReadPage:
    """Read a page by its markup; no lines when it has to go the linear way.

    Raises:
        Poison: `too-deep`.
    """
    tree = html.parse(text)
    if tree is None:
        return ReadPage([])
    layout = read_layout(tree)
    if guard.too_deep(layout.depth, text):
        guard.deep_way(text, url)
        return ReadPage([], read_head(tree), tree=tree)
    main = MainContent(layout)
    return ReadPage(texts_of(main.lines), read_head(tree), layout.evidence(), tree, main.prose_words)


def _short_head(text: str) -> Head:
    """Read title, language and rights of a page that no tree is built of."""
    top = text[: sniff.HEAD]
    title, lang = _TITLE.search(top), _LANG.search(top)
    tags = html.parse("".join(_META.findall(_COMMENT.sub("", top))))
    metas = {} if tags is None else read_head(tags).metas
    return Head(
        metas={name: said for name, said in metas.items() if name in METAS},
        title=normal(title[1]) if title else "",
        language=lang[1] if lang else "",
    )


def _long_enough(lines: list[str], page: ReadPage, settings: CleanSettings, url: str) -> None:
    if not lines:
        refuse(CleanReason.NO_TEXT, url, f"{len(page.lines)} lines, all of them furniture")
    words = word_count("\n".join(lines))
    if words < settings.min_words:
        refuse(CleanReason.TOO_SHORT, url, f"{words} words")


def _authors(page: ReadPage, entry: Entry) -> list[str]:
    tree = page.tree
    if tree is None:
        return authors_of(page.head, list, entry.authors)
    return authors_of(page.head, lambda: [byline_names(tree), names([html.guess_authors(tree)])], entry.authors)


def _declared_language(page: ReadPage, facts: PageFacts) -> str:
    return (
        page.head.language
        or page.head.meta("og:locale", "content-language")
        or facts.headers.get("content-language", "")
    )


def _headline_above(page: ReadPage, first: str) -> str:
    """Find a headline among the lines above the first paragraph of a page that names none: plain text, mostly."""
    low, high = HEADLINE_WORDS
    for line in page.lines:
        text = normal(line)
        if text == first:
            break
        if low <= word_count(text) <= high and not boilerplate.is_row(line):
            return text
    return ""
