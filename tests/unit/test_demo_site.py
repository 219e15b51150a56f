"""The sample site as data: its articles, pages, feeds and special cases, without a server."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest

from pipelines.cli.demo import _what_next
from pipelines.demo.answers import SampleAnswer, SampleVisit
from pipelines.demo.cases import COURSE, DEPTH, LARGE_PAGE_BYTES, METADATA, PAGE_CASES
from pipelines.demo.catalogue import Catalogue, build
from pipelines.demo.expected import NOT_MODIFIED_FEED, ExpectedCase
from pipelines.demo.feed_cases import FEED_CASES, LARGE_FEED_BYTES
from pipelines.demo.outlets import Article, FeedFormat, Outlet, Template, load_outlets
from pipelines.demo.seed import SEED_PATH, Seed, read_seed
from pipelines.demo.templates import article_page
from pipelines.demo.timetable import Timetable
from pipelines.errors import FeedFault
from pipelines.feed_formats import ParsedFeed, parse_feed
from pipelines.settings import Settings
from schemas.media_topics import TOP_TOPICS
from schemas.records import OutcomeKind

START = datetime(2026, 3, 4, 12, 30, 15, 250_000, tzinfo=UTC)
TIMES = Timetable(start=START)
OUTLETS = load_outlets()
NORMAL = [outlet for outlet in OUTLETS if outlet.name != COURSE]
ARTICLES = [(outlet, article) for outlet in OUTLETS for article in outlet.articles]
SEED = Seed(title="The seed is sown", lines=("Menu     Search", "Corn grew slowly that year. " * 12, "Send."))
SITE = build(TIMES, SEED)
BROKEN_FEEDS = {case.url(TIMES): case for case in FEED_CASES}


def named(pair: tuple[Outlet, Article]) -> str:
    return f"{pair[0].name}-{pair[1].slug}"


def ask(url: str, visit: SampleVisit | None = None, site: Catalogue = SITE) -> SampleAnswer:
    """Give the site's answer to a URL as the server finds it, but for trackers."""
    parts = urlsplit(url)
    assert parts.port == TIMES.port
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return site.answers[int((parts.hostname or "").rpartition(".")[2])][path](visit or SampleVisit())


def parsed(url: str) -> ParsedFeed:
    answer = ask(url)
    return parse_feed(answer.body, url=url, content_type=answer.headers["Content-Type"])


def feeds() -> Iterator[str]:
    """Give the feeds that are not broken."""
    return (feed.url for feed in SITE.feeds if feed.url not in BROKEN_FEEDS)


def special(name: str) -> ExpectedCase:
    (case,) = (case for case in SITE.expected if case.name == name)
    return case


def test_the_site_is_as_various_as_the_web() -> None:
    good = [article for outlet in NORMAL for article in outlet.articles]
    assert len(NORMAL) >= 12
    assert len(good) >= 40
    assert {outlet.template for outlet in OUTLETS} == set(get_args(Template))
    assert {feed.format for outlet in OUTLETS for feed in outlet.feeds} == set(get_args(FeedFormat))
    assert {outlet.validator for outlet in NORMAL} == {"etag", "last-modified", "none"}
    assert len({outlet.language for outlet in NORMAL}) == 9


def test_every_top_topic_has_an_article() -> None:
    topics = {topic for outlet in NORMAL for article in outlet.articles for topic in article.topics}
    labels = {topic: [each.label for each in TOP_TOPICS if each.label.startswith(topic)] for topic in topics}
    assert all(len(found) == 1 for found in labels.values()), labels
    assert {found[0] for found in labels.values()} == {each.label for each in TOP_TOPICS}


@pytest.mark.parametrize("pair", ARTICLES, ids=named)
def test_an_article_is_of_ordinary_length(pair: tuple[Outlet, Article]) -> None:
    outlet, article = pair
    sizes = [len(text) if outlet.language == "ja" else len(text.split()) for text in article.updated_paragraphs]
    low, high = (80, 180) if outlet.language == "ja" else (40, 90)
    assert 4 <= len(sizes) <= 8
    assert low <= min(sizes)
    assert max(sizes) <= high


@pytest.mark.parametrize("pair", ARTICLES, ids=named)
def test_a_page_holds_its_paragraphs_in_order_and_its_furniture(pair: tuple[Outlet, Article]) -> None:
    outlet, article = pair
    url = TIMES.url(outlet, outlet.article_path(article))
    text = html.unescape(article_page(outlet, article, url=url, published=TIMES.published(article)))
    places = [text.index(paragraph) for paragraph in article.paragraphs]
    assert places == sorted(places)
    assert article.title in text
    used = (*outlet.labels.nav, outlet.labels.footer)
    assert [label for label in used if label not in text] == []
    assert re.search(r"\$[a-z{]", text) is None, "a variable of the template was left open"


