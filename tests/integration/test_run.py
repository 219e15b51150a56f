"""`newsriver run` as a newcomer meets it: what it says while it runs, as lines and as JSON, and when it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.settings import ServeSettings, Settings
from pipelines.stack.ports import choose
from tests.integration.hub import call
from tests.integration.pulling import HTML, feed_file, feed_reply, pulling
from tests.integration.site import Reply, Site
from tests.rivers import as_environment, page, until


@pytest.mark.servers
@pytest.mark.parametrize("form", ["text", "json"])
def test_it_says_what_came_what_fails_and_how_it_ends(river: Settings, tmp_path: Path, form: str) -> None:
    log = tmp_path / "run.log"
    with Site() as site:
        settings = pulling(river, fetch_revisit=[])
        site.routes["/good"] = feed_reply(site.url("/page"))
        site.routes["/bad"] = Reply(status=503)
        site.routes["/page"] = Reply(page(1), headers=HTML)
        feeds = feed_file(tmp_path, [site.url("/good"), site.url("/bad")])
        command = [sys.executable, "-m", "pipelines", "--set", "process.workers=1", "--log-format", form]
        with log.open("wb") as stream:
            process = subprocess.Popen([*command, "run", "--feeds", feeds], env=as_environment(settings), stderr=stream)
        try:
            until(lambda: "1 article" in log.read_text() and "2 feeds, 1 failing" in log.read_text(), what="its line")
            process.send_signal(signal.SIGINT)
            assert process.wait(40) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    lines = log.read_text().splitlines()
    if form == "json":
        said = [json.loads(line) for line in lines]
        assert {"run", "poll", "fetch", "process", "record"} <= {each["role"] for each in said}
        assert {"feeds": 2, "failing": 1, "articles": 1}.items() <= [one for one in said if "failing" in one][
            -1
        ].items()
        assert said[-1]["message"].startswith("the river is drained")
    else:
        assert f"1 failing ({site.url('/bad')}: http-503), next poll in " in log.read_text()
        assert lines[-1] == "the river is drained"  # servers of the settings are none of its business
        assert sum("the river flows: 2 feeds" in line for line in lines) == 1


@pytest.mark.servers
def test_it_serves_the_search_page_with_the_rest(river: Settings, tmp_path: Path) -> None:
    serve = ServeSettings(port=choose(), with_run=True)
    address = f"http://127.0.0.1:{serve.port}"
    log = tmp_path / "run.log"

    def answers() -> bool:
        try:
            return call("GET", f"{address}/search?q=bridge")[0] == 200
        except OSError:
            return False

    with Site() as site:
        settings = pulling(river).model_copy(update={"serve": serve})
        site.routes["/good"] = feed_reply(site.url("/page"))
        feeds = feed_file(tmp_path, [site.url("/good")])
        command = [sys.executable, "-m", "pipelines", "--set", "process.workers=1", "run", "--feeds", feeds]
        with log.open("wb") as stream:
            process = subprocess.Popen(command, env=as_environment(settings), stderr=stream)
        try:
            until(answers, what="the search page")
            assert f"search page: {address}/, dashboards: {address}/dashboards" in log.read_text()
            process.send_signal(signal.SIGINT)
            assert process.wait(40) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.opml", "<opml version='2.0'><body/></opml>"),
        ("bad.opml", "<opml version='2.0'><body><outline xmlUrl='ftp://x.example/'/></body></opml>"),
        ("empty.toml", "feed = []\n"),
        ("nothing.opml", ""),
    ],
)
def test_a_list_without_a_feed_is_one_line_before_anything_starts(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    command = [sys.executable, "-m", "pipelines", "--set", f"stack.directory={tmp_path / 'stack'}", "run", "--feeds"]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert name in done.stderr
    assert not (tmp_path / "stack").exists()
