"""What the sample site answers, apart from any server: pure functions of what was asked and how often."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime

from pipelines.demo.outlets import Article, Outlet, Validator, load_outlets
from pipelines.demo.templates import article_page
from pipelines.demo.timetable import Timetable

HTML = "text/html; charset=utf-8"
NOT_MODIFIED = 304


@dataclass(frozen=True, kw_only=True)
class SampleVisit:
    """One request, as far as an answer depends on it.

    Attributes:
        earlier: how often this address was asked before in this run.
        etag: the If-None-Match header, or None.
        last_modified: the If-Modified-Since header, or None.
    """

    earlier: int = 0
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, kw_only=True)
class SampleAnswer:
    """One response.

    Attributes:
        status: HTTP status.
        headers: its headers; `Content-Type` among them.
        body: its body, unless `pieces` makes it.
        pieces: makes the body piece by piece while it is sent, so that it is never held whole.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: Callable[[], Iterator[bytes]] | None = None


Responder = Callable[[SampleVisit], SampleAnswer]


def page(body: bytes | str, content_type: str = HTML, status: int = 200) -> SampleAnswer:
    """Give an answer with a body; text is sent as UTF-8."""
    data = body.encode() if isinstance(body, str) else body
    return SampleAnswer(status=status, headers={"Content-Type": content_type}, body=data)


def fixed(answer: SampleAnswer) -> Responder:
    """Always give the same answer."""
    return lambda _: answer


def redirect(target: str, status: int = 302) -> Responder:
    """Send the client elsewhere."""
    return fixed(SampleAnswer(status=status, headers={"Location": target}))


def validated(answer: SampleAnswer, visit: SampleVisit, validator: Validator, last_modified: str) -> SampleAnswer:
    """Add validators to an answer, or give 304 to a client that has this very body (RFC 9110, section 13)."""
    if validator == "none":
        return answer
    if validator == "last-modified":
        name, value, known = "Last-Modified", last_modified, visit.last_modified
    else:
        digest = hashlib.blake2b(answer.body, digest_size=8).hexdigest()
        name, value, known = "ETag", f'"{digest}"', visit.etag
    if known == value:
        return SampleAnswer(status=NOT_MODIFIED, headers={name: value})
    return SampleAnswer(status=answer.status, headers=answer.headers | {name: value}, body=answer.body)


def article(outlet: Outlet, written: Article, times: Timetable) -> Responder:
    """Serve an article's page; one with a correction shows it from the second visit on.

    A client that sends a validator has been here before, in an earlier run: it is shown the corrected page too.
    """
    url = times.url(outlet, outlet.article_path(written))
    published = times.published(written)
    old, new = (
        page(article_page(outlet, written, url=url, published=published, paragraphs=paragraphs))
        for paragraphs in (written.paragraphs, written.updated_paragraphs)
    )

    def respond(visit: SampleVisit) -> SampleAnswer:
        returned = visit.earlier > 0 or visit.etag is not None or visit.last_modified is not None
        return validated(new if returned else old, visit, outlet.validator, format_datetime(published, usegmt=True))

    return respond


def robots(outlet: Outlet, disallow: tuple[str, ...] = ()) -> Responder:
    """Serve the outlet's robots.txt (RFC 9309)."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in ("/search", *disallow))]
    if outlet.crawl_delay:
        lines.append(f"Crawl-delay: {outlet.crawl_delay}")
    return fixed(page("\n".join(lines) + "\n", "text/plain; charset=utf-8"))


def outlet_named(name: str) -> Outlet:
    """Give the outlet of that name.

    Raises:
        KeyError: there is none.
    """
    return {outlet.name: outlet for outlet in load_outlets()}[name]
