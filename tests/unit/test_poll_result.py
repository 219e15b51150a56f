"""From a feed's answer to what is announced: every entry once, every refusal once, the state last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipelines.feed_formats import parse_feed
from pipelines.http.answer import Response
from pipelines.poll.poll_result import (
    AnnouncedEntries,
    PollResult,
    after_fault,
    after_feed,
    after_hold,
    after_same,
    source_of,
)
from pipelines.poll.schedule import first_state
from pipelines.settings import PollSettings
from schemas.records import Feed, FeedState, OutcomeKind

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SETTINGS = PollSettings()
FEED = Feed(url="https://www.ferry.example/feed")
NEW = first_state(FEED.url, NOON)


def rss(*links: str, extra: str = "") -> bytes:
    items = "".join(f"<item><title>{link}</title><link>{link}</link></item>" for link in links)
    return f"<rss version='2.0'><channel><language>de</language>{items}{extra}</channel></rss>".encode()


def announce(
    body: bytes, state: FeedState = NEW, feed: Feed = FEED, announced: AnnouncedEntries | None = None, **headers: str
) -> PollResult:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Response(url=feed.url, status=200, headers=named, body=body)
    parsed = parse_feed(body, url=feed.url)
    known = AnnouncedEntries() if announced is None else announced
    return after_feed(feed, state, answer, parsed, known, NOON, SETTINGS, conditional=False)


def urls(found: PollResult) -> list[str]:
    return [entry.url for entry in found.entries]


def test_new_entries_are_announced_oldest_first_with_one_line_each() -> None:
    found = announce(rss("https://a.example/2", "https://a.example/1"))
    assert urls(found) == ["https://a.example/1", "https://a.example/2"]
    assert [line.kind for line in found.outcomes] == [OutcomeKind.DISCOVERED] * 2
    assert {line.article_id for line in found.outcomes} == {entry.id for entry in found.entries}
    entry = found.entries[0]
    assert (entry.source, entry.language, entry.first_seen, entry.visit) == ("ferry.example", "de", NOON, 0)


def test_the_list_knows_better_than_the_feed() -> None:
    feed = Feed(url=FEED.url, source="post", language="en")
    [entry] = announce(rss("https://a.example/1"), feed=feed).entries
    assert (entry.source, entry.language) == ("post", "en")
    assert source_of(FEED) == "ferry.example"


def test_an_entry_knows_its_own_language_better_than_its_feed() -> None:
    parsed = parse_feed(rss("https://a.example/1"), url=FEED.url)
    own = replace(parsed, entries=tuple(replace(entry, language="fr") for entry in parsed.entries))
    answer = Response(url=FEED.url, status=200, headers={})
    for feed, language in ((FEED, "fr"), (Feed(url=FEED.url, language="en"), "en")):
        found = after_feed(feed, NEW, answer, own, AnnouncedEntries(), NOON, SETTINGS, conditional=False)
        assert [entry.language for entry in found.entries] == [language]


def test_an_index_with_sitemaps_left_is_polled_soon() -> None:
    parsed = parse_feed(rss("https://a.example/1"), url=FEED.url)
    answer = Response(url=FEED.url, status=200, headers={})
    for feed in (FEED, Feed(url=FEED.url, interval_seconds=7200)):
        found = after_feed(feed, NEW, answer, parsed, AnnouncedEntries(), NOON, SETTINGS, conditional=False, left=3)
        assert (found.state.next_poll_at - NOON).total_seconds() == SETTINGS.min_interval_seconds
        known = NEW.model_copy(update={"polls": 20})  # of a new feed the first pauses are short anyway
        done = after_feed(feed, known, answer, parsed, AnnouncedEntries(), NOON, SETTINGS, conditional=False, left=0)
        assert (done.state.next_poll_at - NOON).total_seconds() > SETTINGS.min_interval_seconds


def test_what_was_announced_is_not_announced_again() -> None:
    announced = AnnouncedEntries()
    first = announce(rss("https://a.example/1"), announced=announced)
    again = announce(rss("https://a.example/2", "https://a.example/1?utm_source=x"), first.state, announced=announced)
    assert urls(again) == ["https://a.example/2"]
    restarted = announce(rss("https://a.example/2", "https://a.example/1"), again.state)
    assert (restarted.entries, restarted.outcomes) == ((), ())


def test_a_changed_title_is_no_new_entry() -> None:
    first = announce(rss("https://a.example/1"))
    changed = rss("https://a.example/1").replace(b"<title>h", b"<title>Corrected: h")
    assert announce(changed, first.state).entries == ()


def test_a_second_feed_ends_as_duplicate_once() -> None:
    announced, other = AnnouncedEntries(), Feed(url="https://b.example/feed")
    announce(rss("https://a.example/1"), announced=announced)
    found = announce(rss("https://a.example/1", "https://a.example/2"), first_state(other.url, NOON), other, announced)
    assert [(entry.url, entry.further, entry.feed_url) for entry in found.entries] == [
        ("https://a.example/2", False, other.url),
        ("https://a.example/1", True, other.url),
    ]
    assert [(line.kind, line.reason) for line in found.outcomes] == [
        (OutcomeKind.DISCOVERED, ""),
        (OutcomeKind.DUPLICATE_URL, "other-feed"),
    ]
    assert FEED.url in found.outcomes[1].detail
    again = announce(rss("https://a.example/1"), found.state, other, announced)
    assert (again.entries, again.outcomes) == ((), ())


def test_who_announced_what_is_learned_from_stored_states() -> None:
    stored, announced, other = (
        announce(rss("https://a.example/1")).state,
        AnnouncedEntries(),
        Feed(url="https://b.example/f"),
    )
    announced.learn(stored)
    found = announce(rss("https://a.example/1"), first_state(other.url, NOON), other, announced)
    assert [line.kind for line in found.outcomes] == [OutcomeKind.DUPLICATE_URL]


def test_only_the_last_announcements_are_remembered() -> None:
    announced = AnnouncedEntries(limit=3)
    for number in range(5):
        announced.add(f"{number:016x}", FEED.url)
    assert [announced.feed_of(f"{number:016x}") for number in range(5)] == [None, None, *[FEED.url] * 3]


def test_an_entry_without_a_page_is_skipped_once_and_by_name() -> None:
    body = rss("https://a.example/1", extra="<item><title>Sound</title><guid isPermaLink='false'>7</guid></item>")
    found = announce(body)
    assert urls(found) == ["https://a.example/1"]
    [skipped] = [line for line in found.outcomes if line.kind is OutcomeKind.SKIPPED]
    assert (skipped.reason, skipped.feed_url, skipped.terminal) == ("no-link", FEED.url, True)
    assert "7" in skipped.detail
    assert announce(body, found.state).outcomes == ()


def test_a_feed_that_breaks_off_keeps_no_validators() -> None:
    body = rss("https://a.example/1", "https://a.example/2")
    found = announce(body[: body.rindex(b"<item>") + 12], etag='"x"')
    assert urls(found) == ["https://a.example/1"]
    assert found.notes == ("truncated",)
    assert (found.state.etag, found.state.content_digest) == (None, None)


def test_what_the_feed_says_of_its_pace_is_minded() -> None:
    dates = "".join(
        f"<item><link>https://a.example/{n}</link><pubDate>{(NOON - timedelta(hours=n)).isoformat()}</pubDate></item>"
        for n in range(50)
    )
    for extra, headers in (("<ttl>120</ttl>", {}), ("", {"cache_control": "public, max-age=7200"})):
        state = announce(rss(extra=extra + dates), **headers).state
        assert state.next_poll_at == NOON + timedelta(hours=2)
    dated = {"date": "Mon, 05 Jan 2026 11:00:00 GMT", "expires": "Mon, 05 Jan 2026 13:00:00 GMT"}
    assert announce(rss(extra=dates), **dated).state.next_poll_at == NOON + timedelta(hours=2)
    for nonsense in ("0", "-1", "yesterday", "Mon, 05 Jan 2026 99:00:00 GMT", "Mon, 05 Jan 0001 00:00:00 -0900"):
        plain = announce(rss(extra=dates)).state.next_poll_at
        assert announce(rss(extra=dates), expires=nonsense).state.next_poll_at == plain
    assert announce(rss(extra=dates), retry_after="9000").state.next_poll_at == NOON + timedelta(seconds=9000)


def test_an_unchanged_feed_keeps_what_is_known() -> None:
    before = announce(rss("https://a.example/1"), etag='"x"').state
    answer = Response(url=FEED.url, status=304, headers={})
    found = after_same(FEED, before, answer, NOON + timedelta(hours=1), SETTINGS, conditional=True)
    assert (found.entries, found.outcomes) == ((), ())
    assert (found.state.etag, found.state.known, found.state.conditional_polls) == ('"x"', before.known, 1)


def test_failures_and_holds_announce_nothing() -> None:
    failed = after_fault(FEED, NEW, "http-503", 4000.0, NOON, SETTINGS)
    assert (failed.entries, failed.state.failures, failed.state.last_failure) == ((), 1, "http-503")
    assert failed.state.next_poll_at >= NOON + timedelta(seconds=4000)
    held = after_hold(NEW, 60.0, NOON)
    assert (held.state.failures, held.state.next_poll_at) == (0, NOON + timedelta(seconds=60))
