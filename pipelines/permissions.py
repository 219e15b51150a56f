"""What each role may do on Kafka and Elasticsearch, and no more: from the tables of topics, roles and indices. Pure.

Each role is a user of its own, named as its consumer group (`news-fetch`); whoever types commands is `news-cli`. Names
of rights: https://kafka.apache.org/documentation/#security_authz and
https://www.elastic.co/guide/en/elasticsearch/reference/8.19/security-privileges.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.metrics.declared import METRICS
from pipelines.metrics.metric import MetricSource
from pipelines.runtime.roles import ROLES
from schemas.roles import Role
from schemas.topics import TOPICS

READS = ("read", "view_index_metadata")
WRITES = (*READS, "index", "create_index", "maintenance", "manage")
"""`manage` because an index gets its read alias in the request that makes it, which takes that right."""

INDEX_RIGHTS: dict[str, dict[Role, tuple[str, ...]]] = {
    "articles": {Role.PROCESS: WRITES, Role.RECORD: READS, Role.SERVE: (*READS, "maintenance", "monitor")},
    "revisions": {Role.PROCESS: WRITES, Role.SERVE: READS},
    "outcomes": {Role.RECORD: WRITES, Role.SERVE: READS},
    "feeds": {Role.RECORD: WRITES, Role.SERVE: READS},
    "workers": {Role.RECORD: WRITES, Role.SERVE: READS},
    "saved-searches": {Role.SERVE: (*WRITES, "delete")},
    "alert-deliveries": {Role.SERVE: (*WRITES, "delete")},
    "alert-progress": {Role.SERVE: (*WRITES, "delete")},
}
"""Of each family of indices, who has which privileges; whoever types commands has all of them.

`serve` refreshes the articles' indices and looks at their state before it evaluates saved searches, which are its own.
"""

CLUSTER_RIGHTS: dict[Role, tuple[str, ...]] = {
    Role.PROCESS: ("monitor",),
    Role.RECORD: ("monitor",),
    Role.SERVE: ("monitor",),
    Role.CLI: ("monitor", "manage_index_templates"),
}
"""`monitor`, which only reads, because whoever makes an index looks first whether its template is there."""


@dataclass(frozen=True, slots=True)
class KafkaGrant:
    """One right on Kafka, as an ACL that allows it.

    Attributes:
        user: who has it, without `User:`.
        kind: `topic` or `group`.
        name: of the topic or group; with `prefixed` what names begin with.
        operations: by Kafka's names.
        prefixed: whether it holds for all names that begin so.
    """

    user: str
    kind: str
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False

    def command(self, bootstrap: str) -> str:
        """Give the call of Kafka's own tool that grants it."""
        pattern = " --resource-pattern-type prefixed" if self.prefixed else ""
        operations = " ".join(f"--operation {operation}" for operation in self.operations)
        return (
            f"kafka-acls.sh --bootstrap-server {bootstrap} --command-config admin.properties --add "
            f"--allow-principal User:{self.user} {operations} --{self.kind} {self.name}{pattern}"
        )


def kafka_grants(river: str) -> Iterator[KafkaGrant]:
    """Give the rights of all roles on Kafka, and of whoever types commands on all that is the river's."""
    for spec in ROLES:
        user = spec.role.group(river)
        for topic in TOPICS:
            operations = (*["Read"] * (spec.role in topic.readers), *["Write"] * (spec.role in topic.writers))
            if operations:
                yield KafkaGrant(user, "topic", topic.full_name(river), operations)
        if spec.grouped:
            yield KafkaGrant(user, "group", user, ("Read",), prefixed=True)  # a role may have more than one
        if any(spec.role in metric.roles for metric in METRICS if metric.source is MetricSource.KAFKA):
            yield KafkaGrant(user, "topic", f"{river}.", ("Describe",), prefixed=True)
            yield KafkaGrant(user, "group", f"{river}-", ("Describe",), prefixed=True)
    person = Role.CLI.group(river)
    yield KafkaGrant(
        person, "topic", f"{river}.", ("Read", "Write", "Create", "Describe", "DescribeConfigs", "AlterConfigs"), True
    )
    yield KafkaGrant(person, "group", f"{river}-", ("Read", "Describe"), True)


def elastic_roles(river: str) -> dict[str, dict[str, Any]]:
    """Give the roles of Elasticsearch by name, each as the body of `PUT /_security/role/NAME`; some need none."""
    found = {}
    for role in (*(spec.role for spec in ROLES), Role.CLI):
        indices = [
            {"names": [f"{river}-{family}", f"{river}-{family}-*"], "privileges": sorted(rights[role])}
            for family, rights in INDEX_RIGHTS.items()
            if role in rights
        ]
        if role is Role.CLI:
            names = [name for family in INDEX_RIGHTS for name in (f"{river}-{family}", f"{river}-{family}-*")]
            indices = [{"names": names, "privileges": ["all"]}]
        if indices:
            found[role.group(river)] = {"cluster": sorted(CLUSTER_RIGHTS.get(role, ())), "indices": indices}
    return found


def rights_document(river: str) -> dict[str, Any]:
    """Give all rights as one document."""
    grants = [
        {
            "user": grant.user,
            "resource": {"type": grant.kind, "name": grant.name, "pattern": "prefix" if grant.prefixed else "literal"},
            "operations": list(grant.operations),
        }
        for grant in kafka_grants(river)
    ]
    return {"kafka": grants, "elasticsearch": elastic_roles(river)}


def rights_text(river: str, bootstrap: str) -> str:
    """Give all rights as calls of Kafka's tool, and requests as Kibana's console and curl take them."""
    lines = ["# Kafka: one user for each role"]
    lines += [grant.command(bootstrap) for grant in kafka_grants(river)]
    lines += ["", "# Elasticsearch: one role for each of ours that needs it"]
    lines += [f"PUT /_security/role/{name}\n{json.dumps(body)}" for name, body in elastic_roles(river).items()]
    return "\n".join(lines)
