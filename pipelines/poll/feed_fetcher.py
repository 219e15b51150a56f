"""Asking one feed: at the address it has moved to, conditionally where that can be believed, a sitemap index walked."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from pipelines.errors import FeedFault, FetchFault
from pipelines.feed_formats import Child, ParsedFeed
from pipelines.http.answer import Response
from pipelines.http.client import ACCEPT_FEED, Client
from pipelines.http.credentials import Credentials
from pipelines.http.polite_session import PoliteSession
from pipelines.http.politeness import HostOnHold
from pipelines.http.site_parser import Parser, took_too_much
from pipelines.poll import permanent_redirects
from pipelines.poll.hub_links import with_hub
from pipelines.poll.poll_result import (
    AnnouncedEntries,
    PollResult,
    after_fault,
    after_feed,
    after_hold,
    after_same,
    body_digest,
)
from pipelines.poll.schedule import conditional
from pipelines.poll.sitemaps import Asked, Walk, needs_index, oldest
from pipelines.settings import Settings
from pipelines.urls import host_of
from schemas.records import Feed, FeedState, SitemapState

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 60.0
_WITHOUT_VALIDATORS_EVERY = 6  # servers lie about 304, and nothing catches one lying about a sitemap
_HARMLESS = ("old:", "undated:")


class FeedFetcher:
    """Asks feeds, one request at a time to each host.

    Args:
        settings: all settings.
        client: makes the requests.
        announced: articles that are known.
        parser: parses what they send.
    """

    def __init__(self, settings: Settings, client: Client, announced: AnnouncedEntries, parser: Parser) -> None:
        self._settings = settings
        self._announced = announced
        self._parser = parser
        self._session = PoliteSession(
            settings.fetch, client, parser, patience=_PATIENCE_SECONDS, concurrency=settings.poll.concurrency
        )

    async def ask(self, feed: Feed, state: FeedState) -> PollResult:
        """Ask one feed; whatever happens ends as an announcement."""
        polls = self._settings.poll
        try:
            try:
                return await self._poll(feed, state, permanent_redirects.address_of(state))
            except (FetchFault, FeedFault) as fault:
                if not permanent_redirects.has_moved(state) or _asks_to_wait(fault):
                    raise
                log.info("feed %s: not at %s, asked where it is listed: %s", feed.url, state.moved_to, fault)
            state = permanent_redirects.forgotten(state)
            return await self._poll(feed, state, state.url)
        except HostOnHold as hold:
            log.info("feed %s: %s", feed.url, hold)
            return after_hold(state, hold.retry_after or 0.0, datetime.now(UTC))
        except FetchFault as fault:
            self._mind(fault, feed.url)
            found = after_fault(feed, state, fault.reason, fault.retry_after, datetime.now(UTC), polls)
            _log_failure(found, str(fault))
        except FeedFault as fault:
            found = after_fault(feed, state, fault.reason, None, datetime.now(UTC), polls)
            _log_failure(found, str(fault))
        except Exception as error:  # a fault of ours must not end the feed: it is asked again, later
            log.exception("poll of %s", feed.url)
            found = after_fault(feed, state, f"internal-{type(error).__name__}", None, datetime.now(UTC), polls)
        return found

    async def _poll(self, feed: Feed, state: FeedState, address: str) -> PollResult:
        polls = self._settings.poll
        asks_if_changed = conditional(state) and not needs_index(state)
        etag, last_modified = (state.etag, state.last_modified) if asks_if_changed else (None, None)
        answer = await self._get(feed, address, etag, last_modified)
        at = now()
        state = permanent_redirects.after_answer(state, address, answer)
        if answer.not_modified or (_same_bytes(state, answer) and not needs_index(state)):
            state = with_hub(state, answer, None)
            return after_same(feed, state, answer, at, polls, conditional=asks_if_changed)
        parsed = await self._parsed(answer, at, slow=took_too_much(state.last_failure))
        state = with_hub(state, answer, parsed)
        left = None
        if parsed.children:
            state, parsed = await self._walk(feed, state, parsed, at)
            left = state.sitemaps_left
        elif state.sitemaps:
            state = state.model_copy(update={"sitemaps": {}, "sitemaps_left": 0})
        found = after_feed(
            feed, state, answer, parsed, self._announced, at, polls, conditional=asks_if_changed, left=left
        )
        _log_success(found, parsed)
        return found

    async def _walk(
        self, feed: Feed, state: FeedState, index: ParsedFeed, at: datetime
    ) -> tuple[FeedState, ParsedFeed]:
        """Ask some sitemaps of an index, and give it with their entries."""
        walk = Walk(index, state.sitemaps, at, oldest(at, self._settings.poll.sitemap_days))
        believed = state.polls % _WITHOUT_VALIDATORS_EVERY != 0
        while step := walk.next():
            child, known = step
            try:
                walk.took(await self._ask_child(feed, child, known if believed else None, at))
            except HostOnHold as hold:
                log.info("sitemap %s: %s", child.url, hold)
                walk.put_off()
                break
        return state.model_copy(update={"sitemaps": walk.known(), "sitemaps_left": walk.left}), walk.feed()

    async def _ask_child(self, feed: Feed, child: Child, known: SitemapState | None, at: datetime) -> Asked:
        etag, last_modified = (known.etag, known.last_modified) if known else (None, None)
        try:
            answer = await self._get(feed, child.url, etag, last_modified)
            if answer.not_modified:
                return Asked(child=child)
            parsed = await self._parsed(answer, at)
        except HostOnHold:
            raise
        except (FetchFault, FeedFault) as fault:
            if isinstance(fault, FetchFault):
                self._mind(fault, child.url)
            return Asked(child=child, failure=fault.reason)
        return Asked(
            child=child,
            parsed=parsed,
            failure="truncated" if "truncated" in parsed.notes else "",
            etag=answer.etag,
            last_modified=answer.last_modified,
        )

    async def _get(self, feed: Feed, url: str, etag: str | None, last_modified: str | None) -> Response:
        return await self._session.get(
            url,
            max_bytes=self._settings.poll.max_feed_bytes,
            accept=ACCEPT_FEED,
            etag=etag,
            last_modified=last_modified,
            credentials=Credentials.of(feed),
            heed_robots=False,  # the river's owner named the feed
        )

    async def _parsed(self, answer: Response, at: datetime, *, slow: bool = False) -> ParsedFeed:
        polls = self._settings.poll
        since = oldest(at, polls.sitemap_days)
        return await self._parser.feed(answer, max_bytes=polls.max_feed_bytes, since=since, slow=slow)

    def _mind(self, fault: FetchFault, url: str) -> None:
        """Let nobody else ask a host that said Retry-After."""
        if fault.retry_after:
            self._session.gate.hold(host_of(fault.resource or url), fault.retry_after)


def now() -> datetime:
    """Give the present in milliseconds, which is what the index keeps."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _same_bytes(state: FeedState, answer: Response) -> bool:
    return state.content_digest is not None and body_digest(answer.body) == state.content_digest


def _asks_to_wait(fault: FetchFault | FeedFault) -> bool:
    """Tell whether a host is there and only wants to be asked later."""
    return isinstance(fault, FetchFault) and bool(fault.retry_after)


def _log_success(found: PollResult, parsed: ParsedFeed) -> None:
    odd = any(not note.startswith(_HARMLESS) for note in found.notes)
    level = logging.WARNING if odd else logging.INFO if found.outcomes else logging.DEBUG
    notes = f" ({', '.join(found.notes)})" if found.notes else ""
    new = sum(1 for entry in found.entries if not entry.further)
    log.log(level, "feed %s: %d new of %d%s", found.state.url, new, len(parsed.entries), notes)


def _log_failure(found: PollResult, why: str) -> None:
    state = found.state
    log.warning("feed %s: failure %d, again at %s: %s", state.url, state.failures, f"{state.next_poll_at:%F %T}", why)
