"""What follows from one try to fetch an entry: a page, a later try, an outcome, a dead letter. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.errors import FeedFault, FetchFault, RecordFault
from pipelines.fetch.soft_redirects import amp_link, canonical_link, consent_page, refresh_target
from pipelines.http.answer import Response
from pipelines.ledger.outcomes import dead_letter, outcome
from pipelines.settings import FetchSettings
from pipelines.urls import canonical_url, identity_url, is_home
from schemas.records import REMOVED, DeadLetter, Entry, Outcome, OutcomeKind, PageFacts, Stage
from schemas.topics import LATER, Topic

_TEXT_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/plain", "application/vnd.wap.xhtml+xml"})
_SNIFF_BYTES = 1024
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_BINARY = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"PK\x03\x04", b"\x1f\x8b", b"\x00\x00\x00")
_KEPT_HEADERS = frozenset(
    {
        "content-language",
        "etag",
        "last-modified",
        "link",
        "tdm-policy",
        "tdm-reservation",
        "x-robots-tag",
    }
)
_MAX_HEADER = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """What one try leads to; each part goes to its own topic.

    Attributes:
        entry: the entry as it was read.
        outcome: a line for the ledger; None when the visit goes on later.
        facts: with a page, what is known of it.
        body: with a page, its bytes.
        later: with a retry or a revisit, the entry to come and the tier it waits in.
        dead: with a dead letter, why; its payload is the entry.
    """

    entry: Entry
    outcome: Outcome | None = None
    facts: PageFacts | None = None
    body: bytes = b""
    later: tuple[Topic, Entry] | None = None
    dead: DeadLetter | None = None

    @property
    def key(self) -> str:
        """With a page, its key on Kafka: pages of one article share it, at whatever addresses it was announced."""
        return "" if self.facts is None else identity_url(page_url(self.entry, self.facts))


def page_url(entry: Entry, facts: PageFacts) -> str:
    """Give the canonical URL of a page: the one it gives itself, else where it was found, else what was announced."""
    if facts.canonical_url:
        return facts.canonical_url
    if facts.removed:
        return entry.page_url or entry.url
    try:
        landed = canonical_url(facts.url)
    except FeedFault:
        return entry.url
    return entry.url if is_home(landed) else landed


def after_answer(entry: Entry, answer: Response, at: datetime, settings: FetchSettings, origin: str) -> FetchResult:
    """Decide what follows from an answer.

    Args:
        entry: the entry that was fetched.
        answer: what the server sent.
        at: when its last byte came; with the milliseconds it is the document's version.
        settings: when to look again.
        origin: Kafka coordinates of the entry.
    """
    if answer.not_modified:
        return _unchanged(entry, answer, entry.content_digest, at, settings, origin)
    digest = hashlib.blake2b(answer.body, digest_size=16).hexdigest()
    reason, detail = _astray(entry, answer) or _unfit(answer)
    if reason:
        return FetchResult(entry=entry, outcome=_line(entry, OutcomeKind.REJECTED, at, origin, reason, detail))
    if entry.visit and digest == entry.content_digest:
        return _unchanged(entry, answer, digest, at, settings, origin)
    facts = PageFacts(
        url=answer.url,
        status=answer.status,
        content_type=answer.content_type[:_MAX_HEADER],
        fetched_at=at,
        redirects=list(answer.redirects),
        headers={name: value[:_MAX_HEADER] for name, value in answer.headers.items() if name in _KEPT_HEADERS},
        elapsed_ms=answer.elapsed_ms,
        amp_url=amp_link(answer.body, answer.url),
        canonical_url=canonical_link(answer.body, answer.url),
    )
    address = page_url(entry, facts)
    validators = {"etag": answer.etag, "last_modified": answer.last_modified}
    later = _revisit(entry, at, settings, content_digest=digest, page_url=address, **validators)
    line = _line(entry, OutcomeKind.FETCHED, at, origin, later=later)
    if identity_url(address) != identity_url(entry.url):
        line = line.model_copy(update={"page_url": address})
    return FetchResult(entry=entry, outcome=line, facts=facts, body=answer.body, later=later)


def after_fault(entry: Entry, fault: FetchFault, at: datetime, settings: FetchSettings, origin: str) -> FetchResult:
    """Decide what follows from a fault: another try later, the end as `dead`, or a page that is no more."""
    if entry.visit and fault.status in REMOVED:
        return _removed(entry, fault.status, at, settings, origin)
    attempt = entry.attempt + 1
    if not fault.retryable or attempt >= settings.max_attempts:
        return dead(entry, fault, at, origin)
    tier = _tier(attempt - 1, fault.retry_after or 0.0, settings)
    return FetchResult(entry=entry, later=_in_tier(tier, entry.model_copy(update={"attempt": attempt}), at, settings))


def postponed(entry: Entry, wait: float, at: datetime, settings: FetchSettings) -> FetchResult:
    """Put an entry off for at least `wait` seconds because its host is busy or on hold; that is no failed try."""
    return FetchResult(entry=entry, later=_in_tier(_tier(0, wait, settings), entry, at, settings))


def skipped(entry: Entry, reason: str, detail: str, at: datetime, origin: str) -> FetchResult:
    """End a visit that good manners forbid."""
    return FetchResult(entry=entry, outcome=_line(entry, OutcomeKind.SKIPPED, at, origin, reason, detail))


def repeated(entry: Entry, first_feed: str, at: datetime, origin: str) -> FetchResult:
    """End an announcement of an article that another feed has announced before, with the line that poll writes."""
    why = f"first announced by {first_feed}"
    return FetchResult(entry=entry, outcome=_line(entry, OutcomeKind.DUPLICATE_URL, at, origin, "other-feed", why))


def dead(entry: Entry, fault: RecordFault, at: datetime, origin: str) -> FetchResult:
    """End a visit that cannot succeed, with a dead letter."""
    return FetchResult(
        entry=entry,
        outcome=_line(entry, OutcomeKind.DEAD, at, origin, fault.reason, fault.message),
        dead=dead_letter(entry, Stage.FETCH, fault, reason=fault.reason, origin=origin),
    )


def _astray(entry: Entry, answer: Response) -> tuple[str, str] | None:
    """Give reason and detail when a request led to something else than the article, else None."""
    if consent_page(entry.link, answer.redirects, answer.url):
        return "consent-page", f"led to {answer.url}"
    target = refresh_target(answer.body, answer.url)
    if target is not None:
        return "meta-refresh", f"a page that only sends on to {target or 'itself or nowhere'}"
    return None


def _unfit(answer: Response) -> tuple[str, str]:
    """Give reason and detail why a body can be no article, or two empty texts.

    A server's Content-Type is believed where it names text and the bytes do not say otherwise; bytes that start
    like HTML are taken under any name.
    """
    head = answer.body[:_SNIFF_BYTES]
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf") and not answer.body.strip(b" \t\r\n\0\xef\xbb\xbf"):
        return "empty-body", f"{len(answer.body)} bytes, none of them text"
    declared = answer.content_type.partition(";")[0].strip().lower()
    if head.startswith(_BINARY):
        return "not-html", f"binary data, declared as {declared or 'nothing'}"
    if declared in _TEXT_TYPES or _HTML.search(head):
        return "", ""
    return "not-html", f"declared as {declared or 'nothing'}"


def _unchanged(
    entry: Entry, answer: Response, digest: str | None, at: datetime, settings: FetchSettings, origin: str
) -> FetchResult:
    kept = entry if answer.not_modified else None
    validators = {
        "etag": answer.etag or (kept.etag if kept else None),
        "last_modified": answer.last_modified or (kept.last_modified if kept else None),
    }
    later = _revisit(entry, at, settings, content_digest=digest, **validators)
    reason = "not-modified" if answer.not_modified else "same-bytes"
    return FetchResult(
        entry=entry, outcome=_line(entry, OutcomeKind.UNCHANGED, at, origin, reason, later=later), later=later
    )


def _removed(entry: Entry, status: int, at: datetime, settings: FetchSettings, origin: str) -> FetchResult:
    """Send word of an article that its site has removed the way of its pages, so that its document is marked.

    The next visit compares with nothing: a page that is there again is processed although it is the same.
    """
    facts = PageFacts(url=entry.link, status=status, fetched_at=at)
    later = _revisit(entry, at, settings, content_digest=None, etag=None, last_modified=None)
    line = _line(entry, OutcomeKind.FETCHED, at, origin, f"http-{status}", later=later)
    return FetchResult(entry=entry, outcome=line, facts=facts, later=later)


def _revisit(entry: Entry, at: datetime, settings: FetchSettings, **known: str | None) -> tuple[Topic, Entry] | None:
    """Give the next visit with what is known of this one's page, when there is to be one."""
    if entry.visit >= len(settings.revisit):
        return None
    name = settings.revisit[entry.visit]
    tier = next(tier for tier in LATER if tier.name.endswith(f"-{name}"))
    return _in_tier(tier, entry.model_copy(update={"visit": entry.visit + 1, "attempt": 0, **known}), at, settings)


def _in_tier(tier: Topic, entry: Entry, at: datetime, settings: FetchSettings) -> tuple[Topic, Entry]:
    due_at = at + timedelta(seconds=_delay(tier, settings))
    return tier, entry.model_copy(update={"due_at": due_at})


def _tier(least: int, wait: float, settings: FetchSettings) -> Topic:
    """Give the first tier that waits long enough, from the `least` on; the last one where none does."""
    return next((tier for tier in LATER[least:] if _delay(tier, settings) >= wait), LATER[-1])


def _delay(tier: Topic, settings: FetchSettings) -> float:
    return (tier.delay_seconds or 0) * settings.later_scale


def _line(
    entry: Entry,
    kind: OutcomeKind,
    at: datetime,
    origin: str,
    reason: str = "",
    detail: str = "",
    later: tuple[Topic, Entry] | None = None,
) -> Outcome:
    due_at = later[1].due_at if later else None
    return outcome(entry, Stage.FETCH, kind, reason=reason, detail=detail, at=at, next_visit_at=due_at, origin=origin)
