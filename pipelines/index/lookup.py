"""What the index already holds of some articles, looked up many at a time, however long Elasticsearch takes to answer.

An article's document may lie in any month, and a search sees only what was refreshed. So three things are asked, the
truth last: (1) a get, which is realtime, of the place where the article's document would be written, and of every
place to which this process has written one of its addresses lately; (2) for those that were not there, one search
under the alias, by id and by address, that names places; (3) a get of those places. Pages of one article share a
partition and so a process, hence what another process wrote and nobody could find yet is of no concern; what an
earlier process wrote is made findable at the start.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.index.documents import DERIVED, IndexFamily
from pipelines.index.elastic import Elastic, ElasticAnswer
from pipelines.index.merge import FROZEN
from pipelines.index.patience import Patience
from pipelines.index.stored import MOST_CLAIMANTS, Place, Stored, Wanted
from pipelines.index.verdict import WAITING_TYPES, Wait
from pipelines.runtime.heartbeat import Waits
from pipelines.urls import article_id, identity_url

Json = dict[str, Any]

_ARTICLE = frozenset({*FROZEN, "title", "body", "language", "fetched_at"})
_NOT_FOUND = 404
_MOST_HITS = 10_000
_GET_ANSWER = {"filter_path": "docs._index,docs._id,docs._version,docs._source,docs.found,docs.error.type"}
# A shard that does not answer might hold the article: half an answer is none.
_WHOLE = {"allow_partial_search_results": "false", "filter_path": "hits.hits._index,hits.hits.fields"}


class Recent:
    """Where this process has written the last articles, by address: a search may not find them yet.

    Args:
        limit: most addresses remembered; it has to cover the time until a document can be found
            (`elasticsearch.refresh_seconds`). One takes some 400 bytes.
    """

    def __init__(self, limit: int = 50_000) -> None:
        self._limit = limit
        self._places: OrderedDict[str, tuple[Place, ...]] = OrderedDict()
        self.findable = False
        """Whether what was written before this process began can be found."""

    def note(self, place: Place, urls: Iterable[str]) -> None:
        """Remember a place by the canonical URLs of its document."""
        for url in urls:
            key = identity_url(url)
            others = (other for other in self._places.get(key, ()) if other != place)
            self._places[key] = (*others, place)[-MOST_CLAIMANTS - 1 :]
            self._places.move_to_end(key)
        while len(self._places) > self._limit:
            self._places.popitem(last=False)

    def places(self, urls: Iterable[str]) -> set[Place]:
        """Give the places of some canonical URLs."""
        return {place for url in urls for place in self._places.get(identity_url(url), ())}


@dataclass
class Lookup:
    """Looks articles up.

    Args:
        client: the cluster.
        indices: where articles are.
        recent: what this process has written lately; shared by all lookups of the process.
        stop: once set, waiting ends with an error instead of going on.
        waits: told what pages wait for.
    """

    client: Elastic
    indices: IndexFamily
    recent: Recent
    stop: threading.Event | None = None
    waits: Waits | None = None
    _patience: Patience = field(init=False)

    def __post_init__(self) -> None:
        """Prepare to wait."""
        self._patience = Patience(self.client.url, self.stop, self.waits)

    @property
    def waiting(self) -> Wait | None:
        """Why look-ups wait just now; None while they are answered."""
        return self._patience.waiting

    def find(self, wanted: Sequence[Wanted]) -> list[list[Stored]]:
        """Give for each of the wanted articles the documents that have its id or one of its addresses.

        Raises:
            ServiceError: the process is asked to stop while Elasticsearch does not answer.
        """
        if not wanted:
            return []
        places = {one.place for one in wanted}.union(*(self.recent.places(one.urls) for one in wanted))
        found = self._get(places)
        there = {stored.id for stored in found}
        missing = [one for one in wanted if one.place.id not in there]
        if missing:
            found += self._get(self._search(missing) - places)
        return [[stored for stored in found if _is_of(one, stored)] for one in wanted]

    def _get(self, places: Collection[Place]) -> list[Stored]:
        """Get what is at some places now, refreshed or not."""
        if not places:
            return []
        docs = [{"_index": place.index_name, "_id": place.id} for place in sorted(places)]
        body = {"docs": [one | {"_source": {"excludes": list(DERIVED)}} for one in docs]}
        answer = self._ask(lambda: _got(self.client.send("POST", "/_mget", body, _GET_ANSWER)), len(docs))
        return [
            Stored(Place(one["_index"], one["_id"]), one["_version"], one["_source"])
            for one in answer
            if one.get("found") and one["_source"].keys() >= _ARTICLE  # else it is nobody's of ours
        ]

    def _search(self, wanted: Sequence[Wanted]) -> set[Place]:
        """Name the places of all documents that have one of the ids or addresses and can be found."""
        alias = self.indices.read_name
        if not self.recent.findable:
            self._ask(lambda: _searched(self.client.send("POST", f"/{alias}/_refresh")), len(wanted))
            self.recent.findable = True
        urls = {url for one in wanted for url in one.urls}
        ids = {one.place.id for one in wanted} | {article_id(url) for url in urls}
        # Addresses are stored in the scheme they were found in.
        spellings = {scheme + identity_url(url).partition(":")[2] for url in urls for scheme in ("http:", "https:")}
        body = {
            "size": _MOST_HITS,
            "sort": ["_doc"],
            "track_total_hits": False,
            "stored_fields": "_none_",
            "docvalue_fields": ["id"],
            "query": {
                "bool": {
                    "filter": {
                        "bool": {
                            "should": [
                                {"ids": {"values": sorted(ids)}},
                                {"terms": {"addresses": sorted(spellings)}},
                            ]
                        }
                    }
                }
            },
        }
        answer = self._ask(lambda: _searched(self.client.send("POST", f"/{alias}/_search", body, _WHOLE)), len(wanted))
        hits = answer.get("hits", {}).get("hits", [])
        return {Place(hit["_index"], hit["fields"]["id"][0]) for hit in hits}

    def _ask(self, ask: Callable[[], Any | Wait], count: int) -> Any:  # noqa: ANN401 - whatever JSON the server sends
        return self._patience.until_answered(ask, f"{count} articles to be looked up")


def _is_of(wanted: Wanted, stored: Stored) -> bool:
    return stored.id == wanted.place.id or not stored.identities.isdisjoint(map(identity_url, wanted.urls))


def _got(answer: ElasticAnswer) -> list[Json] | Wait:
    """Read the answer to a multi-get: an index that is not there holds nothing, one that does not answer might."""
    if not answer.ok:
        return _wait(answer)
    docs: list[Json] = answer.body.get("docs", [])
    for one in docs:
        kind = one.get("error", {}).get("type", "")
        if kind and kind != "index_not_found_exception":
            return Wait(WAITING_TYPES.get(kind, "server-error"), f"index {one.get('_index')}: {kind}")
    return docs


def _searched(answer: ElasticAnswer) -> Json | Wait:
    """Read the answer to a search: before the first article there is no index and nothing to find."""
    if answer.status == _NOT_FOUND:
        return {}
    if not answer.ok:
        return _wait(answer)
    body: Json = answer.body
    return body


def _wait(answer: ElasticAnswer) -> Wait:
    reason = WAITING_TYPES.get(answer.error_type, "busy" if answer.status == 429 else "refused")
    return Wait(reason, f"status {answer.status}: {answer.reason}")
