"""Texts of one article -> what changed from one to the next, word by word. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipelines.search.results import utc

Json = dict[str, Any]

_Word = tuple[str, str]

_WORD = re.compile(r"(\A|\w+|[^\w\s])(\s*)")
"""A word or a mark, and the white space behind it; the first of a text is empty."""

_MOST_PIECES, _MOST_EDITS = 4000, 400
"""Lines or words on each side that are compared one by one, and how many may differ; more are one change.

The time grows with the product of both: a site chooses its texts, and may choose the worst.
"""


class ChangeKind(StrEnum):
    """What became of a stretch of text."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class TextChange:
    """A stretch of text and what became of it."""

    kind: ChangeKind
    text: str

    def to_json(self) -> Json:
        """Give its attributes."""
        return {"kind": str(self.kind), "text": self.text}


@dataclass(frozen=True, slots=True)
class ArticleVersion:
    """One text of an article.

    Attributes:
        fetched_at: when it was fetched, the last time before it changed or the first time after.
        content_digest: its digest.
        title: its headline.
        published_at: when the article was published, as its page said then.
        headline_changed: whether its headline differs from that of the text before.
        silent: whether its text differs and the times that its page states do not.
        title_changes: the headline against the one before; one stretch for the first text.
        changes: the body against the one before; one stretch for the first text.
    """

    fetched_at: datetime
    content_digest: str
    title: str
    published_at: datetime | None
    headline_changed: bool
    silent: bool
    title_changes: tuple[TextChange, ...]
    changes: tuple[TextChange, ...]

    def to_json(self) -> Json:
        """Give its attributes, times in UTC."""
        return {
            "fetched_at": utc(self.fetched_at),
            "content_digest": self.content_digest,
            "title": self.title,
            "published_at": utc(self.published_at) if self.published_at else None,
            "headline_changed": self.headline_changed,
            "silent": self.silent,
            "title_changes": [change.to_json() for change in self.title_changes],
            "changes": [change.to_json() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """All texts that an article had.

    Attributes:
        id: the article's id.
        url: its address.
        versions: its texts, oldest first; one for an article that never changed.
    """

    id: str
    url: str
    versions: tuple[ArticleVersion, ...]

    def to_json(self) -> Json:
        """Give `id`, `url` and `versions`."""
        return {"id": self.id, "url": self.url, "versions": [version.to_json() for version in self.versions]}


@dataclass(frozen=True, slots=True)
class KnownText:
    """One text of an article as it is stored."""

    fetched_at: datetime
    content_digest: str
    title: str
    body: str
    published_at: datetime | None


def history_of(article_id: str, url: str, texts: Iterable[KnownText]) -> HistoryResult:
    """Compare each text with the one before.

    Args:
        article_id: the article.
        url: its address.
        texts: its texts in any order; a text that is there twice in a row counts once.
    """
    ordered: list[KnownText] = []
    for text in sorted(texts, key=lambda one: one.fetched_at):
        if not ordered or ordered[-1].content_digest != text.content_digest:
            ordered.append(text)
    pairs = zip([None, *ordered], ordered, strict=False)
    return HistoryResult(article_id, url, tuple(_version(before, text) for before, text in pairs))


def _version(before: KnownText | None, text: KnownText) -> ArticleVersion:
    earlier = before or text
    return ArticleVersion(
        fetched_at=text.fetched_at,
        content_digest=text.content_digest,
        title=text.title,
        published_at=text.published_at,
        headline_changed=earlier.title != text.title,
        silent=before is not None and before.published_at == text.published_at,
        title_changes=word_changes(earlier.title, text.title),
        changes=word_changes(earlier.body, text.body),
    )


def word_changes(before: str, after: str) -> tuple[TextChange, ...]:
    """Compare two texts: paragraphs first, then the words of those that differ.

    The stretches that are `same` or `removed` give the text before, those that are `same` or `added` the one after.
    """
    return tuple(_joined(_by_paragraph(before, after)))


def _by_paragraph(before: str, after: str) -> Iterator[TextChange]:
    lines, other_lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for old, new in _blocks(lines, other_lines):
        stretch, other = "".join(lines[old]), "".join(other_lines[new])
        if stretch == other:
            yield TextChange(ChangeKind.SAME, stretch)
        else:
            yield from _by_word(_WORD.findall(stretch), _WORD.findall(other))


def _by_word(before: list[_Word], after: list[_Word]) -> Iterator[TextChange]:
    """Compare words without the white space behind them: two texts of other words have nothing in common."""
    words, other_words = [word for word, _ in before], [word for word, _ in after]
    for old, new in _blocks(words, other_words):
        if words[old] == other_words[new]:
            yield from _spacing(before[old], after[new])
        else:
            yield from _replaced(_text(before[old]), _text(after[new]))


def _spacing(before: list[_Word], after: list[_Word]) -> Iterator[TextChange]:
    for (word, space), (_, other) in zip(before, after, strict=True):
        yield TextChange(ChangeKind.SAME, word)
        yield from _replaced(space, other)


def _replaced(old: str, new: str) -> Iterator[TextChange]:
    """Give two texts as one change, and the white space that ends both as unchanged."""
    ends, other = (text[len(text.rstrip()) :] for text in (old, new))
    ends = ends if ends == other else ""
    yield TextChange(ChangeKind.REMOVED, old.removesuffix(ends))
    yield TextChange(ChangeKind.ADDED, new.removesuffix(ends))
    yield TextChange(ChangeKind.SAME, ends)


def _text(words: list[_Word]) -> str:
    return "".join(word + space for word, space in words)


def _blocks(old: list[str], new: list[str]) -> Iterator[tuple[slice, slice]]:
    """Give stretches of two sequences in their order, equal ones and changed ones in turn."""
    x = y = 0
    for at, other, length in (*_matches(old, new), (len(old), len(new), 0)):
        if at > x or other > y:
            yield slice(x, at), slice(y, other)
        if length:
            yield slice(at, at + length), slice(other, other + length)
        x, y = at + length, other + length


def _matches(old: list[str], new: list[str]) -> list[tuple[int, int, int]]:
    """Give places and lengths of what two sequences have in common, by the fewest edits.

    Source: Myers, "An O(ND) difference algorithm and its variations", Algorithmica 1 (1986). The standard library's
    matcher takes cubic time where words repeat: 8 s for 1,000 of them.
    """
    if max(len(old), len(new)) > _MOST_PIECES:
        return []
    furthest, trace = {1: 0}, []
    for edits in range(min(_MOST_EDITS, len(old) + len(new)) + 1):
        trace.append(furthest.copy())
        for diagonal in range(-edits, edits + 1, 2):
            x = _begun(furthest, diagonal, edits)
            while x < len(old) and x - diagonal < len(new) and old[x] == new[x - diagonal]:
                x += 1
            furthest[diagonal] = x
            if x >= len(old) and x - diagonal >= len(new):
                return _walked_back(trace, len(old), len(new))
    return []


def _begun(furthest: dict[int, int], diagonal: int, edits: int) -> int:
    """Give where a path on a diagonal begins after so many edits: below the one above it, or right of the one left."""
    down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
    return furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1


def _walked_back(trace: Sequence[dict[int, int]], x: int, y: int) -> list[tuple[int, int, int]]:
    found = []
    for edits in range(len(trace) - 1, -1, -1):
        furthest, diagonal = trace[edits], x - y
        begun = _begun(furthest, diagonal, edits) if edits else 0
        if x > begun:
            found.append((begun, begun - diagonal, x - begun))
        down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
        x = begun if down else begun - 1
        y = x - (diagonal + 1 if down else diagonal - 1)
    return found[::-1]


def _joined(changes: Iterable[TextChange]) -> Iterator[TextChange]:
    """Join neighbours of one kind, and leave out empty ones."""
    last: TextChange | None = None
    for change in changes:
        if not change.text:
            continue
        if last is not None and last.kind is change.kind:
            last = TextChange(last.kind, last.text + change.text)
            continue
        if last is not None:
            yield last
        last = change
    if last is not None:
        yield last
