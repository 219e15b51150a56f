"""`newsriver setup` against real servers: creates, mends, and changes nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipelines.cli import main
from pipelines.errors import ServiceError
from pipelines.index.documents import article_indices, articles_alias
from pipelines.index.elastic import Elastic, connect
from pipelines.index.provision import ProvisionChange, ProvisionState, provision, provision_indices, remove
from pipelines.kafka import Admin
from pipelines.settings import Settings, load_settings
from schemas.topics import FEEDS, PAGES, TOPICS
from tests.rivers import as_environment

pytestmark = pytest.mark.servers


@pytest.fixture
def client(river: Settings) -> Iterator[Elastic]:
    client = connect(river)
    yield client
    client.close()


def states(changes: list[ProvisionChange]) -> dict[str, ProvisionState]:
    return {change.name: change.state for change in changes}


def only_change(changes: list[ProvisionChange]) -> ProvisionChange:
    [change] = [change for change in changes if change.state is not ProvisionState.UNCHANGED]
    return change


def test_everything_is_there_and_a_second_call_changes_nothing(river: Settings, client: Elastic) -> None:
    name = articles_alias(river.river.name)
    client.ask("PUT", f"/{name}-2026.11", {"aliases": {name: {}}})
    changes = provision(river)
    assert set(states(changes).values()) == {ProvisionState.UNCHANGED}, [one for one in changes if one.details]
    names = {topic.full_name(river.river.name) for topic in TOPICS}
    kinds = ("articles", "outcomes", "revisions", "feeds", "workers", "saved-searches", "alert-deliveries")
    expected = {f"{river.river.name}-{kind}" for kind in (*kinds, "alert-progress", "articles-2026.11")}
    assert set(states(changes)) == names | expected


def test_removing_leaves_nothing_and_a_dry_run_creates_nothing(river: Settings, client: Elastic) -> None:
    client.ask("PUT", f"/{articles_alias(river.river.name)}-2026.11")
    remove(river)
    for _ in range(2):
        assert set(states(provision(river, dry_run=True)).values()) == {ProvisionState.CREATED}
    assert set(states(provision(river)).values()) == {ProvisionState.CREATED}


def test_topics_are_created_as_declared(river: Settings) -> None:
    with Admin(river.kafka.bootstrap_servers) as admin:
        assert admin.topics()[PAGES.full_name(river.river.name)] == river.kafka.partitions
        assert admin.config(FEEDS.full_name(river.river.name))["cleanup.policy"] == "compact"


def test_a_changed_topic_setting_is_mended(river: Settings) -> None:
    name = PAGES.full_name(river.river.name)
    with Admin(river.kafka.bootstrap_servers) as admin:
        admin.set_config(name, PAGES.broker_config() | {"retention.ms": "1000"})
        for dry_run in (True, False):
            change = only_change(provision(river, dry_run=dry_run))
            assert (change.name, change.state) == (name, ProvisionState.CHANGED)
            assert change.details == ('retention.ms: "1000" -> "604800000"',)
        assert admin.config(name)["retention.ms"] == "604800000"


def test_other_partition_counts_are_told_and_left(river: Settings) -> None:
    more = river.model_copy(update={"kafka": river.kafka.model_copy(update={"partitions": 3})})
    changes = [one for one in provision(more) if one.what == "topic"]
    assert {change.state for change in changes} == {ProvisionState.DIFFERS}
    assert "partitions: 2" in changes[0].details[0]


def test_a_changed_template_is_shown_then_mended(river: Settings, client: Elastic) -> None:
    name = articles_alias(river.river.name)
    path = f"/_index_template/{name}"
    template = client.ask("GET", path)["index_templates"][0]["index_template"]
    template["template"]["mappings"]["properties"]["words"] = {"type": "integer"}
    template["template"]["mappings"]["properties"]["mood"] = {"type": "keyword"}
    client.ask("PUT", path, template)
    for dry_run in (True, False):
        change = only_change(provision_indices(river, dry_run=dry_run))
        assert (change.what, change.name, change.state) == ("template", name, ProvisionState.CHANGED)
        assert change.details == (
            'template.mappings.properties.words.type: "integer" -> "long"',
            'template.mappings.properties.mood: {"type": "keyword"} -> nothing',
        )
    assert set(states(provision_indices(river)).values()) == {ProvisionState.UNCHANGED}


def test_a_template_that_had_the_alias_is_upgraded_and_its_indices_stay_readable(
    river: Settings, client: Elastic
) -> None:
    name = articles_alias(river.river.name)
    template = client.ask("GET", f"/_index_template/{name}")["index_templates"][0]["index_template"]
    template["template"]["aliases"] = {name: {}}
    client.ask("PUT", f"/_index_template/{name}", template)
    client.ask("PUT", f"/{name}-2026.10")
    change = only_change(provision_indices(river))
    assert (change.name, change.details) == (name, (f'template.aliases: {{"{name}": {{}}}} -> nothing',))
    assert set(states(provision_indices(river)).values()) == {ProvisionState.UNCHANGED}
    assert name in client.ask("GET", f"/{name}-2026.10")[f"{name}-2026.10"]["aliases"]


def test_an_index_of_another_family_is_mended_and_kept_from_the_alias(river: Settings, client: Elastic) -> None:
    shadow = article_indices(river.river.name).shadow("next").index(datetime(2026, 10, 5, tzinfo=UTC))
    client.ask("PUT", f"/{shadow}")
    changed = river.model_copy(update={"elasticsearch": river.elasticsearch.model_copy(update={"refresh_seconds": 7})})
    [change] = [one for one in provision_indices(changed) if one.name == shadow]
    assert change.state is ProvisionState.CHANGED
    assert not any("alias" in line for line in change.details)
    assert client.ask("GET", f"/{shadow}")[shadow]["aliases"] == {}


def test_an_older_index_gets_the_fields_alias_and_settings_it_lacks(river: Settings, client: Elastic) -> None:
    name, index = articles_alias(river.river.name), f"{articles_alias(river.river.name)}-2026.10"
    mapping = client.ask("GET", f"/_index_template/{name}")["index_templates"][0]["index_template"]["template"]
    old = mapping["mappings"]["properties"]
    del old["words"], old["topics"]["properties"]["evidence"]
    client.ask("PUT", f"/_index_template/{name}", {"index_patterns": [f"{name}-*"], "template": {}})
    settings = {"index": {"analysis": mapping["settings"]["index"]["analysis"]}}
    client.ask("PUT", f"/{index}", {"settings": settings, "mappings": {"dynamic": "strict", "properties": old}})
    changes = {change.name: change for change in provision_indices(river)}
    assert changes[index].state is ProvisionState.CHANGED
    assert changes[index].details[:3] == (
        "field topics.evidence added",
        "field words added",
        f"alias {name} added",
    )
    assert set(states(provision_indices(river)).values()) == {ProvisionState.UNCHANGED}
    properties = client.ask("GET", f"/{index}")[index]["mappings"]["properties"]
    assert properties["topics"]["properties"]["evidence"]["type"] == "keyword"
    assert properties["topics"]["properties"]["label"]["type"] == "keyword"


def test_an_index_without_our_analyzers_gets_the_fields_that_need_none(river: Settings, client: Elastic) -> None:
    name, index = articles_alias(river.river.name), f"{articles_alias(river.river.name)}-2026.10"
    client.ask("PUT", f"/_index_template/{name}", {"index_patterns": [f"{name}-*"], "template": {}})
    client.ask("PUT", f"/{index}", {"mappings": {"dynamic": "strict", "properties": {"body": {"type": "text"}}}})
    change = next(change for change in provision_indices(river) if change.name == index)
    assert change.state is ProvisionState.CHANGED
    assert "field dated_at added" in change.details
    assert "field title is missing; needs a new index" in change.details
    assert 'body.analyzer: nothing -> "newsriver_exact"; needs a new index' in change.details
    properties = client.ask("GET", f"/{index}")[index]["mappings"]["properties"]
    assert "words" in properties
    assert "title" not in properties


def test_a_field_of_another_type_is_told_and_left(river: Settings, client: Elastic) -> None:
    name, index = articles_alias(river.river.name), f"{articles_alias(river.river.name)}-2026.10"
    mapping = {"properties": {"summary": {"type": "text", "analyzer": "simple"}}}
    client.ask("PUT", f"/{index}", {"aliases": {name: {}}, "mappings": mapping})
    change = only_change(provision_indices(river))
    assert (change.name, change.state) == (index, ProvisionState.DIFFERS)
    assert "needs a new index" in change.details[0]
    assert client.exists(f"/{index}")
    assert name in client.ask("GET", f"/{index}")[index]["aliases"]


def test_the_command_prints_what_it_did(
    river: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable, value in as_environment(river).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        main(["setup", "--json"])
    assert ended.value.code == 0
    printed = json.loads(capsys.readouterr().out)
    assert {row["state"] for row in printed["changes"]} == {"unchanged"}
    with pytest.raises(SystemExit):
        main(["setup", "--dry-run"])
    shown = capsys.readouterr()
    assert f"{river.river.name}.pages" in shown.out
    assert "nothing was written" in shown.err


def test_a_server_that_is_away_is_named_with_what_starts_it(river: Settings) -> None:
    away = load_settings(assignments=["elasticsearch.url=http://127.0.0.1:1"], environment={})
    settings = river.model_copy(update={"elasticsearch": away.elasticsearch})
    with pytest.raises(ServiceError, match="newsriver stack up"):
        provision_indices(settings)
