"""The producing side: a sender that waits for the broker and never drops a record in silence."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumberError,
    RecordListTooLargeError,
    UnknownProducerIdError,
)

from pipelines.backoff import Backoff
from pipelines.errors import Poison, RecordsRefused
from pipelines.kafka.client import options
from pipelines.kafka.faults import lasting, refusal
from pipelines.kafka.handshake import lasting_refusal
from pipelines.kafka.outage import last_words, outage
from pipelines.kafka.patience import patiently, require
from schemas.topics import MAX_RECORD_BYTES

log = logging.getLogger(__name__)

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
# After these a producer's numbering no longer fits the broker's; a fresh producer starts a new one.
_RENEW = (OutOfOrderSequenceNumberError, UnknownProducerIdError, InvalidProducerEpochError)


_ABANDON_SECONDS = 5.0
_BACKOFF = Backoff(0.4, 5.0)
_LONG_SECONDS = 15.0
"""Records that wait for longer may wait for a topic that does not exist."""


@dataclass(frozen=True, slots=True)
class _Draft:
    topic: str
    key: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int | None


class Sender:
    """A producer whose `flush` returns only when the broker has acknowledged everything.

    While the broker is away it waits, for ever and visibly; a record that the broker refuses for itself is handed back
    once, as an error, and forgotten. Repeats after a lost answer are possible and harmless: ids and versions make
    them so.

    Raises:
        ServiceError: from any method: Kafka refuses, and waiting does not help, or a topic does not exist.
    """

    def __init__(self, bootstrap: str, *, client_id: str, linger_ms: int = 20) -> None:
        self._options: dict[str, Any] = {
            "compression_type": "zstd",
            "linger_ms": linger_ms,
            "batch_size": 512_000,
            "max_request_size": MAX_RECORD_BYTES,
            "max_block_ms": 10_000,
            "allow_auto_create_topics": False,
        }
        self._bootstrap, self._client_id = bootstrap, client_id
        self._producer = self._connect()
        self._pending: list[tuple[_Draft, Any]] = []
        self._lock = threading.RLock()  # flush holds it to the end: what another thread sent may be among the pending

    def send(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Mapping[str, bytes] | None = None,
        *,
        partition: int | None = None,
    ) -> None:
        """Hand over one record; it is on its way, and certain only after `flush`.

        Args:
            topic: its full name.
            key: equal keys keep their order.
            value: None to have the key removed from a compacted topic.
            headers: go with it.
            partition: where to; by default the key decides.

        Raises:
            Poison: the record is larger than any topic takes.
        """
        draft = _Draft(topic, key, value, tuple((headers or {}).items()), partition)
        with self._lock:
            self._pending.append((draft, self._submit(draft)))

    def flush(self) -> None:
        """Wait until all records sent so far are acknowledged.

        Raises:
            RecordsRefused: the broker refused some for their size; they are forgotten, all others are acknowledged.
        """
        refused: list[_Draft] = []
        with self._lock:
            # A batch is refused as a whole, and after one refusal kafka-python 3.0.12 refuses whatever comes next with
            # the same error: so each goes once more, alone, and what is refused then is at fault itself.
            for draft in self._settle():
                self._pending = [(draft, self._submit(draft))]
                refused += self._settle()
        if refused:
            raise _refusal(refused)

    def close(self) -> None:
        """Flush and hang up."""
        self.flush()
        self._producer.close(timeout=5)

    def __enter__(self) -> Self:
        """Enter a block that ends with `close`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; after an error without waiting for what is pending."""
        if error is None:
            self.close()
        else:
            self._abandon()

    def _abandon(self) -> None:
        """Hang up without waiting for what is pending; nothing of it is sent from now on."""
        # Closing flushes first, and while something is pending kafka-python 3.0.12 complains of that and goes no
        # further: its thread would send on beside the next producer's.
        thread = self._producer._sender  # noqa: SLF001 - there is no public way
        thread.force_close()
        thread.join(_ABANDON_SECONDS)
        with suppress(KafkaError):
            self._producer.close(timeout=0)

    def _settle(self) -> list[_Draft]:
        """Wait until nothing is pending, and give what was refused for its size."""
        refused: list[_Draft] = []
        waits, began = 0, time.monotonic()
        try:
            while self._pending:
                self._await_answers()
                self._pending = self._unacknowledged(refused)
                if self._pending:
                    waits += 1
                    self._explain(began)
                    time.sleep(_BACKOFF.pause(waits))
        finally:
            outage.works(self)
        if refused:
            self._renew()
        return refused

    def _explain(self, began: float) -> None:
        """Say that records wait and why; when they wait for long, make sure that it is not for ever.

        Raises:
            ServiceError: a topic does not exist.
        """
        why = f"Kafka at {self._bootstrap} takes no records, {len(self._pending)} wait ({last_words.text})"
        outage.fails(self, why, since=began)
        if time.monotonic() - began > _LONG_SECONDS:
            if refused := lasting_refusal(self._bootstrap):
                raise refused
            require(self._bootstrap, {draft.topic for draft, _ in self._pending})

    def _await_answers(self) -> None:
        try:
            self._producer.flush(timeout=10)
        except KafkaTimeoutError:
            log.debug("flush timed out")
        except KafkaError as error:  # kafka-python 3.0.12: a batch was split while it was waited for
            log.debug("flush: %s", error)

    def _submit(self, draft: _Draft) -> Any:  # noqa: ANN401 - kafka-python's future has no type
        try:
            return self._producer.send(
                draft.topic,
                draft.value,
                key=draft.key.encode(),
                headers=list(draft.headers) or None,
                partition=draft.partition,
            )
        except _TOO_LARGE as error:
            raise Poison(f"record too large for Kafka: {error}", reason="too-large", resource=draft.key) from None
        except KafkaError as error:
            if lasting(error):
                raise refusal(error, self._bootstrap) from None
            log.debug("send: %s", error)  # no metadata, or no buffer: the broker is away
            return None

    def _unacknowledged(self, refused: list[_Draft]) -> list[tuple[_Draft, Any]]:
        """Look at every future; send again what failed for the infrastructure's sake, note what was refused.

        Raises:
            ServiceError: one failed for good.
        """
        left = []
        for draft, future in self._pending:
            error = future.exception if future is not None and future.failed() else None
            if isinstance(error, _TOO_LARGE):
                refused.append(draft)
            elif future is None or error is not None or not future.is_done:
                left.append((draft, future, error))
        renew = any(isinstance(error, _RENEW) for _, _, error in left)
        if not renew and (lasts := next((error for _, _, error in left if error and lasting(error)), None)):
            raise refusal(lasts, self._bootstrap)
        if renew:
            self._renew()
        return [
            (draft, self._submit(draft) if renew or future is None or error else future)
            for draft, future, error in left
        ]

    def _connect(self) -> KafkaProducer:
        producer = patiently(self._make_producer, self._bootstrap)
        # Else it would flush when Python ends: who leaves without closing has given up what is pending.
        producer._unregister_cleanup()  # noqa: SLF001 - there is no public way
        return producer

    def _make_producer(self) -> KafkaProducer:
        return KafkaProducer(**options(self._bootstrap, self._client_id), **self._options)

    def _renew(self) -> None:
        self._abandon()
        self._producer = self._connect()


def _refusal(drafts: list[_Draft]) -> RecordsRefused:
    topics = ", ".join(sorted({draft.topic for draft in drafts}))
    return RecordsRefused(
        f"{len(drafts)} records too large for Kafka, the first for key {drafts[0].key}",
        records=tuple((draft.topic, draft.key) for draft in drafts),
        hint=f"`newsriver setup` sets max.message.bytes of {topics}; the broker's message.max.bytes is yours to raise",
    )
