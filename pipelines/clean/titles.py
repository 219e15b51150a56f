"""An article's headline, from the places that claim to hold it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

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
MIN_WORDS = 3
"""Words from which a heading beside the `h1` can be the headline."""
MAX_PARTS = 3
"""Parts of a title that are cut at most."""
_KEY = re.compile(r"[\W_]+")


def headline(head: Head, entry_title: str, url: str = "") -> str:
    """Choose the headline: the `h1` that shares half its words with another claim, then the claims by their worth.

    JSON-LD's headline, Open Graph's title without the site's name, the `title` element, the feed's title.
    Empty when nobody claims one.

    Args:
        head: the page's claims.
        entry_title: the feed's title.
        url: the page's address: its host is the site's name, too, and its path often the headline.
    """
    sites = [head.site, *_hosts(url)]
    said = _plain(head.said("headline"))
    graph = _without_site(_plain(head.meta("og:title", "twitter:title", "dc.title", "title")), sites)
    page = _without_site(head.title, sites)
    claims = [claim for claim in (said, graph, page, entry_title) if claim]
    headings = [heading for heading in head.headings if not _names_site(heading, head, claims)]
    for heading in headings:
        if any(_shared(heading, claim) for claim in claims):
            return _without_kicker(heading, head.parts.get(heading, []), claims)
    if len(headings) == 1 and _told_elsewhere(headings[0], head.meta("og:description", "description"), url):
        return headings[0]
    for heading in head.subheadings:
        if len(_words(heading)) >= MIN_WORDS and any(_is_end_of(heading, claim) for claim in claims):
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


def _without_site(title: str, sites: list[str]) -> str:
    """Cut the site's name off a title's end or start, and a short last part that may be its name.

    Where the site names itself, what stands behind a dash and is not that name belongs to the headline.
    """
    for _ in range(MAX_PARTS):
        parts = [match.span() for match in _SEPARATOR.finditer(title)]
        if not parts:
            return title
        last, first = parts[-1], parts[0]
        tail, rest = title[last[1] :], title[: last[0]]
        if _is_site(title[: first[0]], sites):
            title = title[first[1] :]
        elif _is_site(tail, sites) or _may_be_site(title[last[0] : last[1]], tail, rest, known=bool(sites[0])):
            title = rest
        else:
            return title
    return title


def _is_site(part: str, sites: list[str]) -> bool:
    words, key = _words(part), _KEY.sub("", part).casefold()
    for site in filter(None, sites):
        named = _words(site)
        if (
            words <= named
            or (named <= words and len(words) <= 2 * len(named) + 1)
            or (len(key) > 2 and key == _KEY.sub("", site).casefold())
        ):
            return True
    return False


def _may_be_site(separator: str, tail: str, rest: str, *, known: bool) -> bool:
    words = _words(tail)
    if len(words) > MAX_SITE_WORDS or len(_words(rest)) <= max(2, len(words)):
        return False
    if separator.strip() in "–—-:":
        return not known and tail[-1:] not in "?!…" and not tail[:1].islower()
    return True


def _hosts(url: str) -> list[str]:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    labels = host.split(".")
    return [host, labels[-2] if len(labels) > 2 and len(labels[-2]) > 3 else labels[0]] if len(labels) > 1 else []


def _names_site(heading: str, head: Head, claims: list[str]) -> bool:
    """Say whether a heading is the site's name: the title is it and another claim, and nothing else."""
    if head.site and _words(heading) == _words(head.site):
        return True
    apart = _words(head.title) - _words(heading)
    return len(apart) >= MIN_WORDS and any(_words(claim) == apart for claim in claims) and _words(heading) not in [
        _words(claim) for claim in claims
    ]  # fmt: skip


def _without_kicker(heading: str, parts: list[str], claims: list[str]) -> str:
    """Give a heading without the element in it that no claim has: a kicker, a section, a badge."""
    keys = {_KEY.sub("", claim).casefold() for claim in claims}
    if _KEY.sub("", heading).casefold() in keys:
        return heading
    found = next((part for part in parts if part and _KEY.sub("", part).casefold() in keys), heading)
    return found.strip(" -–—:|•·")


def _told_elsewhere(heading: str, description: str, url: str) -> bool:
    """Say whether the description or the address has most of a heading's longer words."""
    words = {word for word in _words(heading) if len(word) > 3}
    told = (_words(description), _words(urlsplit(url).path))
    return len(words) >= MIN_WORDS and any(2 * len(words & there) >= len(words) for there in told)


def _is_end_of(heading: str, claim: str) -> bool:
    """Say whether a claim is a heading with something beside it, behind or before a separator."""
    return heading in (normal(part) for part in _SEPARATOR.split(claim)) and heading != claim
