"""Writes articles: each is looked up first, then becomes a document, or part of the one that the index has of it.

Articles that may be one and the same are never written side by side: the second one waits until the first is there,
and is looked up again. What meets a newer version on the way is looked up again, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipelines.index.arrival import Arrival, WritePlan, plan
from pipelines.index.documents import Document, IndexFamily, article_source, revision_document
from pipelines.index.lookup import Lookup
from pipelines.index.sink import Sink
from pipelines.index.stored import Stored
from pipelines.index.verdict import REPLAYED, Verdict
from pipelines.sandbox.protocol import UNEXPECTED
from pipelines.urls import identity_url
from schemas.records import OutcomeKind

log = logging.getLogger(__name__)

_MOST_TRIES = 10


class ArticleWriter:
    """Brings articles into the index.

    Args:
        lookup: looks up what the index has of them.
        sink: writes.
        indices: where articles are written.
        clock: gives the present, for `indexed_at`.
    """

    def __init__(
        self,
        lookup: Lookup,
        sink: Sink,
        indices: IndexFamily,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._lookup = lookup
        self._sink = sink
        self._indices = indices

    def write(self, arrivals: Sequence[Arrival]) -> list[WritePlan]:
        """Write articles and say of each how its visit ended, in their order.

        A plan of the kind `dead` says why Elasticsearch cannot take the article.

        Raises:
            ServiceError: the process is asked to stop meanwhile; nothing may be committed.
        """
        done: dict[int, WritePlan] = {}
        tries = [0] * len(arrivals)
        left = list(range(len(arrivals)))
        while left:
            found = self._lookup.find([arrivals[number].wanted(self._indices) for number in left])
            plans = {
                number: _planned(arrivals[number], some, self._indices)
                for number, some in zip(left, found, strict=True)
            }
            turn = list(_apart(left, arrivals, plans))
            for number, result in zip(turn, self._carry_out([plans[number] for number in turn]), strict=True):
                tries[number] += 1
                if result is not None:
                    done[number] = result
                elif tries[number] == _MOST_TRIES:
                    log.error("document %s is written by somebody else, again and again", plans[number].place.id)
                    done[number] = replace(plans[number], kind=OutcomeKind.SUPERSEDED, reason="", source=None)
                if result is not None and result.stored and result.kind is not OutcomeKind.DEAD:
                    self._lookup.recent.note(result.place, _urls(arrivals[number], result))
            left = [number for number in left if number not in done]
        return [done[number] for number in range(len(arrivals))]

    def _carry_out(self, plans: Sequence[WritePlan]) -> list[WritePlan | None]:
        """Write what is to be written; None for a plan that somebody else's write has made worthless."""
        self._keep_texts(plans)
        now = self._clock()
        prepared = [_prepared(one, self._indices, now) for one in plans]
        documents = [document for _, document in prepared if document is not None]
        verdicts = iter(self._sink.write(documents) if documents else [])
        return [one if document is None else _judged(one, next(verdicts)) for one, document in prepared]

    def _keep_texts(self, plans: Sequence[WritePlan]) -> None:
        """Keep both texts of articles that change, before they do: whoever is stopped in between does it again."""
        if not self._indices.alias:  # a shadow holds what is already there
            return
        texts = [text for one in plans if one.former and one.source for text in (one.former, one.source)]
        documents = [revision_document(text, self._indices) for text in texts if "content_digest" in text]
        for document, verdict in zip(documents, self._sink.write(documents) if documents else (), strict=True):
            if verdict.kind is OutcomeKind.DEAD:
                log.error("revision %s is not kept: %s: %s", document.id, verdict.reason, verdict.detail)


def _planned(arrival: Arrival, found: Sequence[Stored], indices: IndexFamily) -> WritePlan:
    """Decide what becomes of an arrival; an error that its content causes is its own end, not that of its batch."""
    try:
        return plan(arrival, found, indices)
    except Exception as error:  # noqa: BLE001 - nothing here asks a server
        place = arrival.wanted(indices).place
        return _dead(WritePlan(place, arrival.facts.version, OutcomeKind.DEAD), error)


def _prepared(one: WritePlan, indices: IndexFamily, now: datetime) -> tuple[WritePlan, Document | None]:
    """Give the document to write for a plan, None for none; one that cannot be made is that article's end."""
    try:
        return one, None if one.source is None else _document(one, one.source, indices, now)
    except Exception as error:  # noqa: BLE001 - nothing here asks a server
        return _dead(one, error), None


def _dead(one: WritePlan, error: Exception) -> WritePlan:
    log.error("document %s cannot be made: %s: %s", one.place.id, type(error).__name__, error)
    why = f"{type(error).__name__}: {error}"
    return replace(one, kind=OutcomeKind.DEAD, reason=UNEXPECTED, detail=why, source=None)


def _apart(left: Sequence[int], arrivals: Sequence[Arrival], plans: dict[int, WritePlan]) -> Iterator[int]:
    """Give those that are certainly not the article of one before them, by number."""
    taken: set[object] = set()
    for number in left:
        arrival = arrivals[number]
        names: set[object] = {plans[number].place, arrival.entry.id}
        names |= {identity_url(claim.url) for claim in arrival.claims} | {identity_url(arrival.entry.url)}
        if taken.isdisjoint(names):
            yield number
        taken |= names


def _urls(arrival: Arrival, result: WritePlan) -> list[str]:
    """Give the addresses by which the document of an arrival is to be found."""
    urls = [arrival.entry.url]
    if result.source is not None:
        urls += [result.source["url"], *result.source.get("addresses", ())]
    return urls


def _document(one: WritePlan, source: Mapping[str, Any], indices: IndexFamily, now: datetime) -> Document:
    return Document(
        id=one.place.id,
        family=indices,
        index=one.place.index_name,
        version=one.version,
        source=article_source(source, now),
        revisit=one.kind is not OutcomeKind.INDEXED,
    )


def _judged(one: WritePlan, verdict: Verdict) -> WritePlan | None:
    """Say how the visit ended by what became of its document; None where it is to be looked up again."""
    if verdict.kind is OutcomeKind.DEAD:
        return replace(one, kind=OutcomeKind.DEAD, reason=verdict.reason, detail=verdict.detail)
    if one.kind is OutcomeKind.INDEXED and verdict.kind is not OutcomeKind.SUPERSEDED:
        # Whether it was there before is the index's to say.
        return replace(one, kind=verdict.kind, reason=verdict.reason, detail=verdict.detail)
    met = verdict.kind is OutcomeKind.SUPERSEDED or verdict.reason == REPLAYED
    return None if met else one
