"""Documents as the index holds them, and how they are asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from pipelines.urls import identity_url

MOST_CLAIMANTS = 4
"""Articles that may claim one address, beside the one announced at it. More are a template that is wrong."""


class Place(NamedTuple):
    """Where a document is: index and id."""

    index_name: str
    id: str


class Wanted(NamedTuple):
    """What is asked for: the place an article would be written to, and its canonical URLs, its own first."""

    place: Place
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as the index holds it.

    Attributes:
        place: where.
        version: its external version.
        source: its fields, but for what is derived from them.
    """

    place: Place
    version: int
    source: dict[str, Any]

    @property
    def id(self) -> str:
        """The article's id."""
        return self.place.id

    @property
    def identities(self) -> set[str]:
        """All addresses that it was found at, whatever their scheme."""
        return {identity_url(url) for url in (self.source["url"], *self.source.get("addresses", ()))}
