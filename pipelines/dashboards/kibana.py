"""A Kibana, asked over HTTP: what it has, and what it is given.

Contract: https://www.elastic.co/docs/api/doc/kibana. The key goes to the one address that the settings name and
nowhere else: redirects are not followed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from pipelines.backoff import Backoff
from pipelines.errors import NewsriverError, ServiceError, SettingsError
from pipelines.settings import KibanaSettings
from pipelines.settings.secrets import readable, secret

Json = dict[str, Any]

OLDEST = (8, 8)
DASHBOARDS_API = (9, 5)
"""The first Kibana whose Dashboards API keeps its form."""

_BUSY = frozenset({429, 502, 503, 504})
_TRIES = 4
_PAUSES = Backoff(1.0, 30.0)
_MOST_BYTES = 64_000_000
_API_VERSION = "2023-10-31"


@dataclass(frozen=True, slots=True)
class KibanaAnswer:
    """One answer: its HTTP status and its text."""

    status: int
    text: str

    @property
    def ok(self) -> bool:
        """Whether it says that all went well."""
        return 200 <= self.status < 300

    @property
    def body(self) -> Any:  # noqa: ANN401 - any JSON
        """What it says, read as JSON; None where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def message(self) -> str:
        """Why not, in one line."""
        body = self.body
        text = body.get("message") if isinstance(body, dict) else None
        return " ".join(str(text or self.text or "no reason given").split())[:300]


