"""A cheap look at an XML feed before feedparser sees it: the three things for which that takes quadratic time. Pure.

Figures behind the limits (feedparser 6.0.14): a tag of 26,000 attributes takes 5 s, one of 1,000 some 10 ms; 4,000
different categories of one entry 1 s; an author's name of 16,000 characters 0.9 s, since each may begin an address.
"""

from __future__ import annotations

import re

from pipelines.errors import FeedFault

MAX_ATTRIBUTES = 1000
"""Attributes of one tag."""
MAX_CATEGORIES = 1000
"""Categories and keywords of one entry."""
MAX_NAME = 5000
"""Characters of one author's element."""

_LONG_TAG = re.compile(rf"<[a-zA-Z_][^<]{{{2 * MAX_ATTRIBUTES}}}")
_CDATA = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
# One token for each tag; possessive, and every alternative may end at the text's end: each character is read once.
_TAG = re.compile(r"<[a-zA-Z_][^>=]*+(?:=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))?[^>=]*+)*+")
_PART = re.compile(
    r"<(?:[\w.-]++:)?(?:(item|entry)|(category|subject|keywords)|author|creator|publisher|managingeditor|webmaster)\b"
    r"([^<]*+(?:<!\[CDATA\[[^<]*+)?)",
    re.IGNORECASE,
)


def refuse_monsters(text: str, url: str) -> None:
    """Refuse a feed that would take quadratic time.

    Args:
        text: the feed.
        url: its address, for the error.

    Raises:
        FeedFault: `too-many-attributes`, `too-many-categories` or `name-too-long`.
    """
    # Nearly every feed ends at the first look; what a CDATA section holds are no tags.
    if _LONG_TAG.search(text):
        for tag in _TAG.findall(_CDATA.sub("", text)):
            if len(tag) > 2 * MAX_ATTRIBUTES and tag.count("=") > MAX_ATTRIBUTES:
                raise _fault("too-many-attributes", f"more than {MAX_ATTRIBUTES:,} attributes in one tag", url)
    categories = 0
    for part in _PART.finditer(text):
        if part[1]:
            categories = 0
        elif part[2]:
            categories += 1 + (part[3].count(",") if part[2].lower() == "keywords" else 0)
            if categories > MAX_CATEGORIES:
                raise _fault("too-many-categories", f"more than {MAX_CATEGORIES:,} categories in one entry", url)
        elif len(part[3]) > MAX_NAME:
            raise _fault("name-too-long", f"more than {MAX_NAME:,} characters in an author's name", url)


def _fault(reason: str, why: str, url: str) -> FeedFault:
    return FeedFault(f"feed not read: {why}", reason=reason, resource=url)
