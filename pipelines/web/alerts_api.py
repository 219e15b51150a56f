"""The HTTP API of saved searches, below `/v1/alerts`: the commands of `newsriver alerts` under their names."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pipelines.alerts.operations import Alerts, SavedSearchStatus
from pipelines.alerts.saved_searches import SavedSearchDraft
from pipelines.web.api import RESPONSES
from pipelines.web.body import read_body
from pipelines.web.models import AlertAnswer, AlertsAnswer, AlertTestAnswer, NewAlertAnswer
from pipelines.web.parameters import NewAlert, NoParameters
from pipelines.web.same_origin import check_same_origin

MOST_BODY_BYTES = 32_768
BODY_SECONDS = 10.0
_CREATED, _NO_CONTENT, _UNSUPPORTED = 201, 204, 415


router = APIRouter(prefix="/v1/alerts", responses=RESPONSES)
_SCHEMA = NewAlert.model_json_schema(ref_template="#/components/schemas/{model}")
_SCHEMA.pop("$defs", None)  # they are among the document's own, since answers name them too
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}

Nothing = Annotated[NoParameters, Query()]


def alerts_of(request: Request) -> Alerts:
    """Give the application's saved searches."""
    found: Alerts = request.app.state.alerts
    return found


@router.get("", response_model=AlertsAnswer)
async def list_alerts(request: Request, asked: Nothing) -> Response:  # noqa: ARG001 - refuses parameters
    """Give all saved searches with what waits for each."""
    return JSONResponse({"alerts": [one.to_json() for one in await alerts_of(request).list()]})


@router.post("", response_model=NewAlertAnswer, status_code=_CREATED, openapi_extra=_BODY)
async def add_alert(request: Request, asked: Nothing) -> Response:  # noqa: ARG001
    """Save a search; a webhook's `secret` is given this once."""
    check_same_origin(request)
    wanted = await _new_alert(request)
    draft = SavedSearchDraft(wanted.query, wanted.name, wanted.channel, wanted.target, wanted.every_seconds)
    made = await alerts_of(request).add(draft)
    where = {"Location": f"/v1/alerts/{made.search.id}"}
    return JSONResponse(made.to_json(secret=True), _CREATED, where)


@router.get("/{id}", response_model=AlertAnswer)
async def get_alert(request: Request, id: str, asked: Nothing) -> Response:  # noqa: A002, ARG001
    """Give one saved search, by its id or name."""
    found = await alerts_of(request).get(id)
    every = await alerts_of(request).list()
    return JSONResponse(next((one for one in every if one.search.id == found.id), SavedSearchStatus(found)).to_json())


@router.delete("/{id}", status_code=_NO_CONTENT)
async def remove_alert(request: Request, id: str, asked: Nothing) -> Response:  # noqa: A002, ARG001
    """Remove one, and what waits for it."""
    check_same_origin(request)
    await alerts_of(request).remove(id)
    return Response(status_code=_NO_CONTENT)


@router.post("/{id}/pause", response_model=AlertAnswer)
async def pause_alert(request: Request, id: str, asked: Nothing) -> Response:  # noqa: A002, ARG001
    """Stop one; what is indexed until it is resumed is never delivered."""
    check_same_origin(request)
    return JSONResponse(SavedSearchStatus(await alerts_of(request).pause(id)).to_json())


@router.post("/{id}/resume", response_model=AlertAnswer)
async def resume_alert(request: Request, id: str, asked: Nothing) -> Response:  # noqa: A002, ARG001
    """Let one go on, with what is indexed from now on."""
    check_same_origin(request)
    return JSONResponse(SavedSearchStatus(await alerts_of(request).resume(id)).to_json())


@router.post("/{id}/test", response_model=AlertTestAnswer)
async def test_alert(request: Request, id: str, asked: Nothing) -> Response:  # noqa: A002, ARG001
    """Deliver the newest articles that fit now, at most three, marked as a test."""
    check_same_origin(request)
    return JSONResponse({"delivered": await alerts_of(request).test(id)})


async def _new_alert(request: Request) -> NewAlert:
    """Read the body.

    Raises:
        HTTPException: 415 it is no JSON by its type, which a form of another site could send; as `read_body`.
        RequestValidationError: a field is wrong.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(_UNSUPPORTED, "send application/json")
    body = await read_body(request, MOST_BODY_BYTES, BODY_SECONDS)
    try:
        return NewAlert.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(_errors(error)) from None


def _errors(error: ValidationError) -> list[dict[str, Any]]:
    """Give pydantic's errors as those of a request; one of the whole body has no place of its own."""
    return [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
