"""The demonstration as a stranger runs it, and what can be asked afterwards: every command that the README names."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.cli import COMMANDS
from pipelines.demo.site import SampleSite
from pipelines.settings import Settings, load_settings
from pipelines.stack.ports import choose
from tests.integration.hub import call as fetch
from tests.rivers import as_environment, documents, role, until

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
SEED = ROOT / "../shared/data/seed-article.txt"


def call(settings: Settings, *arguments: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    """Run one command of newsriver to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        env=as_environment(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.fixture(scope="module")
def shown(servers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, str]]:
    """A river in which the demonstration has run, and what it printed."""
    from pipelines.index.provision import remove

    settings = load_settings(
        assignments=[
            f"river.name=d{uuid.uuid4().hex[:8]}",
            f"kafka.bootstrap_servers={servers[0]}",
            f"elasticsearch.url={servers[1]}",
            "kafka.partitions=2",
            f"stack.directory={tmp_path_factory.mktemp('stack')}",
            f"serve.port={choose()}",
        ],
        environment={},
    )
    done = call(settings, "demo")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield settings, done.stdout
    call(settings, "stack", "down")
    with suppress(Exception):
        remove(settings)


def test_it_ends_with_articles_and_three_searches(shown: tuple[Settings, str]) -> None:
    settings, text = shown
    last = text.strip().splitlines()[-2]
    found = re.search(r"(\d+) articles indexed in \d+ s, (\d) searches with hits", last)
    assert found, last
    assert int(found[1]) >= 25
    assert int(found[1]) == len(documents(settings))
    assert found[2] == "3"


def test_its_last_line_names_a_page_and_an_api_that_work(shown: tuple[Settings, str]) -> None:
    settings, text = shown
    last = text.strip().splitlines()[-1]
    [page] = re.findall(r"Search page: (http://127\.0\.0\.1:\d+/)", last)
    [api] = re.findall(r"curl '(.+?)'", last)
    assert page == f"http://127.0.0.1:{settings.serve.port}/"
    status, body = fetch("GET", f"http://{api}")
    assert status == 200
    found = json.loads(body)
    assert found["total"] >= 1
    assert len(found["articles"]) == min(found["total"], 10)
    [boards] = re.findall(r"Dashboards: (http://127\.0\.0\.1:\d+/dashboards)", last)
    for name in ("newsroom", "health", "quality"):
        status, body = fetch("GET", f"{boards}/{name}")
        assert (status, b'role="alert"' in body) == (200, False)
    for address, understood in ((page, False), (f"{page}search?q=bridge", True)):
        status, body = fetch("GET", address)
        assert (status, b"understood as" in body) == (200, understood)


def test_a_second_run_adds_no_duplicate(shown: tuple[Settings, str]) -> None:
    settings, _ = shown
    before = documents(settings)
    done = call(settings, "demo")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    after = documents(settings)
    assert set(after) == set(before)
    urls = [article["url"] for article in after.values()]
    assert len(urls) == len(set(urls))


@pytest.mark.skipif(not SEED.exists(), reason="the development data are not beside this checkout")
def test_the_seed_article_is_found_clean_and_tagged(shown: tuple[Settings, str]) -> None:
    settings, _ = shown
    answer = json.loads(call(settings, "search", "Blinken elections", "--json").stdout)
    [article] = answer["articles"]
    assert answer["query"] == "Blinken elections"
    assert answer["total"] == 1
    assert len(article["body"].split("\n")) == 5
    for furniture in ("Live Markets", "Share.", "Exit mobile version"):
        assert furniture not in article["body"]
    topics = {topic["label"]: topic["evidence"] for topic in article["topics"]}
    assert {"politics", "conflict, war and peace"} <= set(topics)
    assert all(topics.values())
    extracted = json.loads(call(settings, "extract", str(SEED), "--json").stdout)["article"]
    assert extracted["body"] == article["body"]


