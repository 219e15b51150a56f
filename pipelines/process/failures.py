"""A page that a step could not process, as a typed record on its way to the dead letters."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from typing import NamedTuple

from pipelines.errors import NewsriverError, RecordFault
from pipelines.kafka import Message
from pipelines.redaction import redacted
from pipelines.sandbox.protocol import UNEXPECTED
from schemas.records import DeadLetter, Stage

_MOST_MESSAGE, _MOST_STACK = 1000, 8000


class Failure(NamedTuple):
    """One page and why it ends as a dead letter.

    Attributes:
        message: the page as it came from Kafka.
        stage: the step that failed.
        reason: a name that `pipelines.ledger.dead_reasons` declares.
        error: class of the error.
        text: the error in one line.
        stack: its trace; empty where there was no exception.
    """

    message: Message
    stage: Stage
    reason: str
    error: str
    text: str
    stack: str = ""

    def letter(self, article_id: str, at: datetime) -> DeadLetter:
        """Give the header of the dead letter."""
        return DeadLetter(
            article_id=article_id,
            stage=self.stage,
            reason=self.reason,
            error=self.error,
            message=redacted(self.text)[:_MOST_MESSAGE],
            stack=redacted(self.stack)[-_MOST_STACK:],
            origin=self.message.origin,
            key=self.message.key or "",
            at=at.astimezone(UTC),
        )


def failure_of(error: Exception, message: Message, stage: Stage) -> Failure:
    """Make a failure of what a step raised for one page.

    Raises:
        Exception: the same one, where the page is not at fault: the sandbox cannot be started, the machine is short
            of something. The bundle fails, and the page is read again.
    """
    if isinstance(error, NewsriverError | OSError | MemoryError) and not isinstance(error, RecordFault):
        raise error
    stack = "".join(traceback.format_exception(error))
    if isinstance(error, RecordFault):
        return Failure(message, stage, error.reason, type(error).__name__, str(error), stack)
    return Failure(message, stage, UNEXPECTED, type(error).__name__, f"{type(error).__name__}: {error}", stack)
