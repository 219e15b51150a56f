"""What each host of the simulated internet answers at a moment: a function of plan, clock and request. Pure."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

import brotli

from pipelines.demo.feeds import CONTENT_TYPES, render
from pipelines.demo.feeds import SampleItem as Announced
from pipelines.lab.internet.audit import Manners
from pipelines.lab.internet.items import Item, Stream, Streams, path
from pipelines.lab.internet.plan import InternetPlan
from pipelines.lab.internet.traits import Host, Lie, Life, Rules, SourceTraits, Trouble, Validators
from pipelines.urls import article_id
from schemas.records import Feed

_HTML = "text/html; charset=utf-8"
_TYPES: dict[str, str] = {"sitemap": "application/xml"} | {str(form): kind for form, kind in CONTENT_TYPES.items()}
_LIMITS = (Trouble.LIMIT_SECONDS, Trouble.LIMIT_DATE)
_WITHOUT_WAIT = (Trouble.BUSY,)
_PAGE_CACHE = 512
_PARAGRAPH = (
    "<p>The council of {place} voted on item {number} of its long list: the bridge is to be rebuilt, the ferry stays "
    "until then, and the costs are printed each month. Traders asked for a shorter closure, drivers for more boats.</p>"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent.

    Attributes:
        status: of the answer.
        headers: beside Content-Length.
        body: the bytes.
        wait_until: the moment that its Retry-After names, in seconds of the run; for seconds counted from `at`.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait_until: float | None = None


class Internet:
    """All hosts at their addresses.

    Args:
        plan: what they are like.
        streams: what they publish.
        port: where all of them listen.
        opened_at: second 0 of the run, as seconds since 1970.
    """

    def __init__(self, plan: InternetPlan, streams: Streams, port: int, opened_at: float) -> None:
        self.plan, self.streams, self.port, self.opened_at = plan, streams, port, opened_at
        self._body = lru_cache(maxsize=_PAGE_CACHE)(self._write)

    def feeds(self) -> list[Feed]:
        """Give the list of all feeds."""
        return [Feed(url=self.feed_url(source), title=f"Feed {source.number}") for source in self.plan.sources]

    def feed_url(self, source: SourceTraits) -> str:
        """Give the address under which a feed is listed."""
        return f"{self.base(source.host)}/{'old' if source.moved else 'feed'}/{source.number}"

    def base(self, host: int) -> str:
        """Give the beginning of a host's URLs."""
        return f"http://{self.plan.hosts[host].address}:{self.port}"

    def url(self, item: Item) -> str:
        """Give an article's URL as its feeds announce it."""
        host = self.plan.hosts[self.plan.sources[item.source].host]
        return f"{self.base(host.number)}{path(item, host)}"

    def article_id(self, item: Item) -> str:
        """Give the id by which the river knows an article."""
        return article_id(self.url(item))

    def manners(self) -> dict[str, Manners]:
        """Give what each host's robots.txt asks for, by address."""
        return {
            host.address: Manners(
                host.crawl_delay,
                (lambda path: path.startswith("/private/")) if host.rules is Rules.FORBIDS else (lambda _: False),
            )
            for host in self.plan.hosts
        }

    def answer(self, host: Host, path: str, asked: Mapping[str, str], at: float) -> Reply | None:
        """Answer a request; None for a host that never does.

        Args:
            host: who is asked.
            path: what for.
            asked: the request's headers, lower-case names.
            at: seconds of the run.
        """
        if host.life is Life.SILENT:
            return None
        if path == "/robots.txt":
            return _robots(host)
        if host.phases is not None and (left := host.phases.left(at)):
            return self._trouble(host, at, left)
        _, folder, name = (*path.split("/", 2), "", "")[:3]
        if folder in ("feed", "old") and name.isdigit() and int(name) < len(self.plan.sources):
            source = self.plan.sources[int(name)]
            return self._feed(source, asked, at) if folder == "feed" else _elsewhere(source.moved, f"/feed/{name}")
        if folder == "go":
            return _elsewhere(301, f"/news/{name}")
        return _article(path, asked)

    def _trouble(self, host: Host, at: float, left: float) -> Reply:
        status = 429 if host.trouble in _LIMITS else 503
        if host.trouble in _WITHOUT_WAIT:
            return Reply(status)
        if host.trouble is Trouble.LIMIT_DATE:
            over = math.ceil(self.opened_at + at + left)
            return Reply(status, {"Retry-After": formatdate(over, usegmt=True)}, wait_until=over - self.opened_at)
        seconds = math.ceil(left)
        return Reply(status, {"Retry-After": str(seconds)}, wait_until=at + seconds)

    def _feed(self, source: SourceTraits, asked: Mapping[str, str], at: float) -> Reply:
        stream = self.streams.of(source)
        shown = stream.shown(at)
        validators = self._validators(source, stream, shown)
        if _unchanged(source, asked, validators, at):
            return Reply(304, validators)
        coding = source.coding if source.coding in asked.get("accept-encoding", "") else ""
        body = self._body(source.number, shown.stop, bool(source.broken and source.broken.left(at)), coding)
        headers = {"Content-Type": _TYPES[source.form], "Vary": "Accept-Encoding", **validators}
        return Reply(200, headers | ({"Content-Encoding": coding} if coding else {}), body)

    def _validators(self, source: SourceTraits, stream: Stream, shown: range) -> dict[str, str]:
        if source.validators is Validators.NONE:
            return {}
        etag = '"the same for ever"' if source.lie is Lie.ALWAYS else f'"{source.number}-{shown.stop}"'
        changed = formatdate(self.opened_at + stream.times[shown.stop - 1], usegmt=True)
        if source.validators is Validators.ETAG:
            return {"ETag": etag}
        if source.validators is Validators.DATE:
            return {"Last-Modified": changed}
        return {"ETag": etag, "Last-Modified": changed}

    def _write(self, number: int, end: int, broken: bool, coding: str) -> bytes:
        source = self.plan.sources[number]
        stream = self.streams.of(source)
        places = reversed(range(max(0, end - source.window), end))
        items = [self._announced(stream.item(place), stream.times[place]) for place in places]
        body = _written(source, self.base(source.host), items)
        if broken and source.form != "json":
            body = body[: len(body) * 3 // 5]
        if coding == "gzip":
            return gzip.compress(body, 1, mtime=0)
        return bytes(brotli.compress(body, quality=1)) if coding == "br" else body

    def _announced(self, item: Item, time: float) -> Announced:
        url = self.url(item)
        return Announced(
            link=url,
            url=url,
            title=f"Item {item.number} of feed {item.source}: the bridge, the ferry and the costs",
            summary="The council voted after years of argument; traders fear a long closure.",
            author="Ada Ferry",
            section="Local",
            published=datetime.fromtimestamp(self.opened_at + time, UTC),
        )


@lru_cache(maxsize=1)
def _parts() -> tuple[bytes, bytes]:
    text = "".join(_PARAGRAPH.format(place=place, number=place) for place in range(12))
    return b"<!doctype html><html lang=en><head><title>", f"</title></head><body>{text}</body></html>".encode()


def page(path: str) -> bytes:
    """Give the page of an article: some 3 KB."""
    head, tail = _parts()
    return b"".join((head, path.encode(), tail))


def _written(source: SourceTraits, base: str, items: Sequence[Announced]) -> bytes:
    if source.form == "sitemap":
        return _sitemap(items)
    return render(
        source.form,
        url=f"{base}/feed/{source.number}",
        home=f"{base}/",
        title=f"Feed {source.number}",
        language="en",
        items=items,
    )


def _sitemap(items: Iterable[Announced]) -> bytes:
    """Write a sitemap as Google News wants it."""
    rows = "".join(
        f"<url><loc>{item.url}</loc><news:news><news:publication><news:name>The Ferry</news:name>"
        f"<news:language>en</news:language></news:publication><news:publication_date>{item.published.isoformat()}"
        f"</news:publication_date><news:title>{item.title}</news:title></news:news></url>\n"
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n{rows}</urlset>\n'
    ).encode()


def _robots(host: Host) -> Reply:
    if host.rules is Rules.MISSING:
        return Reply(404, {"Content-Type": "text/plain"}, b"not here")
    if host.rules is Rules.UNAVAILABLE:
        return Reply(503)
    more = {Rules.FORBIDS: "Disallow: /private/", Rules.DELAY: f"Crawl-delay: {host.crawl_delay:.0f}"}
    return Reply(200, {"Content-Type": "text/plain"}, f"User-agent: *\n{more.get(host.rules, 'Allow: /')}\n".encode())


def _elsewhere(status: int, path: str) -> Reply:
    return Reply(status, {"Location": path})


def _article(path: str, asked: Mapping[str, str]) -> Reply:
    if not path.startswith(("/news/", "/private/")):
        return Reply(404, {"Content-Type": "text/plain"}, b"not here")
    etag = f'"{path}"'
    if asked.get("if-none-match") == etag:
        return Reply(304, {"ETag": etag})
    return Reply(200, {"Content-Type": _HTML, "ETag": etag}, page(path))


def _unchanged(source: SourceTraits, asked: Mapping[str, str], validators: Mapping[str, str], at: float) -> bool:
    """Tell whether a feed answers 304, rightly or not."""
    etag, date = asked.get("if-none-match"), asked.get("if-modified-since")
    if source.validators in (Validators.NONE, Validators.IGNORED) or not (etag or date):
        return False
    if source.lies is not None and source.lies.left(at):
        return True
    if "ETag" in validators:  # where both are sent, the ETag counts (RFC 9110, 13.2.2)
        return etag == validators["ETag"]
    return date == validators.get("Last-Modified")
