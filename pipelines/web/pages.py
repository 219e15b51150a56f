"""The pages: server-rendered, without scripts, from the same operations as the API."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipelines.errors import ServiceError
from pipelines.search.bodies import SortOrder
from pipelines.search.formats import MEDIA_TYPES, Format
from pipelines.search.operations import Search
from pipelines.search.query import parse_query
from pipelines.web.links import search_link, within
from pipelines.web.river import River
from pipelines.web.templating import page
from pipelines.web.views import FACETS, edits, feed_view, freshness, paragraphs, search_view

router = APIRouter(include_in_schema=False)

_PAGE_HITS = 20
_FACET_VALUES = 8
_SIMILAR = 5
_STATIC = {"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
_FEED_TYPES = {
    title: MEDIA_TYPES[form].partition(";")[0]
    for form, title in ((Format.RSS, "RSS"), (Format.ATOM, "Atom"), (Format.JSONFEED, "JSON Feed"))
}


def _search(request: Request) -> Search:
    found: Search = request.app.state.search
    return found


def _river(request: Request) -> River:
    found: River = request.app.state.river
    return found


@router.get("/")
@router.get("/search")
async def search(
    request: Request,
    q: Annotated[str, Query()] = "",
    sort: Annotated[str, Query()] = SortOrder.RELEVANCE,
    cursor: Annotated[str | None, Query()] = None,
    after: Annotated[str, Query(max_length=40)] = "",
    before: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show articles, counts by field and time, and how the query was understood."""
    service, now = _search(request), datetime.now(UTC)
    query = parse_query(q, now)
    if after or before:
        return RedirectResponse(search_link(within(query, after, before), sort), 303)
    counts = asyncio.gather(*(service.top(query, field, _FACET_VALUES) for field in FACETS))
    found, steps, state, facets = await asyncio.gather(
        service.search(query, sort=sort, limit=_PAGE_HITS, cursor=cursor or None),
        service.timeline(query),
        river_state(service, now),
        counts,
    )
    view = search_view(q.strip(), query, sort, found, steps, facets)
    return page("search", view=view, types=_FEED_TYPES, state=state, current="/search")


@router.get("/articles/{id}")
async def article(request: Request, id: str) -> Response:  # noqa: A002 - the parameter's name in the address
    """Show one article, why it can be believed, and what is like it."""
    service, river = _search(request), _river(request)
    shown = (await service.article(id)).article
    state, hops, alike, past = await asyncio.gather(
        river_state(service, datetime.now(UTC)),
        river.hops(shown.id),
        service.similar(shown.id, _SIMILAR),
        service.history(shown.id),
    )
    words = [word for topic in shown.topics for word in topic.evidence]
    text = paragraphs(shown.body, words)
    return page("article", article=shown, text=text, hops=hops, alike=alike.hits, edits=edits(past), state=state)


@router.get("/sources")
async def sources(request: Request) -> Response:
    """Show the sources with their articles, and how each feed does."""
    service, now = _search(request), datetime.now(UTC)
    found, state = await asyncio.gather(service.sources(parse_query("", now)), river_state(service, now))
    feeds, missing = [], ""
    try:
        feeds = [feed_view(status, now) for status in await _river(request).feeds()]
    except ServiceError as error:  # the sources are worth showing without Kafka
        missing = error.message
    links = {row.source: search_link(row.filter) for row in found.sources}
    return page(
        "sources", sources=found.sources, links=links, feeds=feeds, missing=missing, state=state, current="/sources"
    )


async def river_state(service: Search, now: datetime) -> str:
    """Say in one line what the river holds, for the head of every page."""
    newest = await service.search(parse_query("", now), sort=SortOrder.NEWEST, limit=1)
    times = [hit.article.published_at or hit.article.first_seen for hit in newest.hits]
    return freshness(newest.total, times[0] if times else None, now)


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """Give the style sheet or the icon."""
    if name not in _STATIC:
        raise HTTPException(404)
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(_read(name), media_type=_STATIC[name], headers=headers)


@cache
def _read(name: str) -> bytes:
    return files("pipelines.web").joinpath("static", name).read_bytes()
