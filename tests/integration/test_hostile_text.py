"""What a hostile site says (reason phrases, titles, names of codings) reaches neither terminal nor log as it came."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.settings import Settings
from schemas.records import OutcomeKind
from tests.integration.pulling import HTML, RSS, entry, outcomes, pulling, send
from tests.integration.site import Reply, Site
from tests.rivers import as_environment, until, waiting

UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What rich writes to a terminal that has colours."""

TRICK = "\x1b]0;pwned\x07\x1b[31mRED\x1b[0m\u009b5m \u202egnp.exe\u2066 [/x] [bold]b[/bold] [link=http://evil.example]l[/link]"
SHOWN = r"\x1b]0;pwned\x07\x1b[31mRED\x1b[0m\x9b5m \u202egnp.exe\u2066 [/x] [bold]b[/bold] [link=http://evil.example]l[/link]"
REASON = Reply(raw=b"HTTP/1.1 404 " + TRICK.encode() + b" \xff\x9b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
CODED = Reply(b"x", headers=HTML | {"Content-Encoding": "\x1b[31mevil"})
PAGE = (
    f"<html lang=en><head><title>{TRICK}</title><meta name=author content='A {TRICK}'></head><article><h1>{TRICK}</h1>"
    + "<p>The council met on Tuesday to discuss the ferry and the bridge that has been closed since the flood.</p>" * 3
    + f"<p>{TRICK} and a sentence that is long enough to stay where it is among the others of this article.</p>"
).encode()
FEED = (
    f"<rss version='2.0'><channel><title>{TRICK.replace(chr(27), '')}</title>"
    "<item><title>a\u009b31m\u202eb</title><link>{}</link></item></channel></rss>"
)


def on_terminal(*arguments: str, environment: dict[str, str] | None = None) -> tuple[str, int]:
    """Run a command on a terminal; give what it wrote there, and its exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", *arguments],
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    with suppress(OSError):  # so ends a terminal whose last process is gone
        while piece := os.read(ours, 65_536):
            written += piece
    os.close(ours)
    return written.decode("utf-8", "strict"), process.wait(60)


def assert_clean(written: str) -> None:
    assert "\x1b[31mRED" not in written
    assert UNFIT.findall(COLOURS.sub("", written)) == []


ALLOWED = ("--set", 'fetch.allow_networks=["127.0.0.0/8"]', "--set", "fetch.delay_seconds=0")


@pytest.mark.parametrize("terminal", ["xterm-256color", "dumb"])
def test_a_terminal_is_not_steered(terminal: str) -> None:
    with Site() as site:
        site.routes |= {"/reason": REASON, "/coded": CODED, "/page": Reply(PAGE, headers=HTML)}
        site.routes["/feed"] = Reply(FEED.format(site.url("/page")).encode(), headers={"Content-Type": RSS})
        site.routes["/bad-feed"] = REASON
        site.routes["/"] = Reply(
            f"<link rel=alternate type={RSS} title='{TRICK}' href=/feed><a href='/rss?{TRICK}'>rss</a>".encode(),
            headers=HTML,
        )
        calls: list[tuple[list[str], int, str]] = [
            (["extract", site.url("/page")], 0, "[bold]b[/bold]"),
            (["extract", site.url("/page"), "--json"], 0, "pwned"),
            (["extract", site.url("/reason")], 1, SHOWN),
            (["--debug", "extract", site.url("/reason")], 1, SHOWN),
            (["extract", site.url("/coded")], 1, r"\x1b[31mevil"),
            (["feeds", "check", site.url("/feed")], 0, "[bold]b[/bold]"),
            (["feeds", "check", site.url("/bad-feed")], 1, SHOWN),
            (["feeds", "discover", site.url("/")], 0, "[bold]b[/bold]"),
        ]
        for arguments, status, shown in calls:
            written, ended = on_terminal(*ALLOWED, *arguments, environment={"TERM": terminal})
            assert (arguments, ended) == (arguments, status), written
            assert shown.replace(" ", "") in re.sub(r"\s", "", COLOURS.sub("", written)), (
                written
            )  # folded by the terminal
            assert_clean(written)


@pytest.mark.servers
def test_neither_log_nor_ledger_is_forged(river: Settings, tmp_path: Path) -> None:
    forged = "\n2026-11-29T10:00:00.000+00:00 INFO    fetch pipelines.fetch.fetcher: all is well"
    with Site() as site:
        settings = pulling(river, fetch_revisit=[])
        site.routes |= {"/reason": REASON, "/coded": CODED, "/page": Reply(PAGE, headers=HTML)}
        send(settings, [entry(site.url(path), title=TRICK + forged) for path in ("/reason", "/coded", "/page")])
        log = tmp_path / "fetch.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipelines", "-v", "fetch"], env=as_environment(settings), stderr=stream
            )
        try:
            until(lambda: len(outcomes(settings)) >= 3, what="3 outcomes")
            until(lambda: waiting(settings, "fetch") == 0, what="all offsets committed")
        finally:
            process.terminate()
            process.wait(20)
    written = log.read_text()
    assert UNFIT.findall(written) == []
    assert "all is well" not in {line.rpartition(": ")[2] for line in written.splitlines() if " INFO " in line}
    ends = {line.url: (line.kind, line.detail) for line in outcomes(settings)}
    kind, detail = ends[site.url("/reason")]
    assert kind is OutcomeKind.DEAD
    assert TRICK in detail  # the ledger keeps what was sent
    for arguments in (
        ["dead", "list", "--each"],
        ["dead", "list"],
        ["dead", "show", site.url("/reason")],
        ["tap", "outcomes", "--from", "start", "--count", "3"],
        ["tap", "entries", "--from", "start", "--count", "3"],
        ["tap", "dead-letters", "--from", "start", "--count", "1", "--json"],
        ["trace", site.url("/reason")],
        ["status"],
    ):
        shown, ended = on_terminal(*arguments, environment=as_environment(settings))
        assert (arguments, ended) == (arguments, 0), shown
        assert_clean(shown)
        if "--json" in arguments:
            assert json.loads(shown)["headers"]["dead-letter"]["message"]
