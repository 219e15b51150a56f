"""Answers of the API: JSON with an ETag of what matters in it, and 304 to who has it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

_CACHE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key"}
# These differ from one moment to the next though nothing has changed: the score has the age in it.
_FLEETING = frozenset({"took_ms", "next"})
_FLEETING_OF_ARTICLE = frozenset({"score", "explained"})


def answer(request: Request, found: Mapping[str, Any]) -> Response:
    """Answer with JSON, or 304 where the caller has the same already (RFC 9110, 13.1.2)."""
    return tagged(request, orjson.dumps(found), "application/json", _lasting(found))


def tagged(request: Request, body: bytes, media_type: str, lasting: Any) -> Response:  # noqa: ANN401 - any JSON
    """Answer with a body under a weak ETag.

    Args:
        request: the request; its `If-None-Match` is compared.
        body: the answer's body.
        media_type: its type.
        lasting: what of it says whether anything has changed.
    """
    digest = hashlib.blake2b(orjson.dumps(lasting), digest_size=16).hexdigest()
    headers = {"ETag": f'W/"{digest}"', **_CACHE}
    if _has(request.headers.get("If-None-Match", ""), digest):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def _has(sent: str, digest: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in sent.split(",")]
    return digest in tags or sent.strip() == "*"


def _lasting(found: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in found.items() if name not in _FLEETING}
    if articles := kept.get("articles"):
        kept["articles"] = [
            {name: value for name, value in article.items() if name not in _FLEETING_OF_ARTICLE} for article in articles
        ]
    return kept
