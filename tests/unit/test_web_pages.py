"""The pages on a search in memory: what they show, where they lead, and that nothing of the web's is markup in them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from lxml import html

from pipelines.feeds.feed_status import FeedStatus
from pipelines.ledger.trace import Hop
from pipelines.search.query import parse_query
from pipelines.settings import Settings
from pipelines.web.app import application
from pipelines.web.links import step_end, within
from pipelines.web.models import HistoryAnswer
from pipelines.web.views import paragraphs
from schemas.records import Feed, FeedState
from tests.contract.test_search import ARTICLES, NOW, SPORT, article
from tests.memory_alerts import MemoryAlerts
from tests.memory_search import MemorySearch, StillRiver

EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&lt;b&gt;\u202e</title>"
HOSTILE = article(7, f"Bridge {EVIL}", f"The bridge {EVIL} fell.", source=EVIL[:60], authors=[EVIL], language="ar")
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def search() -> MemorySearch:
    return MemorySearch([*ARTICLES, HOSTILE])


@pytest.fixture
def river() -> StillRiver:
    return StillRiver()


@pytest.fixture
def client(search: MemorySearch, river: StillRiver) -> Iterator[TestClient]:
    app = application(Settings(), dict, search, river, MemoryAlerts(Settings()))
    with TestClient(
        app,
        base_url="http://127.0.0.1:8080",
        client=("127.0.0.1", 5000),
        headers=BROWSER,
        raise_server_exceptions=False,
        follow_redirects=False,
    ) as client:
        yield client


def tree(client: TestClient, address: str, status: int = 200) -> html.HtmlElement:
    answer = client.get(address)
    assert answer.status_code == status, address
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "script-src" not in policy
    assert "'unsafe-inline'" not in policy
    assert policy.startswith("default-src 'none'")
    page = html.fromstring(answer.text)
    assert page.xpath("//script|//img|//iframe|//*[@style]|//style") == []
    assert [name for each in page.iter() for name in getattr(each, "attrib", {}) if name.startswith("on")] == []
    assert [each for each in page.xpath("//link/@href") if not each.startswith("/")] == []
    return page


def query_of(href: str) -> str:
    return parse_qs(urlsplit(href).query, keep_blank_values=True)["q"][0]


def test_the_first_page_shows_the_newest_of_all(client: TestClient) -> None:
    page = tree(client, "/")
    assert [each.text_content() for each in page.xpath("//article/h2")][:2] == ["Bridge opens", "Match drawn"]
    assert page.xpath("//p[@class='state']")[0].text_content().startswith("5 articles, the newest ")


def test_each_part_of_the_query_can_be_taken_away(client: TestClient) -> None:
    page = tree(client, "/search?q=bridge+-harbour+source:gazette")
    chips = page.xpath("//li[starts-with(@class, 'chip')]")
    assert [each.xpath("string(bdi)") for each in chips] == ["bridge", "-harbour", "source:gazette"]
    without = [query_of(each.xpath("string(a/@href)")) for each in chips]
    assert without == ["-harbour source:gazette", "bridge source:gazette", "bridge -harbour"]


def test_facets_count_and_narrow(client: TestClient) -> None:
    page = tree(client, "/search?q=bridge&sort=oldest")
    [german] = tree(client, "/search?q=").xpath("//a[bdi='de']/@href")
    assert query_of(german) == "lang:de"
    [english] = page.xpath("//a[bdi='en']/@href")
    assert query_of(english) == "bridge lang:en"
    assert "sort=oldest" in english
    assert len(tree(client, english).xpath("//article")) == 2


def test_bars_and_numbers_of_the_timeline_lead_to_their_days(client: TestClient) -> None:
    page = tree(client, "/search?q=bridge")
    bars = page.xpath("//figure//*[local-name()='svg']//a/@href")
    rows = page.xpath("//figure//table//a/@href")
    assert set(rows) <= set(bars)
    assert len(tree(client, rows[-1]).xpath("//article")) == 1
    assert query_of(rows[-1]).startswith("bridge after:2026-11-23 before:2026-11-24")


def test_a_range_of_dates_becomes_part_of_the_query(client: TestClient) -> None:
    answer = client.get("/search?q=bridge+last:7d&after=2026-11-01&before=2026-11-23")
    assert answer.status_code == 303
    assert query_of(answer.headers["location"]) == "bridge after:2026-11-01 before:2026-11-23"


def test_feeds_and_exports_are_of_this_query(client: TestClient) -> None:
    page = tree(client, "/search?q=bridge+lang:en")
    links = page.xpath("//p[starts-with(., 'Follow') or starts-with(., 'Get')]/a/@href")
    assert len(links) == 6
    for link in [*links, *page.xpath("//link[@rel='alternate']/@href")]:
        assert query_of(link) == "bridge lang:en"
        assert client.get(link).status_code == 200


def test_pages_follow_each_other(client: TestClient, search: MemorySearch) -> None:
    search.articles = [article(number, f"Bridge {number}", "A bridge.") for number in range(1, 46)]
    seen, address = [], "/search?q=bridge"
    while address:
        page = tree(client, address)
        seen += [each.text_content() for each in page.xpath("//article/h2")]
        address = "".join(page.xpath("//a[@rel='next']/@href"))
    assert len(seen) == len(set(seen)) == 45


def test_foreign_text_is_text(client: TestClient) -> None:
    page = tree(client, "/search?q=bridge")
    [title] = [each for each in page.xpath("//article/h2") if "alert" in each.text_content()]
    assert title.text_content() == f"Bridge {EVIL}"
    assert (title.get("lang"), title.get("dir")) == ("ar", "auto")
    box = tree(client, "/search?q=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E").xpath("//input[@type='search']")[0]
    assert box.get("value") == '"><script>alert(1)</script>'


def test_an_article_shows_its_text_its_reasons_and_its_way(
    client: TestClient, search: MemorySearch, river: StillRiver
) -> None:
    shown = article(9, "Match drawn", "The match ended.\nA late goal.", topics=[SPORT], rights=["noai"], license=None)
    search.articles.append(shown)
    river.steps = [Hop(NOW, 0, "poll", "discovered", f"announced by {EVIL}", "news.entries 0 @ 1", True)]
    page = tree(client, f"/articles/{shown.id}")
    assert [each.text_content() for each in page.xpath("//div[@class='text']/p")] == [
        "The match ended.",
        "A late goal.",
    ]
    assert [each.text for each in page.xpath("//mark")] == ["match"]
    text = page.text_content()
    for part in ("sport", "noai", "discovered", EVIL[:20], "2 words" if shown.words == 2 else f"{shown.words} words"):
        assert part in text
    out = page.xpath(f"//a[@href='{shown.url}']")
    assert {(link.get("rel"), link.get("referrerpolicy")) for link in out} == {
        ("noopener noreferrer nofollow", "no-referrer")
    }
    assert page.xpath("//section[h2='Similar']//a/@href")
    assert "such article" in tree(client, f"/articles/{'0' * 32}", 404).text_content()
    hostile = tree(client, f"/articles/{HOSTILE.id}")
    assert hostile.xpath("string(//h1)") == f"Bridge {EVIL}"


def test_what_changed_is_shown_newest_first(client: TestClient, search: MemorySearch) -> None:
    now = article(9, f"Council admits {EVIL}", "It knew since April.\nTwo hundred houses.", fetched_at=NOW)
    before = now.model_copy(
        update={
            "title": f"Council denies {EVIL}",
            "body": "It knew since April.\nEighty houses.",
            "content_digest": "b" * 32,
        }
    )
    search.articles.append(now)
    search.past[now.id] = [before.model_copy(update={"fetched_at": NOW - timedelta(hours=1)})]
    page = tree(client, f"/articles/{now.id}")
    assert [each.text_content() for each in page.xpath("//ins")] == ["admits", "Two hundred"]
    assert [each.text_content() for each in page.xpath("//del")] == ["denies", "Eighty"]
    badges = [each.text_content() for each in page.xpath("//*[@class='badge']")]
    assert badges == ["edited 1 time", "headline changed", "silent edit"]
    assert page.xpath("//section[@id='changes']")
    assert not tree(client, f"/articles/{ARTICLES[0].id}").xpath("//section[@id='changes']")
    answer = HistoryAnswer.model_validate(client.get(f"/v1/articles/{now.id}/history").json())
    assert [version.silent for version in answer.versions] == [False, True]


def test_an_address_that_is_none_is_no_link(client: TestClient, search: MemorySearch) -> None:
    wrong = article(9, "Odd", "An odd one.", license="javascript:alert(1)", tdm_policy="data:text/html,x")
    search.articles.append(wrong)
    links = tree(client, f"/articles/{wrong.id}").xpath("//a/@href")
    assert [link for link in links if not link.startswith(("/", "#", "http://", "https://"))] == []


def test_sources_and_feeds(client: TestClient, river: StillRiver) -> None:
    feed = Feed(url="https://ida:secret@gazette.example.org/feed", title=EVIL)
    failed = FeedState(url=feed.url, failures=3, last_failure="http-503", polled_at=NOW, next_poll_at=NOW, polls=9)
    paused = Feed(url="https://paused.example/feed", paused=True)
    river.listed = [FeedStatus(feed, failed), FeedStatus(paused, None)]
    page = tree(client, "/sources")
    rows = [row.text_content() for row in page.xpath("//tbody/tr")]
    assert len(rows) == 3 + 2
    assert "failed 3 times: http-503" in rows[3]
    assert "secret" not in page.text_content()
    assert query_of(page.xpath("//tbody/tr/td//a/@href")[0]) in ("source:gazette", "source:blatt")
    river.away = True
    assert "Kafka does not answer" in tree(client, "/sources").text_content()


def test_nothing_found_offers_less(client: TestClient) -> None:
    page = tree(client, "/search?q=bridge+unicorn")
    assert [query_of(link) for link in page.xpath("//section[@class='empty']//a/@href")] == ["unicorn", "bridge"]
    assert tree(client, "/search?q=unicorn").xpath("//a[@href='/search']")


def test_errors_are_pages_for_browsers(client: TestClient, search: MemorySearch) -> None:
    assert "did you mean 'newest'?" in tree(client, "/search?sort=newst", 400).text_content()
    assert "Not Found" in tree(client, "/nowhere", 404).text_content()
    search.away = True
    assert "Elasticsearch does not answer" in tree(client, "/search?q=a", 503).text_content()
    assert client.get("/").headers["retry-after"] == "5"
    assert client.get("/v1/search").headers["content-type"] == "application/problem+json"
    search.articles, search.away = None, False  # type: ignore[assignment]
    assert "alert" not in tree(client, "/", 500).text_content()


def test_the_style_sheet_names_no_other_host(client: TestClient) -> None:
    sheet = client.get("/static/style.css")
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert "//" not in sheet.text.replace("http://www.w3.org", "")
    assert "@import" not in sheet.text
    assert client.get("/static/base.html").status_code == 404
    assert client.get("/static/..%2fapp.py").status_code == 404


def test_the_reference_has_a_form_for_each_path(client: TestClient) -> None:
    saved = client.post("/v1/alerts", json={"query": "bridge"}).json()["id"]
    page = tree(client, "/docs")
    forms = {form.xpath("string(input[@name='path']/@value)"): form for form in page.xpath("//form")}
    paths = client.get("/openapi.json").json()["paths"]
    assert set(forms) == {path for path, methods in paths.items() if "get" in methods}
    assert "DELETE /v1/alerts/{id}" in page.xpath("//h2/text()")
    for path, form in forms.items():
        fields = dict(form.form_values()) | (
            {"id": saved if "alerts" in path else ARTICLES[0].id} if "{id}" in path else {}
        )
        answer = client.get("/docs/try", params=fields)
        assert answer.status_code == 303, path
        assert "{" not in answer.headers["location"]
        assert client.get(answer.headers["location"]).status_code == 200, answer.headers["location"]
    assert client.get("/docs/try?path=https://evil.example/").status_code == 404
    hostile = client.get("/docs/try", params={"path": "/v1/top/{field}", "field": "//evil.example/?a=b"})
    assert hostile.headers["location"] == "/v1/top/%2F%2Fevil.example%2F%3Fa%3Db"


_PATHS = (
    *("/", "/search", "/nowhere", "/static/x", "/openapi.json", "/healthz", "/docs", "/sources", "/{}"),
    *("/v1/search", "/v1/count", "/v1/timeline", "/v1/top/source", "/v1/top/{}", "/v1/{}", "/articles/{}"),
    *("/saved", "/saved/{}.rss", "/saved/{}/remove", "/v1/alerts", "/v1/alerts/{}", "/v1/alerts/{}/pause"),
)
_NAMES = ("q", "sort", "limit", "cursor", "after", "before", "format", "interval", "explain", "x", "q[]", "")
_VALUES = (
    *(EVIL, "", "*", "((((", '"', "source:", "-", "\x00", b"\xed\xa0\x80", "9" * 400, "-1", "newest", "csv", "rss"),
    *("2026-13-45", "a" * 3000, "OR OR", "../../etc/passwd", "%", "\u0663", "\u202e", "~9 *a ?b", "day", "minute"),
    *('after:2026-11-01 source:a,b,-c =x "y z"~5', "last:99999999w", "before:0001-01-01", "after:9999-12-31", "true"),
)


@pytest.mark.parametrize("count", [400, pytest.param(5000, marks=pytest.mark.long)])
def test_no_odd_request_breaks_a_page_or_gets_markup_into_it(client: TestClient, count: int) -> None:
    chance = random.Random(count)
    for _ in range(count):
        path = chance.choice(_PATHS).replace("{}", chance.choice(["a" * 32, "%3Cscript%3E", "..", "%00", "x"]))
        asked = [(chance.choice(_NAMES), chance.choice(_VALUES)) for _ in range(chance.randint(0, 4))]
        answer = client.request(chance.choice(["GET", "GET", "HEAD", "POST"]), path, params=asked)
        assert answer.status_code < 500, (path, asked)
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert "<script" not in answer.text
            assert "<img" not in answer.text


@pytest.mark.parametrize(
    ("start", "interval", "end"),
    [
        ("2026-12-01", "month", "2027-01-01"),
        ("2026-11-01", "month", "2026-12-01"),
        ("2024-01-01", "year", "2025-01-01"),
        ("2026-12-31", "day", "2027-01-01"),
        ("2026-12-28", "week", "2027-01-04"),
        ("2026-11-01T23:00", "hour", "2026-11-02"),
    ],
)
def test_a_step_of_the_timeline_ends_where_the_next_begins(start: str, interval: str, end: str) -> None:
    begins = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert step_end(begins, interval) == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_another_time_replaces_what_a_query_says_of_time() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    query = parse_query("bridge OR ferry last:2d lang:en", now)
    hour = datetime(2026, 11, 23, 10, tzinfo=UTC)
    text = within(query, hour, step_end(hour, "hour"))
    again = parse_query(text, now)
    assert [part.kind for part in again.understood] == ["any", "lang", "after", "before"]
    assert not [part for part in again.understood if part.note]
    assert within(parse_query("last:2d", now), None, None) == "*"


def test_words_are_marked_whole_and_the_longest_first() -> None:
    [first, second] = paragraphs(
        "The Council met.\n\nCouncils of the council of war.", ["council", "council of war", ""]
    )
    assert first == [("The ", False), ("Council", True), (" met.", False)]
    assert second == [("Councils of the ", False), ("council of war", True), (".", False)]
    assert paragraphs("a.b axb", ["a.b"]) == [[("a.b", True), (" axb", False)]]
    assert paragraphs("<b>", []) == [[("<b>", False)]]
