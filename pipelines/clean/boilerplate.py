"""Which lines of a text are not the article: rules in the order of their certainty, each with a name.

The rules see a line, what the markup says about it, and where it stands. Pages that call themselves news get all of
them; others, guides and blogs among them, only those that did no harm there (lists of links are content in a guide).
A later rule that learns a site's repeated lines joins the table at the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from pipelines.clean import phrases
from pipelines.clean.decode import normal
from pipelines.clean.evidence import ElementMark, LineEvidence, line_key
from pipelines.clean.text_line import CJK, WORDS, TextLine

SHORT = 25
"""Words up to which a line can be a caption, a credit or a prompt for its place in the markup alone."""
PROMPT_WORDS = 60
LABEL_WORDS = 8
POINTER_WORDS = 30
EDGE_WORDS = 8
"""Words up to which a line without a sentence, outside the run of paragraphs, is furniture."""
LINKED = 0.8
"""Share of link text from which a line of a news page points to another article."""
LIST_LINKED = 0.5
TITLE_ZONE = 6
"""Lines from the top among which the headline is looked for."""
REPEATED = 3
REFRAIN_WORDS = 8
ROW_WORDS = 12
MOST_MARKED = 0.3
"""Share of a text's words from which a mark says nothing: a whole article in an element named `embed` is no embed."""

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_CJK_STAMP = re.compile(
    "[年月日时時分秒点點週周星期曜号號年월일요시분초한국火水木金土日月一二三四五六]|上午|下午|午前|午後|오전|오후|发布|發布|更新|公開|配信|掲載|입력|수정|等|前"
)
"""What a stamp in these scripts is made of; with any other sign beside it, it is a sentence."""
_BARE = frozenset(("body", "div", "section", "main", "article", "header", "footer", "aside", "center"))
_ROW_GAP = re.compile(r"\S\s{3,}\S|\t|\S\s[|•·/>›]\s\S")
# Plain numbers: an enumeration's operators are ten times as slow, and every line passes here.
_MARKS = tuple(mark.value for mark in ElementMark)
_CAPTION, _EMBED = ElementMark.CAPTION.value, ElementMark.EMBED.value
_OURS = (
    ElementMark.CREDIT
    | ElementMark.BYLINE
    | ElementMark.STAMP
    | ElementMark.RELATED
    | ElementMark.SHARE
    | ElementMark.COMMENTS
    | ElementMark.TAGS
).value
_OURS_OUTSIDE = (ElementMark.BYLINE | ElementMark.STAMP | ElementMark.CREDIT | ElementMark.SHARE).value


@dataclass
class PageContext:
    """What the rules know of the page beside the line.

    Attributes:
        titles: keys of the headline in its variants.
        names: keys of names that stand alone on a line: authors, the site.
        news: whether the page calls itself news.
        markup: whether there is markup to ask; plain text has none.
        first, last: positions of the first and the last paragraph.
        counts: how often each line occurs.
        dated_headings: how many headings are dates: a timeline has several.
    """

    titles: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    news: bool = False
    markup: bool = False
    first: int = 0
    last: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    dated_headings: int = 0


Rule = Callable[[TextLine, int, PageContext], bool]


def article_lines(
    raw: Iterable[str],
    seen: dict[str, LineEvidence],
    *,
    titles: Iterable[str] = (),
    names: Iterable[str] = (),
    news: bool = False,
) -> list[str]:
    """Give the lines that are the article, normalised.

    Args:
        raw: lines of a text, in order.
        seen: what the markup says about them, by `line_key`; empty for plain text.
        titles: the headline and its variants, dropped where they stand above the text.
        names: authors and site, dropped where they stand alone above or below the text.
        news: whether the page calls itself news: then all rules apply.
    """
    lines = [
        TextLine(text, line, seen.get(line_key(text))) for line in raw if (text := normal(line)) and line_key(text)
    ]
    context = PageContext(
        titles=frozenset(key for title in titles if (key := line_key(title))),
        names=frozenset(key for name in names if (key := line_key(name))),
        news=news,
        markup=bool(seen),
    )
    lines = _without(lines, context)
    if news:
        lines = _without_lists(lines)
    _survey(lines, context)
    return [line.text for line in _peeled(lines, context)]


