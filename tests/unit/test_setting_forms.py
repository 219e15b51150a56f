# ruff: noqa: E501 - tables are read across
"""Every option, from every source: written in its plain form it is read, and wrong it is explained with a right one."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pipelines.errors import SettingsError
from pipelines.settings import Settings, load_settings, option_names
from pipelines.settings.forms import form_of
from pipelines.settings.load import sections, unknown_variables, variable_of
from pipelines.worker_environment import INTERNAL

OPTIONS = option_names()
FREE_TEXT = {
    name
    for name in OPTIONS
    if (form := form_of(sections()[name.split(".")[0]].model_fields[name.split(".")[1]])).text and not form.choices
}


def value_of(settings: Settings, name: str) -> Any:
    section, _, key = name.partition(".")
    return getattr(getattr(settings, section), key)


def form(name: str) -> Any:
    section, _, key = name.partition(".")
    return form_of(sections()[section].model_fields[key])


def from_file(folder: Path, name: str, toml: str) -> Settings:
    section, _, key = name.partition(".")
    file = folder / "x.toml"
    file.write_text(f"[{section}]\n{key} = {toml}\n", encoding="utf-8")
    return load_settings(file, environment={})


def from_hint(error: SettingsError, folder: Path) -> Settings:
    """Do what the hint says."""
    example = error.hint.rpartition("write it as ")[2]
    if example.startswith("--set "):
        return load_settings(assignments=[shlex.split(example)[1]], environment={})
    if example.startswith("NEWSRIVER_"):
        variable, _, value = example.partition("=")
        return load_settings(environment={variable: value})
    return from_file(folder, error.resource, example.partition(" = ")[2])


@pytest.mark.parametrize("name", OPTIONS)
def test_the_example_of_each_option_is_taken_from_each_source(name: str, tmp_path: Path) -> None:
    example = form(name).example
    if not example:
        assert name in FREE_TEXT  # nothing that is right for everybody
        return
    wanted = value_of(load_settings(assignments=[f"{name}={example}"], environment={}), name)
    assert value_of(load_settings(environment={variable_of(name): example}), name) == wanted
    many = form(name).many
    toml = json.dumps(example.split(",") if many else example) if many or form(name).text else example
    assert value_of(from_file(tmp_path, name, toml), name) == wanted
    default = value_of(Settings(), name)
    assert type(wanted) is type(default) or default is None


@pytest.mark.parametrize("name", [name for name in OPTIONS if form(name).many])
def test_a_list_is_written_in_every_usual_way(name: str, tmp_path: Path) -> None:
    one, *_ = form(name).example.split(",")
    other = form(name).example.split(",")[-1]
    both = load_settings(assignments=[f'{name}=["{one}", "{other}"]'], environment={})
    for text in (f"{one},{other}", f" {one} , {other} ,", f"['{one}','{other}']", f"[{one}, {other}]"):
        assert value_of(load_settings(assignments=[f"{name}={text}"], environment={}), name) == value_of(both, name), (
            text
        )
        assert value_of(load_settings(environment={variable_of(name): text}), name) == value_of(both, name), text
    assert value_of(from_file(tmp_path, name, json.dumps(f"{one},{other}")), name) == value_of(both, name)
    single = value_of(load_settings(assignments=[f"{name}={one}"], environment={}), name)
    assert value_of(from_file(tmp_path, name, json.dumps(one)), name) == single
    assert len(single) == 1
    for nothing in ("", "[]", " "):
        assert len(value_of(load_settings(assignments=[f"{name}={nothing}"], environment={}), name)) == 0


@pytest.mark.parametrize("name", [name for name in OPTIONS if isinstance(value_of(Settings(), name), bool)])
def test_yes_and_no_in_every_usual_way(name: str) -> None:
    said = dict.fromkeys(("true", "True", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
    for text, value in said.items():
        assert value_of(load_settings(environment={variable_of(name): text}), name) is value


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - FREE_TEXT))
def test_a_wrong_value_is_one_line_with_a_right_one(name: str, tmp_path: Path) -> None:
    wrong = "no such thing"
    sources: list[Any] = [
        lambda: load_settings(assignments=[f"{name}={wrong}"], environment={}),
        lambda: load_settings(environment={variable_of(name): wrong}),
        lambda: from_file(tmp_path, name, json.dumps(wrong)),
    ]
    if name == "river.feeds":
        return  # any text is a path
    for source in sources:
        with pytest.raises(SettingsError) as caught:
            source()
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
        assert wrong in str(caught.value)
        from_hint(caught.value, tmp_path)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("river.log_level=debgu", 'river.log_level from --set: "debgu" is none of debug, info, warning, error; did you mean debug?'),
        ("kafka.partitions=1,000", '"1,000" is no whole number; did you mean 1000?'),
        ("kafka.partitions=0", "0 should be greater than or equal to 1; did you mean 1?"),
        ("poll.min_interval_seconds=60 s", '"60 s" is no number; did you mean 60?'),
        ("poll.min_interval_seconds=inf", "is no number that ends"),
        ("serve.websub=ture", '"ture" is neither true nor false; did you mean true?'),
        ("fetch.allow_networks=127.0.0.1/8", '"127.0.0.1/8" is no network of addresses; did you mean 127.0.0.0/8?'),
        ("fetch.allow_networks=localhost", "write it as --set fetch.allow_networks=127.0.0.0/8"),
        ("fetch.revisit=15m,2h", '"2h" is none of 15m, 1h, 6h, 24h'),
        ("clean.skip_rights=noindx", "did you mean noindex?"),
        ("fetch.allow_networks", "--set fetch.allow_networks has no value: expected section.key=value; write it as --set fetch.allow_networks=127.0.0.0/8"),
        ("kafka.bootstrap_servers=localhost", "did you mean localhost:9092?"),
        ("elasticsearch.url=localhost:9200", "did you mean http://localhost:9200?"),
        ("elasticsearch.url=http://localhost", "did you mean http://localhost:9200?"),
        ("stack.directory=", "a folder"),
        ("stack.directory=~nobody-of-this-name/x", "home of a user"),
    ],
)  # fmt: skip
def test_the_nearest_right_value_is_named(assignment: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(assignments=[assignment], environment={})
    assert said in str(caught.value)


def test_a_secret_is_in_no_message(tmp_path: Path) -> None:
    for name in (name for name in OPTIONS if isinstance(value_of(Settings(), name), SecretStr)):
        with pytest.raises(SettingsError) as caught:
            from_file(tmp_path, name, "[40412]")
        assert "40412" not in str(caught.value)


@given(st.sampled_from(OPTIONS), st.text(max_size=30))
def test_any_text_is_a_value_or_one_error(name: str, text: str) -> None:
    for how in ({"assignments": [f"{name}={text}"], "environment": {}}, {"environment": {variable_of(name): text}}):
        with suppress(SettingsError):
            load_settings(**how)


def test_unknown_variables_are_named_with_the_nearest() -> None:
    environment: Mapping[str, str] = {
        "NEWSRIVER_KAFKA_BOOTSTRAP_SERVERS": "x:1",
        "NEWSRIVER_LOG_LEVEL": "debug",
        "NEWSRIVER_SERVE_PORT": "80",
        "NEWSRIVER_HOME": "/x",
        "NEWSRIVER_KAFKA__PARTITIONS": "3",
        "NEWSRIVER_SERVE_SERVICE_HOST": "10.0.0.1",
        "NEWSRIVER_PORT": "tcp://10.0.0.1:80",
        "NEWSRIVER_PORT_80_TCP_ADDR": "10.0.0.1",
        **dict.fromkeys(INTERNAL, "1"),
        "HOME": "/x",
    }
    said = list(unknown_variables(environment))
    assert [re.findall(r"NEWSRIVER_\w+", line) for line in said] == [
        ["NEWSRIVER_HOME", "NEWSRIVER_SECTION__KEY"],
        ["NEWSRIVER_KAFKA_BOOTSTRAP_SERVERS", "NEWSRIVER_KAFKA__BOOTSTRAP_SERVERS"],
        ["NEWSRIVER_LOG_LEVEL", "NEWSRIVER_RIVER__LOG_LEVEL"],
        ["NEWSRIVER_SERVE_PORT", "NEWSRIVER_SERVE__PORT"],
    ]
