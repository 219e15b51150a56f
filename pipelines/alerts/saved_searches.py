"""Saved searches as documents: added, listed, paused, removed."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr

from pipelines.alerts.messages import SECRET_PREFIX
from pipelines.alerts.storage import AlertStorage
from pipelines.errors import AddressRefused, FeedFault, SavedSearchNotFound, UsageError
from pipelines.http.addresses import AddressGuard
from pipelines.index.documents import saved_search_indices
from pipelines.index.elastic import judged
from pipelines.search.client import AsyncElastic
from pipelines.search.lexer import MOST_CHARACTERS
from pipelines.settings import Settings
from pipelines.urls import fetchable_url
from schemas.records import AlertChannel, SavedSearch

Json = dict[str, Any]

MOST_NAME = 100
MOST_RECIPIENTS = 20
_SECRET_BYTES = 32
_PAGE = 1000
_NOT_FOUND = 404
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True)
class SavedSearchDraft:
    """What somebody wants saved.

    Attributes:
        name: its name; empty for the query itself.
        query: the query.
        channel: how it is delivered.
        target: where to, where the channel needs that.
        every_seconds: shortest time between two deliveries.
    """

    query: str
    name: str = ""
    channel: AlertChannel = AlertChannel.FEED
    target: str = ""
    every_seconds: int = 0


def saved(draft: SavedSearchDraft, settings: Settings, now: datetime) -> SavedSearch:
    """Make a saved search of a draft that is right; a webhook gets a secret of its own.

    Raises:
        UsageError: a part is wrong; `resource` is its name.
    """
    if len(draft.query) > MOST_CHARACTERS:
        raise UsageError(f"the query has more than {MOST_CHARACTERS} characters", resource="query")
    name = " ".join((draft.name or draft.query or "*").split())[:MOST_NAME]
    secret = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return SavedSearch(
        id=secrets.token_hex(6),
        name=name,
        query=draft.query,
        channel=draft.channel,
        target=_target(draft, settings),
        secret=SecretStr(SECRET_PREFIX + secret if draft.channel is AlertChannel.WEBHOOK else ""),
        every_seconds=draft.every_seconds,
        created_at=now,
        since=now,
    )


def _target(draft: SavedSearchDraft, settings: Settings) -> str:
    target = draft.target.strip()
    match draft.channel:
        case AlertChannel.WEBHOOK:
            return _webhook(target, settings)
        case AlertChannel.EMAIL:
            return _mailboxes(target, settings)
    if target:
        raise UsageError(f"a saved search of the kind {draft.channel} has no target", resource="target")
    return ""


def _webhook(target: str, settings: Settings) -> str:
    try:
        url = fetchable_url(target)
        AddressGuard(settings.fetch.allow_networks).check_host(urlsplit(url).hostname or "", url)
    except AddressRefused as refused:
        raise UsageError(refused.message, resource="target") from None
    except FeedFault:
        hint = "give an http:// or https:// URL"
        raise UsageError(f"{target[:200]!r} is no web address", hint=hint, resource="target") from None
    return url


def _mailboxes(target: str, settings: Settings) -> str:
    if not settings.alerts.smtp_host:
        hint = "set alerts.smtp_host and alerts.smtp_from"
        raise UsageError("no mail server is named", hint=hint, resource="channel")
    found = [part.strip() for part in target.split(",") if part.strip()]
    wrong = next((part for part in found if not _MAILBOX.fullmatch(part)), None)
    if wrong is not None or not found:
        hint = "give name@host, several with commas between them"
        raise UsageError(f"{(wrong or target)[:200]!r} is no e-mail address", hint=hint, resource="target")
    if len(found) > MOST_RECIPIENTS:
        raise UsageError(f"more than {MOST_RECIPIENTS} e-mail addresses", resource="target")
    return ",".join(found)


class SavedSearches:
    """The saved searches of a river.

    Args:
        client: the cluster.
        settings: all settings.
    """

    def __init__(self, client: AsyncElastic, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._storage = AlertStorage(client)
        self._family = saved_search_indices(settings.river.name)
        self._index = self._family.index(datetime.now(UTC))

    async def add(self, draft: SavedSearchDraft) -> SavedSearch:
        """Save a search.

        Raises:
            UsageError: the draft is wrong, or there are as many as the settings allow.
            ServiceError: Elasticsearch does not answer.
            NewsriverError: its template is missing.
        """
        made = saved(draft, self._settings, datetime.now(UTC))
        most = self._settings.alerts.most_searches
        count = await self._client.ask("POST", f"/{self._family.alias}/_count", {}, {"ignore_unavailable": "true"})
        if count["count"] >= most:
            hint = "remove some, or raise alerts.most_searches"
            raise UsageError(f"there are {most} saved searches already", hint=hint, resource="alerts.most_searches")
        await self._storage.ensure(self._family, self._index)
        path = f"/{self._index}/_create/{made.id}"
        await self._client.ask("PUT", path, _document(made), {"refresh": "true"})
        return made

    async def all(self) -> list[SavedSearch]:
        """Give all saved searches, oldest first.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        found: list[SavedSearch] = []
        after: Sequence[Any] = ()
        while True:
            body: Json = {"size": _PAGE, "sort": [{"created_at": "asc"}, {"id": "asc"}], "track_total_hits": False}
            body |= {"search_after": list(after)} if after else {}
            hits = (await self._storage.find(self._family, body))["hits"]["hits"]
            found += [SavedSearch.model_validate(hit["_source"], extra="ignore") for hit in hits]
            if len(hits) < _PAGE:
                return found
            after = hits[-1]["sort"]

    async def get(self, name: str) -> SavedSearch:
        """Give one saved search.

        Args:
            name: its id, or its name where no other has it.

        Raises:
            SavedSearchNotFound: there is none.
            UsageError: several have the name.
            ServiceError: Elasticsearch does not answer.
        """
        either = [{"term": {"id": name[:512]}}, {"term": {"name": name[:512]}}]
        body = {"size": 2, "query": {"bool": {"should": either, "minimum_should_match": 1}}}
        hits = (await self._storage.find(self._family, body))["hits"]["hits"]
        found = [SavedSearch.model_validate(hit["_source"], extra="ignore") for hit in hits]
        found = [one for one in found if one.id == name] or found
        if not found:
            hint = "`newsriver alerts list` shows them"
            raise SavedSearchNotFound(f"there is no saved search {name[:100]!r}", hint=hint, resource=name[:100])
        if len(found) > 1:
            raise UsageError(f"several saved searches are called {name!r}", hint="give the id", resource="id")
        return found[0]

    async def remove(self, name: str) -> SavedSearch:
        """Remove one; what was found for it and not yet delivered never is.

        Raises:
            SavedSearchNotFound, UsageError, ServiceError: as `get`.
        """
        found = await self.get(name)
        answer = await self._client.send("DELETE", f"/{self._index}/_doc/{found.id}", None, {"refresh": "true"})
        if answer.status != _NOT_FOUND:
            judged(answer, self._client.url, f"DELETE {self._index}")
        return found

    async def pause(self, name: str) -> SavedSearch:
        """Stop one; what is indexed meanwhile is never delivered, what was found before is when it is resumed.

        Raises:
            SavedSearchNotFound, UsageError, ServiceError: as `get`.
        """
        return await self._change(await self.get(name), paused=True)

    async def resume(self, name: str) -> SavedSearch:
        """Let one go on, with what is indexed from now on.

        Raises:
            SavedSearchNotFound, UsageError, ServiceError: as `get`.
        """
        return await self._change(await self.get(name), paused=False, since=datetime.now(UTC), trouble="")

    async def note(self, found: SavedSearch, trouble: str, *, paused: bool = False) -> SavedSearch:
        """Keep why a delivery failed, or that all is well; with `paused` it is stopped too.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        changes = {"paused": True} if paused else {}
        return await self._change(found, trouble=trouble, **changes)

    async def _change(self, found: SavedSearch, **changes: Any) -> SavedSearch:  # noqa: ANN401 - fields of the record
        changed = SavedSearch.model_validate(found.model_dump() | changes)
        part = {name: _document(changed).get(name) for name in changes}
        path, how = f"/{self._index}/_update/{found.id}", {"refresh": "true", "retry_on_conflict": 5}
        answer = await self._client.send("POST", path, {"doc": part}, how)
        if answer.status != _NOT_FOUND:  # else it was removed meanwhile, and there is nothing to change
            judged(answer, self._client.url, f"POST {path}")
        return changed


def _document(search: SavedSearch) -> Json:
    found: Json = orjson.loads(search.to_json())
    return found