def _without(lines: list[TextLine], context: PageContext) -> list[TextLine]:
    _survey(lines, context)
    return [line for at, line in enumerate(lines) if not any(rule(line, at, context) for _, rule in RULES)]


def _survey(lines: list[TextLine], context: PageContext) -> None:
    """Find the run of paragraphs, what is repeated, and the marks that say nothing because they cover too much."""
    prose = [position for position, line in enumerate(lines) if line.prose]
    context.first = prose[0] if prose else 0
    context.last = prose[-1] if prose else len(lines) - 1
    context.counts = Counter(line.key for line in lines)
    context.dated_headings = sum(
        line.tag in _HEADINGS and bool(phrases.STAMP_DIGITS.search(line.text)) for line in lines
    )
    covered = Counter[int]()
    for line in lines:
        covered[line.marks] += line.words
    for mark in _MARKS:
        if sum(words for marks, words in covered.items() if marks & mark) > MOST_MARKED * covered.total():
            for line in lines:
                if line.seen:
                    line.seen = replace(line.seen, marks=line.seen.marks & ~mark)


def _headline(line: TextLine, at: int, context: PageContext) -> bool:
    """The headline itself, alone or with its kicker, above the text."""
    if at >= max(TITLE_ZONE, context.first + 1) or line.words > 40:
        return False
    if line.key in context.titles or (line.tag == "h1" and at <= TITLE_ZONE):
        return True
    return any(
        len(title) > 15 and title in line.key and len(line.key) < 1.8 * len(title)
        and (line.tag in _HEADINGS or not line.sentence)
        for title in context.titles
    )  # fmt: skip


def _label(line: TextLine, _: int, context: PageContext) -> bool:
    """A button or a label."""
    if line.words > LABEL_WORDS or not phrases.LABELS.match(line.text):
        return False
    return context.news or not line.item


def _caption(line: TextLine, *_: object) -> bool:
    return bool(line.marks & _CAPTION) and line.tag not in _HEADINGS


def _marked(line: TextLine, at: int, context: PageContext) -> bool:
    """Short, and in an element whose name says credit, byline, stamp, share or related."""
    if line.words > SHORT or not line.marks & _OURS or line.tag in _HEADINGS:
        return False
    outside = at < context.first or at > context.last
    return context.news or (outside and bool(line.marks & _OURS_OUTSIDE))


def _embedded(line: TextLine, _: int, context: PageContext) -> bool:
    return context.news and bool(line.marks & _EMBED)


def _link_line(line: TextLine, _: int, context: PageContext) -> bool:
    """A line that is a link: a pointer to another story, unless it is a paragraph that is linked as a whole."""
    return context.news and line.linked > LINKED and line.words <= 40 and not (line.sentence and line.words >= 15)


def _pointer(line: TextLine, _: int, context: PageContext) -> bool:
    return context.news and line.words <= POINTER_WORDS and bool(phrases.POINTERS.match(line.text))


def _prompt(line: TextLine, at: int, context: PageContext) -> bool:
    """A prompt: in news anywhere but inside quoted speech, elsewhere only below the text."""
    if line.words > PROMPT_WORDS or not phrases.PROMPTS.match(line.text):
        return False
    if not phrases.PROMPT_OBJECTS.search(line.text):
        return False
    if not context.news:
        return at > context.last
    return (line.text[0] not in "\"“„«»'‘") and (at > 0 or not line.prose)


def _credit(line: TextLine, at: int, context: PageContext) -> bool:
    if line.words > SHORT or not phrases.CREDITS.match(line.text):
        return False
    if line.prose and not phrases.CREDIT_SIGNS.search(line.text):
        return False
    return context.news or at < context.first or at > context.last


def _byline(line: TextLine, at: int, context: PageContext) -> bool:
    """Who wrote: names only, above or below the text."""
    if context.first <= at <= context.last and at > 2:
        return False
    if line.key in context.names:
        return True
    match = phrases.BYLINE.match(line.text)
    if match is None or line.words > 14:
        return False
    small = [word for word in WORDS.findall(match[1]) if word[0].islower()]
    return len(small) <= 3 and not line.prose


