"""Two planted secrets go through the whole river, and are found where they are declared and nowhere else."""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from pipelines.index.elastic import connect
from pipelines.settings import Settings
from schemas.records import Feed
from schemas.topics import DEAD_LETTERS, ENTRIES, FEED_STATE, FEEDS, OUTCOMES, PAGES, TOPICS
from tests.integration.pulling import pulling, rss
from tests.integration.site import Asked, Reply, Site
from tests.rivers import as_environment, documents, page, records, until, waiting

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

FEED_SECRET, INDEX_SECRET = "s3cr3t-of-the-feed", "s3cr3t-of-the-index"
SECRETS = tuple(
    form
    for secret in (FEED_SECRET, INDEX_SECRET)
    for form in (secret, base64.b64encode(f"reader:{secret}".encode()).decode())
)
HTML = {"Content-Type": "text/html; charset=utf-8"}


def found_in(content: bytes) -> list[str]:
    return [secret for secret in SECRETS if secret.encode() in content]


@pytest.fixture
def site() -> Iterator[Site]:
    """A site whose feed needs credentials; its articles' links repeat them, one is dead, one redirects with them."""
    with Site() as running:
        opened = "Basic " + base64.b64encode(f"reader:{FEED_SECRET}".encode()).decode()

        def feed(asked: Asked) -> Reply:
            if asked.headers.get("authorization") != opened:
                return Reply(b"who are you?", 401, {"WWW-Authenticate": 'Basic realm="members"'})
            links = [f"http://reader:{FEED_SECRET}@{running.host}/{name}" for name in (0, 1, "moved", "missing")]
            odd = f"ftp://reader:{FEED_SECRET}@{running.host}/story"
            return Reply(rss(*links, odd), headers={"Content-Type": "application/rss+xml"})

        running.routes |= {"/feed": feed, "/0": Reply(page(0), headers=HTML), "/1": Reply(page(1), headers=HTML)}
        location = f"http://reader:{FEED_SECRET}@{running.host}/2"
        running.routes |= {
            "/moved": Reply(status=302, headers={"Location": location}),
            "/2": Reply(page(2), headers=HTML),
        }
        yield running


class Runner:
    """Runs commands with the index's password in its address, and keeps all that they say."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.environment = as_environment(settings)
        url = settings.elasticsearch.url.replace("://", f"://reader:{INDEX_SECRET}@", 1)
        self.environment["NEWSRIVER_ELASTICSEARCH__URL"] = url
        self._log = folder / "said.log"

    def run(self, *arguments: str) -> None:
        """Run a command to its end, whatever the end."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "pipelines", "-v", *arguments]
            subprocess.run(command, env=self.environment, stdout=log, stderr=log, timeout=120, check=False)

    def drain(self, settings: Settings, *roles: str) -> None:
        """Run roles until nothing waits for any of them, and look at their command lines meanwhile."""
        with ExitStack() as running, self._log.open("ab") as log:
            processes = []
            for name in roles:
                command = [sys.executable, "-m", "pipelines", "-v", name]
                process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
                running.callback(process.wait)
                running.callback(process.kill)
                processes.append(process)
            for name in roles:
                until(lambda name=name: waiting(settings, name) == 0, what=f"all done by {name}")  # type: ignore[misc]  # mypy infers no default of a lambda
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                assert not found_in(_bytes(path)), path
            for process in processes:
                process.send_signal(signal.SIGTERM)
            assert [process.wait(30) for process in processes] == [0] * len(processes)

    @property
    def said(self) -> bytes:
        """All output so far."""
        return self._log.read_bytes()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended
        return b""


def test_secrets_are_found_where_they_are_declared_and_nowhere_else(
    river: Settings, site: Site, tmp_path: Path
) -> None:
    settings = pulling(river, fetch_later_scale=1e-6, fetch_revisit=[])
    runner = Runner(settings, tmp_path)
    lists = tmp_path / "feeds.toml"
    given = f"http://reader:{FEED_SECRET}@{site.host}"
    lists.write_text("".join(f'[[feed]]\nurl = "{given}{path}"\n\n' for path in ("/feed", "/no-feed")))

    runner.run("feeds", "import", str(lists))
    runner.run("poll", "--once")
    runner.drain(settings, "fetch", "process", "record")

    assert len(documents(settings)) == 3, runner.said.decode()[-3000:]
    bare = site.url("/feed")
    assert {feed for each in documents(settings).values() for feed in each["feeds"]} == {bare}
    assert [asked.headers.get("authorization") for asked in site.log if asked.path[1:] in ("0", "1", "moved", "2")] == (
        [None] * 4
    )

    look_at_every_view(runner, bare, given)
    look_into_kafka(settings, bare)
    with closing(connect(settings)) as client:
        indices = client.ask("GET", "/_all/_search", None, {"size": 10_000})
    assert not found_in(str(indices).encode())
    for place in tmp_path.rglob("*"):
        if place.is_file() and place != lists:
            assert not found_in(place.read_bytes()), place


def look_at_every_view(runner: Runner, bare: str, given: str) -> None:
    """Let every command say what it can, the failing ones, too."""
    for topic in (FEEDS, FEED_STATE, ENTRIES, PAGES, OUTCOMES, DEAD_LETTERS):
        runner.run("tap", topic.name, "--from", "start", "--count", "1")
        runner.run("tap", topic.name, "--from", "start", "--count", "1", "--json")
    for command in (
        "feeds list",
        "feeds list --json",
        "feeds list --failing",
        "feeds duplicates",
        "feeds export",
        "feeds export --opml",
        "status",
        "doctor",
        "config show",
        "config show --json",
        "reconcile",
        "reconcile --json",
        "reconcile --repair",
        "dead list --json",
        "search bridge --json",
        "--set elasticsearch.pasword=x status",
    ):
        runner.run(*command.split())
    for url in (bare, f"{given}/feed"):
        runner.run("feeds", "check", url)
        runner.run("feeds", "pause", url)
        runner.run("trace", url)
        runner.run("extract", url)
    runner.run("feeds", "remove", f"{given}/nothing")
    runner.run("feeds", "add", f"{given}:99999/")
    broken = dict(runner.environment)
    runner.environment["NEWSRIVER_ELASTICSEARCH__URL"] = f"http://reader:{INDEX_SECRET}@127.0.0.1:9"
    runner.run("doctor")
    runner.run("search", "x")
    runner.environment["NEWSRIVER_ELASTICSEARCH__URL"] = f"http://reader:{INDEX_SECRET}/x@127.0.0.1:9"
    runner.run("config", "show")
    runner.environment.update(broken)
    said = runner.said
    assert b"http://" in said
    assert bare.encode() in said
    assert not found_in(said), [line for line in said.splitlines() if found_in(line)]


def look_into_kafka(settings: Settings, bare: str) -> None:
    """Read every record of every topic: keys, headers, values."""
    for topic in TOPICS:
        for message in records(settings, topic):
            parts = [(message.key or "").encode(), *message.headers.values()]
            parts += [] if topic is FEEDS else [message.value or b""]
            assert not [part for part in parts if found_in(part)], (topic.name, message.key)
    kept = [Feed.from_json(each.value) for each in records(settings, FEEDS) if each.value]
    secret = {feed.credentials.get_secret_value() for feed in kept if feed.credentials is not None}
    assert bare in {feed.url for feed in kept}
    assert secret == {f"reader:{FEED_SECRET}"}, "the one place that is declared"
