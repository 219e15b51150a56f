"""Which lines of a page are its article: blocks set apart, the root, the run of containers of the body's kind. Pure.

1. Prose is weighed; blocks set apart are those whose names or tags say so, captions beside pictures, and cards of other
   stories. A kind of name that would take most of the page's prose names its layout, not its furniture, and is void.
2. The root is the block whose lines weigh most: words of prose, less links and what is set apart; around the headline
   it is the `article` there.
3. The body's containers are known by their signature, tag and class: those with the most words. All of one signature
   count, so a body split over several is whole. What stands before the first and after the last is left out, but for
   the standfirst, prose below the headline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipelines.clean.page_layout import PageLayout, PageLine
from pipelines.clean.plain import is_wrapped

VOID_SHARE = 0.6
"""Share of all prose from which a kind of name is void."""
VOID_SHARES = {"consent": 0.95, "comments": 0.95, "card": 0.4}
"""The same for comments and consent, which may be longer than the article, and for cards, which lists have, too."""
APART_COST, LINK_COST, LINK_LINE_COST = 0.3, 0.5, 3
"""What a word set apart, a word of a link line, and a link line cost in the choice of the root."""
ARTICLE_SHARE = 0.2
"""Share of the root's prose from which the headline's `article` is the root."""
BODY_SHARE = 0.5
"""Share from which containers that are named as the body are the article's only ones."""
HEADED_BODY_SHARE = 0.15
"""The same for those that stand with the headline in a block of their own."""
NEAR_SHARE = 0.25
"""Share of the first signature's words from which a signature is the article's, too."""
CAPTION_WORDS, CAPTION_LEVELS = 40, 5
"""Words up to which a block around a picture is its caption, and how far up it is looked for."""
NAMED_CAPTION_WORDS = 25
CARD_WORDS, CARD_LEVELS, CARDS, MOST_CARDS = 80, 3, 2, 6
"""Most words of a card of another story, how far above its heading it begins, and how many alike there may be."""
LEAST_LONG_WORDS = 3
"""Longer words of a headline from which a text without any of them is another story's."""
STORY_WORDS = 60
"""Words of prose from which what holds a headline of its own is a story of its own."""
TWICE_WORDS = 12
"""Words from which a line that stands twice is kept once."""

_HOLDS = frozenset({"div", "section", "article", "main", "body", "header", "center", "form", "td", "aside", "details"})
_KEPT = frozenset({"h1", "h2", "h3", "h4", "li", "tr", "blockquote"})
_CARD_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})


