"""What the job sends to Kafka for each page: its outcome, and its dead letter where it has one."""

from __future__ import annotations

import logging
from typing import NamedTuple

from pipelines.breaker.guard import Breaker
from pipelines.errors import Poison, RecordsRefused
from pipelines.kafka import Sender
from pipelines.ledger import outcomes as ledger
from pipelines.ledger.dead_reasons import Fault, fault_of
from pipelines.process.failures import Failure
from pipelines.process.pages import accountable_entry
from schemas.records import BreakerState, DeadLetter, Outcome, OutcomeKind
from schemas.topics import BREAKER, DEAD_LETTERS, OUTCOMES

log = logging.getLogger(__name__)


class _Sent(NamedTuple):
    """A dead letter that is not acknowledged yet."""

    letter: DeadLetter
    headers: dict[str, bytes]
    size: int


class OutputWriter:
    """The writer that all steps of a process share; what it was given is on Kafka when `flush` returns.

    Args:
        sender: the producer.
        river: the river's name.
        breaker: told of pages that die by a fault of ours.
        writes_outcomes: whether lines of the ledger are written.
        most_share: largest share of sites whose pages may die by a fault of ours (`process.max_dead_share`).
    """

    def __init__(
        self, sender: Sender, river: str, breaker: Breaker, most_share: float, *, writes_outcomes: bool = True
    ) -> None:
        self._sender = sender
        self._writes_outcomes = writes_outcomes
        self._breaker = breaker
        self._most_share = most_share
        self._outcomes, self._letters = OUTCOMES.full_name(river), DEAD_LETTERS.full_name(river)
        self._states = BREAKER.full_name(river)
        self._unsettled: dict[str, list[_Sent]] = {}

    def outcome(self, outcome: Outcome) -> None:
        """Send a line of the ledger, where lines are written at all."""
        if self._writes_outcomes:
            self._sender.send(self._outcomes, outcome.article_id, outcome.to_json())

    def dead(self, failure: Failure) -> None:
        """Send a dead letter and its line; a fault of ours is told to the breaker, whose state goes the same way."""
        message = failure.message
        entry = accountable_entry(message)
        end = ledger.outcome(
            entry,
            failure.stage,
            OutcomeKind.DEAD,
            reason=failure.reason,
            detail=failure.text,
            origin=message.origin,
        )
        letter = failure.letter(entry.id, end.at)
        headers = {**message.headers, "dead-letter": letter.to_json()}
        sent = _Sent(letter, headers, len(message.value or b""))
        try:
            self._sender.send(self._letters, entry.id, message.value, headers)
            self._unsettled.setdefault(entry.id, []).append(sent)
        except Poison as too_large:
            self._send_without_payload(sent, too_large.message)
        self.outcome(end)
        if fault_of(failure.reason) is Fault.OURS:
            self._breaker.failed(entry.feed_url, entry.url, letter, self._most_share, self._publish)

    def flush(self) -> None:
        """Wait until Kafka has acknowledged everything.

        A letter that Kafka refuses for its size, for it is larger than the page by its trace, goes once more without
        the payload: its origin says where that is, and the partition must not stand still for it.
        """
        try:
            self._sender.flush()
        except RecordsRefused as refused:
            for topic, key in refused.records:
                if topic != self._letters:
                    raise
                for sent in self._unsettled.pop(key, []):
                    self._send_without_payload(sent, refused.message)
            self._sender.flush()
        self._unsettled.clear()

    def _send_without_payload(self, sent: _Sent, why: str) -> None:
        log.warning("the dead letter of %s goes without its payload: %s", sent.letter.origin, why)
        note = f"payload of {sent.size:,} bytes left out, {why}; {sent.letter.message}"
        letter = sent.letter.model_copy(update={"message": note[:1000], "stack": ""})
        self._sender.send(self._letters, letter.article_id, None, {"dead-letter": letter.to_json()})

    def _publish(self, state: BreakerState) -> None:
        self._sender.send(self._states, state.role, state.to_json())
