"""Articles that were discovered last month: what `poll` put on Kafka then, put there before the river starts.

In the middle of the run their feeds announce them again, when nothing remembers them any more: each must stay the one
document that it is, in the index of the month in which it was first seen.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.lab.chaos.pages import Press
from pipelines.ledger.outcomes import outcome
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from pipelines.urls import host_of
from schemas.records import OutcomeKind, Stage
from schemas.topics import ENTRIES, OUTCOMES


def announce(settings: Settings, press: Press) -> None:
    """Put the entries of last month on Kafka, each with its line for the ledger.

    Raises:
        ServiceError: Kafka does not answer.
    """
    from pipelines.kafka import Sender

    now = datetime.now(UTC)
    entries, outcomes = (topic.full_name(settings.river.name) for topic in (ENTRIES, OUTCOMES))
    with Sender(kafka_bootstrap(settings), client_id="newsriver-chaos") as sender:
        for number in press.numbers[press.plan.articles :]:
            entry = press.entry(number, now)
            line = outcome(entry, Stage.POLL, OutcomeKind.DISCOVERED, at=entry.first_seen)
            sender.send(entries, host_of(entry.link), entry.to_json())
            sender.send(outcomes, entry.id, line.to_json())
