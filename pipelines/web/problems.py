"""Errors as `application/problem+json` (RFC 9457): what happened, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def problem(status: int, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: str) -> Response:
    """Make an error's answer.

    Args:
        status: HTTP status.
        detail: what happened, one sentence; the status's own phrase where it is empty.
        headers: further headers.
        members: further members, e.g. `parameter`; empty ones are left out.
    """
    phrase = HTTPStatus(status).phrase
    body = {"title": phrase, "status": status, "detail": detail or phrase}
    body |= {name: value for name, value in members.items() if value}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def problem_of_status(_: Request, error: Exception) -> Response:
    """Answer an `HTTPException`, also that of a path that is not there or a method that a path does not have."""
    assert isinstance(error, HTTPException)  # noqa: S101 - for mypy: it is registered for no other
    detail = "" if error.detail == HTTPStatus(error.status_code).phrase else str(error.detail)
    return problem(error.status_code, detail, headers=error.headers)
