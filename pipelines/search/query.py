"""The query language: any text a user types -> a tree, and how each part of it was understood. Pure.

All words must occur, in any inflection; `"a phrase"` as it is; `-word` excludes; `OR` or `|` joins its two neighbours;
(groups); `pre*` begins a word; `fuzzy~` allows typing slips; `"near words"~5` allows places between; `=Word` and
`="An exact phrase"` mind accents and case; `source:a,b`, `-lang:de`, `last:7d` and the other qualifiers filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pipelines.search.lexer import MOST_CHARACTERS, cleaned, read_phrase, read_values, read_word
from pipelines.search.qualifiers import known_name, nearest_name, qualified
from pipelines.search.tree import All, Either, Filter, Node, Not, Period, Phrase, Word
from schemas.media_topics import TOP_TOPICS

MOST_TERMS = 64
MOST_DEPTH = 10

_LABELS = {topic.id: topic.label for topic in TOP_TOPICS}
_NAME = re.compile(r"([A-Za-z_]{2,20}):")
_ADDRESS = re.compile(r'https?://[^\s"()]+')
_BARE = re.compile(r'[^\s"()|]+')
_OPERATOR = re.compile(r'(\||OR(?=[\s("]|$)|AND(?=[\s("]|$)|&&|[&,+](?=\s|$))')


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query as it was understood.

    Attributes:
        kind: `word`, `phrase`, `exact`, `not`, `any`, `group`, the name of a qualifier, or `ignored`.
        text: the part as understood.
        note: what was corrected or ignored; empty for nothing.
        without: the query's text with this part taken away.
    """

    kind: str
    text: str
    note: str = ""
    without: str = ""

    def to_json(self) -> dict[str, str]:
        """Give its attributes."""
        return {"kind": self.kind, "text": self.text, "note": self.note, "without": self.without}


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read.

    Attributes:
        root: all that an article must fit; None for every article.
        understood: the parts in the order they were written.
        now: the present that relative times count from.
    """

    root: All | None
    understood: tuple[Part, ...]
    now: datetime

    def __str__(self) -> str:
        """Give the canonical text: reading it again gives the same tree."""
        return "*" if self.root is None else str(self.root)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """What all must be so; empty for every article."""
        return () if self.root is None else self.root.nodes

    @property
    def has_text(self) -> bool:
        """Whether words are searched, so that one article can fit better than another."""
        return any(isinstance(node, Word | Phrase) or getattr(node, "name", "") == "title" for node in walk(self.nodes))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it is restricted to; empty for all."""
        filters = [node for node in self.nodes if isinstance(node, Filter) and node.name == "lang" and node.values]
        return filters[0].values if filters else ()


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Give all nodes but those that must not be."""
    for node in nodes:
        yield node
        if isinstance(node, All | Either):
            yield from walk(node.nodes)


def parse_query(text: str, now: datetime) -> Query:
    """Read a query; no text fails, what cannot be understood is said in its part's note.

    Args:
        text: what a user typed, at most `MOST_CHARACTERS` of it.
        now: the present, for `last:7d` and the like.
    """
    whole = cleaned(text[: 4 * MOST_CHARACTERS])
    reader = _Reader(whole[:MOST_CHARACTERS], now)
    clauses = reader.clauses(0)
    parts = [_part(clause, reader.text) for clause in clauses]
    if len(whole) > MOST_CHARACTERS or len(text) > 4 * MOST_CHARACTERS:
        parts.append(Part("ignored", "", f"only the first {MOST_CHARACTERS} characters count", reader.text))
    nodes = tuple(clause.node for clause in clauses if clause.node is not None)
    return Query(All(nodes) if nodes else None, tuple(parts), now)


@dataclass(slots=True)
class _Clause:
    """What was read between two places of the text; without a node it is ignored."""

    node: Node | None
    start: int
    end: int
    note: str = ""


def _part(clause: _Clause, text: str) -> Part:
    without = " ".join(f"{text[: clause.start]} {text[clause.end :]}".split())
    # What joined it to a neighbour goes with it.
    without = re.sub(r"^(?:(?:OR|AND|\|) )+|(?: (?:OR|AND|\|))+$", "", without)
    if clause.node is None:
        return Part("ignored", text[clause.start : clause.end], clause.note, without)
    return Part(_kind(clause.node), _shown(clause.node), clause.note, without)


def _kind(node: Node) -> str:
    match node:
        case Word() | Phrase():
            return "exact" if node.exact else "word" if isinstance(node, Word) else "phrase"
        case Filter() | Period():
            return node.name
    return {Not: "not", Either: "any", All: "group"}[type(node)]


def _shown(node: Node) -> str:
    if isinstance(node, Period):
        return node.described()
    if isinstance(node, Filter) and node.name == "topic":
        named = (tuple(_LABELS.get(value, value) for value in some) for some in (node.values, node.excluded))
        return str(Filter("topic", *named))
    return str(node)


@dataclass(slots=True)
class _Reader:
    """Reads clauses from left to right."""

    text: str
    now: datetime
    at: int = 0
    terms: int = 0
    too_deep: int = 0
    _joining: bool = field(default=False)

    def clauses(self, depth: int) -> list[_Clause]:
        """Read clauses until the end, or the parenthesis that closes this group."""
        found: list[_Clause] = []
        joining = False
        while self._skip_blanks():
            start = self.at
            if operator := _OPERATOR.match(self.text, self.at):
                self.at = operator.end()
                joining = joining or operator[1] in ("|", "OR")
            elif self.text[self.at] == ")":
                if depth and not self.too_deep:
                    break
                self.at += 1
                found += [] if self.too_deep else [_Clause(None, start, self.at, "nothing was open here")]
                self.too_deep = max(0, self.too_deep - 1)
            else:
                self._add(found, self._clause(depth), joining=joining)
                joining = False
        return found

    def _add(self, found: list[_Clause], clause: _Clause | None, *, joining: bool) -> None:
        if clause is None:
            return
        if clause.node is not None and self.terms > MOST_TERMS:
            clause.node, clause.note = None, f"only the first {MOST_TERMS} words and filters count"
        before = found[-1] if found else None
        if joining and before is not None and before.node is not None and clause.node is not None:
            nodes = before.node.nodes if isinstance(before.node, Either) and before.note != "(" else (before.node,)
            before.node = Either((*nodes, clause.node))
            before.note = "; ".join(note for note in (before.note, clause.note) if note)
            before.end = clause.end
        else:
            found.append(clause)

    def _skip_blanks(self) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def _clause(self, depth: int) -> _Clause | None:
        """Read one word, phrase, filter or group, and whether it is excluded."""
        start = self.at
        negated = self._negation()
        if not self._skip_blanks() or self.text[self.at] in ")|":
            return None  # a hyphen with nothing behind it is punctuation
        node, note = self._group(depth) if self.text[self.at] == "(" else self._term()
        if node is not None and negated:
            node = node.node if isinstance(node, Not) else Not(node)
        if node is None and not note:
            return None
        return _Clause(node, start, self.at, note)

    def _negation(self) -> bool:
        if (found := re.compile(r"NOT(?=[\s(])\s*").match(self.text, self.at)) is not None:
            self.at = found.end()
            return True
        found = re.compile(r"[-–—+&,]+").match(self.text, self.at)
        if found is None:
            return False
        self.at = found.end()
        return found[0].endswith("-") and self.text[self.at : self.at + 1].strip() != ""

    def _group(self, depth: int) -> tuple[Node | None, str]:
        self.at += 1
        if depth == MOST_DEPTH:
            self.too_deep += 1
            return None, f"groups are at most {MOST_DEPTH} deep"
        inner = self.clauses(depth + 1)
        closed = self.text[self.at : self.at + 1] == ")"
        self.at += closed
        notes = [clause.note for clause in inner if clause.note] + ([] if closed else ["the closing ) was missing"])
        nodes = tuple(clause.node for clause in inner if clause.node is not None)
        if not nodes:
            return None, "; ".join(notes)
        return (nodes[0] if len(nodes) == 1 else All(nodes)), "; ".join(dict.fromkeys(notes))

    def _term(self) -> tuple[Node | None, str]:
        text, self.terms = self.text, self.terms + 1
        exact = text[self.at] == "="
        if text[self.at + exact : self.at + exact + 1] == '"':
            phrase, self.at, note = read_phrase(text, self.at + exact, exact=exact)
            return phrase, note
        if found := _ADDRESS.match(text, self.at):
            self.at = found.end()
            return Filter("url", (found[0].rstrip(","),)), "an address; searched as url:"
        found = None if exact else _NAME.match(text, self.at)
        if found and (name := known_name(found[1])):
            wanted, excluded, self.at, note = read_values(text, found.end(), addresses=name == "url")
            node, other = qualified(name, wanted, excluded, self.now)
            self.terms += max(0, len(wanted) + len(excluded) - 1) // 10
            return node, "; ".join(one for one in (note, other) if one)
        bare = _BARE.match(text, self.at)
        if bare is None:
            self.at += 1
            return None, ""
        self.at = bare.end()
        return _exact_word(bare[0]) if exact else _words(bare[0])


def _exact_word(text: str) -> tuple[Node | None, str]:
    word, _ = read_word(text.lstrip("=").replace("*", "").replace("~", ""))
    return (None, "nothing to search for") if word is None else (Word(word.text, exact=True), "")


def _words(text: str) -> tuple[Node | None, str]:
    """Read what stands without blanks: a word, or the words on both sides of a colon."""
    if text == "*":  # everything
        return None, ""
    pieces = [piece for piece in text.split(":") if piece]
    read = [read_word(piece) for piece in pieces]
    nodes = tuple(word for word, _ in read if word is not None)
    notes = [note for word, note in read if note and (word is not None or not nodes)]
    if len(pieces) > 1 and pieces[0].isalpha():
        near = nearest_name(pieces[0])
        meant = f", did you mean {near}:?" if near else ""
        notes.append(f"{pieces[0]}: is no qualifier{meant}; searched as words")
    note = "; ".join(dict.fromkeys(notes))
    if not nodes:
        return None, note
    return (nodes[0] if len(nodes) == 1 else All(nodes)), note
