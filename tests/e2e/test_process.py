"""The Beam job as a process, against real servers: what it indexes, what it refuses, what survives kill -9."""

from __future__ import annotations

import signal

import pytest

from pipelines.kafka import Sender
from pipelines.settings import Settings
from schemas.records import DeadLetter, Outcome
from schemas.topics import DEAD_LETTERS, OUTCOMES, PAGES
from tests.rivers import documents, entry, records, role, send_pages, until, waiting

pytestmark = pytest.mark.servers

POISON = b"<html>" + b"<div>" * 9000 + b"<p>deep" + b"</div>" * 9000
EMPTY = b"<html><head><title>Nothing here</title></head><body><nav><a href=/>Home</a></nav></body></html>"


def test_every_page_is_indexed_rejected_or_buried(river: Settings) -> None:
    send_pages(river, range(30), bodies={7: POISON, 11: EMPTY, 13: b"%PDF-1.7 not a page"})
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:  # headers that nobody can read
        sender.send(
            PAGES.full_name(river.river.name), "https://lost.example.org/", b"<p>?", {"entry": b"{", "page": b"{"}
        )
    with role(river, "process") as process:
        until(lambda: waiting(river, "process") == 0 and len(documents(river)) == 27, what="27 articles")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    found = documents(river)
    assert set(found) == {entry(n).id for n in range(30) if n not in (7, 11, 13)}
    assert "council of" in found[entry(0).id]["body"]
    assert "Home" not in found[entry(0).id]["body"]
    assert "medtop:11000000" in [topic["id"] for topic in found[entry(0).id]["topics"]]

    ends = [Outcome.from_json(message.value or b"") for message in records(river, OUTCOMES)]
    kinds = {end.url: (end.kind, end.stage) for end in ends}
    assert len(ends) == 31
    assert kinds[entry(0).url] == ("indexed", "index")
    assert kinds[entry(7).url] == ("dead", "clean")
    assert kinds[entry(11).url] == ("rejected", "clean")
    assert kinds[entry(13).url] == ("rejected", "clean")
    assert kinds["https://lost.example.org/"] == ("dead", "clean")
    letters = records(river, DEAD_LETTERS)
    assert sorted(letter.value or b"" for letter in letters) == sorted([POISON, b"<p>?"])
    described = {DeadLetter.from_json(letter.headers["dead-letter"]).article_id for letter in letters}
    assert entry(7).id in described


def test_a_kill_in_mid_stream_loses_nothing_and_doubles_nothing(river: Settings) -> None:
    total = 400
    send_pages(river, range(total))
    with role(river, "process") as process:
        until(lambda: len(documents(river)) >= 40, what="40 articles")
        process.kill()
        process.wait()
    cut = len(documents(river))
    assert cut < total, "the kill came too late to be in mid-stream"
    with role(river, "process") as process, role(river, "record"):
        until(lambda: waiting(river, "process") == 0, what="all pages committed")
        until(lambda: waiting(river, "record") == 0, what="all outcomes recorded")
        until(lambda: len(documents(river, "outcomes")) == total, what="one line in the ledger for each page")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    found = documents(river)
    assert set(found) == {entry(number).id for number in range(total)}
    assert {line["kind"] for line in documents(river, "outcomes").values()} == {"indexed"}
