"""Looking round a site on loopback for its feeds: politely, and each feed is read before it is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.discovery.candidates import How
from pipelines.discovery.site_survey import MAX_REQUESTS, Survey, discover
from pipelines.errors import FetchFault
from pipelines.settings import Settings, load_settings
from tests.integration.pulling import feed_reply
from tests.integration.site import Reply, Site

HTML = {"Content-Type": "text/html"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        assignments=[
            "fetch.allow_networks=['127.0.0.0/8']",
            "fetch.delay_seconds=0",
            "fetch.timeout_seconds=5",
            f"fetch.gate_directory={tmp_path}",
        ],
        environment={},
    )


def page(*tags: str) -> Reply:
    return Reply(f"<!doctype html><html><head>{''.join(tags)}</head><body>x</body></html>".encode(), headers=HTML)


def paths(survey: Survey, site: Site) -> list[str]:
    return [feed.url.removeprefix(site.url("")) for feed in survey.feeds]


def test_feeds_are_found_wherever_they_are(settings: Settings) -> None:
    news = [f"https://ferry.example/{number}" for number in range(12)]
    with Site() as site:
        site.routes |= {
            "/": page(
                '<link rel="alternate" type="application/rss+xml" title="News" href="/all.xml">',
                '<link rel="alternate" type="application/rss+xml" href="/private/feed">',
                '<link rel="alternate" type="application/rss+xml" href="/gone">',
                '<a href="/sport/rss">sport</a>',
                '<a href="/rss">our feeds</a>',
            ),
            "/robots.txt": Reply(f"User-agent: *\nDisallow: /private\nSitemap: {site.url('/map-news.rdf')}".encode()),
            "/all.xml": feed_reply(*news),
            "/feed": Reply(b"", 301, {"Location": "/all.xml"}),
            "/index.xml": feed_reply(*news),
            "/sport/rss": feed_reply("https://ferry.example/s1", "https://ferry.example/s2"),
            "/rss": page('<a href="/culture.rss">culture</a>', '<a href="/rss">this page</a>'),
            "/culture.rss": feed_reply("https://ferry.example/c1"),
            "/private/feed": feed_reply("https://ferry.example/p1"),
            "/map-news.rdf": feed_reply("https://ferry.example/m1"),
        }
        survey = discover(settings, site.url("/"))
        found = dict(zip(paths(survey, site), survey.feeds, strict=True))
        assert set(found) == {"/all.xml", "/sport/rss", "/culture.rss", "/map-news.rdf"}
        assert found["/all.xml"].how is How.DECLARED
        assert found["/map-news.rdf"].how is How.ROBOTS
        assert {url.removeprefix(site.url("")) for url in found["/all.xml"].others} == {"/feed", "/index.xml"}
        assert survey.tried[site.url("/private/feed")] == "robots"
        assert survey.tried[site.url("/gone")] == "http-404"
        assert survey.tried[site.url("/rss")] == "html"
        assert site.asked("/private/feed") == []
        asked = [each.path for each in site.log]
        assert asked[0] == "/robots.txt"
        assert survey.requests == len(asked) <= MAX_REQUESTS
        assert sorted(set(asked) - {"/all.xml"}) == sorted(path for path in asked if path != "/all.xml")  # each once
        for before, after in zip(site.log, site.log[1:], strict=False):
            assert before.ended <= after.started + 0.05  # one at a time
        assert not survey.stopped


def test_a_feed_is_its_own_site(settings: Settings) -> None:
    with Site() as site:
        site.routes["/blog/feed"] = feed_reply("https://ferry.example/1")
        survey = discover(settings, site.url("/blog/feed"))
        assert [(feed.how, len(feed.keys)) for feed in survey.feeds] == [(How.GIVEN, 1)]


def test_a_closed_front_page_hides_no_feed(settings: Settings) -> None:
    with Site() as site:
        site.routes |= {"/": Reply(b"no", 403), "/rss.xml": feed_reply("https://ferry.example/1")}
        assert paths(discover(settings, site.url("/")), site) == ["/rss.xml"]


def test_a_site_that_answers_everything_with_its_front_page_is_not_asked_for_ever(settings: Settings) -> None:
    front = page(*(f'<a href="/x{number}/feed">x</a>' for number in range(40)))
    with Site() as site:
        site.routes = _Everything(front)
        survey = discover(settings, site.url("/"))
        assert survey.feeds == []
        assert survey.requests <= MAX_REQUESTS


def test_robots_that_keep_us_out_are_minded(settings: Settings) -> None:
    with Site() as site:
        site.routes |= {"/robots.txt": Reply(b"User-agent: *\nDisallow: /"), "/feed": feed_reply("https://x.example/1")}
        survey = discover(settings, site.url("/"))
        assert survey.feeds == []
        assert set(survey.tried.values()) == {"robots"}
        assert [each.path for each in site.log] == ["/robots.txt"]


def test_a_site_that_says_later_is_left_alone(settings: Settings) -> None:
    with Site() as site:
        site.routes |= {"/": page(), "/rss": Reply(b"", 429, {"Retry-After": "600"})}
        survey = discover(settings, site.url("/"))
        assert "host-on-hold" in survey.tried.values()
        assert site.log[-1].path == "/rss"


def test_a_private_address_is_refused(settings: Settings) -> None:
    guarded = settings.model_copy(update={"fetch": settings.fetch.model_copy(update={"allow_networks": []})})
    with Site() as site, pytest.raises(FetchFault, match=r"127\.0\.0\.1"):
        discover(guarded, site.url("/"))


class _Everything(dict[str, Reply]):
    """Routes of a site without a 404."""

    def __init__(self, reply: Reply) -> None:
        super().__init__({"/robots.txt": Reply(b"", 404)})
        self._reply = reply

    def get(self, path: str, _: object = None) -> Reply:  # type: ignore[override]  # as `Site` calls it
        return super().get(path, self._reply)
