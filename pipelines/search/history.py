"""Texts of one article -> what changed from one to the next, word by word. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from pipelines.search.results import utc

Json = dict[str, Any]

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_WORDS = 4000
"""Words on each side that are compared one by one: the time grows with their product. More are one change."""


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
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for kind, start, end, from_, to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield TextChange(ChangeKind.SAME, "".join(old[start:end]))
        else:
            yield from _by_word("".join(old[start:end]), "".join(new[from_:to]))


def _by_word(before: str, after: str) -> Iterator[TextChange]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > _MOST_WORDS:
        old, new = [before], [after]
    yield from _differences(old, new)


def _differences(old: Sequence[str], new: Sequence[str]) -> Iterator[TextChange]:
    for kind, start, end, from_, to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield TextChange(ChangeKind.SAME, "".join(old[start:end]))
            continue
        if end > start:
            yield TextChange(ChangeKind.REMOVED, "".join(old[start:end]))
        if to > from_:
            yield TextChange(ChangeKind.ADDED, "".join(new[from_:to]))


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
