"""Dead letters on Kafka: found, read again with their payload, sent back, marked.

What was done with a letter is a record in the compacted topic `dead-letter-marks`, so it outlives every process and
needs no other server. A mark is written after the replayed record is acknowledged: a crash between the two leaves
the letter open, and to send it once more changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from pipelines.extraction import ArticleContext, Page, article_sandbox, make_article
from pipelines.kafka import Message, Sender, read_topic
from pipelines.ledger.dead_letter_rules import DeadLetterView, Forecast, foresee, latest, read_letter, replay_of
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from schemas.records import Article, DeadLetterMark, MarkKind
from schemas.topics import DEAD_LETTER_MARKS, DEAD_LETTERS

log = logging.getLogger(__name__)

CLIENT = "newsriver-dead"
_SETTLE_SECONDS = 1.0
"""How often a replay waits for Kafka and marks what was sent."""

_CLOCKS = timedelta(minutes=5)
"""How far a letter's time and that of its record may lie apart."""

Progress = Callable[[], object]
"""Called once for each letter that is done."""


def _nothing() -> None:
    """Show no progress."""


def find(settings: Settings, since: datetime | None = None) -> list[DeadLetterView]:
    """Give all letters that Kafka still holds, each with what was done with it, in the order of death.

    Args:
        settings: for Kafka and the river's name.
        since: leave out what died before.

    Raises:
        ServiceError: Kafka does not answer, or a topic is missing.
    """
    marks = _marks(settings)
    found, foreign = [], 0
    for message in _records(settings, since):
        letter = read_letter(message.origin, message.headers, message.value)
        if letter is None:
            foreign += 1
        elif since is None or letter.facts.at >= since:
            found.append(letter)
    if foreign:
        log.warning("%d records of %s are no dead letters", foreign, DEAD_LETTERS.full_name(settings.river.name))
    return latest(found, marks)


def payloads(settings: Settings, letters: Sequence[DeadLetterView]) -> Iterator[tuple[DeadLetterView, Message]]:
    """Read letters again, with headers and payload, one at a time: they may be large and many."""
    wanted = {letter.place: letter for letter in letters}
    if not wanted:
        return
    for message in _records(settings, min(letter.facts.at for letter in letters)):
        letter = wanted.pop(message.origin, None)
        if letter is not None:
            yield letter, message
        if not wanted:
            return


def forecast(
    settings: Settings, letters: Sequence[DeadLetterView], progress: Progress = _nothing
) -> list[tuple[DeadLetterView, Forecast]]:
    """Run today's code on letters and say what a replay would lead to; nothing is written.

    Args:
        settings: for Kafka, the river's name and the limits of cleaning.
        letters: which ones.
        progress: called after each one.
    """
    found = []
    context = ArticleContext(settings.clean)
    with closing(article_sandbox(settings.clean)) as sandbox:

        def article(page: Page) -> Article:
            return sandbox.call(make_article, page, context)

        for letter, message in payloads(settings, letters):
            found.append((letter, foresee(letter.facts, message.headers, message.value, article)))
            progress()
    return found


def replay(
    settings: Settings, letters: Sequence[DeadLetterView], per_second: float, by: str, progress: Progress = _nothing
) -> int:
    """Send letters through the river again, and give the number sent.

    Args:
        settings: for Kafka and the river's name.
        letters: which ones.
        per_second: most letters sent in a second.
        by: who does it.
        progress: called after each one.
    """
    began = settled = time.monotonic()
    sent = 0
    unmarked: list[DeadLetterView] = []
    with Sender(kafka_bootstrap(settings), client_id=CLIENT) as sender:
        for letter, message in payloads(settings, letters):
            time.sleep(max(0.0, began + sent / per_second - time.monotonic()))
            again = replay_of(letter.facts, message.headers, message.value)
            sender.send(again.topic.full_name(settings.river.name), again.key, again.value, again.headers)
            sent += 1
            unmarked.append(letter)
            progress()
            if time.monotonic() - settled > _SETTLE_SECONDS:
                _settle(sender, settings, unmarked, by)
                unmarked, settled = [], time.monotonic()
        _settle(sender, settings, unmarked, by)
    return sent


def park(settings: Settings, letters: Sequence[DeadLetterView], by: str, note: str) -> None:
    """Take letters out of the list for good."""
    with Sender(kafka_bootstrap(settings), client_id=CLIENT) as sender:
        _mark(sender, settings, letters, MarkKind.PARKED, by, note)


def unpark(settings: Settings, letters: Sequence[DeadLetterView]) -> None:
    """Open letters again."""
    with Sender(kafka_bootstrap(settings), client_id=CLIENT) as sender:
        for letter in letters:
            sender.send(DEAD_LETTER_MARKS.full_name(settings.river.name), letter.facts.origin, None)


def _settle(sender: Sender, settings: Settings, letters: Sequence[DeadLetterView], by: str) -> None:
    """Wait until all that was sent is acknowledged, and only then mark it."""
    sender.flush()
    _mark(sender, settings, letters, MarkKind.REPLAYED, by, "")


def _mark(
    sender: Sender, settings: Settings, letters: Sequence[DeadLetterView], kind: MarkKind, by: str, note: str
) -> None:
    for letter in letters:
        mark = DeadLetterMark(
            origin=letter.facts.origin,
            kind=kind,
            letter_at=letter.facts.at,
            at=datetime.now(UTC),
            by=by,
            note=note,
        )
        sender.send(DEAD_LETTER_MARKS.full_name(settings.river.name), mark.origin, mark.to_json())


def _marks(settings: Settings) -> dict[str, DeadLetterMark]:
    """Give the last mark of each origin."""
    found: dict[str, DeadLetterMark] = {}
    topic = DEAD_LETTER_MARKS.full_name(settings.river.name)
    for message in read_topic(kafka_bootstrap(settings), topic, client_id=CLIENT):
        key = message.key or ""
        found.pop(key, None)
        if message.value is None:
            continue
        try:
            found[key] = DeadLetterMark.from_json(message.value)
        except ValidationError:
            log.warning("%s is no mark: its letter counts as open", message.origin)
    return found


def _records(settings: Settings, since: datetime | None) -> Iterator[Message]:
    """Read the letters' topic; `since` only spares reading what is surely older."""
    since = since and since - _CLOCKS
    topic = DEAD_LETTERS.full_name(settings.river.name)
    return read_topic(kafka_bootstrap(settings), topic, client_id=CLIENT, since=since)
