"""`newsriver dead` against real servers: poison through real roles, seen, tried dry, replayed, parked."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.cli import main
from pipelines.kafka import Sender
from pipelines.settings import CleanSettings, Settings
from pipelines.status import topic_status
from pipelines.urls import article_id, host_of
from schemas.records import DeadLetter, Entry, Outcome
from schemas.topics import DEAD_LETTERS, ENTRIES, OUTCOMES, PAGES
from tests.integration.pulling import pulling
from tests.integration.site import Reply, Site
from tests.rivers import NOON, as_environment, documents, entry, facts, page, records, role, send_pages, until, waiting

pytestmark = pytest.mark.servers

Call = Callable[..., tuple[int, str, str]]

PADDING = b"<!-- " + b"x" * 12_000 + b" -->"
LARGE = (2, 5, 8)
SHORT = b"<html><body><p>Too few words for an article.</p>" + PADDING
DEEP = b"<html>" + b"<div>" * 9000 + b"<p>deep" + b"</div>" * 9000
"""About 100 KB: refused for its size as long as the limit is low, for its depth afterwards."""

POISON = {n: page(n) + PADDING for n in LARGE} | {11: SHORT, 14: DEEP}
TOTAL = 24


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command line with some settings: exit code, stdout, stderr."""

    def run(settings: Settings, *arguments: str) -> tuple[int, str, str]:
        for variable, value in as_environment(settings).items():
            monkeypatch.setenv(variable, value)
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def with_limit(river: Settings, size: int) -> Settings:
    return river.model_copy(update={"clean": CleanSettings(max_html_bytes=size)})


def processed(settings: Settings) -> None:
    """Run `process` and `record` until nothing waits for either."""
    with role(settings, "process") as process, role(settings, "record") as recorder:
        until(lambda: waiting(settings, "process") == 0, what="all pages committed")
        until(lambda: waiting(settings, "record") == 0, what="all outcomes recorded")
        for each in (process, recorder):
            each.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert recorder.wait(10) == 0


def written(settings: Settings) -> dict[str, int]:
    return {topic.topic: topic.records for topic in topic_status(settings)}


def ledger(settings: Settings) -> dict[str, tuple[str, str]]:
    """Give kind and reason of the visit's end by URL."""
    lines = documents(settings, "outcomes").values()
    return {line["url"]: (line["kind"], line.get("reason", "")) for line in lines if line["terminal"]}


def listed(call: Call, settings: Settings, *arguments: str) -> dict[str, Any]:
    code, out, err = call(settings, "dead", "list", "--json", *arguments)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_poison_is_listed_and_after_the_fix_a_replay_indexes_it(river: Settings, call: Call) -> None:
    strict, mended = with_limit(river, 10_000), with_limit(river, 5_000_000)
    send_pages(river, range(TOTAL), bodies=POISON)
    processed(strict)
    assert {ledger(river)[entry(n).url] for n in POISON} == {("dead", "too-large")}

    found = listed(call, strict)
    assert found["states"] == {"open": 5, "replayed": 0, "parked": 0}
    [group] = found["groups"]
    assert (group["stage"], group["reason"], group["count"]) == ("clean", "too-large", 5)
    assert group["first"] <= group["last"]
    assert group["sample"]["url"] in {entry(n).url for n in POISON}
    assert group["sample"]["origin"].startswith(f"{PAGES.full_name(river.river.name)}/")
    assert "clean.max_html_bytes" in group["sample"]["message"]
    assert listed(call, strict, "--reason", "too-deep")["groups"] == []
    assert listed(call, strict, "--stage", "clean", "--since", "1h")["total"] == 5

    before = written(river)
    code, out, _ = call(strict, "dead", "replay", "--reason", "too-large", "--dry-run", "--json")
    same = {"stage": "clean", "reason": "too-large", "count": 5, "then": "dead", "then_reason": "too-large"}
    assert (code, json.loads(out)) == (0, [same])
    _, out, err = call(mended, "dead", "replay", "--stage", "clean", "--dry-run")
    assert [line.split(maxsplit=1) for line in out.splitlines()] == [
        ["3", "clean: too-large -> would be indexed"],
        ["1", "clean: too-large -> still dead: too-deep"],
        ["1", "clean: too-large -> rejected: too-short"],
    ]
    assert "nothing sent" in err
    assert written(river) == before
    assert listed(call, mended)["total"] == 5

    code, out, _ = call(mended, "dead", "replay", "--reason", "too-large")
    assert (code, out) == (0, "sent 5 of 5 letters\n")
    assert listed(call, mended)["groups"] == []
    processed(mended)
    stored = documents(river)
    assert set(stored) == {entry(n).id for n in range(TOTAL) if n not in (11, 14)}
    assert all(stored[entry(n).id]["_version"] == facts(n).version for n in LARGE)
    ends = ledger(river)
    assert {ends[entry(n).url] for n in LARGE} == {("indexed", "")}
    assert ends[entry(11).url] == ("rejected", "too-short")
    assert ends[entry(14).url] == ("dead", "too-deep")
    [left] = listed(call, mended)["groups"]  # what died again is a letter of its own
    assert (left["reason"], left["count"]) == ("too-deep", 1)
    assert listed(call, mended, "--all")["states"] == {"open": 1, "replayed": 5, "parked": 0}

    code, out, err = call(mended, "dead", "replay", "--reason", "too-large")
    assert (code, out) == (0, "sent 0 of 0 letters\n")
    assert "5 replayed; --again sends them too" in err
    assert call(mended, "dead", "replay", "--reason", "too-large", "--again")[1] == "sent 5 of 5 letters\n"
    processed(mended)
    assert documents(river) == stored
    assert {url: end for url, end in ledger(river).items() if end[0] == "indexed"} == {
        url: end for url, end in ends.items() if end[0] == "indexed"
    }
    assert len(ledger(river)) == TOTAL


