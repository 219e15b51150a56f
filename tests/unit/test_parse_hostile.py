"""Feeds made to keep a parser busy: each ends in time linear in its size, or is refused by its name."""

from __future__ import annotations

import pytest

from pipelines.errors import FeedFault
from pipelines.feed_formats import ParsedFeed, parse_feed
from pipelines.feed_formats.feed import MOST_ENTRIES
from pipelines.feed_formats.guard import MAX_ATTRIBUTES, MAX_CATEGORIES, MAX_NAME, refuse_monsters
from tests.unit import hostile_documents as hostile
from tests.unit.linear import LINEAR, growth

pytestmark = pytest.mark.timeout(120)

URL = "https://ferry.example/feed"
ALL = {
    f"{kind}-{name}": make
    for kind, makers in (("feed", hostile.FEEDS), ("json", hostile.JSON_FEEDS), ("sitemap", hostile.SITEMAPS))
    for name, make in makers.items()
}


def parsed(data: bytes) -> ParsedFeed | str:
    try:
        return parse_feed(data, url=URL)
    except FeedFault as fault:
        return fault.reason


@pytest.mark.parametrize("name", ALL)
def test_hostile_feeds_take_time_linear_in_their_size(name: str) -> None:
    assert growth(lambda kb: parsed(ALL[name](kb)), 20) < LINEAR


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("feed-attributes", "too-many-attributes"),
        ("feed-attributes-unquoted", "too-many-attributes"),
        ("feed-attributes-behind-signs", "too-many-attributes"),
        ("feed-wide-attributes", "too-many-attributes"),
        ("feed-categories", "too-many-categories"),
        ("feed-subjects", "too-many-categories"),
        ("feed-keywords", "too-many-categories"),
        ("feed-author-name", "name-too-long"),
        ("feed-author-dots", "name-too-long"),
        ("feed-creator", "name-too-long"),
        ("feed-editor", "name-too-long"),
        ("sitemap-entities", "not-a-feed"),
    ],
)
def test_what_no_parser_reads_in_time_is_refused_by_name(name: str, reason: str) -> None:
    assert parsed(ALL[name](100)) == reason


def test_honest_feeds_come_nowhere_near_the_limits() -> None:
    attributes = " ".join(f'a{number}="{"=" * 20}"' for number in range(MAX_ATTRIBUTES // 25))
    html = f"<p {attributes}>&lt;a href='x'></p>" + '<a href="unclosed>text</a> class="x" ' * 2000
    categories = "".join(f"<category>c{number}</category>" for number in range(MAX_CATEGORIES // 2))
    entry = f"<entry><category term='a,b'/>{categories}<author><name>{'n' * (MAX_NAME - 50)}</name></author>"
    refuse_monsters(f"<feed>{entry * 5}<content><![CDATA[{html}]]></content><!-- {html} --></entry></feed>", URL)


def test_entries_beyond_the_limit_are_counted_and_not_taken() -> None:
    row = '{"url": "https://a.example/%d"}'
    items = ",".join(row % number for number in range(MOST_ENTRIES + 3)) + ", {}"
    feed = parse_feed(f'{{"title": "x", "items": [{items}]}}'.encode(), url=URL)
    assert len(feed.entries) == MOST_ENTRIES
    assert feed.notes == ("too-many-entries: 4",)
