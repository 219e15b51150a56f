"""The HTTP API below `/v1`: the operations of search under the names and parameters of the commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pipelines.search.facets import FACETS
from pipelines.search.formats import (
    MEDIA_TYPES,
    FeedFacts,
    Format,
    atom,
    csv_header,
    csv_line,
    csv_lines,
    jsonfeed,
    ndjson_line,
    rss,
)
from pipelines.search.operations import Search
from pipelines.search.results import ExportItem, SearchResult
from pipelines.web.answers import answer, tagged
from pipelines.web.models import (
    ArticleAnswer,
    CountAnswer,
    ExportedArticle,
    HistoryAnswer,
    ProblemAnswer,
    SearchAnswer,
    SimilarAnswer,
    SourcesAnswer,
    SuggestAnswer,
    TimelineAnswer,
    TopAnswer,
    TopicsAnswer,
)
from pipelines.web.parameters import (
    ExportParameters,
    NoParameters,
    QueryParameters,
    SearchParameters,
    SimilarParameters,
    SuggestParameters,
    TermsParameters,
    TimelineParameters,
    TopParameters,
)

_PROBLEM = {"model": ProblemAnswer, "content": {"application/problem+json": {}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": _PROBLEM | {"description": "A parameter is wrong, or the caller may not ask."},
    503: _PROBLEM | {"description": "Elasticsearch is away; `Retry-After` says when to ask again."},
}
_OTHER_FORMATS: dict[str, dict[str, Any]] = {media.partition(";")[0]: {} for media in MEDIA_TYPES.values()}
_LINES: dict[str, dict[str, Any]] = {"application/x-ndjson": {}, "text/csv": {}}
_FEEDS = {Format.RSS: rss, Format.ATOM: atom, Format.JSONFEED: jsonfeed}

Facet = Annotated[str, Path(description="A keyword field.", json_schema_extra={"enum": [*FACETS]})]
"""Declared to callers; what it may be is checked by search itself, which names the nearest."""

router = APIRouter(prefix="/v1", responses=RESPONSES)


def search_of(request: Request) -> Search:
    """Give the application's search."""
    found: Search = request.app.state.search
    return found


@router.get("/search", response_model=SearchAnswer, responses={200: {"content": _OTHER_FORMATS}})
async def search(request: Request, asked: Annotated[SearchParameters, Query()]) -> Response:
    """Find articles, one page of them."""
    found = await search_of(request).search(
        asked.query, sort=asked.sort, limit=asked.limit, cursor=asked.cursor, explain=asked.explain
    )
    if asked.format is Format.JSON:
        return answer(request, found.to_json())
    return formatted(request, found, asked.format)


@router.get("/count", response_model=CountAnswer)
async def count(request: Request, asked: Annotated[QueryParameters, Query()]) -> Response:
    """Count the articles that a query finds, exactly."""
    return answer(request, (await search_of(request).count(asked.query)).to_json())


@router.get("/timeline", response_model=TimelineAnswer)
async def timeline(request: Request, asked: Annotated[TimelineParameters, Query()]) -> Response:
    """Count articles over time, beside all articles of each interval."""
    return answer(request, (await search_of(request).timeline(asked.query, asked.interval)).to_json())


@router.get("/top/{field}", response_model=TopAnswer)
async def top(request: Request, field: Facet, asked: Annotated[TopParameters, Query()]) -> Response:
    """Count articles by the values of a field."""
    return answer(request, (await search_of(request).top(asked.query, field, asked.limit)).to_json())


@router.get("/terms", response_model=TopAnswer)
async def terms(request: Request, asked: Annotated[TermsParameters, Query()]) -> Response:
    """Find what is significant in the articles that fit, against all others."""
    return answer(request, (await search_of(request).terms(asked.query, asked.field, asked.limit)).to_json())


@router.get("/articles/{id}", response_model=ArticleAnswer)
async def article(request: Request, id: str, asked: Annotated[NoParameters, Query()]) -> Response:  # noqa: A002, ARG001
    """Give one article."""
    return answer(request, (await search_of(request).article(id)).to_json())


