"""The Kafka topics as data: name, key, partitions, retention, size limits, record, writers and readers."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.roles import Role as Role  # noqa: PLC0414 - whoever reads of topics reads of their roles

DAY = 86_400
MAX_RECORD_BYTES = 16_777_216
"""Largest record any topic takes: a page of 5 MB decoded passes with room to spare."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic as it is declared, without the river's prefix.

    Attributes:
        name: its name below the river's, e.g. `entries` for `news.entries`.
        key: what a record's key holds; records with equal keys keep their order.
        value: what a record's value holds: a record type's name, or a description of the bytes.
        headers: record types carried as JSON in message headers, by header name.
        retention_seconds: how long records are kept; None for a compacted topic, which keeps the last of each key.
        writers: roles that produce to it.
        readers: roles that consume it; with an empty tuple people read it.
        delay_seconds: for a later-tier, the constant time its records wait; None elsewhere.
        about: one sentence for the reference.
    """

    name: str
    key: str
    value: str
    about: str
    writers: tuple[Role, ...]
    readers: tuple[Role, ...]
    headers: tuple[tuple[str, str], ...] = ()
    retention_seconds: int | None = 7 * DAY
    delay_seconds: int | None = None

    @property
    def compacted(self) -> bool:
        """Whether only the last record of each key is kept."""
        return self.retention_seconds is None

    def full_name(self, river: str) -> str:
        """Give the topic's name on the broker, e.g. `news.entries` for river `news`."""
        return f"{river}.{self.name}"

    def broker_config(self) -> dict[str, str]:
        """Give the topic's settings on the broker, by Kafka's own names."""
        config = {"max.message.bytes": str(MAX_RECORD_BYTES), "compression.type": "producer"}
        if self.retention_seconds is None:
            # Only closed segments are compacted, and whoever starts reads all that is left: by itself Kafka closes one
            # after a week or a gigabyte.
            return config | {
                "cleanup.policy": "compact",
                "min.cleanable.dirty.ratio": "0.2",
                "segment.ms": "300000",
                "segment.bytes": str(2 * MAX_RECORD_BYTES),
            }
        return config | {"cleanup.policy": "delete", "retention.ms": str(self.retention_seconds * 1000)}


FEEDS = Topic(
    name="feeds",
    key="feed URL",
    value="Feed",
    about="The feed list, beside feed-state; all feeds of a host are in one partition, so that one copy asks it.",
    writers=(Role.CLI,),
    readers=(Role.POLL, Role.SERVE),
    retention_seconds=None,
)
FEED_STATE = Topic(
    name="feed-state",
    key="feed URL",
    value="FeedState",
    about="What poll remembers of each feed: validators, known entries, failures, the next poll.",
    writers=(Role.POLL,),
    readers=(Role.POLL, Role.RECORD, Role.SERVE),
    retention_seconds=None,
)
ENTRIES = Topic(
    name="entries",
    key="host of the article",
    value="Entry",
    about="Articles announced by feeds; one host is one fetcher's, so politeness holds across copies.",
    writers=(Role.POLL, Role.CLI),
    readers=(Role.FETCH,),
)


def _later(name: str, seconds: int) -> Topic:
    return Topic(
        name=f"entries-later-{name}",
        key="host of the article",
        value="Entry",
        about=f"Entries that wait {name} for a retry or a revisit; one constant delay: the head is the next one due.",
        writers=(Role.FETCH,),
        readers=(Role.FETCH,),
        delay_seconds=seconds,
    )


LATER = (_later("15m", 900), _later("1h", 3600), _later("6h", 21_600), _later("24h", DAY))
PAGES = Topic(
    name="pages",
    key="the page's own URL",
    value="body bytes as fetched",
    headers=(("entry", "Entry"), ("page", "PageFacts")),
    about="Pages as the site sent them, all pages of one article in one partition; facts travel in message headers.",
    writers=(Role.FETCH, Role.CLI),
    readers=(Role.PROCESS,),
)
OUTCOMES = Topic(
    name="outcomes",
    key="article id",
    value="Outcome",
    about="The ledger: what happened to each entry, one terminal outcome per visit.",
    writers=(Role.POLL, Role.FETCH, Role.PROCESS, Role.CLI),
    readers=(Role.RECORD,),
    retention_seconds=30 * DAY,
)
DEAD_LETTERS = Topic(
    name="dead-letters",
    key="article id",
    value="original payload",
    headers=(("dead-letter", "DeadLetter"),),
    about="Payloads that could not be processed, with the original headers and the reason.",
    writers=(Role.FETCH, Role.PROCESS, Role.RECORD),
    readers=(Role.CLI,),
    retention_seconds=30 * DAY,
)
DEAD_LETTER_MARKS = Topic(
    name="dead-letter-marks",
    key="the letter's origin",
    value="DeadLetterMark",
    about="Which dead letters were replayed or parked, by whom and why; `newsriver dead list` leaves them out.",
    writers=(Role.CLI,),
    readers=(Role.CLI,),
    retention_seconds=None,
)
WORKERS = Topic(
    name="workers",
    key="worker's name",
    value="WorkerState",
    about="What each running process tells of itself: where it runs and what it waits for.",
    writers=(Role.POLL, Role.FETCH, Role.PROCESS, Role.RECORD, Role.SERVE),
    readers=(Role.RECORD, Role.CLI),
    retention_seconds=None,
)
BREAKER = Topic(
    name="breaker",
    key="role",
    value="BreakerState",
    about="Whether a role has stopped because most of what it set aside was its own fault; a person lets it go on.",
    writers=(Role.PROCESS, Role.CLI),
    readers=(Role.PROCESS, Role.RECORD, Role.CLI),
    retention_seconds=None,
)
SUBSCRIPTIONS = Topic(
    name="websub",
    key="feed URL",
    value="Subscription",
    about="What serve has asked of the feeds' WebSub hubs; holds the secrets that pushes are signed with.",
    writers=(Role.SERVE,),
    readers=(Role.SERVE,),
    retention_seconds=None,
)
PUSHES = Topic(
    name="pushes",
    key="feed URL",
    value="body bytes as pushed",
    headers=(("push", "PushFacts"),),
    about="Feeds as their hubs pushed them, signatures checked; co-partitioned with feeds.",
    writers=(Role.SERVE,),
    readers=(Role.POLL,),
    retention_seconds=DAY,
)

TOPICS: tuple[Topic, ...] = (
    FEEDS,
    FEED_STATE,
    ENTRIES,
    *LATER,
    PAGES,
    OUTCOMES,
    DEAD_LETTERS,
    DEAD_LETTER_MARKS,
    WORKERS,
    BREAKER,
    SUBSCRIPTIONS,
    PUSHES,
)
