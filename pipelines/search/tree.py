"""A query as a tree: words, phrases and filters joined by and, or and not, and its canonical text. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

AUTO = -1
"""Fuzziness by the length of the word."""

_NEEDS_QUOTES = re.compile(r'[\s,()|":]|^[-=+]|^$')


@dataclass(frozen=True, slots=True)
class Word:
    """One word.

    Attributes:
        text: the word, accents composed.
        exact: whether accents, case and inflection matter.
        prefix: whether it is the beginning of a word.
        fuzzy: letters that may differ: 0, 1, 2 or `AUTO`.
    """

    text: str
    exact: bool = False
    prefix: bool = False
    fuzzy: int = 0

    def __str__(self) -> str:
        """Give it as a user would write it."""
        fuzzy = "" if not self.fuzzy else "~" if self.fuzzy == AUTO else f"~{self.fuzzy}"
        return f"{'=' if self.exact else ''}{self.text}{'*' if self.prefix else ''}{fuzzy}"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in their order.

    Attributes:
        text: the words, without quotation marks.
        exact: whether accents and case matter.
        slop: places by which the words may be moved.
    """

    text: str
    exact: bool = False
    slop: int = 0

    def __str__(self) -> str:
        """Give it as a user would write it."""
        return f'{"=" if self.exact else ""}"{self.text}"{f"~{self.slop}" if self.slop else ""}'


@dataclass(frozen=True, slots=True)
class Filter:
    """What an article must be, by one of its fields.

    Attributes:
        name: the qualifier, e.g. `source`.
        values: any of these; empty where only `excluded` counts.
        excluded: none of these.
    """

    name: str
    values: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Give it as a user would write it."""
        written = [*map(quoted, self.values), *(f"-{quoted(value)}" for value in self.excluded)]
        return f"{self.name}:{','.join(written)}"


@dataclass(frozen=True, slots=True)
class Period:
    """When an article counts as from.

    Attributes:
        name: `after`, `before` or `last`.
        value: as it was written.
        since: at or after this; None for no bound.
        until: before this; None for no bound.
    """

    name: str
    value: str
    since: datetime | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        """Give it as a user would write it."""
        return f"{self.name}:{quoted(self.value)}"

    def described(self) -> str:
        """Give the bound as people read it."""
        if self.since is not None:
            return f"since {self.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"before {self.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if self.until is not None else str(self)


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be."""

    node: Node

    def __str__(self) -> str:
        """Give it as a user would write it."""
        return f"-{_grouped(self.node)}"


@dataclass(frozen=True, slots=True)
class All:
    """All of these."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        """Give it as a user would write it."""
        return " ".join(f"({node})" if isinstance(node, All) else str(node) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Either:
    """One or more of these."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        """Give it as a user would write it."""
        return " OR ".join(map(_grouped, self.nodes))


Node = Word | Phrase | Filter | Period | Not | All | Either


def quoted(value: str) -> str:
    """Give a value as it is written behind a qualifier, in quotation marks where it needs them."""
    value = value.replace('"', "")
    return f'"{value}"' if _NEEDS_QUOTES.search(value) else value


def _grouped(node: Node) -> str:
    return f"({node})" if isinstance(node, All | Either) else str(node)
