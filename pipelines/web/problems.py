"""Errors -> what a caller is told: status, one sentence, the parameter, the nearest right value (RFC 9457)."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, get_type_hints

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pipelines.errors import ArticleNotFound, FetchFault, NewsriverError, SavedSearchNotFound, ServiceError, UsageError
from pipelines.web.parameters import NewAlert, Parameters

log = logging.getLogger(__name__)

_RETRY = {"Retry-After": "5"}
_AWAY = "Elasticsearch does not answer; this comes back by itself, ask again in a moment"
_CHOICE = re.compile(r"'([^']+)'")


@dataclass(frozen=True, slots=True)
class HttpFault:
    """What a caller is told.

    Attributes:
        status: HTTP status.
        detail: what happened, one sentence.
        parameter: the parameter that is wrong; empty for none.
        hint: what to do next; empty for nothing.
        headers: further headers of the answer.
    """

    status: int
    detail: str
    parameter: str = ""
    hint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase


def problem(fault: HttpFault) -> Response:
    """Give a fault as `application/problem+json`."""
    body = {"title": fault.title, "status": fault.status, "detail": fault.detail}
    body |= {name: text for name, text in (("parameter", fault.parameter), ("hint", fault.hint)) if text}
    return JSONResponse(body, fault.status, fault.headers, media_type="application/problem+json")


def fault_of(request: Request, error: Exception) -> HttpFault:
    """Say what an error means to the caller: 4xx it is the caller's, 503 a server is away, 500 it is ours."""
    match error:
        case HTTPException():
            return HttpFault(error.status_code, error.detail, headers=error.headers or {})
        case RequestValidationError():
            return _wrong_parameter(request, error)
        case ArticleNotFound() | SavedSearchNotFound() | FetchFault():
            return HttpFault(502 if isinstance(error, FetchFault) else 404, error.message, hint=error.hint)
        case UsageError():
            return HttpFault(400, error.message, error.resource, error.hint)
        case ServiceError():
            log.warning("a request is answered 503: %s", error)
            return HttpFault(503, _AWAY, headers=_RETRY)
        case NewsriverError():
            log.error("a request failed: %s", error)
    return HttpFault(500, "this is a fault of the server's own; its log says more")


def _wrong_parameter(request: Request, error: RequestValidationError) -> HttpFault:
    first: dict[str, Any] = error.errors()[0]
    name = str(first["loc"][-1])[:60]
    if first["type"] == "extra_forbidden":
        known = list(NewAlert.model_fields) if first["loc"][0] == "body" else _known(request)
        return HttpFault(400, f"there is no parameter {name!r}", name, _near(name, known))
    given, limits = str(first.get("input", ""))[:60], first.get("ctx", {})
    if choices := _CHOICE.findall(str(limits.get("expected", ""))):
        return HttpFault(400, f"no {name} {given!r}", name, _near(given, choices))
    bound = next((str(limits[side]) for side in ("le", "ge") if side in limits), "")
    return HttpFault(400, f"{name} {given!r}: {first['msg']}", name, bound and f"the nearest is {bound}")


def _near(text: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(text[:60].lower(), names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"it may be {', '.join(names)}" if names else "there are none"


def _known(request: Request) -> list[str]:
    """Give the names of the parameters that the path takes."""
    hints = get_type_hints(request.scope["route"].endpoint).values()
    models = [hint for hint in hints if isinstance(hint, type) and issubclass(hint, Parameters)]
    return [name for model in models for name in model.model_fields]
