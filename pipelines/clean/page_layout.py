"""A page as its lines and its blocks, read in one walk over the tree: what every later step looks at. Pure.

A line ends at a block's border or a `br`. Most of the reader's time goes into this walk, so it is flat on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from pipelines.clean.block_kinds import kind_of_block
from pipelines.clean.evidence import BLOCKS, LASTING, ElementMark, LineEvidence, line_key, named, tag_marks
from pipelines.clean.text_line import count_words, is_prose

_SILENT = frozenset({
    "head", "script", "style", "noscript", "template", "svg", "iframe", "select", "option", "textarea", "object",
    "video", "audio", "canvas", "map", "rt", "rp",
})  # fmt: skip
_ASIDE = frozenset({"nav", "footer", "menu", "dialog"})
_SOMETIMES = _ASIDE | {"button", "sup"}
_PAGE = frozenset({"html", "body", "main", "article"})
_FOOTNOTE_CHARACTERS = 6
_CELL = " | "
_CAPTION = ElementMark.CAPTION.value
MOST_CAPTION_WORDS = 25
"""Words up to which the name of an element makes its text a caption."""
_BLOCKS = BLOCKS - {"td", "th"}
"""A row of a table is a line, unless its cells hold blocks."""
_INLINE_MARKS = ~ElementMark.EMBED.value
"""What the names of elements within a line may say: an automatic tag's link is no embedded post."""


@dataclass(slots=True)
class PageLine:
    """One line of a page.

    Attributes:
        node: the index of its block.
        tag: its block's tag.
        marks: what the names near it say, a union of `ElementMark`.
        text: its text, white space as one space each.
        length: characters of text, white space at the ends apart.
        linked: how many of them are text of links to elsewhere.
        words: how many words; two characters of a script without spaces count as one.
        prose: whether it is a paragraph of its own words.
        broken: whether a `br` ends it.
        apart: whether its block is none of the article's.
    """

    node: int
    tag: str
    marks: int
    text: str = ""
    length: int = 0
    linked: int = 0
    words: int = 0
    prose: bool = False
    broken: bool = False
    apart: bool = False


@dataclass(slots=True)
class PageLayout:
    """Lines of a page, and for each block element its parent's index, tag, names and kind; parents stand first.

    Attributes:
        bodies: blocks that are named as the article's body.
        pictures: the blocks that hold a picture.
        headline: the block of the first `h1`, -1 where there is none.
        headlines: the blocks of all of them.
        depth: how deep the elements are nested.
    """

    lines: list[PageLine] = field(default_factory=list)
    parent: list[int] = field(default_factory=lambda: [-1])
    tags: list[str] = field(default_factory=lambda: ["body"])
    classes: list[str] = field(default_factory=lambda: [""])
    kinds: list[str] = field(default_factory=lambda: [""])
    bodies: list[int] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    headline: int = -1
    headlines: list[int] = field(default_factory=list)
    depth: int = 0

    def evidence(self) -> dict[str, LineEvidence]:
        """Give what the markup says about each line, by `line_key`.

        A line that occurs twice keeps its least damning occurrence: what is only repeated elsewhere (a menu, a teaser)
        must not speak against the article's own line.
        """
        found: dict[str, LineEvidence] = {}
        for line in self.lines:
            if key := line_key(line.text):
                seen = LineEvidence(line.tag, line.marks, line.length, line.linked)
                known = found.get(key)
                if known is None or seen.weight < known.weight:
                    found[key] = seen
        return found

    def add_block(self, node: int, tag: str, element: etree._Element, names: str, ident: str) -> int:
        """Add a block below another and give its index."""
        self.parent.append(node)
        self.tags.append(tag)
        self.classes.append(names)
        new = len(self.tags) - 1
        kind = "" if tag in _PAGE else kind_of_block(element, tag, names, ident)
        if kind == "body" or element.get("itemprop") == "articleBody":
            self.bodies.append(new)
            kind = ""
        self.kinds.append(kind)
        if tag == "h1":
            self.headline = new if self.headline < 0 else self.headline
            self.headlines.append(new)
        return new


# An element that is open: its block's index, that block's tag, its marks, the marks that last below it, inside a link.
_Frame = tuple[int, str, int, int, bool]


