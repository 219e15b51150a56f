"""What a page says about itself outside its text, gathered once: meta tags, JSON-LD, titles, language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree

from pipelines.clean import jsonld
from pipelines.clean.decode import normal
from pipelines.clean.guard import MAX_JSON_LD

MAX_HEADINGS = 20
MAX_PARTS = 6
MAX_TEXTS = 50
_FRONT_PAGE = re.compile(r"(?:https?://[^/?#]+)?/?", re.IGNORECASE)


@dataclass
class Head:
    """A page's own words about itself.

    Attributes:
        metas: contents of its meta tags by lower-case property, name or itemprop, in document order.
        nodes: its JSON-LD nodes that describe an article, best first.
        title: the `title` element.
        headings: texts of its `h1` elements, but for those that lead to the front page: they name the site.
        subheadings: texts of its first `h2` elements.
        parts: for a heading that holds further elements, its text without each of them: one may be a kicker.
        language: `html`'s lang, as written.
        canonical: the canonical link.
        license: the licence that a link with `rel=license` names, in the head or else in the text.
    """

    metas: dict[str, list[str]] = field(default_factory=dict)
    nodes: list[jsonld.Node] = field(default_factory=list)
    title: str = ""
    headings: list[str] = field(default_factory=list)
    subheadings: list[str] = field(default_factory=list)
    parts: dict[str, list[str]] = field(default_factory=dict)
    language: str = ""
    canonical: str = ""
    license: str = ""

    def meta(self, *names: str) -> str:
        """Give the first content among the named meta tags, in the order of the names."""
        return next((content for name in names for content in self.metas.get(name, ()) if content), "")

    def said(self, key: str) -> str:
        """Give the first text that the JSON-LD nodes hold under a key."""
        return next((text for node in self.nodes if (text := jsonld.text_of(node.get(key)))), "")

    @property
    def news(self) -> bool:
        """Whether the page calls itself news, in schema.org's or the news crawlers' words."""
        return any(jsonld.types(node) & jsonld.NEWS_TYPES for node in self.nodes) or "news_keywords" in self.metas

    @property
    def is_news_article(self) -> bool:
        """Whether the page calls itself news, or an article that was published at some time or by somebody."""
        dated = self.meta("article:published_time", "article:author", "author", "date", "pubdate")
        return self.news or (self.meta("og:type").lower() == "article" and bool(dated or self.said("datePublished")))

    @property
    def site(self) -> str:
        """The site's name, as it stands in og:site_name or as the publisher."""
        return self.meta("og:site_name", "application-name") or self.said("publisher")


def read_head(tree: etree._Element) -> Head:
    """Gather a page's head in one walk over the few kinds of elements that matter."""
    head = Head(language=tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or "")
    scripts: list[str] = []
    for element in tree.iter("meta", "title", "script", "h1", "h2", "link"):
        if element.tag == "meta":
            _take_meta(head, element)
        elif element.tag == "script":
            text = element.text or ""
            if "ld+json" in (element.get("type") or "").lower() and len(text) <= MAX_JSON_LD:
                scripts.append(text)
        elif element.tag == "link":
            _take_link(head, element)
        elif element.tag == "title":
            head.title = head.title or _title(element)
        else:
            _take_heading(head, element)
    head.nodes = jsonld.read(scripts)
    head.license = head.license or _license_in(tree)
    return head


def _take_heading(head: Head, element: etree._Element) -> None:
    texts = head.headings if element.tag == "h1" else head.subheadings
    if len(texts) == MAX_HEADINGS or not (text := _joined(element.itertext())):
        return
    if any(_FRONT_PAGE.fullmatch(link.get("href") or "-") for link in element.iter("a")):
        return
    texts.append(text)
    whole = list(map(str, islice(element.itertext(), MAX_TEXTS)))
    if element.tag == "h1" and 0 < len(element) <= MAX_PARTS and len(whole) < MAX_TEXTS:
        for child in element:
            if apart := list(map(str, child.itertext())):
                at = next((at for at in range(len(whole)) if whole[at : at + len(apart)] == apart), 0)
                head.parts.setdefault(text, []).append(_joined(whole[:at] + whole[at + len(apart) :]))


def _joined(texts: Iterable[object]) -> str:
    return normal(" ".join(map(str, texts)))


def _take_meta(head: Head, element: etree._Element) -> None:
    content = normal(element.get("content") or "")
    if not content:
        return
    for attribute in ("property", "name", "itemprop", "http-equiv"):
        name = (element.get(attribute) or "").strip().lower()
        if name:
            head.metas.setdefault(name, []).append(content)


def _take_link(head: Head, element: etree._Element) -> None:
    if element.get("rel") == "canonical":
        head.canonical = head.canonical or element.get("href") or ""
    elif _names_license(element):
        head.license = head.license or element.get("href") or ""


def _license_in(tree: etree._Element) -> str:
    return next((element.get("href") or "" for element in tree.iter("a") if _names_license(element)), "")


def _names_license(element: etree._Element) -> bool:
    relation = element.get("rel")
    return relation is not None and "license" in relation.lower().split()


def _title(element: etree._Element) -> str:
    """Read a title element, unless it is an image's (SVG has titles too)."""
    parent = element.getparent()
    inside = parent is not None and parent.tag in ("svg", "symbol", "g", "path")
    return "" if inside else normal(" ".join(map(str, element.itertext())))
