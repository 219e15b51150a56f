from pathlib import Path

import pytest

from pipelines.cli.reference import settings_rows, settings_toml
from pipelines.errors import SettingsError
from pipelines.settings import (
    ENVIRONMENT_PREFIX,
    Settings,
    as_environment,
    load_settings,
    option_names,
    secrets_among,
    sections,
)


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("[kafka]\npartitions = 3\nlinger_ms = 7\n[poll]\nconcurrency = 5\n")
    environment = {"NEWSRIVER_KAFKA__PARTITIONS": "4", "NEWSRIVER_POLL__CONCURRENCY": "6", "HOME": "/x"}
    settings = load_settings(file, ["poll.concurrency=9"], environment)
    assert (settings.kafka.linger_ms, settings.kafka.partitions, settings.poll.concurrency) == (7, 4, 9)


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ('fetch.allow_networks=["127.0.0.0/8"]', ["127.0.0.0/8"]),
        ("fetch.revisit=[]", []),
        ("river.name=abc", "abc"),
        ("river.contact=12345", "12345"),
        ("fetch.delay_seconds=0", 0.0),
    ],
)
def test_values_are_read_as_the_option_needs(assignment: str, value: object) -> None:
    section, _, key = assignment.partition("=")[0].partition(".")
    assert getattr(getattr(load_settings(assignments=[assignment], environment={}), section), key) == value


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("poll.mininterval=3", "did you mean poll.min_interval_seconds?"),
        ("elastic.url=http://x", "did you mean elasticsearch.url?"),
        ("kafka.partitions=0", "kafka.partitions from --set: 0 should be"),
        ("kafka.partitions=many", "kafka.partitions"),
        ('fetch.allow_networks=["10.0.0.1/8"]', "fetch.allow_networks"),
        ("river.name=News River", "river.name"),
        ("kafka.partitions", "has no value"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(assignment: str, message: str) -> None:
    with pytest.raises(SettingsError, match=r".") as caught:
        load_settings(assignments=[assignment], environment={})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(SettingsError, match=r"NEWSRIVER_FETCH__DELAY; did you mean fetch\.delay_seconds\?"):
        load_settings(environment={"NEWSRIVER_FETCH__DELAY": "3"})


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml cannot be read"):
        load_settings(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("[kafka\n")
    with pytest.raises(SettingsError, match=r"bad\.toml is not TOML"):
        load_settings(tmp_path / "bad.toml")


def test_secrets_are_never_shown() -> None:
    settings = load_settings(environment={f"{ENVIRONMENT_PREFIX}ELASTICSEARCH__PASSWORD": "hunter2"})
    shown = [str(settings), repr(settings), settings.model_dump_json(), *(row.value for row in settings_rows(settings))]
    assert settings.elasticsearch.password.get_secret_value() == "hunter2"
    assert not any("hunter2" in text for text in shown)


def test_every_option_has_a_meaning_that_is_a_sentence() -> None:
    for row in settings_rows(Settings()):
        assert row.about.endswith((".", "...")), row.name
    assert len(option_names()) == len(list(settings_rows(Settings())))


def test_the_sample_file_uncommented_gives_the_defaults(tmp_path: Path) -> None:
    text = "\n".join(
        line.removeprefix("#") if line.startswith("#") and not line.startswith("# ") else line
        for line in settings_toml().splitlines()
    )
    file = tmp_path / "all.toml"
    file.write_text(text)
    read, default = load_settings(file, environment={}), Settings()
    for section in sections():
        if section != "stack":  # folders differ from user to user
            kept = {"gate_directory", "keys_file", "folder"}
            found, wanted = (getattr(each, section).model_dump(exclude=kept) for each in (read, default))
            assert found == wanted


SECRET = "hunter2/x"  # noqa: S105 - it is planted


@pytest.mark.parametrize("source", ["set", "environment", "file"])
def test_credentials_of_an_address_are_kept_where_passwords_are(source: str, tmp_path: Path) -> None:
    url = "https://reader:hunter2%2Fx@search.example.org:9200"
    file = tmp_path / "x.toml"
    file.write_text(f'[elasticsearch]\nurl = "{url}"\n' if source == "file" else "")
    settings = load_settings(
        file,
        [f"elasticsearch.url={url}"] if source == "set" else [],
        {"NEWSRIVER_ELASTICSEARCH__URL": url} if source == "environment" else {},
    ).elasticsearch
    assert settings.url == "https://search.example.org:9200"
    assert (settings.username, settings.password.get_secret_value()) == ("reader", SECRET)
    assert SECRET not in settings.model_dump_json() + repr(settings)


def test_a_password_of_its_own_goes_before_that_of_the_address() -> None:
    names = {"URL": "https://reader:old@h:9200", "USERNAME": "writer", "PASSWORD": SECRET}
    found = load_settings(environment={f"NEWSRIVER_ELASTICSEARCH__{key}": value for key, value in names.items()})
    assert (found.elasticsearch.username, found.elasticsearch.password.get_secret_value()) == ("writer", SECRET)
    assert found.elasticsearch.url == "https://h:9200"


@pytest.mark.parametrize(
    "assignment",
    [
        f"elasticsearch.pasword={SECRET}",
        f"elasticsearch.password:{SECRET}",
        f"elasticsearch.password.x={SECRET}",
        f"kafka.bootstrap_servers=user:{SECRET}@broker:9092",
        f"kafka.bootstrap_servers=SASL_SSL://user:{SECRET}@broker:9092",
        f"serve.public_url=https://user:{SECRET}@news.example.org",
        f"elasticsearch.url=https://user:{SECRET}@search.example.org",
        f"elasticsearch.url2=https://user:{SECRET}@h",
    ],
)
def test_a_secret_in_a_wrong_setting_is_not_repeated(assignment: str) -> None:
    with pytest.raises(SettingsError, match=r".") as caught:
        load_settings(assignments=[assignment], environment={})
    assert SECRET not in str(caught.value) + repr(caught.value)


def test_assignments_mean_the_same_as_variables() -> None:
    assignments = ["kafka.partitions=3", "elasticsearch.password=a=b", 'fetch.allow_networks=["127.0.0.0/8"]']
    assert load_settings(environment=as_environment(assignments)) == load_settings(
        assignments=assignments, environment={}
    )
    assert secrets_among([*assignments, f"elasticsearch.url=http://u:{SECRET}@h"]) == [
        "elasticsearch.password",
        "elasticsearch.url",
    ]
