import json
from pathlib import Path

import pytest

from pipelines.settings import Settings, StackSettings
from pipelines.stack import elasticsearch_server, kafka_server
from pipelines.stack.elasticsearch_server import ElasticsearchServer
from pipelines.stack.kafka_server import KafkaServer
from pipelines.stack.parts import mark_of, server_of
from pipelines.stack.server import telling_line
from pipelines.stack.state import ServerState, StackState
from schemas.topics import MAX_RECORD_BYTES, TOPICS

PORTS = ServerState(port=20001, inner_port=20002)
STATE = StackState(kafka=PORTS, elasticsearch=ServerState(port=20003, inner_port=20004))


def _kafka(data: Path = Path("/data")) -> dict[str, str]:
    lines = kafka_server.properties(PORTS, data).splitlines()
    return dict(line.split("=", 1) for line in lines)


def _elasticsearch(folder: Path = Path("/folder")) -> dict[str, object]:
    lines = elasticsearch_server.configuration(PORTS, folder).splitlines()
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in lines)}


def test_kafka_listens_on_the_loopback_address_alone() -> None:
    settings = _kafka()
    listeners = f"{settings['listeners']},{settings['advertised.listeners']}".split(",")
    assert [listener.partition("://")[2] for listener in listeners] == [
        "127.0.0.1:20001",
        "127.0.0.1:20002",
        "127.0.0.1:20001",
    ]
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:20002"


def test_kafka_takes_the_largest_record_that_a_topic_takes() -> None:
    largest = max(int(topic.broker_config()["max.message.bytes"]) for topic in TOPICS)
    assert int(_kafka()["message.max.bytes"]) >= largest == MAX_RECORD_BYTES
    assert int(_kafka()["replica.fetch.max.bytes"]) >= largest


def test_kafka_makes_no_topic_by_accident_and_no_group_wait() -> None:
    settings = _kafka()
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["group.initial.rebalance.delay.ms"] == "0"


def test_kafkas_own_topics_fit_one_broker() -> None:
    assert {value for name, value in _kafka().items() if name.endswith(("replication.factor", "min.isr"))} == {"1"}


def test_kafka_keeps_a_folder_whose_name_has_a_backslash() -> None:
    assert _kafka(Path("/a\\b c"))["log.dirs"] == "/a\\\\b c"


def test_cluster_ids_are_16_bytes_in_url_safe_letters() -> None:
    made = {kafka_server.new_cluster_id() for _ in range(500)}
    assert len(made) == 500
    assert all(len(text) == 22 and not text.startswith("-") and "=" not in text for text in made)


def test_elasticsearch_listens_on_the_loopback_address_alone() -> None:
    settings = _elasticsearch()
    assert (settings["network.host"], settings["http.port"], settings["transport.port"]) == ("127.0.0.1", 20001, 20002)
    assert settings["discovery.type"] == "single-node"


def test_elasticsearch_keeps_a_folder_with_any_name() -> None:
    folder = Path('/a "b": #c/d')
    assert _elasticsearch(folder)["path.data"] == str(folder / "data")


def test_the_log_of_garbage_collections_is_left_out_of_the_shipped_options() -> None:
    shipped = "## GC\n-XX:+UseG1GC\n-Xlog:gc*,gc+age=trace:file=gc.log:filecount=32,filesize=64m\n-Dlast=1\n"
    assert elasticsearch_server.jvm_options(shipped) == "## GC\n-XX:+UseG1GC\n-Dlast=1\n"


def test_each_server_of_each_stack_has_a_mark_of_its_own(tmp_path: Path) -> None:
    marks = set()
    for name in ("one", "two"):
        settings = Settings(stack=StackSettings(directory=tmp_path / name))
        for kind in (KafkaServer, ElasticsearchServer):
            mark = server_of(kind, settings, STATE).mark
            assert mark == mark_of(kind, tmp_path / name)
            marks.add(mark)
    assert len(marks) == 4


def test_the_mark_does_not_depend_on_how_the_folder_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "stack")
    monkeypatch.chdir(tmp_path)
    written = (tmp_path / "stack", tmp_path / "link", Path("stack"), Path("x/../stack"))
    settings = [Settings(stack=StackSettings(directory=directory)) for directory in written]
    assert {server_of(KafkaServer, each, STATE).mark for each in settings} == {mark_of(KafkaServer, tmp_path / "stack")}


def test_the_heaps_are_the_settings(tmp_path: Path) -> None:
    settings = Settings(stack=StackSettings(directory=tmp_path, kafka_heap_mb=300, elasticsearch_heap_mb=600))
    assert server_of(KafkaServer, settings, STATE).heap_mb == 300
    assert server_of(ElasticsearchServer, settings, STATE).heap_mb == 600


PORT_TAKEN = """\
[2026-01-01] INFO starting
[2026-01-01] ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)
org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:1
\tat kafka.network.DataPlaneAcceptor.open(SocketServer.scala:1)
Caused by: java.net.BindException: Address already in use
\tat java.base/sun.nio.ch.Net.bind0(Native Method)
\t... 13 more
[2026-01-01] INFO shut down completed
"""
FOREIGN_DATA = """\
[2026-01-01] ERROR Encountered fatal fault: Error starting LogManager (org.apache.kafka.server.fault)
java.lang.RuntimeException: Stored node id 7 doesn't match previous node id 1
\tat org.apache.kafka.metadata.properties.MetaPropertiesEnsemble.verify(MetaPropertiesEnsemble.java:1)
"""
NO_MEMORY = """\
java.lang.RuntimeException: starting java failed with [1]
output:
# There is insufficient memory for the Java Runtime Environment to continue.
error:
OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x1, 2, 0) failed; error='Not enough space' (errno=12)
\tat org.elasticsearch.server.cli.JvmOption.flagsFinal(JvmOption.java:125)
"""


@pytest.mark.parametrize(
    ("output", "start_of_line"),
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ("sh: 1: /no/java: not found\n", "sh: 1: /no/java: not found"),
        (PORT_TAKEN, "Caused by: java.net.BindException: Address already in use"),
        (FOREIGN_DATA, "java.lang.RuntimeException: Stored node id 7 doesn't match previous node id 1"),
        (
            NO_MEMORY,
            "OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x1, 2, 0) failed; error='Not enough sp",
        ),
    ],
)
def test_the_line_that_tells_why_a_server_ended(output: str, start_of_line: str) -> None:
    line = telling_line(output)
    assert line.startswith(start_of_line)
    assert bool(line) == bool(output)


def test_a_telling_line_stays_a_line() -> None:
    assert len(telling_line("ERROR " + "x" * 10_000)) == 400
