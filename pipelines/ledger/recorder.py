"""The role `record`: outcomes from Kafka into the ledger's index; what is no outcome becomes a dead letter.

Beside it, in a thread of its own, what feeds and processes last said (`state_recorder.py`).
"""

from __future__ import annotations

import logging
from contextlib import closing

from pydantic import ValidationError

from pipelines.errors import Poison
from pipelines.index.documents import Document, outcome_document
from pipelines.index.elastic import connect
from pipelines.index.preflight import require_rights
from pipelines.index.sink import Sink
from pipelines.kafka import GroupReader, Message, Sender
from pipelines.ledger.outcomes import dead_letter, outcome, stand_in
from pipelines.ledger.river_metrics import RiverMetrics
from pipelines.ledger.state_recorder import recording_states
from pipelines.metrics.metric import asked_at_scrapes
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.frame import RunningRole
from pipelines.runtime.heartbeat import Waits
from pipelines.settings import Settings
from schemas.records import Outcome, OutcomeKind, Stage
from schemas.topics import DEAD_LETTERS, OUTCOMES, Role

log = logging.getLogger(__name__)


def run(running: RunningRole) -> None:
    """Index outcomes until it is told to stop; offsets are committed after Elasticsearch has answered.

    Raises:
        ServiceError: Kafka or Elasticsearch refuses us, or it is told to stop while Elasticsearch does not answer.
    """
    settings = running.settings
    group, bootstrap = Role.RECORD.group(settings.river.name), kafka_bootstrap(settings)
    topic = OUTCOMES.full_name(settings.river.name)
    require_rights(settings, Role.RECORD)
    with closing(connect(settings)) as client, recording_states(settings):
        sink = Sink(client, settings.elasticsearch, stop=running.stop, waits=running.waits)
        with closing(GroupReader(bootstrap, group, [topic], client_id=group)) as reader:
            log.info("recording %s", topic)
            with (
                RiverMetrics(settings, client) as figures,
                asked_at_scrapes(figures.families),
                Sender(bootstrap, client_id=group, linger_ms=settings.kafka.linger_ms) as sender,
            ):
                while not running.stop.is_set():
                    running.loop.tick()
                    _turn(reader, sink, sender, settings)
                    _tell_of_partitions(reader, running.waits)


def _tell_of_partitions(reader: GroupReader, waits: Waits) -> None:
    if reader.assigned():
        waits.end(of="partitions")
    else:
        why = "no share of the outcomes: other copies have them, or the group is forming"
        waits.begin("no-partition", why, of="partitions")


def _turn(reader: GroupReader, sink: Sink, sender: Sender, settings: Settings) -> None:
    messages = reader.poll(0.5)
    if not messages:
        return
    river = settings.river.name
    letters = DEAD_LETTERS.full_name(river)
    documents = [_document(message, sender, letters, river) for message in messages]
    for message, verdict in zip(messages, sink.write(documents), strict=True):
        if verdict.kind is OutcomeKind.DEAD:
            _bury(message, Poison(verdict.detail, reason=verdict.reason, resource=message.origin), sender, letters)
    sender.flush()
    for message in messages:
        reader.done(message)
    reader.commit()


def _document(message: Message, sender: Sender, letters: str, river: str) -> Document:
    """Give the line to write; a record that is no outcome is set aside, and a line says so."""
    try:
        return outcome_document(Outcome.from_json(message.value or b""), river)
    except ValidationError as error:
        why = str(error.errors(include_url=False)[0]["msg"])
    fault = Poison(why, reason="bad-outcome", resource=message.origin)
    return outcome_document(_bury(message, fault, sender, letters), river)


def _bury(message: Message, fault: Poison, sender: Sender, letters: str) -> Outcome:
    """Send a dead letter with the record as it is, and give the line of the stand-in that ends with it."""
    log.error("%s is set aside, %s: %s", message.origin, fault.reason, fault.message)
    entry = stand_in(message.origin, message.timestamp_ms)
    letter = dead_letter(entry, Stage.RECORD, fault, reason=fault.reason, origin=message.origin)
    letter = letter.model_copy(update={"key": message.key or ""})
    sender.send(letters, entry.id, message.value, {**message.headers, "dead-letter": letter.to_json()})
    return outcome(
        entry, Stage.RECORD, OutcomeKind.DEAD, reason=fault.reason, detail=fault.message, origin=message.origin
    )
