"""The pages of the dashboards: the panels of Kibana's, without Kibana and without scripts; and their numbers as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipelines.dashboards.aggregations import PanelTable
from pipelines.dashboards.answers import DashboardAnswers
from pipelines.dashboards.numbers import table_lines
from pipelines.dashboards.period import RANGES, ChosenPeriod, default_range
from pipelines.runtime.threads import run_in_thread
from pipelines.search.facets import unknown
from pipelines.search.formats import MEDIA_TYPES, Format, defused
from pipelines.web.dashboard_views import dashboard_view, now
from pipelines.web.pages import river_state
from pipelines.web.templating import page
from schemas.dashboards.catalogue import DASHBOARDS, dashboard_named
from schemas.dashboards.spec import Dashboard

router = APIRouter(include_in_schema=False)

REFRESHES = {"": "never", "60": "each minute", "300": "each 5 minutes"}
"""How often a page may fetch itself again: seconds, and in words."""


@router.get("/dashboards")
async def dashboards(request: Request) -> Response:
    """List the dashboards."""
    state = await river_state(request.app.state.search, now())
    return page("dashboards", boards=DASHBOARDS, state=state, current="/dashboards")


@router.get("/dashboards/{name}")
async def dashboard(
    request: Request,
    name: str,
    range: Annotated[str, Query()] = "",  # noqa: A002 - the parameter's name in the address
    refresh: Annotated[str, Query()] = "",
) -> Response:
    """Show the panels of one dashboard."""
    board = _board(name)
    if refresh not in REFRESHES:
        raise unknown("refresh", refresh, [each for each in REFRESHES if each])
    period = _period(board, range)
    answers: DashboardAnswers = request.app.state.dashboards
    tables, state = await asyncio.gather(
        answers.tables(list(board.panels), period), river_state(request.app.state.search, period.until)
    )
    view = await run_in_thread(dashboard_view, board, tables, period)
    return page(
        "dashboard",
        view=view,
        boards=DASHBOARDS,
        chosen=period.name,
        ranges=list(RANGES),
        refresh=refresh,
        refreshes=REFRESHES,
        state=state,
        current="/dashboards",
    )


@router.get("/dashboards/{name}/{panel}.csv")
async def panel_csv(
    request: Request,
    name: str,
    panel: str,
    range: Annotated[str, Query()] = "",  # noqa: A002 - the parameter's name in the address
) -> Response:
    """Give the numbers of one panel as CSV (RFC 4180), safe to open with a spreadsheet."""
    board = _board(name)
    shown = board.panel(panel)
    if shown is None or shown.view is None:
        raise HTTPException(404)
    answers: DashboardAnswers = request.app.state.dashboards
    found = (await answers.tables([shown], _period(board, range)))[panel]
    if not isinstance(found, PanelTable):
        raise found
    lines = io.StringIO()
    csv.writer(lines).writerows([defused(cell) for cell in line] for line in table_lines(found))
    disposition = f'attachment; filename="{name}-{panel}.csv"'
    return Response(lines.getvalue(), media_type=MEDIA_TYPES[Format.CSV], headers={"Content-Disposition": disposition})


def _board(name: str) -> Dashboard:
    board = dashboard_named(name)
    if board is None:
        raise HTTPException(404)
    return board


def _period(board: Dashboard, chosen: str) -> ChosenPeriod:
    """Give the chosen time.

    Raises:
        UsageError: there is no such range; `resource` is `range`.
    """
    wanted = chosen or default_range(board.since)
    if wanted not in RANGES:
        raise unknown("range", wanted, RANGES)
    return ChosenPeriod(wanted, now())
