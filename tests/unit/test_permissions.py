"""Rights follow from the tables: each role has what its topics and indices take, and nothing else."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pipelines.cli import newsriver
from pipelines.index.provision import families
from pipelines.permissions import INDEX_RIGHTS, READS, elastic_roles, kafka_grants, rights_document
from pipelines.runtime.roles import ROLES
from pipelines.settings import Settings
from schemas.roles import Role
from schemas.topics import TOPICS


@pytest.mark.parametrize("spec", ROLES, ids=lambda spec: str(spec.role))
def test_a_role_reads_and_writes_its_topics_alone(spec: object) -> None:
    role: Role = spec.role  # type: ignore[attr-defined]
    grants = {grant.name: set(grant.operations) for grant in kafka_grants("r") if grant.user == f"r-{role}"}
    reads = {topic.full_name("r") for topic in TOPICS if role in topic.readers}
    writes = {topic.full_name("r") for topic in TOPICS if role in topic.writers}
    groups = {f"r-{role}"} if spec.grouped else set()  # type: ignore[attr-defined]
    assert {name for name, operations in grants.items() if "Read" in operations} == reads | groups
    assert {name for name, operations in grants.items() if "Write" in operations} == writes
    looks_on = {"Describe"} if role is Role.RECORD else set()  # it tells the whole river's figures
    assert set().union(*grants.values()) == {"Read", "Write"} | looks_on


def test_every_family_of_indices_says_who_has_it() -> None:
    assert set(families(Settings())) == set(INDEX_RIGHTS), "name the family in pipelines/permissions.py"


def test_whoever_answers_strangers_cannot_write_articles() -> None:
    privileges = {
        right
        for each in elastic_roles("r")["r-serve"]["indices"]
        if any(name.startswith(("r-articles", "r-outcomes", "r-revisions")) for name in each["names"])
        for right in each["privileges"]
    }
    assert privileges == {*READS, "maintenance", "monitor"}


def test_only_people_change_templates_and_topics() -> None:
    roles = elastic_roles("r")
    assert [name for name, body in roles.items() if "manage_index_templates" in body["cluster"]] == ["r-cli"]
    assert {grant.user for grant in kafka_grants("r") if set(grant.operations) & {"Create", "AlterConfigs"}} == {
        "r-cli"
    }


def test_they_are_printed_without_any_server() -> None:
    runner = CliRunner()
    shown = runner.invoke(newsriver, ["setup", "--print-acls", "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout) == rights_document("news")
    text = runner.invoke(newsriver, ["--set", "kafka.bootstrap_servers=k:9092", "setup", "--print-acls"]).stdout
    assert "--bootstrap-server k:9092" in text
    assert "--allow-principal User:news-fetch --operation Read --topic news.entries\n" in text
    bodies = [line for line in text.splitlines() if line.startswith("{")]
    assert [json.loads(body) for body in bodies] == list(elastic_roles("news").values())
