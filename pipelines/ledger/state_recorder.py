"""The second work of `record`: the last word of each feed and process from Kafka into Elasticsearch, for dashboards.

It has a group, a sink and a thread of its own, so that nothing here can hold up the ledger.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from pydantic import ValidationError

from pipelines.errors import NewsriverError
from pipelines.index.documents import Document
from pipelines.index.elastic import connect
from pipelines.index.sink import Sink
from pipelines.index.states import departed_document, feed_document, worker_document
from pipelines.kafka import GroupReader, Message
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from schemas.records import FeedState, WorkerState
from schemas.topics import FEED_STATE, WORKERS, Role

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 30.0
_LEAVE_SECONDS = 1.0


def states_group(settings: Settings) -> str:
    """Give the consumer group under which offsets of feed states and processes are committed."""
    return f"{Role.RECORD.group(settings.river.name)}-states"


def state_documents(messages: Sequence[Message], river: str) -> list[Document]:
    """Turn records into documents: of each key the last one alone; what cannot be read is said and left out.

    `poll`, which needs the feed states, deals with one that cannot be read; here its feed keeps what it had.
    """
    last = {(message.topic, message.key): message for message in messages}
    documents = []
    for message in last.values():
        try:
            document = _document(message, river)
        except ValidationError as error:
            why = error.errors(include_url=False)[0]["msg"]
            log.warning("%s cannot be shown on dashboards: %s", message.origin, why)
            continue
        if document is not None:
            documents.append(document)
    return documents


def _document(message: Message, river: str) -> Document | None:
    version = message.timestamp_ms
    if message.topic == FEED_STATE.full_name(river):
        return feed_document(FeedState.from_json(message.value), version, river) if message.value else None
    if message.value:
        return worker_document(WorkerState.from_json(message.value), version, river)
    return departed_document(message.key, version, river) if message.key else None


def record_states(settings: Settings, stop: threading.Event) -> None:
    """Index states until `stop` is set; offsets are committed after Elasticsearch has answered.

    Raises:
        NewsriverError: Kafka or Elasticsearch refuses for good; a ServiceError also when it is stopped while it waits.
    """
    river, group = settings.river.name, states_group(settings)
    topics = [topic.full_name(river) for topic in (FEED_STATE, WORKERS)]
    with (
        closing(connect(settings)) as client,
        closing(GroupReader(kafka_bootstrap(settings), group, topics, client_id=group)) as reader,
    ):
        sink = Sink(client, settings.elasticsearch, stop=stop)
        while not stop.is_set():
            if messages := reader.poll(0.5):
                if documents := state_documents(messages, river):
                    sink.write(documents)
                for message in messages:
                    reader.done(message)
                reader.commit()


@contextmanager
def recording_states(settings: Settings) -> Iterator[None]:
    """Index states beside the block until it ends; an error is said, and tried again after a while."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            try:
                record_states(settings, over)
            except NewsriverError as error:
                if not over.is_set():
                    log.warning("feeds and processes are not on the dashboards for now: %s", error)
            over.wait(_AGAIN_SECONDS)

    thread = threading.Thread(target=work, daemon=True, name="states")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_LEAVE_SECONDS)
