"""The API's reference as a page: each path with a form to try it, made of the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipelines.web.templating import page

router = APIRouter(include_in_schema=False)

_EXAMPLES = {"q": "bridge", "field": "source"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a path.

    Attributes:
        name: its name.
        about: what it means.
        choices: the values it may have; empty where it has any.
        value: what the form begins with.
        required: whether it is part of the path.
    """

    name: str
    about: str
    choices: tuple[str, ...]
    value: str
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One path with one method: what it does, and its parameters."""

    method: str
    path: str
    about: str
    parameters: tuple[Parameter, ...]


@router.get("/docs")
async def reference(request: Request) -> Response:
    """Show all paths of the API."""
    return page("reference", operations=operations(request.app.openapi()), current="/docs")


@router.get("/docs/try")
async def try_it(request: Request) -> Response:
    """Lead to a path with the values of its form; the part of a path cannot come from a form without this."""
    values = dict(request.query_params)
    wanted = values.pop("path", "")
    known = next((one for one in operations(request.app.openapi()) if (one.method, one.path) == ("GET", wanted)), None)
    if known is None:
        raise HTTPException(404)
    for parameter in known.parameters:
        if parameter.required:
            wanted = wanted.replace(f"{{{parameter.name}}}", quote(values.pop(parameter.name, ""), safe=""))
    asked = urlencode({name: value for name, value in values.items() if value})
    return RedirectResponse(f"{wanted}?{asked}" if asked else wanted, 303)


def operations(document: dict[str, Any]) -> list[Operation]:
    """Give the paths of an OpenAPI document with each of their methods."""
    schemas = document.get("components", {}).get("schemas", {})
    return [
        Operation(
            method.upper(),
            path,
            each.get("description", ""),
            tuple(_parameter(parameter, schemas) for parameter in each.get("parameters", ())),
        )
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    ]


def _parameter(given: dict[str, Any], schemas: dict[str, Any]) -> Parameter:
    schema = given["schema"]
    named = str(schema.get("$ref") or schema.get("allOf", [{}])[0].get("$ref", "")).rpartition("/")[2]
    choices = tuple(schema.get("enum") or schemas.get(named, {}).get("enum", ()))
    if schema.get("type") == "boolean":
        choices = ("false", "true")
    default = schema.get("default")
    value = _EXAMPLES.get(given["name"]) or ("" if default is None else str(default).lower())
    about = given.get("description") or schema.get("description", "")
    return Parameter(given["name"], about, choices, value, given["in"] == "path")