class MainContent:
    """The article's lines in a page's layout.

    Attributes:
        lines: they, in order.
        prose_words: words of all prose of the page, set apart or not.
    """

    def __init__(self, page: PageLayout) -> None:
        self._page = page
        self._size = len(page.parent)
        raw = [0] * self._size
        for line in page.lines:
            if line.prose:
                raw[line.node] += line.words
        self._raw = self._summed(raw)
        self._own_apart = [False] * self._size
        self.prose_words = self._raw[0]
        self._ends = list(range(1, self._size + 1))  # behind each block's last: what a block holds is one run
        for node in range(self._size - 1, 0, -1):
            above = page.parent[node]
            self._ends[above] = max(self._ends[above], self._ends[node])
        self._set_captions_apart()
        self._set_cards_apart()
        self._prose = self._weigh()
        self.lines = _once(self._zone(self._root()))

    def _summed(self, values: list[int]) -> list[int]:
        """Add each block's value to those above it; parents stand first, so one loop back does."""
        parent = self._page.parent
        for node in range(self._size - 1, 0, -1):
            values[parent[node]] += values[node]
        return values

    def _words(self) -> list[int]:
        words = [0] * self._size
        for line in self._page.lines:
            words[line.node] += line.words
        return self._summed(words)

    def _set_captions_apart(self) -> None:
        """Set apart what stands alone with a picture: a block of few words, without heading, list or quote."""
        page = self._page
        words = self._words()
        kept = self._summed([int(tag in _KEPT) for tag in page.tags])
        pictures = [0] * self._size
        for picture in page.pictures:
            pictures[picture] += 1
        self._summed(pictures)
        for node, kind in enumerate(page.kinds):
            if kind == "caption" and page.tags[node] != "figcaption" and words[node] > NAMED_CAPTION_WORDS:
                above = page.parent[node]  # without a picture beside it, a long text in a `legend` is no caption
                if not pictures[above] or words[above] > 2 * words[node]:
                    page.kinds[node] = ""
        for picture in page.pictures:
            node, block = picture, 0
            for _ in range(CAPTION_LEVELS):
                if node <= 0 or words[node] > CAPTION_WORDS or kept[node]:
                    break
                block, node = node, page.parent[node]
            if block and words[block] and not page.kinds[block]:
                page.kinds[block] = "picture"

    def _set_cards_apart(self) -> None:
        """Set apart cards of other stories: a heading that is a link with a little text, several alike."""
        page, words = self._page, self._words()
        cards: dict[tuple[int, str, str], list[int]] = {}
        for line in page.lines:
            if line.tag not in _CARD_HEADINGS or 2 * line.linked < line.length:
                continue
            node = page.parent[line.node]
            for _ in range(CARD_LEVELS):
                if node <= 0 or words[node] > CARD_WORDS:
                    break
                cards.setdefault((page.parent[node], page.tags[node], page.classes[node]), []).append(node)
                node = page.parent[node]
        for alike in cards.values():
            if CARDS <= len(set(alike)) <= MOST_CARDS:
                for node in alike:
                    page.kinds[node] = page.kinds[node] or "card"

    def _weigh(self) -> list[int]:
        """Set lines apart, and give the words of prose that are left below each block."""
        page, parent, kinds = self._page, self._page.parent, self._page.kinds
        covered = Counter[str]()
        inside = [False] * self._size
        for node in range(1, self._size):
            if kinds[node] and not inside[parent[node]]:
                covered[kinds[node]] += self._raw[node]
            inside[node] = inside[parent[node]] or bool(kinds[node])
        void = {kind for kind, words in covered.items() if words > VOID_SHARES.get(kind, VOID_SHARE) * self.prose_words}
        apart = [False] * self._size
        for node in range(1, self._size):
            self._own_apart[node] = bool(kinds[node] and kinds[node] not in void)
            apart[node] = apart[parent[node]] or self._own_apart[node]
        prose = [0] * self._size
        for line in page.lines:
            line.apart = apart[line.node]
            if line.prose and not line.apart:
                prose[line.node] += line.words
        return self._summed(prose)

    def _root(self) -> int:
        """Choose the block that holds the article and as little else as can be."""
        page, parent = self._page, self._page.parent
        value = [0.0] * self._size
        for line in page.lines:
            if line.apart:
                value[line.node] -= APART_COST * min(line.words, 40)
            elif line.prose:
                value[line.node] += line.words
            elif 2 * line.linked > line.length:
                value[line.node] -= LINK_LINE_COST + LINK_COST * line.words
        for node in range(self._size - 1, 0, -1):
            value[parent[node]] += value[node]
        best = max(range(self._size), key=value.__getitem__)
        around, node = best, page.headline
        while node > best:
            around = node if page.tags[node] == "article" else around
            node = parent[node]
        if node != best:
            return self._beside_headline(best)
        if around != best and self._prose[around] >= ARTICLE_SHARE * self._prose[best]:
            return self._first_story(around)
        return self._first_story(self._beside_headline(best))

    def _first_story(self, root: int) -> int:
        """Give the story of the headline where others with headlines of their own follow it in blocks like its own."""
        page, parent = self._page, self._page.parent
        above, node = {}, page.headline
        while node > root:
            above[parent[node]] = node
            node = parent[node]
        for other in page.headlines:
            node = other
            while node > root and parent[node] not in above:
                node = parent[node]
            first = above.get(parent[node], 0) if node > root else 0
            alike = page.classes[node] == page.classes[first] and page.tags[node] == page.tags[first]
            if first and first != node and alike and min(self._prose[first], self._prose[node]) >= STORY_WORDS:
                return first
        return root

    def _beside_headline(self, best: int) -> int:
        """Give what holds the headline and prose, where the rest of the weightiest block has no word of it."""
        page, node = self._page, self._page.headline
        if node < 0:
            return best
        words = long_words(" ".join(line.text for line in page.lines if line.node == node))
        while node > 0 and self._prose[node] < STORY_WORDS:
            node = page.parent[node]
        if node <= 0 or node == best or len(words) < LEAST_LONG_WORDS:
            return best
        first, last = node, self._ends[node]
        begin, end = best, self._ends[best]
        inside = outside = False
        for line in page.lines:
            if line.prose and words & long_words(line.text):
                own = first <= line.node < last
                inside, outside = inside or own, outside or (not own and begin <= line.node < end)
        return node if inside and not outside else best

    def _zone(self, root: int) -> list[PageLine]:
        """Give the root's lines from the first to the last container of the body, and the standfirst."""
        page = self._page
        end = self._ends[root]
        lines = [line for line in page.lines if root <= line.node < end]
        holders = [self._holder(line, root) for line in lines]
        signatures = Counter[tuple[str, str]]()
        for line, holder in zip(lines, holders, strict=True):
            if line.prose and not line.apart:
                signatures[holder] += line.words
        top, most = signatures.most_common(1)[0] if signatures else (("", ""), 0)
        lines = [
            line
            for line, holder in zip(lines, holders, strict=True)
            if not line.apart or (line.prose and top[1] and holder == top and not self._apart_within(line.node))
        ]
        main = self._bodies(root, end) or {each for each, words in signatures.items() if words >= NEAR_SHARE * most}
        ours = [False] * self._size
        for node in range(root, end):
            holds = (page.tags[node] in _HOLDS or node == root) and self._signature(node) in main
            ours[node] = holds or (node > root and ours[page.parent[node]])
        own = self._paragraphs(lines, ours)
        at = [at for at, line in enumerate(lines) if ours[line.node] or self._signature(line.node) == own]
        at = at or [0, len(lines) - 1]
        standfirst = [line for line in lines[: at[0]] if line.prose and line.node > page.headline]
        return standfirst + lines[at[0] : at[-1] + 1]

    def _apart_within(self, node: int) -> bool:
        """Say whether a line is set apart within its container, and not only by a name above that."""
        if self._page.tags[node] == "p":
            node = self._page.parent[node]  # a paragraph's own name (`paywall`) says what it is for, not what it is
        while node > 0 and self._page.tags[node] not in _HOLDS:
            if self._own_apart[node] and self._page.kinds[node] != "picture":
                return True
            node = self._page.parent[node]
        return False

    def _signature(self, node: int) -> tuple[str, str]:
        return self._page.tags[node], self._page.classes[node]

    def _paragraphs(self, lines: list[PageLine], ours: list[bool]) -> tuple[str, str] | None:
        """Give the signature of the body's paragraphs where they have a class: others like them are the body's, too."""
        found = Counter[tuple[str, str]]()
        for line in lines:
            if line.prose and ours[line.node]:
                found[self._signature(line.node)] += line.words
        top = max(found, key=found.__getitem__, default=None)
        return top if top and top[0] == "p" and top[1] and 2 * found[top] > found.total() else None

    def _holder(self, line: PageLine, root: int) -> tuple[str, str]:
        node = line.node
        while node > root and self._page.tags[node] not in _HOLDS:
            node = self._page.parent[node]
        return self._signature(node)

    def _bodies(self, root: int, end: int) -> set[tuple[str, str]]:
        """Give the signature of the innermost containers that are named as the body and hold enough of the prose."""
        page = self._page
        named, headed = Counter[tuple[str, str]](), set()
        for node in page.bodies:
            body = self._signature(node)
            named[body] += self._prose[node] if root <= node < end else 0
            above = page.parent[node]
            if root < above <= page.headline < self._ends[above]:
                headed.add(body)
        least = {body: HEADED_BODY_SHARE if body in headed else BODY_SHARE for body in named}
        enough = [(n, body) for body, n in named.items() if n >= max(1, least[body] * self._prose[root])]
        return {min(enough)[1]} if enough else set()


def long_words(text: str) -> set[str]:
    """Give the words of more than five letters, which a headline shares with its own story."""
    return {word for word in text.casefold().split() if len(word) > 5}


def _once(lines: Sequence[PageLine]) -> list[PageLine]:
    """Keep a longer line that stands twice where it stands first."""
    found: dict[object, PageLine] = {}
    for line in lines:
        found.setdefault(line.text if line.words >= TWICE_WORDS else id(line), line)
    return list(found.values())


def texts_of(lines: Sequence[PageLine]) -> list[str]:
    """Give the lines' texts: items of lists marked as such, and lines that were wrapped at a column joined again."""
    texts: list[str] = []
    run: list[str] = []
    for place, line in enumerate(lines):
        run.append("- " + line.text if line.tag == "li" else line.text)
        follows = place + 1 < len(lines) and lines[place + 1].node == line.node
        if not (line.broken and follows):
            texts += [" ".join(run)] if is_wrapped(run) else run
            run = []
    return texts