def test_most_templates_wrap_the_text_in_all_kinds_of_furniture() -> None:
    full = {outlet.template: outlet for outlet in NORMAL if outlet.template not in ("bare", "plain")}
    for outlet in full.values():
        article = outlet.articles[0]
        page = html.unescape(article_page(outlet, article, url="http://x.example/", published=START))
        others = [other.title for other in outlet.articles[1:]]
        missing = [text for text in (*outlet.labels.furniture(), article.caption, *others) if text not in page]
        assert missing == [], outlet.template


def test_names_are_unique_where_they_must_be() -> None:
    assert len({outlet.address for outlet in OUTLETS}) == len(OUTLETS)
    for outlet in OUTLETS:
        paths = {outlet.article_path(article) for article in outlet.articles}
        assert len(paths) == len(outlet.articles), outlet.name


def test_articles_are_fresh_and_dated_to_the_second() -> None:
    for outlet, article in ARTICLES:
        published = TIMES.published(article)
        assert START - timedelta(days=2) < published < START, outlet.name
        assert published.microsecond == 0


def test_urls_are_the_same_from_run_to_run_and_pages_only_differ_in_dates() -> None:
    later = build(Timetable(start=START + timedelta(days=3, hours=5)), SEED)
    assert later.feeds == SITE.feeds
    assert later.expected == SITE.expected
    assert {n: set(paths) for n, paths in later.answers.items()} == {n: set(p) for n, p in SITE.answers.items()}
    one = next(case for case in SITE.expected if case.name == "article")
    assert ask(one.url).body != ask(one.url, site=later).body


def test_one_shared_address_gives_each_outlet_a_port() -> None:
    times = Timetable(start=START, port=9000, apart=False)
    site = build(times)
    assert {urlsplit(feed.url).hostname for feed in site.feeds} == {"127.0.0.1", "missing.invalid"}
    assert len({times.place(outlet.address) for outlet in OUTLETS}) == len(OUTLETS)
    assert "redirect to 127.0.0.1" not in {case.name for case in site.expected}
    assert len(site.expected) == len(build(Timetable(start=START)).expected) - 1


@pytest.mark.parametrize("url", list(feeds()))
def test_a_feed_is_read_whole(url: str) -> None:
    feed = parsed(url)
    outlet = next(each for each in SITE.feeds if each.url == url)
    assert feed.entries
    assert feed.refused == ()
    assert not feed.notes
    assert feed.language == outlet.language
    assert all(entry.title and entry.published_at for entry in feed.entries)
    dates = [entry.published_at for entry in feed.entries if entry.published_at]
    assert dates == sorted(dates, reverse=True)


def test_a_feed_of_each_format_tells_the_same_of_an_article() -> None:
    for outlet in NORMAL:
        for spec in outlet.feeds:
            entries = {entry.url: entry for entry in parsed(TIMES.url(outlet, spec.path)).entries}
            for article in outlet.articles:
                if spec.only and article.slug not in spec.only:
                    continue
                entry = entries[TIMES.url(outlet, outlet.article_path(article))]
                assert entry.title == article.title, spec.format
                assert entry.summary == article.summary, spec.format
                assert entry.authors == (article.author,), spec.format
                assert entry.categories == (article.section,), spec.format
                assert entry.published_at == TIMES.published(article), spec.format


def test_everything_announced_is_expected_and_everything_expected_is_announced() -> None:
    cut = next(url for url, case in BROKEN_FEEDS.items() if case.name == "truncated feed")
    links = [entry.link for url in [*feeds(), cut] for entry in parsed(url).entries]
    pages = [case for case in SITE.expected if case.subject == "page"]
    assert set(links) == {case.url for case in pages}
    assert len(links) == len(set(links))
    assert {feed.url for feed in SITE.feeds} >= {case.url for case in SITE.expected if case.subject == "feed"}
    assert BROKEN_FEEDS.keys() <= {case.url for case in SITE.expected}


def test_expected_cases_say_what_they_must() -> None:
    for case in SITE.expected:
        assert case.about, case.name
        assert bool(case.kinds) == (case.subject == "page"), case.name
        assert all(kind.terminal for kind in case.kinds), case.name
        refused = {OutcomeKind.DEAD, OutcomeKind.REJECTED, OutcomeKind.SKIPPED} & set(case.kinds)
        assert not refused or (case.reasons and not case.holds), case.name
        assert case.faults("\n".join(case.holds)) == [], case.name
    good = {case.url for case in SITE.expected if OutcomeKind.INDEXED in case.kinds}
    assert len(good) >= 50
    names = {case.name for case in PAGE_CASES} | {case.name for case in FEED_CASES}
    assert names < {case.name for case in SITE.expected}


