"""Repair: what the audit found wrong is announced again, written again, or merged.

To repeat it is harmless: what was announced is in flight and no finding any more, a line has a deterministic id, and
a merge that was cut off is made again from what is there. Nothing is written before Kafka and the index were read, and
a document that changes meanwhile is left for the next time.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from pipelines.errors import NewsriverError
from pipelines.index.documents import article_source
from pipelines.index.elastic import Elastic, connect
from pipelines.index.merge import merged, moment
from pipelines.kafka import Sender
from pipelines.ledger import lookup
from pipelines.ledger.audit_store import Findings
from pipelines.ledger.dead_letter_rules import REPLAY
from pipelines.ledger.in_flight import Underway
from pipelines.ledger.lookup import StoredArticle
from pipelines.ledger.reconcile import Finding
from pipelines.ledger.repair_plan import Action, RepairStep, restored_line, steps
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from pipelines.urls import host_of
from schemas.records import Entry, Outcome
from schemas.topics import ENTRIES, OUTCOMES

log = logging.getLogger(__name__)

MARK = b"reconcile"
"""Value of the header that tells fetch that an article it knows is announced again on purpose."""

_CLIENT = "newsriver-repair"
_MERGED_AT_ONCE = 100
_CONFLICT, _NOT_FOUND = 409, 404


@dataclass
class Repaired:
    """What was done, or would be.

    Attributes:
        done: whether it was done.
        steps: the first steps, as many as a report names findings.
        counts: number of all steps, by what they do.
        left: articles that changed meanwhile, or that nothing can be done for.
    """

    done: bool
    steps: list[RepairStep] = field(default_factory=list)
    counts: Counter[Action] = field(default_factory=Counter)
    left: int = 0

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        counts = {str(action): self.counts[action] for action in Action}
        return {"done": self.done, "counts": counts, "left": self.left, "steps": [s.as_json() for s in self.steps]}


def repair(
    settings: Settings, findings: Findings, *, really: bool, most_named: int, tell: Callable[[str], object]
) -> Repaired:
    """Mend what the audit found wrong, or say what would.

    Args:
        settings: for the servers and the river's name.
        findings: what is wrong.
        really: do it.
        most_named: steps that are named; all are counted.
        tell: called with what is being done.

    Raises:
        ServiceError: Kafka or Elasticsearch does not answer.
    """
    result = Repaired(really)
    river = settings.river.name
    with (
        closing(connect(settings)) as client,
        closing(Underway(settings, client_id=_CLIENT)) as kafka,
        Sender(kafka_bootstrap(settings), client_id=_CLIENT) as sender,
    ):
        for some in findings.by_article():
            tell(f"repairing: {sum(result.counts.values()):,} steps")
            planned = list(_planned(some, client, kafka, river))
            result.steps += planned[: most_named - len(result.steps)]
            result.counts.update(step.action for step in planned)
            result.left += sum(step.action is Action.NOTHING for step in planned)
            if really:
                _send(planned, sender, river)
                merges = [step.article_id for step in planned if step.action is Action.MERGE]
                result.left += sum(not merge(client, group) for group in _doubles(client, river, merges))
    return result


def _planned(findings: dict[str, list[Finding]], client: Elastic, kafka: Underway, river: str) -> Iterator[RepairStep]:
    lines: dict[str, list[Outcome]] = {}
    for line in lookup.outcomes(client, river, findings):
        lines.setdefault(line.article_id, []).append(line)
    retained: dict[str, list[Entry]] = {}
    for waiting in kafka.entries(whole=True):
        if waiting.entry.id in findings:
            retained.setdefault(waiting.entry.id, []).append(waiting.entry)
    unknown = findings.keys() - lines.keys() - retained.keys()
    for waiting in kafka.pages(whole=True) if unknown else ():
        if waiting.entry.id in unknown:
            retained.setdefault(waiting.entry.id, []).append(waiting.entry)
    for article_id, wrong in findings.items():
        yield from steps(wrong, lines.get(article_id, []), retained.get(article_id, []))


def _send(planned: Iterable[RepairStep], sender: Sender, river: str) -> None:
    """Put Entries and lines on Kafka, and wait until they are acknowledged."""
    for step in planned:
        if step.entry is None:
            continue
        if step.action is Action.ANNOUNCE:
            topic, key = ENTRIES.full_name(river), host_of(step.entry.link)
            sender.send(topic, key, step.entry.to_json(), {REPLAY: MARK})
        else:
            sender.send(OUTCOMES.full_name(river), step.article_id, restored_line(step.entry).to_json())
    sender.flush()


def _doubles(client: Elastic, river: str, articles: Sequence[str]) -> Iterator[list[StoredArticle]]:
    """Give the documents of each article that has more than one, the oldest first."""
    for start in range(0, len(articles), _MERGED_AT_ONCE):
        groups: dict[str, list[StoredArticle]] = {}
        for found in lookup.documents(client, river, articles[start : start + _MERGED_AT_ONCE], source=True):
            groups.setdefault(found.article_id, []).append(found)
        for group in groups.values():
            if len(group) > 1:
                yield sorted(group, key=lambda found: (moment(found.source["first_seen"]), found.index_name))


def merge(client: Elastic, documents: Sequence[StoredArticle]) -> bool:
    """Merge documents of one article into the first, and delete the others; False when one changed meanwhile.

    Raises:
        ServiceError: Elasticsearch does not answer.
        NewsriverError: it refuses.
    """
    first, *others = documents
    content = dict(first.source)
    for other in others:
        content = merged(content, other.source)
    content = orjson.loads(
        article_source(content, datetime.now(UTC))
    )  # what follows from the other fields is made afresh
    version = max(found.version for found in documents)
    # As new as the newest, which may be the first itself: written when nothing newer was written meanwhile.
    params = {"version": version, "version_type": "external_gte"}
    if not _done(client, "PUT", first, content, params):
        return False
    return all(_done(client, "DELETE", other, None, _as_read(other)) for other in others)


def _as_read(found: StoredArticle) -> dict[str, Any]:
    return {"if_seq_no": found.sequence[0], "if_primary_term": found.sequence[1]}


def _done(
    client: Elastic, method: str, found: StoredArticle, body: dict[str, Any] | None, params: dict[str, Any]
) -> bool:
    """Write or delete one document, unless it changed meanwhile."""
    path = f"/{found.index_name}/_doc/{found.article_id}"
    answer = client.send(method, path, body, params)
    if answer.ok or (method == "DELETE" and answer.status == _NOT_FOUND):
        return True
    if answer.status == _CONFLICT:
        log.warning("document %s in %s changed meanwhile: repair it again", found.article_id, found.index_name)
        return False
    raise NewsriverError(f"Elasticsearch refuses {method} {path} ({answer.status}): {answer.reason}", resource=path)