def _agency(line: TextLine, _: int, context: PageContext) -> bool:
    return context.news and bool(phrases.AGENCIES.match(line.text))


def _stamp(line: TextLine, at: int, context: PageContext) -> bool:
    """A date, a time, or how long the text takes to read, and nothing else."""
    if line.words > 16 or line.text.startswith("|") or (not context.news and context.first <= at <= context.last):
        return False
    if not phrases.STAMP_DIGITS.search(line.text) or (line.tag in _HEADINGS and context.dated_headings > 1):
        return False
    if CJK.search(line.text):
        return not CJK.search(_CJK_STAMP.sub("", line.text))
    words = [word for word in re.findall(r"[^\W\d_]+", line.text.casefold()) if not CJK.match(word)]
    return sum(word not in phrases.STAMP_WORDS for word in words) <= len(words) // 4


def _repeated(line: TextLine, _: int, context: PageContext) -> bool:
    """A line that stands several times, unless it is a sentence: a refrain."""
    if line.item or line.words < 4 or (line.prose and line.words <= REFRAIN_WORDS and line.tag == "p"):
        return False
    return context.news and context.counts[line.key] >= REPEATED


RULES: tuple[tuple[str, Rule], ...] = (
    ("headline", _headline),
    ("label", _label),
    ("caption", _caption),
    ("marked", _marked),
    ("embedded", _embedded),
    ("link-line", _link_line),
    ("pointer", _pointer),
    ("prompt", _prompt),
    ("credit", _credit),
    ("byline", _byline),
    ("agency", _agency),
    ("stamp", _stamp),
    ("repeated", _repeated),
)
"""What is furniture by itself."""


def _without_lists(lines: list[TextLine]) -> list[TextLine]:
    """Drop lists of other articles: below a heading that announces them, or items that are mostly links."""
    kept: list[TextLine] = []
    listing = False
    for at, line in enumerate(lines):
        if line.words <= 12 and phrases.RELATED_HEADS.match(line.text):
            listing = True
            continue
        if listing and not line.prose and (line.item or line.linked > 0.3 or line.tag in _HEADINGS):
            continue
        listing = False
        if line.item and line.linked > LIST_LINKED and _in_link_list(lines, at):
            continue
        kept.append(line)
    return kept


def _in_link_list(lines: list[TextLine], at: int) -> bool:
    around = [lines[near] for near in (at - 1, at + 1) if 0 <= near < len(lines)]
    return any(line.item and line.linked > LIST_LINKED for line in around)


def _peeled(lines: list[TextLine], context: PageContext) -> list[TextLine]:
    """Drop furniture from the top down to the first paragraph, and from the bottom up to the last one.

    Peeling stops at the first line that may belong to the text, so a list or a table with its heading stays whole.
    """
    top, bottom = 0, len(lines)
    while top < context.first and _outside(lines[top], context, below=False):
        top += 1
    while bottom - 1 > context.last and _outside(lines[bottom - 1], context, below=True):
        bottom -= 1
    return lines[top:bottom]


def _outside(line: TextLine, context: PageContext, *, below: bool) -> bool:
    """Say whether a line outside the run of paragraphs is furniture: a row of menu words, or short and no sentence."""
    if line.item or line.text.startswith("|") or (line.sentence and line.words > 1):
        return False
    if is_row(line.raw) and line.words <= ROW_WORDS and not any(map(str.isdigit, line.text)):
        return True
    if line.words > EDGE_WORDS:
        return False
    if line.tag in _HEADINGS:
        return below  # above, it may head the first paragraph; below, it heads nothing
    if context.markup and not line.tag:
        return False  # the extractor split or joined it: it may be half a sentence
    return context.news or line.tag in _BARE or not line.tag or line.words <= 4


def is_row(raw: str) -> bool:
    """Say whether a line is words set side by side, as menus are: wide gaps or separators between them."""
    return bool(_ROW_GAP.search(raw.strip()))
