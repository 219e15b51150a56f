"""JSON-LD: what a page says about itself in schema.org's words."""

from __future__ import annotations

import html
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any, TypeGuard

MAX_NODES = 5_000
"""Nodes looked at in one page; beyond, the rest is left unread."""

ARTICLE_TYPES = frozenset({
    "Article", "NewsArticle", "ReportageNewsArticle", "AnalysisNewsArticle", "AskPublicNewsArticle",
    "BackgroundNewsArticle", "OpinionNewsArticle", "ReviewNewsArticle", "AdvertiserContentArticle",
    "SatiricalArticle", "LiveBlogPosting", "BlogPosting", "SocialMediaPosting", "TechArticle",
    "ScholarlyArticle", "Report", "Review", "VideoObject", "WebPage",
})  # fmt: skip
NEWS_TYPES = frozenset(name for name in ARTICLE_TYPES if name.endswith("NewsArticle")) | {"LiveBlogPosting"}
_RANK = {name: rank for rank, name in enumerate(("WebPage", "VideoObject", "Review", "Report", "Article"))}
_CONTROL = re.compile(r"[\x00-\x1f]+")
_COMMENT = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*+(?:;\s*+)?$"
)

# Scripts are not decoded by the HTML parser, and many sites escape what they write into them all the same.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")

Node = dict[str, Any]


def read(scripts: list[str]) -> list[Node]:
    """Give the nodes that describe an article, the best first.

    Args:
        scripts: texts of the page's `application/ld+json` scripts; broken ones are passed over.
    """
    nodes: list[Node] = []
    known: dict[str, Node] = {}
    for script in scripts:
        for node in _walk(_loads(script)):
            nodes += [node] if types(node) & ARTICLE_TYPES else []
            if isinstance(name := node.get("@id"), str) and "name" in node:
                known.setdefault(name, node)
    found = [_with_authors(node, known) for node in nodes] if known else nodes
    return sorted(found, key=_rank, reverse=True)


def _with_authors(node: Node, known: dict[str, Node]) -> Node:
    """Give a node the authors that it only refers to, by the `@id` of a node elsewhere on the page."""
    said = node.get("author")
    items = said if isinstance(said, list) else [said]
    if not any(map(_refers, items[:50])):
        return node
    return node | {"author": [known.get(item["@id"], item) if _refers(item) else item for item in items[:50]]}


def _refers(item: Any) -> TypeGuard[Node]:  # noqa: ANN401 - JSON of any shape
    return isinstance(item, dict) and isinstance(item.get("@id"), str) and not item.get("name")


def types(node: Node) -> set[str]:
    """Give a node's types without the vocabulary's address."""
    named = node.get("@type")
    names = named if isinstance(named, list) else [named]
    return {name.rpartition("/")[2].rpartition(":")[2] for name in names if isinstance(name, str)}


def text_of(value: Any) -> str:  # noqa: ANN401 - JSON of any shape
    """Give a value's text, its character references resolved: itself, its first item's, or its name's."""
    for _ in range(5):
        if isinstance(value, list):
            value = value[0] if value else ""
        elif isinstance(value, dict):
            value = value.get("@value") or value.get("name") or value.get("text")
        else:
            break
    return " ".join(unescaped(value).split()) if isinstance(value, str) else ""


def unescaped(text: str) -> str:
    """Resolve character references that end in a semicolon; the others are more often parts of an address."""
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text


def _rank(node: Node) -> tuple[int, int]:
    named = types(node) & ARTICLE_TYPES
    return max(_RANK.get(name, len(_RANK)) for name in named), sum(
        key in node for key in ("headline", "datePublished", "author")
    )


def _loads(script: str) -> Any:  # noqa: ANN401 - JSON of any shape
    text = _COMMENT.sub("", script)
    for candidate in (text, _CONTROL.sub(" ", text)):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _walk(root: Any) -> Iterator[Node]:  # noqa: ANN401 - JSON of any shape
    """Walk lists, graphs and main entities, breadth first and bounded."""
    queue, looked_at = deque([root]), 0
    while queue and looked_at < MAX_NODES:
        value = queue.popleft()
        looked_at += 1
        if isinstance(value, list):
            queue += value[: max(0, MAX_NODES - len(queue))]  # what is further back is never looked at
        elif isinstance(value, dict):
            yield value
            queue += [
                value[key]
                for key in ("@graph", "mainEntity", "mainEntityOfPage", "hasPart")
                if isinstance(value.get(key), (list, dict))
            ]