@router.get("/articles/{id}/history", response_model=HistoryAnswer)
async def history(request: Request, id: str, asked: Annotated[NoParameters, Query()]) -> Response:  # noqa: A002, ARG001
    """Give each text that an article had, and what changed from one to the next, word by word."""
    return answer(request, (await search_of(request).history(id)).to_json())


@router.get("/articles/{id}/similar", response_model=SimilarAnswer)
async def similar(request: Request, id: str, asked: Annotated[SimilarParameters, Query()]) -> Response:  # noqa: A002
    """Find articles that share the telling words of one, in its language."""
    return answer(request, (await search_of(request).similar(id, asked.limit)).to_json())


@router.get("/export", response_model=ExportedArticle, responses={200: {"content": _LINES}})
async def export(request: Request, asked: Annotated[ExportParameters, Query()]) -> Response:
    """Give all articles that fit, oldest first, without a limit; an answer that is cut off goes on by `cursor`."""
    items = search_of(request).export(asked.query, asked.cursor)
    first = await anext(items, None)  # so that a wrong cursor or a server that is away is answered as such
    lines = _csv(first, items) if asked.format == "csv" else _ndjson(first, items)
    return StreamingResponse(lines, media_type=MEDIA_TYPES[Format(asked.format)])


@router.get("/suggest", response_model=SuggestAnswer)
async def suggest(request: Request, asked: Annotated[SuggestParameters, Query()]) -> Response:
    """Say what a text that is being typed may become: names and titles that begin so, and corrected words."""
    return answer(request, (await search_of(request).suggest(asked.q)).to_json())


@router.get("/topics", response_model=TopicsAnswer)
async def topics(request: Request, asked: Annotated[NoParameters, Query()]) -> Response:  # noqa: ARG001
    """Count articles by topic."""
    return answer(request, (await search_of(request).topics()).to_json())


@router.get("/sources", response_model=SourcesAnswer)
async def sources(request: Request, asked: Annotated[QueryParameters, Query()]) -> Response:
    """Give the sources of the articles that fit."""
    return answer(request, (await search_of(request).sources(asked.query)).to_json())


async def _ndjson(first: ExportItem | None, items: AsyncIterator[ExportItem]) -> AsyncIterator[bytes]:
    if first is not None:
        yield ndjson_line(first.to_json())
        async for item in items:
            yield ndjson_line(item.to_json())


async def _csv(first: ExportItem | None, items: AsyncIterator[ExportItem]) -> AsyncIterator[str]:
    yield csv_header()
    if first is not None:
        yield csv_line(first.to_json())
        async for item in items:
            yield csv_line(item.to_json())


def formatted(request: Request, found: SearchResult, form: Format, title: str = "") -> Response:
    """Write a page of articles as lines, a table or a feed.

    Args:
        request: the request; its address is the feed's own.
        found: the articles.
        form: how they are written.
        title: a feed's title; by default the query.
    """
    articles = [hit.to_json() for hit in found.hits]
    if form in _FEEDS:
        body = _FEEDS[form](_feed_facts(request, found, title), articles)
    elif form is Format.CSV:
        body = "".join(csv_lines(articles)).encode()
    else:
        body = b"".join(map(ndjson_line, articles))
    lasting = [form, str(request.url), [(hit.article.id, hit.article.fetched_at) for hit in found.hits]]
    return tagged(request, body, MEDIA_TYPES[form], lasting)


def _feed_facts(request: Request, found: SearchResult, title: str) -> FeedFacts:
    base = request.app.state.public_url or str(request.base_url).rstrip("/")
    page = f"{base}/search?{urlencode({'q': found.query})}"
    address = f"{base}{request.url.path}" + (f"?{request.url.query}" if request.url.query else "")
    return FeedFacts(f"Newsriver: {title or found.query}", page, address, datetime.now(UTC))
