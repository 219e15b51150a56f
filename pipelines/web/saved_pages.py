"""The pages of saved searches: save, list, pause, remove, and each one's feed under a lasting address."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Path
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipelines.alerts.saved_searches import SavedSearchDraft
from pipelines.errors import UsageError
from pipelines.search.bodies import SortOrder
from pipelines.search.formats import Format
from pipelines.search.query import parse_query
from pipelines.web.alerts_api import BODY_SECONDS, MOST_BODY_BYTES, alerts_of
from pipelines.web.api import formatted, search_of
from pipelines.web.body import read_body
from pipelines.web.pages import river_state
from pipelines.web.same_origin import check_same_origin
from pipelines.web.templating import page
from schemas.records import AlertChannel

router = APIRouter(include_in_schema=False)

_FEEDS = {"rss": Format.RSS, "atom": Format.ATOM, "json": Format.JSONFEED}
_FEED_ARTICLES = 100
_SEE_OTHER, _NOT_FOUND = 303, 404


@router.get("/saved")
async def saved(request: Request) -> Response:
    """Show the saved searches."""
    return await _shown(request)


@router.post("/saved")
async def save(request: Request) -> Response:
    """Save the search of a form; a webhook's secret is shown this once."""
    form = await _form(request)
    target = form.get("target", "").strip()
    channel = AlertChannel.FEED
    if target:
        channel = AlertChannel.WEBHOOK if "://" in target else AlertChannel.EMAIL
    made = await alerts_of(request).add(SavedSearchDraft(form.get("q", ""), form.get("name", ""), channel, target))
    if secret := made.search.secret.get_secret_value():
        return await _shown(request, secret)
    return RedirectResponse("/saved", _SEE_OTHER)


@router.post("/saved/{id}/{action}")
async def change(request: Request, id: str, action: str) -> Response:  # noqa: A002 - the parameter's name in the address
    """Pause, resume or remove one."""
    await _form(request)
    alerts = alerts_of(request)
    actions = {"pause": alerts.pause, "resume": alerts.resume, "remove": alerts.remove}
    if action not in actions:
        raise HTTPException(_NOT_FOUND)
    await actions[action](id)
    return RedirectResponse("/saved", _SEE_OTHER)


@router.get("/saved/{id}.{form}")
async def feed(request: Request, id: Annotated[str, Path(pattern="^[0-9a-f]{12}$")], form: str) -> Response:  # noqa: A002
    """Give the newest articles that fit a saved search, as RSS, Atom or JSON Feed."""
    if form not in _FEEDS:
        raise HTTPException(_NOT_FOUND)
    found = await alerts_of(request).get(id)
    query = parse_query(found.query, datetime.now(UTC))
    articles = await search_of(request).search(query, sort=SortOrder.NEWEST, limit=_FEED_ARTICLES)
    return formatted(request, articles, _FEEDS[form], found.name)


async def _shown(request: Request, secret: str = "") -> Response:
    found, state = await asyncio.gather(alerts_of(request).list(), river_state(search_of(request), datetime.now(UTC)))
    return page("saved", found=found, secret=secret, state=state, current="/saved")


async def _form(request: Request) -> dict[str, str]:
    """Read a form of our own page.

    Raises:
        HTTPException: 403 it is another site's; as `read_body`.
        UsageError: it has too many fields.
    """
    check_same_origin(request, browser=True)
    body = await read_body(request, MOST_BODY_BYTES, BODY_SECONDS)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        raise UsageError("the form has too many fields") from None
    return {name: values[0] for name, values in fields.items()}
