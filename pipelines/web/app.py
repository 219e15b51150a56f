"""The application: paths, what stands around them, and how errors are said.

Nothing is logged of a request: its path may hold a callback's token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from pipelines.settings import Settings
from pipelines.web.access import Access, Gate
from pipelines.web.headers import HeadAsGet, SecurityHeaders
from pipelines.web.problems import problem_of_status

Status = Callable[[], dict[str, Any]]
"""Gives what `/healthz` tells beside that the process is up."""


def application(settings: Settings, status: Status) -> FastAPI:
    """Make the application with `/healthz`: 200 while the process is up, with what it waits for as JSON.

    Args:
        settings: all settings.
        status: asked at each request.
    """
    app = FastAPI(title="Newsriver", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Access, gate=Gate(settings.serve))
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(HTTPException, problem_of_status)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, Any]:
        return {"status": "up", **status()}

    return app
