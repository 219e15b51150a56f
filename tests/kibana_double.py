"""A double of Kibana on loopback: the documented contract of what we call, for tests; no Kibana.

Headers, spaces, size limit, file name, duplicates, overwriting and conflicts, missing references, what an import adds
to an object, the Dashboards API's strict bodies and the defaults that it gives back.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from tests.kibana_rules import BODY_KEYS, SHARED_KEYS, VIS_KEYS

Json = dict[str, Any]


class KibanaDouble:
    """What it holds and how it answers.

    Attributes:
        version: what it says it is.
        key: the only API key it knows; empty for a Kibana without security.
        objects: saved objects by space, type and id.
        boards: bodies of the Dashboards API by id, each with its space.
        writes: writing requests that were taken, as method and path.
        busy: answers that say 503 before it works.
        most_bytes: largest import.
        base: path before all of its own.
    """

    def __init__(self, version: str = "8.19.9") -> None:
        self.version = version
        self.key = ""
        self.spaces = {"default", "news"}
        self.objects: dict[tuple[str, str, str], Json] = {}
        self.boards: dict[str, tuple[str, Json]] = {}
        self.writes: list[tuple[str, str]] = []
        self.busy = 0
        self.most_bytes = 26_214_400
        self.base = ""
        self.moved = False
        self.url = ""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=100_000_000)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix(self.base)
        space = "default"
        if path.startswith("/s/"):
            _, _, space, rest = path.split("/", 3)
            path = f"/{rest}"
        return self._refused(request, space) or await self._handled(space, path, request)

    def _refused(self, request: web.Request, space: str) -> web.Response | None:
        if self.busy:
            self.busy -= 1
            return refusal(503, "Kibana server is not ready yet")
        if self.moved:
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        if self.key and request.headers.get("Authorization") != f"ApiKey {self.key}":
            return refusal(401, "[security_exception] missing or wrong credentials")
        if space not in self.spaces or not request.path.startswith(self.base):
            return refusal(404, "Not Found")
        if request.method in ("POST", "PUT") and "kbn-xsrf" not in request.headers:
            return refusal(400, "Request must contain a kbn-xsrf header.")
        return None

    async def _handled(self, space: str, path: str, request: web.Request) -> web.Response:
        if path == "/api/status":
            return web.json_response({"name": "double", "version": {"number": self.version}})
        if path == "/api/saved_objects/_export":
            return self._export(space, await request.json())
        if path == "/api/saved_objects/_import":
            return await self._import(space, request)
        if path.startswith("/api/dashboards/") and self._number >= (9, 5):
            return await self._board(space, path.rpartition("/")[2], request)
        return refusal(404, "Not Found")

    @property
    def _number(self) -> tuple[int, ...]:
        return tuple(map(int, self.version.split(".")[:2]))

    def _export(self, space: str, asked: Json) -> web.Response:
        found, missing = [], []
        for each in asked["objects"]:
            kept = self.objects.get((space, each["type"], each["id"]))
            if kept is None:
                missing.append({**each, "error": {"statusCode": 404, "error": "Not Found", "message": "not found"}})
            else:
                found.append(json.dumps(kept))
        if missing:
            return refusal(400, "Error fetching objects to export", {"objects": missing})
        return web.Response(text="\n".join(found), content_type="application/ndjson")

    async def _import(self, space: str, request: web.Request) -> web.Response:
        part: Any = await (await request.multipart()).next()
        if not (part.filename or "").endswith(".ndjson"):
            return refusal(400, f"Invalid file extension {part.filename}")
        data = await part.read()
        if len(data) > self.most_bytes:
            return refusal(413, "Payload content length greater than maximum allowed")
        objects = [json.loads(line) for line in data.decode().splitlines()]
        keys = [(space, each["type"], each["id"]) for each in objects]
        if len(set(keys)) != len(keys):
            return refusal(400, "Non-unique import objects detected")
        errors = [
            {"type": each["type"], "id": each["id"], "error": {"type": why}}
            for key, each in zip(keys, objects, strict=True)
            if (why := self._why_not(space, key, each, set(keys), overwrite=request.query.get("overwrite") == "true"))
        ]
        if not errors:
            self.objects |= {key: migrated(each) for key, each in zip(keys, objects, strict=True)}
            self.writes.append(("POST", request.path))
        answer = {"success": not errors, "successCount": len(objects) - len(errors), "errors": errors, "warnings": []}
        return web.json_response(answer)

    def _why_not(self, space: str, key: Any, found: Json, others: set[Any], *, overwrite: bool) -> str:
        if key in self.objects and not overwrite:
            return "conflict"
        ends = [
            (space, to["type"], to["id"]) for to in found["references"] if to["type"] in ("index-pattern", "search")
        ]
        return "missing_references" if any(end not in others and end not in self.objects for end in ends) else ""

    async def _board(self, space: str, name: str, request: web.Request) -> web.Response:
        owner, kept = self.boards.get(name, (space, None))
        if request.method == "GET":
            if kept is None or owner != space:
                return refusal(404, f"A dashboard with ID {name} was not found.")
            return web.json_response({"id": name, "data": with_defaults(kept), "meta": {}})
        if owner != space:
            return refusal(409, "the id belongs to another space")
        body = await request.json()
        if unknown := unknown_keys(body):
            return refusal(400, f"[request body]: unrecognized keys {sorted(unknown)}")
        self.boards[name] = space, body
        self.writes.append(("PUT", request.path))
        return web.json_response({"id": name, "data": body, "meta": {}}, status=201 if kept is None else 200)


def refusal(status: int, message: str, attributes: Json | None = None) -> web.Response:
    body = {"statusCode": status, "error": "Refused", "message": message}
    return web.json_response(body | ({"attributes": attributes} if attributes else {}), status=status)


def migrated(found: Json) -> Json:
    """Give an object as Kibana stores it: newer versions, keys of its own, texts of JSON written anew."""
    attributes = dict(found["attributes"])
    if found["type"] == "dashboard":
        panels = json.loads(attributes["panelsJSON"])
        for panel in panels:
            if "attributes" in panel["embeddableConfig"]:
                panel["embeddableConfig"]["attributes"]["version"] = 2
            panel["embeddableConfig"]["syncColors"] = False
        attributes["panelsJSON"] = json.dumps(panels, indent=1, sort_keys=True)
    extra = {"version": "WzEsMV0=", "updated_at": "2026-11-24T12:00:00.000Z", "created_at": "2026-11-24T12:00:00.000Z"}
    return {**found, "attributes": attributes, "typeMigrationVersion": "10.9.0", **extra}


def with_defaults(body: Json) -> Json:
    """Give a body as the API gives it back: defaults filled in, the keys in another order."""
    shown = json.loads(json.dumps(body, sort_keys=True))
    shown["filters"] = []
    for panel in shown["panels"]:
        panel["config"].setdefault("filters", [])
        panel["config"].setdefault("query", {"expression": "", "language": "kql"})
        panel["config"].setdefault("sampling", 1)
    shown["options"]["hide_panel_titles"] = False
    return dict(shown)


def unknown_keys(body: Json) -> set[str]:
    """Give the keys of a body that its schema does not have."""
    unknown = set(body) - BODY_KEYS
    for panel in body["panels"]:
        unknown |= set(panel) - {"id", "type", "grid", "config"}
        if panel["type"] == "vis":
            unknown |= set(panel["config"]) - SHARED_KEYS - VIS_KEYS[panel["config"]["type"]]
    return unknown


@contextmanager
def served(double: KibanaDouble) -> Iterator[str]:
    """Serve a double in a thread; gives its address."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    port = 0

    async def begin() -> web.AppRunner:
        nonlocal port
        runner = web.AppRunner(double.app())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        started.set()
        return runner

    runner = None

    def work() -> None:
        nonlocal runner
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(begin())
        loop.run_forever()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(20)
    double.url = f"http://127.0.0.1:{port}{double.base}"
    try:
        yield double.url
    finally:
        if runner is not None:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