INVOCATIONS: dict[str, list[list[str]]] = {
    "stack": [["stack", "status"]],
    "setup": [["setup"], ["setup", "--dry-run", "--json"]],
    "dashboards": [["dashboards", "export", "{folder}/dashboards"]],
    "doctor": [["doctor"], ["doctor", "--json"]],
    "status": [["status"], ["status", "--json"]],
    "config": [["config", "show"], ["config", "show", "--json"], ["config", "init", "--file", "{folder}/all.toml"]],
    "feeds": [["feeds", "list"], ["feeds", "export", "--opml"]],
    "extract": [["extract", "{page}", "--json"], ["extract", "{page}"]],
    "search": [["search", "bridge"], ["search", "*", "--json", "--sort", "newest", "--lang", "de"]],
    "timeline": [["timeline", "bridge"], ["timeline", "*", "--json"]],
    "top": [["top", "source", "*"], ["top", "topic", "bridge", "--json"]],
    "terms": [["terms", "bridge"], ["terms", "bridge", "--json"]],
    "similar": [["similar", "{id}"], ["similar", "{id}", "--json"]],
    "article": [["article", "{id}"], ["article", "{id}", "--json"]],
    "history": [["history", "{url}"], ["history", "{url}", "--json"]],
    "export": [["export", "bridge"]],
    "suggest": [["suggest", "brid"], ["suggest", "brid", "--json"]],
    "topics": [["topics"], ["topics", "--json"]],
    "sources": [["sources"], ["sources", "*", "--json"]],
    "count": [["count", "*", "--topic", "politics", "--since", "2d"], ["count", "bridge", "--json"]],
    "reconcile": [["reconcile"], ["reconcile", "--json"]],
    "trace": [["trace", "{url}"], ["trace", "{url}", "--json"]],
    "dead": [["dead", "list"], ["dead", "replay", "--reason", "http-404", "--dry-run"]],
    "tap": [["tap", "outcomes", "--from", "start", "--count", "2"]],
}
"""Command -> calls that run against the demonstration's river; the others have tests of their own."""

ELSEWHERE = {
    "demo": "here",
    "run": "here",
    "poll": "tests/integration/test_poll.py",
    "fetch": "tests/integration/test_fetch.py",
    "process": "tests/e2e/test_process.py",
    "record": "tests/e2e/test_process.py",
    "serve": "tests/integration/test_websub.py",
    "keys": "tests/unit/test_web_keys.py",
    "alerts": "tests/integration/test_alerts.py",
    "bench": "tests/e2e/test_bench.py",
    "chaos": "tests/e2e/test_chaos.py",
}


def test_every_command_of_the_readme_exists_and_runs_in_a_test() -> None:
    rows = re.findall(r"^\| `newsriver (.+?)` *(.*?)\|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {first.split()[0] for first, _ in rows}
    named |= {more for _, rest in rows for more in re.findall(r"`([a-z]+)`", rest) if more in COMMANDS}
    assert named == set(COMMANDS)
    assert set(INVOCATIONS) | set(ELSEWHERE) == set(COMMANDS)
    for place in ELSEWHERE.values():
        assert place == "here" or (ROOT / place).exists(), place


@pytest.mark.parametrize("command", INVOCATIONS)
def test_command_runs(command: str, shown: tuple[Settings, str], tmp_path: Path) -> None:
    settings, _ = shown
    page = tmp_path / "page.html"
    page.write_bytes(
        b"<h1>Bridge opens</h1>" + b"<p>The bridge over the river opened on Monday after years of work.</p>" * 9
    )
    article_id, document = next(iter(documents(settings).items()))
    names = {"{folder}": str(tmp_path), "{page}": str(page), "{url}": document["url"], "{id}": article_id}
    for arguments in INVOCATIONS[command]:
        filled = [re.sub(r"\{\w+\}", lambda found: names[found[0]], argument) for argument in arguments]
        done = call(settings, *filled, seconds=60)
        assert done.returncode in ({0, 3} if command == "stack" else {0}), f"{filled}: {done.stderr}{done.stdout}"
        if "--json" in filled:
            json.loads(done.stdout)


def test_run_drains_on_ctrl_c(river: Settings, tmp_path: Path) -> None:
    with SampleSite(port=18_754) as site:
        feeds = tmp_path / "feeds.toml"
        site.feeds_toml(feeds)
        local = river.model_copy(
            update={
                "fetch": river.fetch.model_copy(update={"allow_networks": site.networks(), "delay_seconds": 0.1}),
                "process": river.process.model_copy(update={"workers": 1}),
            }
        )
        with role(local, "run", "--feeds", str(feeds)) as process:
            until(lambda: len(documents(local)) >= 25, what="25 articles")
            children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
            assert len(children.stdout.split()) == 4
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        assert all(not os.path.exists(f"/proc/{pid}") for pid in children.stdout.split())
