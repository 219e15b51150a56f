"""The application: paths, what stands around them, and how errors are said.

Nothing is logged of a request: its path may hold a callback's token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipelines import __version__
from pipelines.alerts.operations import Alerts
from pipelines.dashboards.answers import DashboardAnswers
from pipelines.errors import NewsriverError
from pipelines.search.operations import Search
from pipelines.settings import Settings
from pipelines.web import alerts_api, api, dashboards, pages, reference, saved_pages
from pipelines.web.access import Access, Gate
from pipelines.web.headers import HEADERS, HeadAsGet, SecurityHeaders
from pipelines.web.measured import Measured
from pipelines.web.problems import fault_of, problem
from pipelines.web.river import River
from pipelines.web.templating import fault_page
from pipelines.websub.protocol import CALLBACKS

_FOR_PROGRAMS = ("/v1/", "/openapi.json", "/healthz", CALLBACKS)

Status = Callable[[], dict[str, Any]]
"""Gives what `/healthz` tells beside that the process is up."""


def application(
    settings: Settings, status: Status, search: Search, river: River, alerts: Alerts | None = None
) -> FastAPI:
    """Make the application: `/healthz` says 200 while the process is up, with what it waits for as JSON.

    Args:
        settings: all settings.
        status: asked at each request of `/healthz`.
        search: answers the questions.
        river: tells of the river beside its articles.
        alerts: the saved searches; by default those beside the articles that are searched.
    """
    app = FastAPI(
        title="Newsriver",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": "/"}],
    )
    app.state.search, app.state.river, app.state.public_url = search, river, settings.serve.public_url
    app.state.dashboards = DashboardAnswers(search)
    app.state.alerts = alerts or Alerts(search)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Access, gate=Gate(settings.serve))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Measured)
    for kind in (HTTPException, NewsriverError, RequestValidationError, Exception):
        app.add_exception_handler(kind, _said)
    app.include_router(api.router)
    app.include_router(alerts_api.router)
    app.include_router(pages.router)
    app.include_router(dashboards.router)
    app.include_router(saved_pages.router)
    app.include_router(reference.router)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, Any]:
        return {"status": "up", **status()}

    return app


async def _said(request: Request, error: Exception) -> Response:
    """Answer whatever a handler raised: to a browser with a page, to programs with a problem."""
    fault = fault_of(request, error)
    if fault.status == 500:  # the framework answers these outside of everything that adds headers
        fault = replace(fault, headers=HEADERS)
    if "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith(_FOR_PROGRAMS):
        return fault_page(fault)
    return problem(fault)
