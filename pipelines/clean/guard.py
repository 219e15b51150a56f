"""A cheap look at a page before any parser sees it, so that no page takes longer than its size allows.

Figures behind the limits (two cores, Python 3.11): lxml needs 0.03 s for a tag of 5,000 attributes, 0.3 s for 20,000
and more than 90 s for 200,000; trafilatura 2 s for 20,000 table cells and 40 s for 100,000 short paragraphs;
resiliparse is linear in tags, but not in depth (25 s for 50,000 nested elements) and not in attributes.
libxml2 drops what is nested deeper than 2,048 elements, even with `huge_tree`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from pipelines.clean.reasons import CleanReason, refuse

MAX_RICH_TAGS = 40_000
"""Start and end tags up to which the full extractor runs; the busiest of a thousand real pages had 9,800."""
MAX_TAGS = 1_000_000
"""Tags beyond which not even the linear extractor is tried."""
MAX_RICH_DEPTH = 1_500
MAX_RICH_WORK = 3_000_000
"""Depth times tags up to which the full extractor runs: 1,000 nested lists of 18,000 items keep it busy for 24 s."""
MAX_DEPTH = 8_000
"""Depth beyond which not even the linear extractor is tried."""
MAX_ATTRIBUTES = 1_000
"""Attributes of one tag."""
MAX_ALL_ATTRIBUTES = 200_000
"""Attributes of all tags: each takes 1.5 KB in the parser."""
LONG_TAG = 2_000
"""Characters from which a tag may have too many attributes."""
MAX_JSON_LD = 1_000_000
"""Characters of one JSON-LD script beyond which it is not read."""


class Way(StrEnum):
    """Which extractor reads a page."""

    RICH = "rich"
    LINEAR = "linear"


@dataclass(frozen=True)
class Shape:
    """What the scan counts.

    Attributes:
        tags: start and end tags.
        depth: deepest nesting, elements that need no end tag left aside.
        attributes: most attributes of one tag.
        all_attributes: attributes of all tags.
    """

    tags: int
    depth: int
    attributes: int
    all_attributes: int


# One token for each tag; possessive, and every alternative may end at the text's end: each character is read once.
_TAG = re.compile(r"<[a-zA-Z/][^>=]*+(?:=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))?[^>=]*+)*+(?:>|\Z)")
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]{0,40})")
# An abruptly closed comment (`<!-->`) is one; whatever is never closed runs to the end, so nothing is read twice.
_SILENT = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<(script|style)\b[^>]*+(?:>|\Z).*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"[^\s=/>\"']++(?:\s*+=\s*+(?:\"[^\"]*+\"?|'[^']*+'?|[^\s>]*+))?")
_OPEN_ENDED = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr", "p", "li", "td", "tr", "th", "dt", "dd", "option", "html", "body", "head",
    "tbody", "thead", "tfoot", "colgroup", "optgroup", "rp", "rt", "path", "rect", "circle", "line",
    "polygon", "use", "stop",
})  # fmt: skip
"""Elements that need no end tag, or seldom have one: they say nothing of nesting."""


def way(text: str, url: str) -> Way:
    """Choose the extractor for a page, or refuse it by name.

    Depth is not looked at here: the parser stops at 2,048 in good time, and who walks the tree sees it (`deep_way`).

    Raises:
        Poison: `too-many-tags`, `too-many-attributes`.
    """
    if text.count("<") > 2 * MAX_TAGS:
        refuse(CleanReason.TOO_MANY_TAGS, url, f"{text.count('<'):,}")
    # Nearly every page ends at the first look, scripts and comments included: these can only make it more suspicious.
    if _harmless(text) or _harmless(_SILENT.sub("", text)):
        return Way.RICH
    shape = scan(text)
    if shape.attributes > MAX_ATTRIBUTES or shape.all_attributes > MAX_ALL_ATTRIBUTES:
        refuse(CleanReason.TOO_MANY_ATTRIBUTES, url, f"{shape.attributes:,} of {shape.all_attributes:,} in one tag")
    if shape.tags > MAX_TAGS:
        refuse(CleanReason.TOO_MANY_TAGS, url, f"{shape.tags:,}")
    return Way.RICH if shape.tags <= MAX_RICH_TAGS else deep_way(text, url)


def _harmless(text: str) -> bool:
    tags = _TAG.findall(text)
    if len(tags) > MAX_RICH_TAGS or any(len(tag) > LONG_TAG and _parts(tag) > MAX_ATTRIBUTES for tag in tags):
        return False
    return _parts("".join(tags)) <= MAX_ALL_ATTRIBUTES


def _parts(tags: str) -> int:
    """Count what may part attributes: never fewer than there are attributes, whatever the quotes hide."""
    return sum(map(tags.count, " \t\n\r\f/="))


def too_deep(depth: int, text: str) -> bool:
    """Say whether a tree is nested too deeply for the full extractor."""
    return depth > MAX_RICH_DEPTH or depth * text.count("<") > MAX_RICH_WORK


def deep_way(text: str, url: str) -> Way:
    """Send a deeply nested page the linear way, or refuse it.

    Raises:
        Poison: `too-deep`.
    """
    depth = scan(text).depth
    if depth > MAX_DEPTH:
        refuse(CleanReason.TOO_DEEP, url, f"{depth:,}")
    return Way.LINEAR


def scan(text: str) -> Shape:
    """Count tags, nesting and attributes, in time linear in the text's length; scripts and comments are left out."""
    tags = depth = deepest = attributes = total = 0
    for tag in _TAG.findall(_SILENT.sub("", text)):
        named = _NAME.match(tag)
        if named is None:
            continue
        tags += 1
        own = len(_ATTRIBUTE.findall(tag, named.end()))
        attributes, total = max(attributes, own), total + own
        if named[1].lower() in _OPEN_ENDED or tag.endswith("/>"):
            continue
        if tag.startswith("</"):
            depth = max(depth - 1, 0)
        else:
            depth += 1
            deepest = max(deepest, depth)
    return Shape(tags, deepest, attributes, total)
