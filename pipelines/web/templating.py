"""Templates of the pages, everything escaped, and what every page is sent with."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from pipelines.web.links import search_link
from pipelines.web.problems import HttpFault
from pipelines.web.views import moment

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""A page loads our own style sheet and icon, sends forms to us, runs no script and shows no image of others."""

_environment = Environment(
    loader=PackageLoader("pipelines.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"moment": moment, "search_link": search_link}


def page(name: str, status: int = 200, headers: dict[str, str] | None = None, **shown: Any) -> Response:  # noqa: ANN401
    """Render a page.

    Args:
        name: the template, without its ending.
        status: HTTP status.
        headers: further headers.
        shown: what the template shows; `state` and `current` may be left out.
    """
    html = _environment.get_template(f"{name}.html").render({"state": "", "current": "", **shown})
    # Browsers name the origin of a form sent to ourselves only where the page lets them; no other site learns it.
    ours = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "same-origin"}
    return HTMLResponse(html, status, {**(headers or {}), **ours})


def fault_page(fault: HttpFault) -> Response:
    """Give a fault as a page."""
    return page("error", fault.status, dict(fault.headers), fault=fault)
