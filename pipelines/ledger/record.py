"""The role `record`: outcomes from Kafka into the ledger's index."""

from __future__ import annotations

import logging
import threading

from pydantic import ValidationError

from pipelines.connect import kafka_bootstrap
from pipelines.errors import ServiceError
from pipelines.heartbeat import Heartbeat, Waits
from pipelines.index.documents import Document, outcome_document
from pipelines.index.elastic import connect
from pipelines.index.sink import Sink
from pipelines.kafka import GroupReader, Message
from pipelines.settings import Settings
from schemas.records import Outcome, OutcomeKind
from schemas.topics import OUTCOMES, Role

log = logging.getLogger(__name__)


def group(settings: Settings) -> str:
    """Give the consumer group under which offsets of outcomes are committed."""
    return f"{settings.river.name}-record"


def run(settings: Settings, stop: threading.Event) -> None:
    """Index outcomes until `stop` is set; offsets are committed after Elasticsearch has answered."""
    topic = OUTCOMES.full_name(settings.river.name)
    client = connect(settings)
    waits = Waits()
    sink = Sink(client, settings, stop=stop, waits=waits)
    reader = GroupReader(kafka_bootstrap(settings), group(settings), [topic], client_id=group(settings))
    log.info("recording %s", topic)
    try:
        with Heartbeat(settings, Role.RECORD, waits):
            while not stop.is_set():
                _turn(reader, sink, settings)
    except ServiceError as error:
        if not stop.is_set():
            raise
        log.info("drained: %s", error)
    finally:
        reader.close()
        client.close()


def _turn(reader: GroupReader, sink: Sink, settings: Settings) -> None:
    messages = reader.poll(0.5)
    if not messages:
        return
    documents = [found for message in messages if (found := _document(message, settings)) is not None]
    for verdict in sink.write(documents):
        if verdict.kind is OutcomeKind.DEAD:
            log.error("outcome %s not indexed: %s", verdict.document.id, verdict.detail)
    for message in messages:
        reader.done(message)
    reader.commit()


def _document(message: Message, settings: Settings) -> Document | None:
    try:
        return outcome_document(Outcome.from_json(message.value or b""), settings.river.name)
    except ValidationError as error:
        log.error("%s is not an outcome: %s", message.origin, error.errors(include_url=False)[0]["msg"])  # noqa: TRY400 - one line
        return None
