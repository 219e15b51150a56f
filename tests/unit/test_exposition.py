"""The port of a process: figures, health, and the file by which Prometheus finds it."""

from __future__ import annotations

import json
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import NewsriverError
from pipelines.metrics.declared import POLL_ENTRIES
from pipelines.runtime import health
from pipelines.runtime.exposition import Exposition
from pipelines.runtime.health import Liveness, LoopClock
from pipelines.runtime.heartbeat import Waits
from pipelines.settings import MetricsSettings
from schemas.roles import Role


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Judged:
    """A role of which everything can be set."""

    def __init__(self, servers: dict[str, list[tuple[str, int]]] | None = None) -> None:
        self.clock, self.waits, self.stop = Clock(), Waits(), threading.Event()
        self.loop = LoopClock(self.clock)
        self.liveness = Liveness(self.loop, self.waits, 60, servers or {}, self.stop.is_set)


@pytest.fixture
def judged() -> Judged:
    return Judged()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_loop_that_comes_round_is_alive(judged: Judged) -> None:
    judged.clock.now += 60
    assert judged.liveness.stalled() == ""
    judged.loop.tick()
    judged.clock.now += 60
    assert judged.liveness.stalled() == ""
    judged.clock.now += 1
    assert judged.liveness.stalled() == "the loop has not come round for 61 s"


def test_one_that_waits_is_alive_and_not_ready(judged: Judged) -> None:
    judged.waits.begin("kafka", "Kafka is away")
    judged.clock.now += 3600
    assert judged.liveness.stalled() == ""
    assert judged.liveness.unready() == ["waits, kafka: Kafka is away"]
    judged.waits.end()
    assert judged.liveness.unready() == ["the loop has not come round for 3600 s"]
    judged.loop.tick()
    assert judged.liveness.unready() == []


def test_one_that_has_nothing_to_do_is_ready(judged: Judged) -> None:
    judged.waits.begin("no-feed", "no feed in this copy's partitions of the list")
    assert judged.liveness.unready() == []


def test_one_that_drains_is_not_ready(judged: Judged) -> None:
    judged.stop.set()
    assert judged.liveness.unready() == ["draining"]


def test_a_server_answers_where_one_of_its_addresses_does(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = listener.getsockname()[:2]
    assert Judged({"Kafka": [("127.0.0.1", 9), there]}).liveness.unready() == []
    judged = Judged({"Kafka": [there], "Elasticsearch": [("127.0.0.1", 9)]})
    assert judged.liveness.unready() == ["Elasticsearch does not answer"]
    monkeypatch.setattr(health, "_listens", lambda _: pytest.fail("asked again at once"))
    assert judged.liveness.unready() == ["Elasticsearch does not answer"]


def get(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def exposition(
    folder: Path, judged: Judged, worker: str = "fetch@here", *, named: bool = True, **settings: object
) -> Exposition:
    return Exposition(
        MetricsSettings(folder=folder, **settings),  # type: ignore[arg-type]  # pydantic reads them
        "news",
        Role.FETCH,
        worker,
        judged.liveness,
        named=named,
    )


def test_three_paths_are_answered(tmp_path: Path, judged: Judged) -> None:
    POLL_ENTRIES.begin()
    with exposition(tmp_path, judged) as made:
        assert get(made.address, "/healthz") == (200, "up\n")
        assert get(made.address, "/readyz?verbose") == (200, "ready\n")
        status, text = get(made.address, "/metrics")
        assert status == 200
        assert "newsriver_poll_entries_total" in text
        assert get(made.address, "/")[0] == 404
        judged.clock.now += 61
        assert get(made.address, "/healthz") == (503, "the loop has not come round for 61 s\n")
        assert get(made.address, "/readyz")[0] == 503


def test_a_file_says_where_and_goes_with_the_process(tmp_path: Path, judged: Judged) -> None:
    file = tmp_path / "there" / "news-fetch@here.json"
    with exposition(tmp_path / "there", judged) as made:
        [found] = json.loads(file.read_text())
        assert found["targets"] == [made.address]
        labels = {"river": "news", "role": "fetch", "worker": "fetch@here", "instance": "fetch@here"}
        assert found["labels"] == labels
        assert file.stat().st_mode & 0o777 == 0o644
        assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert not file.exists()


def test_who_leaves_late_does_not_take_its_successors_file_away(tmp_path: Path, judged: Judged) -> None:
    with exposition(tmp_path, judged) as first, exposition(tmp_path, judged) as second:
        first.forget()
        [found] = json.loads((tmp_path / "news-fetch@here.json").read_text())
        assert found["targets"] == [second.address]


def test_files_of_processes_that_are_long_gone_are_removed(
    tmp_path: Path, judged: Judged, listener: socket.socket
) -> None:
    host, port = listener.getsockname()[:2]
    for name, target, age in (
        ("long-gone", "127.0.0.1:9", 90_000),
        ("killed", "127.0.0.1:9", 60),
        ("at-work", f"{host}:{port}", 90_000),
        ("nonsense", "", 90_000),
    ):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps([{"targets": [target]}]))
        at = path.stat().st_mtime - age
        os.utime(path, (at, at))
    with exposition(tmp_path, judged):
        assert sorted(path.stem for path in tmp_path.iterdir()) == ["at-work", "killed", "news-fetch@here"]


@pytest.mark.parametrize("named", [True, False])
def test_who_has_no_name_but_its_process_id_takes_the_place_of_the_dead_of_its_role(
    named: bool, tmp_path: Path, judged: Judged, listener: socket.socket
) -> None:
    there = "{}:{}".format(*listener.getsockname()[:2])
    for worker, role, target in (("1", "fetch", "127.0.0.1:9"), ("2", "fetch", there), ("3", "poll", "127.0.0.1:9")):
        labels = {"river": "news", "role": role}
        (tmp_path / f"{worker}.json").write_text(json.dumps([{"targets": [target], "labels": labels}]))
    with exposition(tmp_path, judged, "fetch-4@here", named=named):
        found = sorted(path.stem for path in tmp_path.iterdir())
    assert found == [*(["1"] if named else []), "2", "3", "news-fetch-4@here"]


def test_a_folder_that_cannot_be_written_stops_no_work(
    tmp_path: Path, judged: Judged, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with exposition(tmp_path / "file", judged) as made:
        assert get(made.address, "/healthz")[0] == 200
    assert "metrics.folder" in caplog.text


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path, judged: Judged, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(NewsriverError, match=f"cannot listen on 127.0.0.1:{port}.*metrics.port"):
        exposition(tmp_path, judged, port=port)