def test_a_page_goes_back_byte_for_byte_even_when_its_entry_cannot_be_read(river: Settings, call: Call) -> None:
    url = "https://lost.example.org/"
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        sender.send(
            PAGES.full_name(river.river.name), url, b"<p>\xff?", {"entry": b"{", "page": b"{", "x": b"\x00\xff"}
        )
    processed(river)
    [before] = records(river, PAGES)
    assert call(river, "dead", "replay", url)[1] == "sent 1 of 1 letters\n"
    first, again = records(river, PAGES)
    assert first == before
    assert (again.key, again.value, again.headers) == (first.key, first.value, first.headers)
    processed(river)
    assert ledger(river) == {url: ("dead", "unreadable-facts")}
    assert listed(call, river, "--all")["states"] == {"open": 1, "replayed": 1, "parked": 0}


def test_an_entry_that_died_is_fetched_again(river: Settings, call: Call) -> None:
    settings = pulling(river, fetch_revisit=[], fetch_max_attempts=1)
    with Site() as site:
        url = site.url("/a")
        announced = Entry(
            id=article_id(url), url=url, link=url, feed_url=site.url("/feed"), source="site", first_seen=NOON
        )
        with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
            sender.send(ENTRIES.full_name(river.river.name), host_of(url), announced.to_json())
        with role(settings, "fetch") as process:
            until(lambda: records(river, DEAD_LETTERS), what="a dead letter")
            [group] = listed(call, settings)["groups"]
            assert (group["stage"], group["reason"], group["sample"]["url"]) == ("fetch", "http-404", url)
            _, out, _ = call(settings, "dead", "replay", "--stage", "fetch", "--dry-run")
            assert out.split(maxsplit=1)[1] == "fetch: http-404 -> would be fetched\n"
            assert len(site.asked("/a")) == 1

            site.routes["/a"] = Reply(page(1), headers={"Content-Type": "text/html"})
            assert call(settings, "dead", "replay", announced.id)[1] == "sent 1 of 1 letters\n"
            until(lambda: records(river, PAGES), what="the page")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    first, again = records(river, ENTRIES)
    assert (again.key, Entry.from_json(again.value or b"")) == (first.key, announced)
    assert [message.value for message in records(river, PAGES)] == [page(1)]
    assert [Outcome.from_json(line.value or b"").kind for line in records(river, OUTCOMES)] == ["dead", "fetched"]


