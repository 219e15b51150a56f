"""The documents of alerts in Elasticsearch: indices made when first needed, bulk requests, whole answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from pipelines.errors import NewsriverError, ServiceError
from pipelines.index.documents import IndexFamily
from pipelines.search.client import AsyncElastic
from pipelines.search.session import READ, WHOLE

Json = dict[str, Any]

_BULK_LINES = 1000
_NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 404, 429, 500
_ITEMS = {"filter_path": "items.*.status,items.*.error.type,items.*.error.reason"}


class AlertStorage:
    """Writes and reads documents of alerts.

    Args:
        client: the cluster.
    """

    def __init__(self, client: AsyncElastic) -> None:
        self._client = client
        self._ready: set[str] = set()

    async def ensure(self, family: IndexFamily, index: str) -> None:
        """See that an index is there, made from its template and behind its alias.

        Raises:
            NewsriverError: its template is missing.
            ServiceError: Elasticsearch does not answer.
        """
        if index in self._ready:
            return
        if not (await self._client.send("HEAD", f"/{index}")).ok:
            # Without its template an index would be made with guessed types.
            template = await self._client.send("GET", f"/_index_template/{family.template}")
            if template.status == _NOT_FOUND:
                raise NewsriverError(
                    f"index template {family.template} is missing", hint="run `newsriver setup`", resource=index
                )
            made = await self._client.send("PUT", f"/{index}", {"aliases": {family.alias: {}}})
            if not made.ok and made.error_type != "resource_already_exists_exception":
                raise ServiceError(f"index {index} cannot be made: {made.reason}", resource=index)
        self._ready.add(index)

    def forget(self) -> None:
        """Look at each index again before the next write: somebody may have removed it."""
        self._ready.clear()

    async def find(self, family: IndexFamily, body: Json) -> Json:
        """Search a family's documents; before there are any the answer is empty.

        Raises:
            ServiceError: Elasticsearch does not answer, or only in part.
            NewsriverError: it refuses.
        """
        answer: Json = await self._client.ask("POST", f"/{family.alias}/_search", body, WHOLE)
        return answer

    async def refresh(self, family: IndexFamily) -> None:
        """Let all that was written be found.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        await self._client.ask("POST", f"/{family.alias}/_refresh", None, READ)

    async def remove(self, places: Sequence[tuple[str, str]]) -> None:
        """Delete documents; those that are gone already are no error.

        Args:
            places: index and id of each.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        lines = (orjson.dumps({"delete": {"_index": index, "_id": name}}) + b"\n" for index, name in places)
        await self._client.ask("POST", "/_bulk", b"".join(lines), {**_ITEMS, "refresh": "true"})

    async def write(self, lines: Sequence[tuple[Json, Json]]) -> list[int]:
        """Send actions with their documents in bulk requests and give each one's status; they are found a bit later.

        Args:
            lines: each action, such as `{"create": {...}}`, and the document or the part of it.

        Returns:
            HTTP statuses; 409 where the document is there already or was changed meanwhile, other 4xx where it is
            refused for good.

        Raises:
            ServiceError: not all of them could be tried; what was written stays written.
        """
        statuses: list[int] = []
        for start in range(0, len(lines), _BULK_LINES):
            some = lines[start : start + _BULK_LINES]
            body = b"".join(orjson.dumps(part) + b"\n" for line in some for part in line)
            items = (await self._client.ask("POST", "/_bulk", body, _ITEMS)).get("items", [])
            answers = [next(iter(item.values())) for item in items]
            if len(answers) != len(some) or _passing(answers):
                self.forget()
                first = next(_passing_reasons(answers), "the answer is not whole")
                raise ServiceError(f"Elasticsearch cannot take documents of alerts now: {first}")
            statuses += [int(one["status"]) for one in answers]
        return statuses


def _passing(answers: Iterable[Json]) -> bool:
    return any(True for _ in _passing_reasons(answers))


def _passing_reasons(answers: Iterable[Json]) -> Iterator[str]:
    """Give why documents were not taken that would be later: the server is busy, failing, or lacks the index."""
    for one in answers:
        if one["status"] in (_NOT_FOUND, _TOO_MANY) or one["status"] >= _SERVER_ERROR:
            yield str(one.get("error", {}).get("reason", one["status"]))
