"""The obstacle course: pages that are broken in one way each, and the outcome each must have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pipelines.demo.answers import HTML, Responder, SampleAnswer, SampleVisit, fixed, outlet_named, page, redirect
from pipelines.demo.outlets import Article, Outlet
from pipelines.demo.templates import article_page
from pipelines.demo.timetable import Timetable
from schemas.records import OutcomeKind

COURSE = "rough-water"
"""Outlet that announces them."""
DISALLOWED = "/members/"
"""Folder that its robots.txt closes."""
LARGE_PAGE_BYTES = 20_000_000
DEPTH = 320
"""Nested elements; libxml2 stops at 256 unless told otherwise."""
FORBIDDEN = "\x00\x01\x0b\x1b&#xD800;&#1;\x9d"
"""What XML 1.0 forbids in a text: control characters and half a surrogate pair."""
METADATA = "http://169.254.169.254/latest/meta-data/"
"""Where cloud machines keep their credentials: the usual aim of a request forged by a redirect."""
ELSEWHERE = "http://127.0.0.1:9200/_cat/indices"
"""A service on the machine itself."""


@dataclass(frozen=True, kw_only=True)
class PageCase:
    """One special page.

    Attributes:
        name: what is special about it.
        about: one sentence for people.
        path: where the feed's link leads.
        kinds: outcomes any one of which is right.
        reasons: reasons any one of which is right; empty when the kind says it all.
        title: headline in the feed, unless it is an article's.
        slug: the article of the course that it shows, or empty.
        answers: makes what is served, by path.
        apart_only: whether it makes sense only where each outlet has an address of its own.
    """

    name: str
    about: str
    path: str
    kinds: tuple[OutcomeKind, ...]
    answers: Callable[[Timetable], Mapping[str, Responder]]
    reasons: tuple[str, ...] = ()
    title: str = ""
    slug: str = ""
    apart_only: bool = False

    @property
    def article(self) -> Article | None:
        """The article that it shows, or None."""
        return course().article(self.slug) if self.slug else None


def course() -> Outlet:
    """Give the outlet that announces the special pages."""
    return outlet_named(COURSE)


def course_page(slug: str, times: Timetable) -> str:
    """Give the page of an article of the course as it is before anything breaks it."""
    outlet = course()
    article = outlet.article(slug)
    url = times.url(outlet, outlet.article_path(article))
    return article_page(outlet, article, url=url, published=times.published(article))


def _article(
    name: str, about: str, slug: str, respond: Callable[[str], Responder], path: str | None = None
) -> PageCase:
    """Make the case of a page whose article must arrive whole whatever `respond` does to its HTML."""
    outlet = course()
    real = outlet.article_path(outlet.article(slug))
    return PageCase(
        name=name,
        about=about,
        path=path or real,
        slug=slug,
        kinds=(OutcomeKind.INDEXED,),
        answers=lambda times: {real: respond(course_page(slug, times))},
    )


def _cut(text: str) -> Responder:
    """Break off in the middle of the footer's tag, as a full disk or a crashed script does."""
    return fixed(page(text[: text.rindex("<footer>") + 4]))


def _latin(text: str) -> Responder:
    without_meta = text.replace('<meta charset="utf-8">\n', "")
    return fixed(page(without_meta, "text/html; charset=ISO-8859-1"))


def _windows(text: str) -> Responder:
    return fixed(page(text.encode("cp1252"), HTML))


def _deep(text: str) -> Responder:
    opened = text.replace("<article>", "<div>" * DEPTH + "<article>")
    return fixed(page(opened.replace("</article>", "</article>" + "</div>" * DEPTH)))


def _control(text: str) -> Responder:
    """End every sentence of the text with characters that XML forbids."""
    head, tail = text.split("<article>")
    return fixed(page(head + "<article>" + tail.replace(". ", f".{FORBIDDEN} ")))


def _busy(text: str) -> Responder:
    whole = page(text)
    refusal = page("busy", "text/plain", status=503)
    refusal.headers["Retry-After"] = "2"

    def respond(visit: SampleVisit) -> SampleAnswer:
        return whole if visit.earlier else refusal

    return respond


def _moved(times: Timetable) -> Mapping[str, Responder]:
    outlet = course()
    path = outlet.article_path(outlet.article("bridge-that-moved-a-mile"))
    return {
        "/moved/old-address": redirect(path, status=301),
        path: fixed(page(course_page("bridge-that-moved-a-mile", times))),
    }


