"""Looks at this machine and the servers, and says of each finding what to do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipelines.errors import NewsriverError, ServiceError
from pipelines.runtime.endpoints import elasticsearch_url, kafka_bootstrap
from pipelines.settings import RiverSettings, Settings
from schemas.topics import MAX_RECORD_BYTES, TOPICS

if TYPE_CHECKING:
    from pipelines.index.elastic import Elastic

FEATURES = {
    "x-pack-ilm": "index life-cycle management",
    "data-streams": "data streams",
    "x-pack-esql": "ES|QL",
    "percolator": "percolator",
}
"""Modules of Elasticsearch that are used where present; the core needs none of them."""

_STILL_RED = 408
"""What Elasticsearch answers when a colour does not come in time."""

SEARCHED = {
    "body.as_written": '`=Word` and `="a phrase"`',
    "site": "counting by site",
    "updated_at": "`--sort updated`",
    "indexed_at": "`--follow` and alerts",
}
"""Fields that indices of an earlier version lack, and what finds nothing there for want of them."""


class Health(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"
    AWAY = "away"


@dataclass(frozen=True)
class DoctorFinding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        health: how it is.
        found: what was seen, one line.
        advice: what to do; empty when nothing is to be done.
    """

    what: str
    health: Health
    found: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[DoctorFinding]:
    """Look at everything, one finding after the other; nothing raises."""
    looks: tuple[tuple[str, Callable[[Settings], Iterator[DoctorFinding]]], ...] = (
        ("Python", _python),
        ("disk", _disk),
        ("contact", _contact),
        ("Kafka", _kafka),
        ("Elasticsearch", _elasticsearch),
    )
    for what, look in looks:
        try:
            yield from look(settings)
        except ServiceError as error:
            yield DoctorFinding(what, Health.AWAY, error.message, error.hint)
        except NewsriverError as error:
            yield DoctorFinding(what, Health.WRONG, error.message, error.hint)


def exit_code(findings: list[DoctorFinding]) -> int:
    """Give the exit code: 3 when a server is away, 1 when something is wrong, else 0."""
    seen = {finding.health for finding in findings}
    return 3 if Health.AWAY in seen else 1 if Health.WRONG in seen else 0


def _python(settings: Settings) -> Iterator[DoctorFinding]:  # noqa: ARG001 - every look takes the settings
    version = ".".join(str(part) for part in sys.version_info[:3])
    parts = [f"{name} {importlib.metadata.version(name)}" for name in ("apache-beam", "kafka-python", "trafilatura")]
    yield DoctorFinding("Python", Health.OK, f"{version} with {', '.join(parts)}")
    if importlib.util.find_spec("crc32c") is None:
        yield DoctorFinding(
            "crc32c",
            Health.WRONG,
            "the C checksum is missing; Kafka would run 64 times slower",
            "pip install 'kafka-python[crc32c]'",
        )


def _disk(settings: Settings) -> Iterator[DoctorFinding]:
    folder = settings.stack.directory
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    health = Health.OK if free > 5 else Health.NOTE
    yield DoctorFinding(
        "disk", health, f"{free:.0f} GB free", "" if health is Health.OK else f"make room around {folder}"
    )


def _contact(settings: Settings) -> Iterator[DoctorFinding]:
    if settings.river.contact == RiverSettings().contact:
        yield DoctorFinding(
            "contact",
            Health.NOTE,
            "the sites you read see this project's address, not yours",
            "set river.contact to a URL or e-mail of yours",
        )


