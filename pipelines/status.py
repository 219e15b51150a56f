"""What the river holds and what is waiting where, asked of Kafka and Elasticsearch."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from pipelines.alerts.figures import AlertFigures, figures_body, figures_of
from pipelines.breaker import state as breaker
from pipelines.index.documents import alert_delivery_indices, saved_search_indices
from pipelines.index.elastic import Elastic, connect
from pipelines.kafka import Admin, read_last
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.heartbeat import BEAT_SECONDS
from pipelines.runtime.roles import ROLES
from pipelines.settings import Settings
from schemas.records import BreakerState, WorkerState
from schemas.topics import TOPICS, WORKERS, Role, Topic

log = logging.getLogger(__name__)

GROUPED = tuple(spec.role for spec in ROLES if spec.commits)
"""Roles whose committed offsets say what waits for them; poll reads compacted topics from the start."""

SILENT = timedelta(seconds=3 * BEAT_SECONDS)
"""A worker that says nothing for longer hangs or was killed."""

GONE = timedelta(days=1)
"""A worker that says nothing for longer is not listed any more."""


@dataclass(frozen=True)
class TopicStatus:
    """One topic.

    Attributes:
        topic: its full name.
        partitions: number of partitions; 0 when it does not exist.
        records: offsets written so far, summed over the partitions; compaction and retention are not counted off.
        waiting: records that each reading role has yet to commit.
    """

    topic: str
    partitions: int
    records: int
    waiting: dict[str, int]


@dataclass(frozen=True)
class WorkerStatus:
    """One running process, or one that fell silent.

    Attributes:
        name: its name with its host.
        role: what it is.
        pid: its process id on its host.
        started_at: when it started.
        state: `working`, `waiting` or `silent`.
        since: since when it waits or is silent; when it started where it works.
        waits_for: why it waits, as a short name; empty where it does not.
        detail: the same for people.
        feeds: of a `poll` the feeds that it asks; None of others.
        failing: those of them whose last poll failed.
        worst: some of these, each with its reason.
        next_poll_at: when the next of them is due.
    """

    name: str
    role: str
    pid: int
    started_at: datetime
    state: str
    since: datetime
    waits_for: str
    detail: str
    feeds: int | None = None
    failing: int = 0
    worst: tuple[str, ...] = ()
    next_poll_at: datetime | None = None


@dataclass(frozen=True)
class Status:
    """The whole river.

    Attributes:
        topics: in the order of the river.
        workers: the processes that tell of themselves, by name.
        stopped: why `process` has stopped for good; None while it may work.
        articles: documents that can be found.
        outcomes: lines of the ledger by kind.
        reasons: outcomes by `kind: reason`, where there is a reason.
        languages: articles by language.
        subjects: articles by topic label.
        alerts: how saved searches do.
    """

    topics: list[TopicStatus]
    workers: list[WorkerStatus]
    stopped: BreakerState | None
    articles: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    languages: dict[str, int]
    subjects: dict[str, int]
    alerts: AlertFigures

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return asdict(self) | {"stopped": stopped_as_json(self.stopped)}


def status(settings: Settings) -> Status:
    """Ask both servers.

    Raises:
        ServiceError: one of them does not answer.
    """
    return with_documents(settings, topic_status(settings), worker_status(settings), stopped(settings))


def with_documents(
    settings: Settings, topics: list[TopicStatus], workers: list[WorkerStatus], stop: BreakerState | None
) -> Status:
    """Ask Elasticsearch for the rest.

    Raises:
        ServiceError: it does not answer.
    """
    client = connect(settings)
    try:
        return Status(topics=topics, workers=workers, stopped=stop, **_documents(client, settings.river.name))
    finally:
        client.close()


def stopped(settings: Settings) -> BreakerState | None:
    """Ask Kafka why `process` has stopped for good; None while it may work.

    Raises:
        ServiceError: it does not answer.
    """
    state = breaker.read(settings)
    return state if state is not None and state.tripped else None


def stopped_as_json(state: BreakerState | None) -> dict[str, Any] | None:
    """Give why a role has stopped as what JSON can hold, with the command that lets it go on."""
    if state is None:
        return None
    return state.model_dump(mode="json", exclude={"tripped", "note"}) | {
        "why": breaker.why(state),
        "resume": breaker.RESUME,
    }


def worker_status(settings: Settings) -> list[WorkerStatus]:
    """Ask Kafka what the processes last told of themselves.

    Raises:
        ServiceError: it does not answer.
    """
    bootstrap, topic = kafka_bootstrap(settings), WORKERS.full_name(settings.river.name)
    with Admin(bootstrap) as admin:
        partitions = admin.topics().get(topic, 0)
    last: dict[str | None, bytes | None] = {}
    for message in read_last(bootstrap, [(topic, number) for number in range(partitions)], client_id="status"):
        last[message.key] = message.value
    found = []
    for name, value in sorted(last.items(), key=lambda item: str(item[0])):
        try:
            if value is not None:
                found.append(WorkerState.from_json(value))
        except ValidationError:
            log.warning("what %s tells of itself cannot be read", name)
    now = datetime.now(UTC)
    return [worker(state, now) for state in found if now - state.at < GONE]


def worker(state: WorkerState, now: datetime) -> WorkerStatus:
    """Judge what a process told of itself by how long ago that was."""
    if now - state.at > SILENT:
        word, since = "silent", state.at
    elif state.waits_for:
        word, since = "waiting", state.waits_since or state.at
    else:
        word, since = "working", state.started_at
    return WorkerStatus(
        name=state.name,
        role=state.role,
        pid=state.pid,
        started_at=state.started_at,
        state=word,
        since=since,
        waits_for=state.waits_for,
        detail=state.detail,
        feeds=state.feeds,
        failing=state.failing,
        worst=tuple(state.worst),
        next_poll_at=state.next_poll_at,
    )


def topic_status(settings: Settings) -> list[TopicStatus]:
    """Ask Kafka only.

    Raises:
        ServiceError: it does not answer.
    """
    river = settings.river.name
    with Admin(kafka_bootstrap(settings)) as admin:
        existing = admin.topics()
        committed = {role: admin.committed(role.group(river)) for role in GROUPED}
        return [_topic(admin, topic, river, existing, committed) for topic in TOPICS]


def _topic(
    admin: Admin,
    topic: Topic,
    river: str,
    existing: dict[str, int],
    committed: dict[Role, dict[tuple[str, int], int]],
) -> TopicStatus:
    name = topic.full_name(river)
    partitions = existing.get(name, 0)
    ends = admin.ends(name, partitions) if partitions else {}
    waiting = {
        str(role): sum(max(0, end - committed[role].get((name, number), 0)) for number, end in ends.items())
        for role in topic.readers
        if role in committed and not topic.compacted  # such a one is read whole at each start, in no group
    }
    return TopicStatus(name, partitions, sum(ends.values()), waiting)


def count_articles(client: Elastic, river: str) -> int:
    """Count the articles that can be found.

    Raises:
        ServiceError: Elasticsearch does not answer.
    """
    return int(client.ask("POST", f"/{river}-articles*/_count", {}, {"ignore_unavailable": "true"})["count"])


def _documents(client: Elastic, river: str) -> dict[str, Any]:
    articles = _counts(client, f"{river}-articles", languages="language", subjects="topics.label")
    outcomes = _counts(client, f"{river}-outcomes", kinds="kind", reasons=("kind", "reason"))
    return {
        "articles": articles["total"],
        "languages": articles["languages"],
        "subjects": articles["subjects"],
        "outcomes": outcomes["kinds"],
        "reasons": outcomes["reasons"],
        "alerts": _alerts(client, river),
    }


def _alerts(client: Elastic, river: str) -> AlertFigures:
    lenient = {"ignore_unavailable": "true"}
    saved = client.ask("POST", f"/{saved_search_indices(river).alias}/_count", {}, lenient)["count"]
    deliveries = f"/{alert_delivery_indices(river).alias}/_search"
    return figures_of(client.ask("POST", deliveries, figures_body(), lenient), int(saved))


def _counts(client: Elastic, index: str, **fields: str | tuple[str, str]) -> dict[str, Any]:
    """Count the documents of an index by fields; a pair of fields counts the second within the first."""
    body = {"size": 0, "track_total_hits": True, "aggs": {name: _terms(field) for name, field in fields.items()}}
    answer = client.ask("POST", f"/{index}*/_search", body, {"ignore_unavailable": "true"})
    found: dict[str, Any] = {"total": answer["hits"]["total"]["value"]}
    for name, field in fields.items():
        buckets = answer.get("aggregations", {}).get(name, {}).get("buckets", [])
        found[name] = _inner(buckets) if isinstance(field, tuple) else {b["key"]: b["doc_count"] for b in buckets}
    return found


def _terms(field: str | tuple[str, str]) -> dict[str, Any]:
    if isinstance(field, str):
        return {"terms": {"field": field, "size": 100}}
    outer, inner = field
    return {"terms": {"field": outer, "size": 100}, "aggs": {"inner": _terms(inner)}}


def _inner(buckets: list[dict[str, Any]]) -> dict[str, int]:
    return {
        f"{outer['key']}: {inner['key']}": inner["doc_count"]
        for outer in buckets
        for inner in outer["inner"]["buckets"]
        if inner["key"]
    }
