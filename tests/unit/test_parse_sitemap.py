"""Sitemaps and their indexes: what of them is taken, however many addresses they hold."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import FeedFault
from pipelines.feed_formats import ParsedFeed, parse_feed
from pipelines.feed_formats.sitemap import MOST_ROWS, SMALL
from pipelines.markup import root_of

URL = "https://ferry.example/sitemap.xml"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SINCE = NOON - timedelta(days=2)


def sitemap(*rows: tuple[str, str]) -> bytes:
    """Make a map of paths with what stands beside them."""
    return "".join(
        ["<urlset>", *(f"<url><loc>https://a.example{p}</loc>{x}</url>" for p, x in rows), "</urlset>"]
    ).encode()


def read(*rows: tuple[str, str]) -> ParsedFeed:
    return parse_feed(sitemap(*rows), url=URL, since=SINCE)


def paths(feed: ParsedFeed) -> list[str]:
    return [entry.url.removeprefix("https://a.example") for entry in feed.entries]


def lastmod(text: str) -> str:
    return f"<lastmod>{text}</lastmod>"


def news(text: str) -> str:
    return f"<news:news><news:publication_date>{text}</news:publication_date></news:news>"


@pytest.mark.parametrize(
    ("beside", "taken"),
    [
        (lastmod("2026-01-03T12:00:00Z"), True),
        (lastmod("2026-01-03T11:59:59Z"), False),
        (lastmod("2026-01-03T13:30:00+02:00"), False),
        (lastmod("2026-01-03"), True),  # some time on that day
        (lastmod("2026-01-02"), False),
        (lastmod("2027-01-01"), True),
        (news("2026-01-05T10:00:00Z") + lastmod("2020-01-01"), True),
        (news("2020-01-01") + lastmod("2026-01-05T10:00:00Z"), False),  # changed since, but no news
        (news("2026-01-03"), True),
        ("", True),  # a small map
        (lastmod("0000-00-00"), True),
    ],
)
def test_what_is_old_is_left_out_and_counted(beside: str, taken: bool) -> None:
    feed = read(("/x", beside))
    assert paths(feed) == (["/x"] if taken else [])
    assert feed.notes == (() if taken else ("old: 1",))


def test_without_a_limit_all_is_taken() -> None:
    feed = parse_feed(sitemap(("/x", lastmod("2001-01-01"))), url=URL)
    assert paths(feed) == ["/x"]


def test_undated_entries_count_only_in_a_small_map() -> None:
    rows = [(f"/{number}", "") for number in range(SMALL)]
    assert len(read(*rows).entries) == SMALL
    large = read(*rows, ("/dated", lastmod("2026-01-05")))
    assert paths(large) == ["/dated"]
    assert large.notes == (f"undated: {SMALL}",)


def test_a_map_of_fifty_thousand_old_addresses_is_read_quickly() -> None:
    rows = [(f"/{number}", lastmod("2019-05-06T07:08:09+00:00")) for number in range(MOST_ROWS + 7)]
    data = gzip.compress(sitemap(*rows, ("/new", lastmod("2026-01-05"))), 1)
    began = time.process_time()
    feed = parse_feed(data, url=URL, since=SINCE)
    assert time.process_time() - began < 5
    assert feed.entries == ()
    assert feed.notes == ("beyond-the-limit: 8", f"old: {MOST_ROWS}")


def test_archives_do_not_reach_the_refused() -> None:
    feed = parse_feed(b"<urlset><url><loc>/a</loc><lastmod>2001-01-01</lastmod></url></urlset>", url=URL, since=SINCE)
    assert (feed.refused, feed.notes) == ((), ("old: 1",))


def test_a_packed_map_larger_than_the_limit_is_refused() -> None:
    with pytest.raises(FeedFault) as caught:
        parse_feed(gzip.compress(sitemap(*[("/x", "")] * 1000)), url=URL, max_bytes=10_000)
    assert caught.value.reason == "too-large"


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("<rss>", "rss"),
        (
            "\ufeff \n<?xml version='1.0'?>\n<!-- <html> -->\n<?x <html> ?><!DOCTYPE urlset SYSTEM 'x'><urlset\n>",
            "urlset",
        ),
        ("<sm:SitemapIndex xmlns:sm='x'>", "sitemapindex"),
        ("<!DOCTYPE  HTML PUBLIC 'x'><svg>", "html"),
        ("<!doctype html>", "html"),
        ("<HTML>", "html"),
        ("<!-- not ended <urlset>", ""),
        ("<?xml not ended", ""),
        ("<!DOCTYPE", ""),
        ("text <rss>", ""),
        ("", ""),
    ],
)
def test_the_root_is_the_first_element(text: str, root: str) -> None:
    assert root_of(text) == root


@given(st.lists(st.sampled_from(["<!--", "-->", "<?", "?>", "<!", ">", "<a", "<html", " ", "\0"]), max_size=2000))
def test_the_root_of_anything_is_found_at_once(pieces: list[str]) -> None:
    began = time.process_time()
    root_of("".join(pieces))
    assert time.process_time() - began < 1


stamps = st.datetimes(datetime(2025, 12, 20), datetime(2026, 1, 10), timezones=st.just(UTC))  # noqa: DTZ001 - a zone follows


@given(st.lists(st.tuples(st.integers(0, 50), st.none() | stamps), max_size=40))
def test_every_row_is_taken_or_counted(rows: list[tuple[int, datetime | None]]) -> None:
    feed = read(*((f"/{number}", lastmod(at.isoformat()) if at else "") for number, at in rows))
    kept = [number for number, at in rows if at is None or at >= SINCE]
    old = len(rows) - len(kept)
    assert paths(feed) == [f"/{number}" for number in dict.fromkeys(kept)]
    assert feed.notes == ((f"old: {old}",) if old else ())