def test_faults_names_lost_text_and_left_furniture() -> None:
    case = ExpectedCase(name="x", url="u", about="a", holds=("one  two",), lacks=("Share", "Sign up now today"))
    assert case.faults("one two\nShare the sea") == []
    assert case.faults("one\ntwo") == []
    assert case.faults("one\nShare") == ["lost: one  two", "left: Share"]
    assert case.faults("one two. Sign up\nnow today!") == ["left: Sign up now today"]


def test_two_outlets_carry_the_wire_story_slightly_edited() -> None:
    copies = [(outlet, article) for outlet, article in ARTICLES if article.wire]
    (first, one), (second, two) = copies
    assert (first.name, one.wire) != (second.name, two.wire)
    assert one.wire == two.wire
    assert one.body != two.body
    assert SequenceMatcher(None, one.body, two.body, autojunk=False).ratio() > 0.8
    assert one.title != two.title


def test_a_corrected_article_changes_once_and_for_good() -> None:
    case = special("corrected after publication")
    first, second, third = (ask(case.url, SampleVisit(earlier=number)) for number in range(3))
    assert first.body != second.body == third.body
    assert "88 votes to 71" in first.body.decode()
    assert "88 votes to 73" in second.body.decode()
    assert case.holds[-1] not in html.unescape(first.body.decode())
    assert case.holds[-1] in html.unescape(second.body.decode())
    assert first.headers["ETag"] != second.headers["ETag"]


def test_a_client_of_an_earlier_run_is_never_shown_the_uncorrected_page() -> None:
    case = special("corrected after publication")
    assert ask(case.url, SampleVisit(etag='"of last week"')).body == ask(case.url, SampleVisit(earlier=1)).body


@pytest.mark.parametrize("outlet", NORMAL, ids=lambda outlet: outlet.name)
def test_validators_give_304_where_the_outlet_has_them(outlet: Outlet) -> None:
    for url in (outlet.feeds[0].path, outlet.article_path(outlet.articles[-1])):
        first = ask(TIMES.url(outlet, url))
        etag, modified = first.headers.get("ETag"), first.headers.get("Last-Modified")
        assert (etag is not None, modified is not None) == (
            outlet.validator == "etag",
            outlet.validator == "last-modified",
        )
        again = ask(TIMES.url(outlet, url), SampleVisit(earlier=1, etag=etag, last_modified=modified))
        assert again.status == (200 if outlet.validator == "none" else 304)
        assert bool(again.body) == (outlet.validator == "none")


def test_the_feed_that_must_answer_304_has_a_validator() -> None:
    outlet = next(outlet for outlet in OUTLETS if outlet.name == NOT_MODIFIED_FEED)
    assert outlet.validator == "etag"
    assert special("feed not modified").url == TIMES.url(outlet, outlet.feeds[0].path)


def test_the_same_article_is_announced_by_two_feeds_of_one_outlet() -> None:
    case = special("announced by two feeds")
    bare = case.url.partition("?")[0]
    assert "utm_source=" in case.url
    assert ask(bare).status == 200
    assert [entry.url for url in feeds() for entry in parsed(url).entries].count(bare) == 2


def test_a_busy_server_answers_the_second_time() -> None:
    url = special("busy server").url
    assert (ask(url).status, ask(url).headers["Retry-After"]) == (503, "2")
    assert ask(url, SampleVisit(earlier=1)).status == 200


@pytest.mark.parametrize(
    ("name", "status", "target"),
    [
        ("redirect loop", 302, "/loop/thither"),
        ("redirect to 169.254.169.254", 302, METADATA),
        ("redirect to 127.0.0.1", 302, "http://127.0.0.1:9200/_cat/indices"),
        ("moved for good", 301, "/moved/bridge-that-moved-a-mile"),
    ],
)
def test_redirects_lead_where_they_should(name: str, status: int, target: str) -> None:
    answer = ask(special(name).url)
    assert (answer.status, answer.headers["Location"]) == (status, target)


