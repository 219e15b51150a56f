import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipelines import stack
from pipelines.cli import newsriver
from pipelines.errors import ServiceError, StackError
from pipelines.settings import ElasticsearchSettings, KafkaSettings, Settings, StackSettings
from pipelines.stack.state import ServerState, StackState, save

STATE = StackState(
    kafka=ServerState(port=20001, inner_port=20002, version="4.3.1"),
    elasticsearch=ServerState(port=20003, inner_port=20004, version="8.19.13"),
)


def _settings(directory: Path, *, kafka: str = "", elasticsearch: str = "") -> Settings:
    return Settings(
        stack=StackSettings(directory=directory, software_directory=directory / "software"),
        kafka=KafkaSettings(bootstrap_servers=kafka),
        elasticsearch=ElasticsearchSettings(url=elasticsearch),
    )


def _stack(directory: Path, *arguments: str, typed: str = "") -> Result:
    names = "kafka.bootstrap_servers", "elasticsearch.url"
    local = [part for name in names for part in ("--set", f"{name}=")]
    command = [*local, "--set", f"stack.directory={directory}", "stack", *arguments]
    return CliRunner().invoke(newsriver, command, input=typed)


def test_a_stack_that_was_never_started_is_down(tmp_path: Path) -> None:
    parts = stack.status(_settings(tmp_path / "none"))
    assert [(part.part, part.state, part.pid) for part in parts] == [
        ("Kafka", "down", None),
        ("Elasticsearch", "down", None),
    ]
    assert stack.down(_settings(tmp_path / "none")) == ()
    assert not (tmp_path / "none").exists()


def test_a_stopped_stack_keeps_its_addresses(tmp_path: Path) -> None:
    save(tmp_path, STATE)
    parts = stack.status(_settings(tmp_path))
    assert [part.address for part in parts] == ["127.0.0.1:20001", "http://127.0.0.1:20003"]
    assert [part.version for part in parts] == ["4.3.1", "8.19.13"]


def test_servers_that_the_settings_name_are_not_started(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "none", kafka="broker:9092", elasticsearch="https://search:9200")
    assert stack.up(settings) == ()
    assert not (tmp_path / "none").exists()
    assert [(part.state, part.address) for part in stack.status(settings)] == [
        ("elsewhere", "broker:9092"),
        ("elsewhere", "https://search:9200"),
    ]


@pytest.mark.parametrize("name", ["a,b", "a:b", "a;b", "a\nb"])
def test_a_folder_whose_name_would_be_split_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StackError, match=r"at which Kafka or Java would split it; choose another"):
        stack.up(_settings(tmp_path / name))


def test_reset_deletes_what_the_stack_wrote_and_nothing_else(tmp_path: Path) -> None:
    save(tmp_path, STATE)
    for name in ("kafka/data/a", "elasticsearch/data/b", "software/kafka-4.3.1/c", "mine/d"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert stack.reset(_settings(tmp_path)) is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "mine", "software"]
    assert stack.endpoints(_settings(tmp_path)) is None
    assert stack.reset(_settings(tmp_path)) is False


def test_reset_leaves_a_folder_alone_that_is_no_stack(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "thesis.txt").touch()
    assert stack.reset(_settings(tmp_path)) is False
    assert (tmp_path / "kafka" / "thesis.txt").exists()


def test_status_says_how_to_start(tmp_path: Path) -> None:
    result = _stack(tmp_path, "status")
    assert isinstance(result.exception, ServiceError)
    assert result.exception.exit_code == 3
    assert (
        str(result.exception) == "Kafka is down and Elasticsearch is down; start the servers with `newsriver stack up`"
    )


def test_status_is_there_for_programs(tmp_path: Path) -> None:
    save(tmp_path, STATE)
    result = _stack(tmp_path, "status", "--json")
    document = json.loads(result.stdout)
    assert document["up"] is False
    assert [part["address"] for part in document["parts"]] == ["127.0.0.1:20001", "http://127.0.0.1:20003"]


def test_status_never_cuts_an_address(tmp_path: Path) -> None:
    save(tmp_path, STATE)
    assert "http://127.0.0.1:20003" in _stack(tmp_path, "status").stdout


@pytest.mark.parametrize("typed", ["", "n\n"])
def test_reset_asks_first(tmp_path: Path, typed: str) -> None:
    save(tmp_path, STATE)
    assert _stack(tmp_path, "reset", typed=typed).exit_code != 0
    assert stack.endpoints(_settings(tmp_path)) is not None
    assert _stack(tmp_path, "reset", typed="y\n").exit_code == 0
    assert stack.endpoints(_settings(tmp_path)) is None


def test_reset_can_be_told_not_to_ask(tmp_path: Path) -> None:
    save(tmp_path, STATE)
    result = _stack(tmp_path, "reset", "--yes")
    assert (result.exit_code, result.stdout) == (0, "deleted\n")


def test_down_twice_is_no_error(tmp_path: Path) -> None:
    assert (_stack(tmp_path, "down").exit_code, _stack(tmp_path, "down").stdout) == (0, "already down\n")
