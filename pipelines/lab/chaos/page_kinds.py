"""What may be wrong with a page of the good sites, and how its first visit must end then. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.records import OutcomeKind


class ChaosPage(StrEnum):
    """What is wrong with a page, or nothing."""

    GOOD = "good"
    STRAY_CONTROLS = "stray control characters"
    CUT_OFF = "HTML that ends in the middle"
    ODD_CHARSET = "a charset that does not exist"
    FAILS_ONCE = "503, then the page"
    CUT_ONCE = "half a body, then the page"
    NESTED = "9,000 nested elements"
    ATTRIBUTES = "2,000 attributes in a tag"
    CONTROLS = "a page of control characters"
    HALF = "always half a body"
    BAD_HEADERS = "headers that are none"
    BAD_ENCODING = "gzip that is none"
    MISSING = "404"
    BINARY = "a picture that says it is HTML"
    EMPTY = "no byte"
    SHORT = "five words"
    SCRIPTED = "a page drawn by scripts"
    FORBIDDEN = "robots.txt forbids it"


STORED = frozenset({OutcomeKind.INDEXED, OutcomeKind.UPDATED, OutcomeKind.UNCHANGED, OutcomeKind.SUPERSEDED})
"""Ends of a visit whose article is in the index."""

_REFUSED: dict[ChaosPage, tuple[OutcomeKind, str]] = {
    ChaosPage.NESTED: (OutcomeKind.DEAD, "too-deep"),
    ChaosPage.ATTRIBUTES: (OutcomeKind.DEAD, "too-many-attributes"),
    ChaosPage.CONTROLS: (OutcomeKind.DEAD, "undecodable"),
    ChaosPage.HALF: (OutcomeKind.DEAD, "truncated"),
    ChaosPage.BAD_HEADERS: (OutcomeKind.DEAD, "bad-http"),
    ChaosPage.BAD_ENCODING: (OutcomeKind.DEAD, "bad-encoding"),
    ChaosPage.MISSING: (OutcomeKind.DEAD, "http-404"),
    ChaosPage.BINARY: (OutcomeKind.REJECTED, "not-html"),
    ChaosPage.EMPTY: (OutcomeKind.REJECTED, "empty-body"),
    ChaosPage.SHORT: (OutcomeKind.REJECTED, "too-short"),
    ChaosPage.SCRIPTED: (OutcomeKind.REJECTED, "text-lost"),
    ChaosPage.FORBIDDEN: (OutcomeKind.SKIPPED, "robots"),
}


@dataclass(frozen=True, slots=True)
class End:
    """How the first visit of a page must end.

    Attributes:
        kinds: any of these.
        reason: with this reason; empty for any.
    """

    kinds: frozenset[OutcomeKind]
    reason: str = ""

    @property
    def stored(self) -> bool:
        """Whether the article must be in the index."""
        return self.kinds <= STORED

    def fits(self, kind: OutcomeKind, reason: str, *, stored: bool) -> bool:
        """Tell whether a visit that ended so, with or without a document, ended as it must."""
        return kind in self.kinds and self.reason in ("", reason) and (not stored or bool(self.kinds & STORED))

    def __str__(self) -> str:
        """Give it as the ledger shows it."""
        if self == ANYHOW:
            return "anyhow"
        return "indexed" if self.stored else f"{next(iter(self.kinds))}: {self.reason}"


ANYHOW = End(frozenset(kind for kind in OutcomeKind if kind.terminal))
"""The end of a hostile page: it must have one, and which one is not for the lab to say."""


def end_of(page: ChaosPage) -> End:
    """Say how a page must end."""
    refused = _REFUSED.get(page)
    return End(STORED) if refused is None else End(frozenset({refused[0]}), refused[1])