def test_each_broken_page_is_broken_in_its_own_way() -> None:
    body = {case.name: ask(special(case.name).url).body for case in PAGE_CASES}
    latin, windows = body["declared Latin-1, is UTF-8"], body["declared UTF-8, is Windows-1252"]
    assert "Zoë" in latin.decode()
    assert "ISO-8859-1" in ask(special("declared Latin-1, is UTF-8").url).headers["Content-Type"]
    assert "Désiré" in windows.decode("cp1252")
    with pytest.raises(UnicodeDecodeError):
        windows.decode()
    assert body["deep nesting"].count(b"<div>") == DEPTH >= 300
    assert body["control characters"].count(b"\x00") >= 8
    assert body["truncated HTML"].endswith(b"<foo")
    assert body["PDF"].startswith(b"%PDF-")
    assert body["empty page"] == b""
    assert b"<p>" not in body["only navigation"]
    assert ask(special("broken page").url).status == 404


def test_robots_txt_closes_one_folder_and_slows_one_outlet() -> None:
    texts = {outlet.name: ask(TIMES.url(outlet, "/robots.txt")).body.decode() for outlet in OUTLETS}
    assert urlsplit(special("forbidden by robots.txt").url).path.startswith("/members/")
    assert [name for name, text in texts.items() if "Disallow: /members/" in text] == [COURSE]
    assert [name for name, text in texts.items() if "Crawl-delay: 1" in text] == ["tidewatch"]


@pytest.mark.parametrize(("name", "least"), [("too large", LARGE_PAGE_BYTES), ("endless feed", LARGE_FEED_BYTES)])
def test_what_is_too_large_is_made_in_small_pieces(name: str, least: int) -> None:
    answer = ask(special(name).url)
    assert answer.pieces is not None
    sizes = [len(piece) for piece in answer.pieces()]
    assert least <= sum(sizes) < 1.1 * least
    assert max(sizes) <= 100_000
    assert answer.headers.get("Content-Length", str(sum(sizes))) == str(sum(sizes))


def test_broken_feeds_are_refused_by_name_and_a_cut_one_keeps_its_whole_entries() -> None:
    for name in ("feed is a web page", "empty feed"):
        with pytest.raises(FeedFault) as caught:
            parsed(special(name).url)
        assert caught.value.reason in special(name).reasons
    assert parsed(special("feed without entries").url).entries == ()
    assert len(parsed(special("truncated feed").url).entries) == 2


def test_a_seed_article_becomes_a_page_of_bare_lines_and_an_entry(tmp_path: Path) -> None:
    file = tmp_path / "seed.txt"
    text = "Corn grew slowly that year, and the crows knew it. " * 6
    file.write_text(f"Menu     Search\n\n{text}\n\n{text.upper()}\n\nSend.\nBack to the top", encoding="utf-8")
    seed = read_seed(file)
    assert seed is not None
    assert seed.title == "Corn grew slowly that year, and the crows knew it"
    assert seed.furniture == ("Menu     Search", "Send.", "Back to the top")
    site = build(TIMES, seed)
    (case,) = (case for case in site.expected if case.name == "seed article")
    page = ask(case.url, site=site).body.decode()
    assert urlsplit(case.url).path == SEED_PATH
    assert f"<p>{text.strip()}</p>" in page
    assert "Send.<br>" in page
    assert case.faults(f"{text}\n{text.upper()}") == []
    assert len(case.faults(f"{text}\nBack to the top")) == 2


def test_without_a_seed_article_the_site_is_the_same_but_for_it(tmp_path: Path) -> None:
    assert read_seed(None) is None
    assert read_seed(tmp_path / "missing.txt") is None
    (tmp_path / "short.txt").write_text("Only furniture.\n", encoding="utf-8")
    assert read_seed(tmp_path / "short.txt") is None
    names = [case.name for case in build(TIMES).expected]
    assert sorted([*names, "seed article"]) == sorted(case.name for case in SITE.expected)


def test_a_long_first_sentence_is_cut_at_a_word(tmp_path: Path) -> None:
    (tmp_path / "seed.txt").write_text("word " * 80 + "end. Next.", encoding="utf-8")
    seed = read_seed(tmp_path / "seed.txt")
    assert seed is not None
    assert seed.title.endswith("word…")
    assert len(seed.title) <= 111


def test_the_last_line_names_page_dashboards_and_api(capsys: pytest.CaptureFixture[str]) -> None:
    _what_next(Settings(), "http://127.0.0.1:8080")
    said = " ".join(capsys.readouterr().out.split())
    for part in ("page: http://127.0.0.1:8080/ ", "http://127.0.0.1:8080/dashboards ", "'127.0.0.1:8080/v1/search?"):
        assert part in said
    _what_next(Settings(), "")
    assert "serve.log" in "".join(capsys.readouterr().out.split())
