"""`newsriver feeds` as a process: one feed looked at without servers, and the list on Kafka."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.kafka import Sender
from pipelines.settings import Settings, load_settings
from schemas.records import FeedState
from schemas.topics import FEED_STATE
from tests.integration.pulling import pulling, rss
from tests.integration.site import Reply, Site
from tests.rivers import NOON, as_environment


@pytest.fixture
def nowhere(tmp_path: Path) -> Settings:
    """Settings without servers, that may read loopback without pauses."""
    return load_settings(
        assignments=[
            "kafka.bootstrap_servers=127.0.0.1:9",
            "fetch.allow_networks=['127.0.0.0/8']",
            "fetch.delay_seconds=0",
            f"fetch.gate_directory={tmp_path / 'hosts'}",
        ],
        environment={},
    )


def newsriver(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """Run a command; gives its exit code, its result and its messages."""
    command = [sys.executable, "-m", "pipelines", *arguments]
    done = subprocess.run(
        command, env=as_environment(settings), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stdout, done.stderr


def test_a_feed_is_checked_without_any_server(nowhere: Settings) -> None:
    with Site() as site:
        site.routes["/feed"] = Reply(rss(site.url("/1"), site.url("/x/2"), "mailto:x@news.example"))
        site.routes["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /x\nCrawl-delay: 0.1")
        site.routes["/page"] = Reply(b"<!doctype html><html>")
        code, out, _ = newsriver(nowhere, "feeds", "check", site.url("/feed"))
        assert code == 0
        assert "2 entries, 1 lead nowhere" in out
        assert site.url("/x/2") in out
        assert "robots.txt allows 1 of 2 articles, 0.1 s between two" in out
        assert f"warning: robots.txt keeps the river out of 1 of 2 articles: {site.url('/x/2')}" in out
        code, out, _ = newsriver(nowhere, "feeds", "check", site.url("/feed"), "--json")
        found = json.loads(out)
        assert [entry["url"] for entry in found["entries"]] == [site.url("/x/2"), site.url("/1")]
        assert [each["reason"] for each in found["refused"]] == ["not-http"]
        assert {"articles-forbidden", "entries-refused", "no-validators"} <= {
            each["name"] for each in found["warnings"]
        }
        assert found["robots"]["forbidden"] == [site.url("/x/2")]
        code, out, err = newsriver(nowhere, "feeds", "check", site.url("/page"))
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "feed is a web page" in err


def test_the_sitemaps_of_an_index_are_asked_as_a_first_poll_asks_them(nowhere: Settings) -> None:
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    with Site() as site:

        def sitemaps(name: str, *paths: str, day: str = day) -> Reply:
            rows = (f"<{name}><loc>{site.url(path)}</loc><lastmod>{day}</lastmod></{name}>" for path in paths)
            root = {"sitemap": "sitemapindex", "url": "urlset"}[name]
            return Reply(f"<{root}>{''.join(rows)}</{root}>".encode())

        site.routes["/index.xml"] = sitemaps("sitemap", *(f"/map{number}.xml" for number in range(7)))
        site.routes |= {f"/map{number}.xml": sitemaps("url", f"/article{number}") for number in range(6)}
        site.routes["/map0.xml"] = sitemaps("url", "/long-ago", day="2020-01-01")
        code, out, _ = newsriver(nowhere, "feeds", "check", site.url("/index.xml"))
        assert code == 0
        assert "4 entries, 0 lead nowhere" in out
        assert "7 sitemaps are named; 2 more of them wait for the next poll" in out
        assert "warning: old: 1 in" in out
        assert site.asked("/map5.xml") == []


def test_feeds_are_discovered_without_any_server(nowhere: Settings) -> None:
    with Site() as site:
        code, out, err = newsriver(nowhere, "feeds", "discover", site.url("/"))
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert f"no feed at {site.url('/')}: looked at the page's links, robots.txt and the usual paths (" in err
        assert "http-404" in err
        site.routes["/feed"] = Reply(rss(site.url("/1")))
        site.routes["/rss.xml"] = Reply(b"", 302, {"Location": "/feed"})
        code, out, _ = newsriver(nowhere, "feeds", "discover", site.url("/"))
        assert code == 0
        header, row, other = out.splitlines()
        assert header.split() == ["address", "kind", "entries", "newest", "found", "title"]
        assert row.split()[:3] == [site.url("/feed"), "RSS", "1"]
        assert row.endswith("a usual path  The Ferry Post")
        assert other.split() == ["also", site.url("/rss.xml")]
        code, out, _ = newsriver(nowhere, "feeds", "discover", site.url("/"), "--json")
        found = json.loads(out)
        assert [(feed["url"], feed["others"]) for feed in found["feeds"]] == [
            (site.url("/feed"), [site.url("/rss.xml")])
        ]


def test_without_kafka_the_list_says_how_to_start_it(nowhere: Settings) -> None:
    code, out, err = newsriver(nowhere, "feeds", "list")
    assert (code, out) == (3, "")
    assert "newsriver stack up" in err


@pytest.mark.servers
def test_the_list_on_kafka_is_kept(river: Settings, tmp_path: Path) -> None:
    settings = pulling(river)
    url = "https://ferry.example/feed"
    assert newsriver(settings, "feeds", "add", url, "--title", "The Ferry Post", "--language", "en")[0] == 0
    (tmp_path / "more.toml").write_text('[[feed]]\nurl = "https://berg.example/atom"\n')
    assert newsriver(settings, "feeds", "import", str(tmp_path / "more.toml"))[0] == 0
    for form in ("--toml", "--opml"):
        exported = tmp_path / "exported"
        exported.write_text(newsriver(settings, "feeds", "export", form)[1])
        assert newsriver(settings, "feeds", "import", str(exported))[2] == "imported 2 feeds\n"
    listed = json.loads(newsriver(settings, "feeds", "list", "--json")[1])
    assert [(feed["url"], feed["title"]) for feed in listed] == [
        ("https://berg.example/atom", ""),
        (url, "The Ferry Post"),
    ]
    assert newsriver(settings, "feeds", "remove", url)[0] == 0
    code, _, err = newsriver(settings, "feeds", "remove", "https://berg.example/atm")
    assert (code, "did you mean https://berg.example/atom?" in err) == (1, True)
    code, _, err = newsriver(settings, "feeds", "add", "nonsense")
    assert (code, err) == (2, "newsriver: feed (nonsense) is no address of a page: no http:// or https://\n")


@pytest.mark.servers
def test_feeds_are_paused_and_the_same_feed_is_named(river: Settings, tmp_path: Path) -> None:
    settings = pulling(river)
    ferry, again, berg = "https://ferry.example/feed", "http://www.ferry.example/feed/", "https://berg.example/atom"
    (tmp_path / "feeds.toml").write_text("".join(f'[[feed]]\nurl = "{url}"\n' for url in (ferry, again, berg)))
    state = FeedState(url=berg, next_poll_at=NOON, polled_at=NOON, failures=3, last_failure="http-503", polls=3)
    with Sender(settings.kafka.bootstrap_servers, client_id="test") as sender:
        sender.send(FEED_STATE.full_name(settings.river.name), berg, state.to_json())
    code, _, err = newsriver(settings, "feeds", "import", str(tmp_path / "feeds.toml"))
    assert code == 0
    assert err.splitlines() == [
        "imported 3 feeds, 3 of them new",
        f"same feed: {again}  {ferry}  (the same address, spelled differently)",
    ]
    _, _, err = newsriver(settings, "feeds", "add", ferry, "--title", "Post")
    assert err.splitlines()[0] == f"changed {ferry}"
    assert err.splitlines()[1].startswith("same feed: ")
    code, _, err = newsriver(settings, "feeds", "pause", "*ferry*", berg)
    assert (code, err) == (0, "paused 3 feeds\n")
    assert newsriver(settings, "feeds", "resume", berg)[2] == f"resumed {berg}\n"
    code, out, err = newsriver(settings, "feeds", "list")
    rows = [line.split() for line in out.splitlines()]
    assert [row[0] for row in rows] == ["feed", again, berg, ferry]
    assert rows[2][-5:] == ["due", "failed", "3", "times:", "http-503"]
    assert rows[3][1:] == ["never", "paused", "Post"]
    assert err.splitlines()[0] == "3 feeds, 1 failing, 2 paused"
    failing = json.loads(newsriver(settings, "feeds", "list", "--failing", "--json")[1])
    assert [(feed["url"], feed["failures"], feed["reason"]) for feed in failing] == [(berg, 3, "http-503")]
    groups = json.loads(newsriver(settings, "feeds", "duplicates", "--json")[1])
    assert groups == [{"urls": [again, ferry], "why": ["spelling"]}]
    code, _, err = newsriver(settings, "feeds", "pause", "https://ferry.example/fed")
    assert (code, err.count("\n"), f"did you mean {ferry}?" in err) == (1, 1, True)
    assert newsriver(settings, "feeds", "pause")[0] == 2


@pytest.mark.servers
def test_what_is_discovered_is_added_once(river: Settings) -> None:
    settings = pulling(river)
    undated = b"<rss version='2.0'><channel><title>Post</title><item><link>/1</link></item></channel></rss>"
    with Site() as site:
        site.routes["/"] = Reply(b"<a href='/rss/world'>world</a> <a href='/comments/feed'>what readers say</a>")
        site.routes |= {path: Reply(undated.replace(b"/1", path.encode())) for path in ("/rss/world", "/comments/feed")}
        code, _, err = newsriver(settings, "feeds", "discover", site.url("/"), "--add")
        assert (code, err) == (0, f"added {site.url('/rss/world')}\n")
        _, _, err = newsriver(settings, "feeds", "discover", site.url("/"), "--add")
        assert err == "added 0 feeds; 1 in the list already\n"
        listed = json.loads(newsriver(settings, "feeds", "list", "--json")[1])
        assert [(feed["url"], feed["title"]) for feed in listed] == [(site.url("/rss/world"), "Post")]
