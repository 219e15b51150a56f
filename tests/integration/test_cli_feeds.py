"""`newsriver feeds` as a process: one feed looked at without servers, and the list on Kafka."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.settings import Settings, load_settings
from tests.integration.pulling import pulling, rss
from tests.integration.site import Reply, Site
from tests.rivers import as_environment

NOWHERE = load_settings(
    assignments=["kafka.bootstrap_servers=127.0.0.1:9", "fetch.allow_networks=['127.0.0.0/8']"], environment={}
)


def newsriver(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """Run a command; gives its exit code, its result and its messages."""
    command = [sys.executable, "-m", "pipelines", *arguments]
    done = subprocess.run(
        command, env=as_environment(settings), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stdout, done.stderr


def test_a_feed_is_checked_without_any_server() -> None:
    with Site() as site:
        site.routes["/feed"] = Reply(rss("https://news.example/1", "https://news.example/2", "mailto:x@news.example"))
        site.routes["/page"] = Reply(b"<!doctype html><html>")
        code, out, _ = newsriver(NOWHERE, "feeds", "check", site.url("/feed"))
        assert code == 0
        assert "2 entries, 1 lead nowhere" in out
        assert "https://news.example/1" in out
        code, out, _ = newsriver(NOWHERE, "feeds", "check", site.url("/feed"), "--json")
        found = json.loads(out)
        assert [entry["url"] for entry in found["entries"]] == ["https://news.example/2", "https://news.example/1"]
        assert [each["reason"] for each in found["refused"]] == ["not-http"]
        code, out, err = newsriver(NOWHERE, "feeds", "check", site.url("/page"))
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "feed is a web page" in err


def test_without_kafka_the_list_says_how_to_start_it() -> None:
    code, out, err = newsriver(NOWHERE, "feeds", "list")
    assert (code, out) == (3, "")
    assert "newsriver stack up" in err


@pytest.mark.servers
def test_the_list_on_kafka_is_kept(river: Settings, tmp_path: Path) -> None:
    settings = pulling(river)
    url = "https://ferry.example/feed"
    assert newsriver(settings, "feeds", "add", url, "--title", "The Ferry Post", "--language", "en")[0] == 0
    (tmp_path / "more.toml").write_text('[[feed]]\nurl = "https://berg.example/atom"\n')
    assert newsriver(settings, "feeds", "import", str(tmp_path / "more.toml"))[0] == 0
    assert newsriver(settings, "feeds", "list")[1].splitlines() == [
        "https://berg.example/atom",
        f"{url}  The Ferry Post",
    ]
    for form in ("--toml", "--opml"):
        exported = tmp_path / "exported"
        exported.write_text(newsriver(settings, "feeds", "export", form)[1])
        assert newsriver(settings, "feeds", "import", str(exported))[0] == 0
    listed = json.loads(newsriver(settings, "feeds", "list", "--json")[1])
    assert [(feed["url"], feed["title"]) for feed in listed] == [
        ("https://berg.example/atom", ""),
        (url, "The Ferry Post"),
    ]
    assert newsriver(settings, "feeds", "remove", url)[0] == 0
    code, _, err = newsriver(settings, "feeds", "remove", url)
    assert code == 2
    assert "newsriver feeds list" in err
    code, _, err = newsriver(settings, "feeds", "add", "nonsense")
    assert (code, err) == (2, "newsriver: feed (nonsense) is no address of a page: no http:// or https://\n")