def read_layout(tree: etree._Element, *, everything: bool = False) -> PageLayout:
    """Read a page.

    Args:
        tree: the page.
        everything: whether navigation, footers and dialogs are read, too.
    """
    walk = _Walk(everything=everything)
    walk.over(tree)
    for line in walk.page.lines:
        line.words = count_words(line.text.replace("| ", ""))
        if line.words > MOST_CAPTION_WORDS and line.marks & _CAPTION and not _in_figcaption(walk.page, line.node):
            line.marks &= ~_CAPTION
        line.prose = 2 * line.linked < line.length and line.tag != "pre" and is_prose(line.text, line.words)
    return walk.page


def _in_figcaption(page: PageLayout, node: int) -> bool:
    while node > 0 and page.tags[node] != "figcaption":
        node = page.parent[node]
    return node > 0


class _Walk:
    def __init__(self, *, everything: bool) -> None:
        self.page = PageLayout()
        self._everything = everything
        self._frames: list[_Frame] = [(0, "body", 0, 0, False)]
        self._parts: list[str] = []
        self._line = PageLine(0, "body", 0)

    def over(self, tree: etree._Element) -> None:
        """Walk the tree once, in document order."""
        frames, page = self._frames, self.page
        steps = etree.iterwalk(tree, events=("start", "end"))
        for event, element in steps:
            tag = element.tag
            block = tag in _BLOCKS
            if event == "start":
                if tag in _SILENT or (tag in _SOMETIMES and self._passed_over(tag, element)):
                    steps.skip_subtree()
                    frames.append(frames[-1])
                    continue
                self._end_line(tag, block=block)
                frames.append(self._enter(tag, element, block=block))
                text = element.text
            else:
                page.depth = max(page.depth, len(frames))
                frames.pop()
                self._end_line(tag, block=block or element is tree)
                text = element.tail
            if text:
                self._add(text)

    def _passed_over(self, tag: str, element: etree._Element) -> bool:
        """Say whether an element is none of the text: navigation, a button unless amid words, a footnote's mark."""
        if tag in _ASIDE:
            return not self._everything and next(element.iter("main"), None) is None
        if tag == "button":
            if next(element.iter("p", "h1", "main"), None) is not None:
                return False  # never closed, it holds the rest of the page
            return not (self._parts and element.tail and element.tail.strip())
        if tag != "sup":
            return False
        link = next(element.iter("a"), None)
        text = "".join(map(str, element.itertext())).strip()
        return link is not None and "#" in (link.get("href") or "") and len(text) <= _FOOTNOTE_CHARACTERS

    def _enter(self, tag: str, element: etree._Element, *, block: bool) -> _Frame:
        node, above, _, lasting, linked = self._frames[-1]
        names, ident = element.get("class") or "", element.get("id") or ""
        marks = tag_marks(tag) | (named(names) if names else 0) | (named(ident) if ident else 0)
        if block:
            lasting |= tag_marks(tag) & LASTING
            node = self.page.add_block(node, tag, element, names, ident)
        else:
            marks &= _INLINE_MARKS
            if tag in ("img", "picture"):
                self.page.pictures.append(node)
        link = linked or (tag == "a" and not (element.get("href") or "#").startswith("#"))
        return node, tag if block else above, marks, lasting, link

    def _end_line(self, tag: str, *, block: bool) -> None:
        if not self._parts:
            return
        if block or tag == "br":
            text = " ".join("".join(self._parts).split())
            self._line.text = f"| {text.strip('| ')} |" if self._line.tag == "tr" and _CELL in text else text
            self._line.broken = tag == "br"
            self.page.lines.append(self._line)
            self._parts = []
        elif tag in ("td", "th") and self._parts[-1] != _CELL:
            self._parts.append(_CELL)

    def _add(self, text: str) -> None:
        length = len(text.strip())
        if not length:
            if self._parts and self._parts[-1] != _CELL:
                self._parts.append(" ")
            return
        node, tag, marks, lasting, linked = self._frames[-1]
        if not self._parts:
            above = self._frames[-2][2] if len(self._frames) > 1 else 0
            self._line = PageLine(node, tag, marks | above | lasting)
        self._parts.append(text)
        self._line.length += length
        if linked:
            self._line.linked += length
