"""An Elasticsearch in memory, as far as the writer of articles knows one.

Gets are at once, searches see what was refreshed, external versions decide, indices are made from their template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from pipelines.errors import ServiceError
from pipelines.index.documents import DERIVED
from pipelines.index.elastic import Elastic, ElasticAnswer

Json = dict[str, Any]


class MemoryIndex(Elastic):
    """Answers what `Elastic` would.

    Attributes:
        indices: documents by index and id: version and source.
        aliases: what each index is read through.
        asked: the requests, as method and path.
        away: requests, of all that come, that find nobody there.
        before_bulk: called before each bulk request is carried out.
    """

    def __init__(self) -> None:
        self.url = "http://memory"
        self.indices: dict[str, dict[str, tuple[int, Json]]] = {}
        self.aliases: dict[str, Json] = {}
        self.asked: list[tuple[str, str]] = []
        self.away = 0
        self.before_bulk: Callable[[], None] = lambda: None
        self._findable: dict[str, dict[str, tuple[int, Json]]] = {}

    def refresh(self) -> None:
        """Make all that is written findable."""
        self._findable = {name: dict(documents) for name, documents in self.indices.items()}

    def documents(self, kind: str = "articles") -> list[Json]:
        """Give all documents of a kind with index and version, ordered by index and id."""
        return [
            {**source, "_index": name, "_version": version}
            for name, documents in sorted(self.indices.items())
            if f"-{kind}-" in name
            for _, (version, source) in sorted(documents.items())
        ]

    def send(
        self, method: str, path: str, body: object | bytes | None = None, params: Mapping[str, Any] | None = None
    ) -> ElasticAnswer:
        """Carry one request out."""
        del params
        self.asked.append((method, path))
        if self.away:
            self.away -= 1
            raise ServiceError("nobody there", resource=self.url)
        if path == "/_bulk":
            self.before_bulk()
            assert isinstance(body, bytes)
            return ElasticAnswer(200, {"items": self._bulk(body)})
        if path == "/_mget":
            assert isinstance(body, dict)
            return ElasticAnswer(200, {"docs": [self._get(one) for one in body["docs"]]})
        if path.endswith("/_refresh"):
            self.refresh()
            return ElasticAnswer(200, {})
        if path.endswith("/_search"):
            assert isinstance(body, dict)
            return ElasticAnswer(200, self._search(body)) if self.indices else ElasticAnswer(404, {})
        return self._index(method, path.strip("/"), body)

    def _index(self, method: str, name: str, body: object) -> ElasticAnswer:
        if name.startswith("_index_template/"):
            return ElasticAnswer(200, {})
        if method == "PUT":
            self.indices.setdefault(name, {})
            self.aliases.setdefault(name, body["aliases"] if isinstance(body, dict) else {})
        if name not in self.indices:
            return ElasticAnswer(404, {})
        return ElasticAnswer(200, {name: {"aliases": self.aliases.get(name, {})}})

    def _bulk(self, body: bytes) -> list[Json]:
        lines = [orjson.loads(line) for line in body.splitlines()]
        return [
            {"index": self._write(action["index"], source)}
            for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]

    def _write(self, action: Json, source: Json) -> Json:
        documents = self.indices[action["_index"]]
        version = documents[action["_id"]][0] if action["_id"] in documents else None
        if version is not None and version >= action["version"]:
            reason = f"version conflict, current version [{version}] is higher or equal"
            return {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": reason}}
        documents[action["_id"]] = (action["version"], source)
        return {"status": 201, "result": "created"} if version is None else {"status": 200, "result": "updated"}

    def _get(self, wanted: Json) -> Json:
        place = {"_index": wanted["_index"], "_id": wanted["_id"]}
        if wanted["_index"] not in self.indices:
            return {**place, "error": {"type": "index_not_found_exception"}}
        found = self.indices[wanted["_index"]].get(wanted["_id"])
        if found is None:
            return {**place, "found": False}
        source = {name: value for name, value in found[1].items() if name not in DERIVED}
        return {**place, "found": True, "_version": found[0], "_source": source}

    def _search(self, body: Json) -> Json:
        ids, addresses = body["query"]["bool"]["filter"]["bool"]["should"]
        wanted, urls = set(ids["ids"]["values"]), set(addresses["terms"]["addresses"])
        hits = [
            {"_index": name, "fields": {"id": [source["id"]]}}
            for name, documents in self._findable.items()
            for key, (_, source) in documents.items()
            if key in wanted or not urls.isdisjoint(source.get("addresses", ()))
        ]
        return {"hits": {"hits": hits}} if hits else {}