class Kibana:
    """One Kibana and the space in it that the settings name.

    Args:
        settings: where it is and who we are.

    Raises:
        SettingsError: no address is set, or a file of the settings cannot be read.
    """

    def __init__(self, settings: KibanaSettings) -> None:
        if not settings.url:
            raise SettingsError(
                "no Kibana is set",
                hint="set kibana.url, and kibana.api_key where it asks for one",
                resource="kibana.url",
            )
        self.url = settings.url.rstrip("/")
        self._space = settings.space
        self._seconds = settings.timeout_seconds
        self._headers = {"kbn-xsrf": "true", "Elastic-Api-Version": _API_VERSION}
        if key := secret(settings.api_key, settings.api_key_file, "kibana.api_key_file"):
            self._headers["Authorization"] = f"ApiKey {key}"
        self._tls: ssl.SSLContext | bool = True
        if settings.ca_certs is not None:
            self._tls = ssl.create_default_context(cafile=readable(settings.ca_certs, "kibana.ca_certs"))
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open connections as they are needed."""
        timeout = aiohttp.ClientTimeout(total=self._seconds)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        if self._session is not None:
            await self._session.close()

    async def version(self) -> tuple[int, int]:
        """Give its version as major and minor.

        Raises:
            ServiceError: it does not answer.
            NewsriverError: it is no Kibana, or older than `OLDEST`.
        """
        answer = await self._ask("GET", "/api/status", everywhere=True)
        body = answer.body
        try:
            major, minor, *_ = str(body["version"]["number"]).split(".")
            found = int(major), int(minor)
        except (TypeError, KeyError, ValueError):
            raise NewsriverError(f"{self.url} is no Kibana: {answer.message}", resource=self.url) from None
        if found < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise NewsriverError(
                f"Kibana {major}.{minor} at {self.url} is older than {oldest}, which these dashboards need",
                resource=self.url,
            )
        return found

    async def saved_object(self, kind: str, name: str) -> Json | None:
        """Give a saved object as it is; None where there is none.

        Raises:
            ServiceError, NewsriverError: as `version`.
        """
        asked = {"objects": [{"type": kind, "id": name}], "excludeExportDetails": True}
        answer = await self._ask("POST", "/api/saved_objects/_export", body=asked)
        if _is_missing(answer):
            return None
        lines = self._good(answer, f"reading {kind} {name}").text.splitlines()
        found: Json | None = json.loads(lines[0]) if lines else None
        return found

    async def import_objects(self, text: str) -> None:
        """Import saved objects, over those that are there.

        Raises:
            ServiceError: it does not answer.
            NewsriverError: it refuses, or one of the objects; nothing that depends on that one is made.
        """
        answer = await self._ask("POST", "/api/saved_objects/_import?overwrite=true", file=text)
        body = self._good(answer, "importing").body or {}
        if not body.get("success"):
            errors = [
                f"{each.get('type')} {each.get('id')}: {each.get('error', {}).get('type', 'unknown')}"
                for each in body.get("errors", ())
            ]
            raise NewsriverError(
                f"Kibana at {self.url} does not take {len(errors) or 'some'} of the objects: {'; '.join(errors[:3])}",
                hint="what is missing or in conflict there has to be repaired in Kibana",
                resource=self.url,
            )

    async def dashboard(self, name: str) -> Json | None:
        """Give a dashboard as the Dashboards API has it; None where there is none.

        Raises:
            ServiceError, NewsriverError: as `version`.
        """
        answer = await self._ask("GET", f"/api/dashboards/{name}")
        if answer.status == 404:
            return None
        found: Json = self._good(answer, f"reading dashboard {name}").body["data"]
        return found

    async def put_dashboard(self, name: str, body: Json) -> None:
        """Make a dashboard, or replace the one with its id.

        Raises:
            ServiceError: it does not answer.
            NewsriverError: it refuses; 409 says that another space has the id.
        """
        answer = await self._ask("PUT", f"/api/dashboards/{name}", body=body)
        if answer.status == 409:
            raise NewsriverError(
                f"Kibana has {name} in another space than {self._space!r}",
                hint="push into that space, or delete the dashboard there",
                resource=name,
            )
        self._good(answer, f"writing dashboard {name}")

    async def _ask(
        self, method: str, path: str, *, body: Json | None = None, file: str | None = None, everywhere: bool = False
    ) -> KibanaAnswer:
        """Send a request, again while the server is busy; `everywhere` for a path that belongs to no space."""
        space = "" if everywhere or self._space == "default" else f"/s/{self._space}"
        for attempt in range(1, _TRIES + 1):
            try:
                answer = await self._send(method, f"{self.url}{space}{path}", body, file)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if attempt == _TRIES or isinstance(error, aiohttp.ClientSSLError):
                    why = str(error) or type(error).__name__
                    raise ServiceError(
                        f"Kibana at {self.url} does not answer: {why}", hint="look at kibana.url", resource=self.url
                    ) from None
            else:
                if answer.status not in _BUSY or attempt == _TRIES:
                    return self._allowed(answer)
            await asyncio.sleep(_PAUSES.pause(attempt))
        raise AssertionError  # the last attempt returns or raises

    async def _send(self, method: str, url: str, body: Json | None, file: str | None) -> KibanaAnswer:
        if self._session is None:
            raise RuntimeError("used outside of its block")
        data: aiohttp.FormData | None = None
        if file is not None:
            data = aiohttp.FormData()
            data.add_field("file", file.encode(), filename="newsriver.ndjson", content_type="application/ndjson")
        async with self._session.request(
            method, url, json=body, data=data, ssl=self._tls, allow_redirects=False
        ) as answer:
            read = await answer.content.read(_MOST_BYTES)
            while not answer.content.at_eof() and len(read) < _MOST_BYTES:
                read += await answer.content.read(_MOST_BYTES - len(read))
            return KibanaAnswer(answer.status, read.decode(errors="replace"))

    def _allowed(self, answer: KibanaAnswer) -> KibanaAnswer:
        """Raise what no request can go on with: no access, a redirect, a server that is busy for good."""
        if answer.status in (401, 403):
            raise ServiceError(
                f"Kibana at {self.url} refuses access: {answer.message}",
                hint=f"set kibana.api_key to one that may manage saved objects in the space {self._space!r}",
                resource=self.url,
            )
        if 300 <= answer.status < 400:
            raise NewsriverError(
                f"Kibana at {self.url} sends us elsewhere ({answer.status})",
                hint="set kibana.url to its own address, with its base path if it has one",
                resource=self.url,
            )
        if answer.status in _BUSY:
            raise ServiceError(
                f"Kibana at {self.url} cannot answer now ({answer.status}): {answer.message}", resource=self.url
            )
        return answer

    def _good(self, answer: KibanaAnswer, what: str) -> KibanaAnswer:
        if answer.ok:
            return answer
        hints = {
            404: f"is there a space {self._space!r}? kibana.space names it",
            413: "raise savedObjects.maxImportPayloadBytes in its settings",
        }
        raise NewsriverError(
            f"Kibana at {self.url} refuses {what} ({answer.status}): {answer.message}",
            hint=hints.get(answer.status, ""),
            resource=self.url,
        )


def _is_missing(answer: KibanaAnswer) -> bool:
    """Whether an export says that the object does not exist: a 400 that names it as not found."""
    body = answer.body
    if answer.status == 404:
        return True
    if answer.status != 400 or not isinstance(body, dict):
        return False
    objects = (body.get("attributes") or {}).get("objects") or ()
    return any(each.get("error", {}).get("statusCode") == 404 for each in objects)