def _large() -> Iterator[bytes]:
    line = b"<p>The tide came in, and went out, and came in again, as the printer of this page had seen it do.</p>\n"
    block = line * 600
    yield b"<!DOCTYPE html><html><head><title>Every tide since 1702</title></head><body><article>"
    for _ in range(LARGE_PAGE_BYTES // len(block) + 1):
        yield block
    yield b"</article></body></html>"


def _only(path: str, responder: Responder) -> Callable[[Timetable], Mapping[str, Responder]]:
    return lambda _: {path: responder}


_SECTIONS = ("News", "Sport", "Tides", "Weather", "Ferries")
_MENU = "".join(f'<li><a href="/{name.lower()}">{name}</a></li>' for name in _SECTIONS)
_NAVIGATION = (
    f"<!DOCTYPE html><html><head><title>Sections</title></head><body><nav><ul>{_MENU}</ul></nav></body></html>"
)
_PDF = (
    b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 144]>>endobj\n"
    b"trailer<</Size 4/Root 1 0 R>>\n%%EOF\n"
)
_DEAD, _REJECTED, _SKIPPED = (OutcomeKind.DEAD,), (OutcomeKind.REJECTED,), (OutcomeKind.SKIPPED,)

PAGE_CASES: tuple[PageCase, ...] = (
    PageCase(
        name="broken page",
        about="Always answers 404: dead at once, without a retry.",
        path="/gone/regatta-photographs",
        title="Regatta: all the photographs",
        kinds=_DEAD,
        reasons=("http-404",),
        answers=_only("/gone/regatta-photographs", fixed(page("<h1>Not found</h1>", status=404))),
    ),
    _article("busy server", "Answers 503 with Retry-After once, then the page.", "clock-that-was-always-busy", _busy),
    PageCase(
        name="forbidden by robots.txt",
        about="Lies in a folder that robots.txt disallows: never fetched.",
        path=f"{DISALLOWED}secret-chowder",
        title="The secret of the harbour chowder, for members",
        kinds=_SKIPPED,
        reasons=("robots",),
        answers=_only(f"{DISALLOWED}secret-chowder", fixed(page("<p>Members only.</p>"))),
    ),
    _article("truncated HTML", "Breaks off inside a tag after its text.", "lighthouse-lens-comes-home", _cut),
    PageCase(
        name="PDF",
        about="Is a PDF under an article's address.",
        path="/papers/tide-tables",
        title="Tide tables for the coming year",
        kinds=_REJECTED,
        reasons=("not-html",),
        answers=_only("/papers/tide-tables", fixed(page(_PDF, "application/pdf"))),
    ),
    PageCase(
        name="empty page",
        about="Answers 200 with no bytes at all.",
        path="/empty/to-be-continued",
        title="To be continued",
        kinds=_REJECTED,
        reasons=("empty-body",),
        answers=_only("/empty/to-be-continued", fixed(page(b""))),
    ),
    _article("declared Latin-1, is UTF-8", "Its Content-Type names the wrong charset.", "cafe-zoe-reopens", _latin),
    _article(
        "declared UTF-8, is Windows-1252",
        "Its header and its meta tag both name the wrong charset.",
        "violin-maker-of-old-street",
        _windows,
    ),
    _article("deep nesting", f"Its text lies under {DEPTH} nested divs.", "three-hundred-steps-to-the-spring", _deep),
    _article("control characters", "Is full of characters that XML forbids.", "radio-station-plays-static", _control),
    PageCase(
        name="too large",
        about="Sends 20 MB, piece by piece, without saying so first.",
        path="/large/every-tide-since-1702",
        title="Every tide since 1702",
        kinds=_DEAD,
        reasons=("too-large",),
        answers=_only(
            "/large/every-tide-since-1702", fixed(SampleAnswer(headers={"Content-Type": HTML}, pieces=_large))
        ),
    ),
    PageCase(
        name="redirect loop",
        about="Two addresses that redirect to each other.",
        path="/loop/hither",
        title="Hither and thither: a walk in circles",
        kinds=_DEAD,
        reasons=("redirect-loop", "too-many-redirects"),
        answers=lambda _: {"/loop/hither": redirect("/loop/thither"), "/loop/thither": redirect("/loop/hither")},
    ),
    PageCase(
        name="redirect to 169.254.169.254",
        about="Redirects to the address of a cloud's metadata: refused before a connection is made.",
        path="/trap/cloud",
        title="What the cloud knows",
        kinds=_DEAD,
        reasons=("address-refused",),
        answers=_only("/trap/cloud", redirect(METADATA)),
    ),
    PageCase(
        name="redirect to 127.0.0.1",
        about="Redirects to another service of this machine: refused, only the outlets' own addresses are allowed.",
        path="/trap/home",
        title="There is no place like home",
        kinds=_DEAD,
        reasons=("address-refused",),
        answers=_only("/trap/home", redirect(ELSEWHERE)),
        apart_only=True,
    ),
    PageCase(
        name="only navigation",
        about="Is a list of sections and no article.",
        path="/sections",
        title="All sections at a glance",
        kinds=_REJECTED,
        reasons=("no-text", "too-short", "not-an-article"),
        answers=_only("/sections", fixed(page(_NAVIGATION))),
    ),
    PageCase(
        name="moved for good",
        about="Its old address redirects to the article.",
        path="/moved/old-address",
        slug="bridge-that-moved-a-mile",
        kinds=(OutcomeKind.INDEXED,),
        answers=_moved,
    ),
)
"""Every special page, in the order of its announcement."""
