"""Dates in a page's markup and text, for pages whose head names none; never in what belongs to other stories.

The only importer of htmldate (Barbaresi, "htmldate: A Python package to extract publication dates from web pages",
JOSS 2020), which is asked last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta

from htmldate import find_date
from lxml import etree
from lxml import html as lxml_html

from pipelines.clean.decode import normal
from pipelines.clean.evidence import ElementMark, named
from pipelines.clean.phrases import STAMP_WORDS
from pipelines.dates import Moment, read_moment

MAX_ELEMENTS = 15_000
"""Elements up to which a page is searched for a date."""
MAX_FOUND = 60
MAX_TEXT = 90
"""Characters of the text of an element that can be a date with its label."""
NEAR = 40
"""Elements behind the headline among which a plain text is the article's date."""

_SKIPPED = frozenset({"head", "script", "style", "noscript", "template", "svg", "nav", "footer", "select", "iframe"})
_HEADINGS = frozenset({"h1", "h2"})
_SECTIONS = frozenset({"html", "body", "main", "article"})
_OTHERS = (ElementMark.RELATED | ElementMark.COMMENTS | ElementMark.EMBED).value
_STAMP = ElementMark.STAMP.value
_SIDE = re.compile(r"sidebar|widget|teaser|\bcards?\b|most-?read|comment|calendar|copyright", re.IGNORECASE)
_PUBLISHED = re.compile(r"publi|posted|created|erstellt|issued", re.IGNORECASE)
_CHANGED = re.compile(r"modif|updat|aktualis|mis à jour|edited|revis|atualiz|actualiz", re.IGNORECASE)
_BREAK = re.compile(r"\s*[|•·]\s*|\s[-–—]\s")
_WORD = re.compile(r"[^\W\d_]+")
_MAX_LABEL = 6


@dataclass(slots=True)
class FoundDate:
    """A date that stands in the page.

    Attributes:
        moment: what it says.
        weight: how much its place and its names speak for it.
        near: whether it stands by the headline.
    """

    moment: Moment
    weight: float
    near: bool


def marked_dates(tree: lxml_html.HtmlElement, languages: Sequence[str]) -> list[Moment]:
    """Give the dates that the page's markup names or that stand by its headline, the surest first.

    Dates far from the headline count only where they do not contradict each other: a list of stories has many.
    """
    found = list(_candidates(tree, languages))
    far = [one for one in found if not one.near]
    days = {one.moment.local().date() for one in far}
    if len(days) > 1:
        found = [one for one in found if one.near or one.weight >= 3]
    return [one.moment for one in sorted(found, key=lambda one: -one.weight)]


def searched_date(tree: lxml_html.HtmlElement, url: str, earliest: date, latest: date) -> str:
    """Search address and text of the page for a date; empty where there is none.

    A search of the whole text takes a year or a month alone for its first day: that is no date.
    """
    if sum(1 for _ in tree.iter()) > MAX_ELEMENTS:
        return ""
    own = _without_others(tree)
    for extensive in (False, True):
        try:
            found = find_date(
                own,
                original_date=True,
                extensive_search=extensive,
                url=url or None,
                min_date=earliest.isoformat(),
                max_date=(latest + timedelta(days=1)).isoformat(),
                deferred_url_extractor=True,
                outputformat="%Y-%m-%dT%H:%M:%S%z",
            )
        except (ValueError, TypeError, AttributeError, RecursionError):
            return ""  # a search that stumbles over odd markup is no reason to lose the article
        if found and not (extensive and found[8:10] == "01"):
            return found
    return ""


def _without_others(tree: lxml_html.HtmlElement) -> lxml_html.HtmlElement:
    own = deepcopy(tree)
    times = list(own.iter("time"))
    if len({time.get("datetime", "")[:10] for time in times}) < 2:
        times = []  # several days are a list of stories, and none of them stood by the headline
    for element in [*times, *(element for element in own.iter() if _of_others(element))]:
        if element.getparent() is not None:
            element.drop_tree()
    return own


def _of_others(element: etree._Element) -> bool:
    """Tell elements that hold other stories, comments or the site's own matter, and not the headline."""
    if element.tag in _SECTIONS or element.tag == "time":
        return False
    names = f"{element.get('class') or ''} {element.get('id') or ''}".strip()
    aside = element.tag in ("nav", "aside", "footer")
    if not aside and not (names and (named(names) & _OTHERS or _SIDE.search(names))):
        return False
    return next(element.iter("h1"), None) is None


def _candidates(tree: lxml_html.HtmlElement, languages: Sequence[str]) -> Iterator[FoundDate]:
    walk = etree.iterwalk(tree, events=("start",))
    since, count, seen = -1, 0, 0
    for _, element in walk:
        seen += 1
        if seen > MAX_ELEMENTS or count == MAX_FOUND:
            return
        if element.tag in _SKIPPED or _of_others(element):
            walk.skip_subtree()
            continue
        if element.tag in _HEADINGS and (since < 0 or (element.tag == "h1" and not count)):
            since = seen
        near = since >= 0 and seen - since <= NEAR
        if (weighed := _weighed(element, near=near)) is None:
            continue
        weight, text = weighed
        count += 1
        changed = bool(_CHANGED.search(text[:MAX_TEXT]))
        if moment := _read(text, languages):
            yield FoundDate(moment, weight + near - 2 * changed + 0.5 * moment.timed, near)


def _weighed(element: etree._Element, *, near: bool) -> tuple[float, str] | None:
    """Give the text of an element that may be a date, and how much its names speak for it."""
    said = element.get("datetime") or element.get("content") or ""
    role = element.get("itemprop") or element.get("property") or ""
    above = element.getparent()
    around = "" if above is None or above.tag in _SECTIONS else above.get("class") or ""
    names = f"{role} {element.get('class') or ''} {element.get('id') or ''}"
    time = element.tag == "time" or role.lower().endswith(("datepublished", "datecreated"))
    if not time and not (named(names) & _STAMP) and not (near and _dated(element.text)):
        return None
    text = said or normal(" ".join(map(str, element.itertext())))
    if not text or len(text) > MAX_TEXT:
        return None
    weight = 2.0 if time else 1.5 if named(names) & _STAMP else 1.0
    names = f"{names} {around}"
    published = _PUBLISHED.search(names) or element.get("pubdate") is not None
    return weight + bool(published) - 2 * bool(_CHANGED.search(names)), text


def _dated(text: str | None) -> bool:
    return text is not None and 6 <= len(text) <= 2 * MAX_TEXT and any(map(str.isdigit, text))


def _read(text: str, languages: Sequence[str]) -> Moment | None:
    """Read a date as it stands or behind a label: `Published: 3 May 2021`, `Ann Lee | 3. Mai 2021`."""
    for part in dict.fromkeys([text, *_BREAK.split(text)]):
        if moment := read_moment(part, languages):
            return moment
        bare = _without_label(part)
        if bare != part and (moment := read_moment(bare, languages)):
            return moment
    return None


def _without_label(text: str) -> str:
    for _ in range(_MAX_LABEL):
        word = _WORD.match(text)
        if word is None or not (word[0].casefold() in STAMP_WORDS or text[word.end() : word.end() + 1] == ":"):
            break
        text = text[word.end() :].lstrip(" :.,")
    return text