def _kafka(settings: Settings) -> Iterator[DoctorFinding]:
    from pipelines.kafka import Admin

    bootstrap = kafka_bootstrap(settings)
    with Admin(bootstrap) as admin:
        existing = admin.topics()
        wanted = [topic.full_name(settings.river.name) for topic in TOPICS]
        missing = [name for name in wanted if name not in existing]
        small = [
            name
            for name in wanted
            if name in existing and int(admin.config(name).get("max.message.bytes", "0")) < MAX_RECORD_BYTES
        ]
    yield DoctorFinding("Kafka", Health.OK, f"answers at {bootstrap}")
    if missing:
        yield DoctorFinding(
            "topics", Health.WRONG, f"missing: {', '.join(missing)}", "create them with `newsriver setup`"
        )
    elif small:
        yield DoctorFinding(
            "topics", Health.WRONG, f"too small a max.message.bytes: {', '.join(small)}", "`newsriver setup`"
        )
    else:
        yield DoctorFinding("topics", Health.OK, f"all {len(wanted)} are there")
    yield _breaker(settings)


def _breaker(settings: Settings) -> DoctorFinding:
    from pipelines.breaker.state import tripped_error
    from pipelines.status import stopped

    state = stopped(settings)
    if state is None:
        return DoctorFinding("process", Health.OK, "the dead-letter breaker has not tripped")
    error = tripped_error(state)
    return DoctorFinding("process", Health.WRONG, error.message, error.hint)


def _cluster_health(client: Elastic) -> str:
    """Give the cluster's colour once it is not red, or red after 5 s: an index made a moment ago has no shard yet."""
    from pipelines.index.elastic import judged

    answer = client.send("GET", "/_cluster/health", params={"wait_for_status": "yellow", "timeout": "5s"})
    known = answer.body if answer.status == _STILL_RED else judged(answer, client.url, "GET /_cluster/health")
    return str(known["status"])


def _elasticsearch(settings: Settings) -> Iterator[DoctorFinding]:
    from pipelines.index.documents import articles_alias
    from pipelines.index.elastic import connect
    from pipelines.index.provision import ProvisionState, provision_indices

    client = connect(settings)
    try:
        version = client.ask("GET", "/")["version"]["number"]
        health = _cluster_health(client)
        nodes = client.ask("GET", "/_nodes/plugins", params={"filter_path": "nodes.*.modules.name"})["nodes"]
        stale = [
            f"{c.name} ({c.state})"
            for c in provision_indices(settings, dry_run=True)
            if c.state is not ProvisionState.UNCHANGED
        ]
        lacking = _lacking(client, articles_alias(settings.river.name))
    finally:
        client.close()
    modules = set.intersection(*({module["name"] for module in node["modules"]} for node in nodes.values()))
    present = [label for name, label in FEATURES.items() if name in modules]
    colour = Health.WRONG if health == "red" else Health.OK
    advice = "see Elasticsearch's own log: a shard cannot be read" if health == "red" else ""
    yield DoctorFinding(
        "Elasticsearch",
        colour,
        f"{version} answers at {elasticsearch_url(settings)}, health {health}, with {', '.join(present) or 'the core'}",
        advice,
    )
    if stale:
        advice = "`newsriver setup --dry-run` shows what differs, `newsriver setup` mends it"
        yield DoctorFinding("templates", Health.WRONG, f"not as this version needs them: {', '.join(stale)}", advice)
    else:
        yield DoctorFinding("templates", Health.OK, "all are there")
    for field, indices in lacking.items():
        found = f"{SEARCHED[field]} finds nothing in {', '.join(indices)}, made by an earlier version"
        yield DoctorFinding(
            "search", Health.NOTE, found, "`newsriver setup` adds what can be added; the next index has all"
        )


def _lacking(client: Elastic, alias: str) -> dict[str, list[str]]:
    """Name the indices that lack a field for searching, by field."""
    mapped = client.ask("GET", f"/{alias}/_mapping", params={"ignore_unavailable": "true"})
    known = {index: _names(found["mappings"].get("properties", {})) for index, found in mapped.items()}
    lacking = {field: sorted(index for index, names in known.items() if field not in names) for field in SEARCHED}
    return {field: indices for field, indices in lacking.items() if indices}


def _names(properties: Mapping[str, Any]) -> set[str]:
    """Give the names of fields and their subfields, those inside objects left out."""
    inner = {f"{name}.{more}" for name, field in properties.items() for more in field.get("fields", ())}
    return {*properties, *inner}
