"""`newsriver tap` against a real Kafka: what comes is shown, and nothing is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import IO

import pytest

from pipelines.cli import main
from pipelines.kafka import Sender
from pipelines.settings import Settings
from schemas.topics import ENTRIES, PAGES
from tests.rivers import as_environment, entry, facts, page, send_pages

pytestmark = pytest.mark.servers


def tapping(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines", "tap", *arguments],
        env=as_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tapped(settings: Settings, *arguments: str) -> str:
    out, err = tapping(settings, *arguments).communicate(timeout=60)
    assert err == ""
    return out


def test_from_the_start_each_record_has_its_place_headers_and_value(river: Settings) -> None:
    send_pages(river, range(6))
    lines = tapped(river, "pages", "--from", "start", "--count", "6", "--json").splitlines()
    found = {record["key"]: record for record in map(json.loads, lines)}
    assert set(found) == {entry(n).url for n in range(6)}
    one = found[entry(4).url]
    assert one["topic"] == PAGES.full_name(river.river.name)
    assert {(record["partition"], record["offset"]) for record in found.values()} >= {(0, 0), (1, 0)}
    assert one["headers"]["entry"] == entry(4).model_dump(mode="json", exclude_none=True)
    assert one["headers"]["page"]["fetched_at"] == facts(4).model_dump(mode="json")["fetched_at"]
    assert one["value"]["bytes"] == len(page(4))
    assert one["value"]["begins"].startswith("<!doctype html>")


def test_a_text_picks_records_and_people_read_lines_that_cannot_steer_the_terminal(river: Settings) -> None:
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for number in range(5):
            announced = entry(number).model_copy(update={"title": f"Ferry \x1b[2J{number}"})
            sender.send(ENTRIES.full_name(river.river.name), "one.example.org", announced.to_json())
    out = tapped(river, "entries", "--from", "start", "--grep", "news/3", "--count", "1")
    assert f"{ENTRIES.full_name(river.river.name)}/" in out
    assert "one.example.org" in out
    assert entry(3).url in out
    assert entry(2).url not in out
    assert "\x1b" not in out


def test_from_the_end_it_shows_what_comes_until_it_is_stopped(river: Settings) -> None:
    send_pages(river, range(3))
    process = tapping(river, "pages", "--json")
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "waiting for records" in process.stderr.readline()
        send_pages(river, range(3, 4))
        assert json.loads(line_of(process.stdout))["key"] == entry(3).url
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def line_of(stream: IO[str]) -> str:
    line = stream.readline()
    assert line, "the stream has ended"
    return line


def test_it_leaves_no_group_behind(river: Settings) -> None:
    from kafka import KafkaAdminClient

    send_pages(river, range(2))
    admin = KafkaAdminClient(bootstrap_servers=river.kafka.bootstrap_servers)
    before = {group["group_id"] for group in admin.list_groups()}
    tapped(river, "pages", "--from", "start", "--count", "2")
    after = {group["group_id"] for group in admin.list_groups()}
    admin.close()
    assert not [group for group in after - before if river.river.name in group or "tap" in group or not group]


def test_a_typo_names_the_nearest_topic(river: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--set", f"kafka.bootstrap_servers={river.kafka.bootstrap_servers}", "tap", "pagse"])
    assert ended.value.code == 2
    assert "no topic 'pagse'; did you mean pages?" in capsys.readouterr().err


def test_a_broker_that_is_away_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--set", "kafka.bootstrap_servers=127.0.0.1:1", "tap", "pages"])
    assert ended.value.code == 3
    assert "newsriver stack up" in capsys.readouterr().err