def bury(settings: Settings, count: int, message: str = "took too long") -> None:
    """Put dead letters on Kafka as `process` does."""
    name = settings.river.name
    with Sender(settings.kafka.bootstrap_servers, client_id="test") as sender:
        for number in range(count):
            letter = DeadLetter(
                article_id=entry(number).id,
                stage="clean",
                reason="killed-cpu" if number else "crashed",
                error="Poison",
                message=message,
                stack="Traceback: \x1b[2Jline 1",
                origin=f"{PAGES.full_name(name)}/0/{number}",
                key=entry(number).url,
                at=NOON,
            )
            headers = {"entry": entry(number).to_json(), "page": facts(number).to_json()}
            headers["dead-letter"] = letter.to_json()
            sender.send(DEAD_LETTERS.full_name(name), entry(number).id, page(number), headers)
        sender.send(DEAD_LETTERS.full_name(name), "foreign", b"no letter", {})


def test_parking_takes_letters_out_for_good_and_can_be_undone(river: Settings, call: Call) -> None:
    bury(river, 5)
    code, out, _ = call(river, "dead", "park", "--reason", "killed-cpu", "--note", "outlet closed", "--by", "ada")
    assert (code, out) == (0, "parked 4 letters\n")
    assert [group["reason"] for group in listed(call, river)["groups"]] == ["crashed"]
    assert call(river, "dead", "replay", "--reason", "killed-cpu")[1] == "sent 0 of 0 letters\n"
    _, out, err = call(river, "dead", "list", "--all", "--each")
    assert sum("parked  clean: killed-cpu" in line and "(ada: outlet closed)" in line for line in out.splitlines()) == 4
    assert err == "5 dead letters\n"
    _, out, _ = call(river, "dead", "show", entry(3).url)
    assert "by ada: outlet closed" in out

    assert call(river, "dead", "park", "--undo", entry(3).id)[1] == "opened 1 letters\n"
    assert listed(call, river)["states"] == {"open": 2, "replayed": 0, "parked": 3}
    assert "3 parked" in call(river, "dead", "list")[2]


def test_raw_writes_the_payload_and_nothing_else(river: Settings, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    bury(river, 1)
    with role(river, "dead", "show", f"{PAGES.full_name(river.river.name)}/0/0", "--raw") as process:
        assert process.wait(60) == 0
    assert capfdbinary.readouterr().out == page(0)


def test_show_tells_facts_headers_trace_and_payload(river: Settings, call: Call) -> None:
    bury(river, 1, message="bad \x1b]0;title\x07 page")
    _, out, _ = call(river, "dead", "show", entry(0).id)
    parts = (
        "clean: crashed",
        "Poison: bad \\x1b]0;title\\x07 page",
        entry(0).url,
        "Traceback: \\x1b[2Jline 1",
        "<article>",
    )
    for part in parts:
        assert part in out
    assert not {"\x1b", "\x07"} & set(out)
    found = json.loads(call(river, "dead", "show", entry(0).id, "--json")[1])
    assert found["headers"]["page"]["status"] == 200
    assert found["payload"].encode() == page(0)
    assert found["state"] == "open"


def test_a_replay_keeps_to_its_rate(river: Settings, call: Call) -> None:
    bury(river, 9)
    began = time.monotonic()
    code, out, _ = call(river, "dead", "replay", "--stage", "clean", "--rate", "10", "--json")
    assert time.monotonic() - began >= 0.8
    assert (code, json.loads(out)["sent"]) == (0, 9)
    assert {message.key for message in records(river, PAGES)} == {entry(n).url for n in range(9)}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["replay"], 2, "no letters named; name them, or give --reason, --stage or --since"),
        (["park", "nobody"], 2, "no dead letter nobody"),
        (["show", "nobody"], 2, "no dead letter nobody"),
        (["list", "--since", "soon"], 2, "'soon' is no time"),
    ],
)
def test_wrong_usage_says_what_to_do(river: Settings, call: Call, arguments: list[str], code: int, says: str) -> None:
    bury(river, 1)
    ended, out, err = call(river, "dead", *arguments)
    assert (ended, out) == (code, "")
    assert says in err


def test_a_river_without_topics_says_how_to_make_them(river: Settings, call: Call) -> None:
    nowhere = river.model_copy(update={"river": river.river.model_copy(update={"name": "nowhere"})})
    code, _, err = call(nowhere, "dead", "list")
    assert code == 3
    assert "nowhere.dead-letter-marks does not exist" in err
    assert "`newsriver setup`" in err
