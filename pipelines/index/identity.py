"""Whether two addresses show one article: what a page says of its own address, and whether to believe it. Pure.

An article is announced at one address and found at another: behind a redirect, or under the address that its page
gives itself (rel=canonical, RFC 6596). Neither is believed by itself: dead links lead to the home page or a login,
and templates give every page the canonical address of one. So the page must show what the feed announced, and the
article that the index has at that address must have the same text, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from pipelines.errors import FeedFault
from pipelines.index.merge import Source
from pipelines.urls import canonical_url, identity_url, is_home
from schemas.records import Article, Entry, PageFacts

SHOWN = 0.5
"""Share of an announced title that an article must hold to be what was announced."""

SAME = 0.8
"""Share that two texts under one title must have in common to be one article: it may have been updated in between."""

EQUAL = 0.98
"""The same under two titles, which a site tries out; reports made from one template have up to .95 in common."""

_NOT_LETTERS = re.compile(r"[\W_]+")
_TITLE_PIECE, _TEXT_PIECE = 3, 12
_MOST_CHARACTERS = 20_000


class Because(StrEnum):
    """Why an article is taken for one that the index has."""

    KNOWN = "known"
    """It has the same address, but for the scheme, or was found at this address before."""
    REDIRECT = "redirect"
    CANONICAL = "canonical"


class Claim(NamedTuple):
    """Another address at which the article may be known: a canonical URL."""

    url: str
    because: Because


def claims(entry: Entry, facts: PageFacts, article: Article) -> list[Claim]:
    """Give the other addresses that a visit found for an article, none where the page shows something else.

    Args:
        entry: what was announced.
        facts: where the page was found, and the address that it gives itself.
        article: what the page holds.
    """
    found: dict[str, Claim] = {identity_url(entry.url): Claim(entry.url, Because.KNOWN)}
    for claim in _claims(facts):
        found.setdefault(identity_url(claim.url), claim)
    others = list(found.values())[1:]
    redirected = any(claim.because is Because.REDIRECT for claim in others)
    return others if others and shows(entry.title, article, otherwise=not redirected) else []


def _claims(facts: PageFacts) -> Iterator[Claim]:
    try:
        landed = canonical_url(facts.url)
    except FeedFault:
        landed = ""
    for url, because in ((landed, Because.REDIRECT), (facts.canonical_url, Because.CANONICAL)):
        if url and not is_home(url):
            yield Claim(url, because)


def shows(title: str, article: Article, *, otherwise: bool) -> bool:
    """Tell whether an article's page shows what was announced under a title; `otherwise` where there is no title."""
    pieces = _pieces(_letters(title), _TITLE_PIECE)
    if not pieces:
        return otherwise
    text = _letters(article.title) + _letters(article.body[:_MOST_CHARACTERS])
    return sum(piece in text for piece in pieces) >= SHOWN * len(pieces)


def same_article(one: Source, other: Source) -> bool:
    """Tell whether two documents are one article: most of the shorter text is in the longer one."""
    first, second = (_pieces(_letters(_body(source)), _TEXT_PIECE) for source in (one, other))
    least = min(len(first), len(second))
    enough = SAME if _letters(one["title"]) == _letters(other["title"]) else EQUAL
    return least > 0 and len(first & second) >= enough * least


def _body(source: Source) -> str:
    body: Any = source.get("body", "")
    return str(body)[:_MOST_CHARACTERS]


def _letters(text: str) -> str:
    """Give letters and digits alone, case folded: what two renderings of a text have in common, in any script."""
    return _NOT_LETTERS.sub("", text).casefold()


def _pieces(text: str, length: int) -> set[str]:
    """Give all pieces of a text of so many characters; of a shorter text itself."""
    if len(text) <= length:
        return {text} if text else set()
    return {text[at : at + length] for at in range(len(text) - length + 1)}
