"""An article's headline, from the places that claim to hold it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipelines.clean.decode import normal
from pipelines.clean.head import Head
from pipelines.clean.jsonld import unescaped

MAX_SENTENCE = 120
"""Longest headline, in characters, that is made from a first sentence."""

_SEPARATOR = re.compile(r"\s+(?:[|»«·•:—–-]|::|<)\s+|\s*[|｜]\s*")
_WORD = re.compile(r"[^\W_]+")
_MARKUP = re.compile(r"<[^<>]{1,200}>")
_SENTENCE = re.compile(r"(.+?(?:[.!?…]++[\"”»’)]*+(?=\s)|[。！？]))")
# What a full stop follows without ending a sentence: initials, titles before a name, the day in a German date.
_GOES_ON = re.compile(
    r"(?:^|[\s(.])(?:[^\W\d_]|(?:[Aa]m|[Vv]om|[Zz]um|[Dd]e[nrms]|[Ii]m|[Bb]is|[Aa]b|[Ss]eit)\s\d{1,2}|(?:Dr|Mr|Mrs|Ms|Prof|St|Gen|Sen|Rep|Gov|Lt|Col|Sgt|Sr|Sra|Mme|Mlle|Hr|Fr|Nr|vs"
    r"|bzw|ca|sog))\.$"
)
MAX_SITE_WORDS = 4


def headline(head: Head, entry_title: str) -> str:
    """Choose the headline: the `h1` that shares half its words with another claim, then the claims by their worth.

    JSON-LD's headline, Open Graph's title without the site's name, the `title` element, the feed's title.
    Empty when nobody claims one.
    """
    said = _plain(head.said("headline"))
    graph = _without_site(_plain(head.meta("og:title", "twitter:title", "dc.title", "title")), head.site)
    page = _without_site(head.title, head.site)
    claims = [claim for claim in (said, graph, page, entry_title) if claim]
    for heading in head.headings:
        if any(_shared(heading, claim) for claim in claims):
            return heading
    return said or graph or page or normal(entry_title) or next(iter(head.headings), "")


def first_sentence(lines: Iterable[str]) -> str:
    """Make a headline from a text's first sentence, cut at a word."""
    # A sentence that ends later is cut all the same; without an end, the search takes the square of the length.
    first = next(iter(lines), "")[: 2 * MAX_SENTENCE]
    sentence = first
    for match in _SENTENCE.finditer(first):
        if not _GOES_ON.search(first[: match.end()]):
            sentence = first[: match.end()]
            break
    if len(sentence) <= MAX_SENTENCE:
        return sentence
    cut = sentence[: MAX_SENTENCE - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(",;:–—- ") + "…"


def _plain(text: str) -> str:
    return normal(unescaped(_MARKUP.sub("", text)))


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def same_headline(title: str, headline: str) -> bool:
    """Say whether a page's title means a headline: half the words of the shorter one are the other's."""
    ours, theirs = _words(title), _words(headline)
    return bool(ours and theirs) and 2 * len(ours & theirs) >= min(len(ours), len(theirs))


def title_parts(title: str) -> list[str]:
    """Give a title, and the parts of it beside a site's name."""
    return list(dict.fromkeys(normal(part).strip(" .!…") for part in (title, *_SEPARATOR.split(title))))


def _shared(heading: str, claim: str) -> bool:
    """Say whether a heading and a claim mean the same headline: half of the heading's words are the claim's."""
    ours, theirs = _words(heading), _words(claim)
    return bool(ours) and 2 * len(ours & theirs) >= len(ours) and 4 * len(ours & theirs) >= len(theirs)


def _without_site(title: str, site: str) -> str:
    """Cut the site's name off a title's end or start, and any short last part behind a separator."""
    parts = [match.span() for match in _SEPARATOR.finditer(title)]
    if not parts:
        return title
    last, first = parts[-1], parts[0]
    if site and _words(title[: first[0]]) <= _words(site):
        return title[first[1] :]
    tail, rest = title[last[1] :], title[: last[0]]
    named = site and (_words(tail) <= _words(site) or _words(site) <= _words(tail))
    short = len(_words(tail)) <= MAX_SITE_WORDS and len(_words(rest)) > len(_words(tail)) and len(_words(rest)) > 2
    return rest if named or short else title
