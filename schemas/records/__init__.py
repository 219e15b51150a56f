"""The records that cross between stages: frozen, typed, documented; JSON Schema and mapping come from here.

Producers forbid unknown fields; consumers read with `from_json`, which ignores them, so that versions can roll.
All times are aware UTC datetimes; all URLs are text that `pipelines.urls` has made canonical where it says so.
"""

from __future__ import annotations

from schemas.records.alerts import AlertChannel, AlertDelivery, AlertProgress, SavedSearch, ShardPosition
from schemas.records.articles import REMOVED, Article, Entry, PageFacts, Revision, Right, TopicTag
from schemas.records.base import EARLIEST, LATEST, ClockTime, Digest, LanguageCode, Record, Unit
from schemas.records.breaker import BreakerState
from schemas.records.feeds import KEY_DIGITS, Feed, FeedHealth, FeedState, SitemapState
from schemas.records.ledger import DeadLetter, DeadLetterMark, MarkKind, Outcome, OutcomeKind, Stage
from schemas.records.websub import HubMode, PushFacts, Subscription, SubscriptionStatus
from schemas.records.workers import WorkerState

RECORDS: tuple[type[Record], ...] = (
    Feed,
    FeedState,
    FeedHealth,
    Entry,
    PageFacts,
    TopicTag,
    Article,
    Revision,
    Outcome,
    DeadLetter,
    DeadLetterMark,
    WorkerState,
    BreakerState,
    Subscription,
    PushFacts,
    SavedSearch,
    AlertDelivery,
    AlertProgress,
)

__all__ = [
    "EARLIEST",
    "KEY_DIGITS",
    "LATEST",
    "RECORDS",
    "REMOVED",
    "AlertChannel",
    "AlertDelivery",
    "AlertProgress",
    "Article",
    "BreakerState",
    "ClockTime",
    "DeadLetter",
    "DeadLetterMark",
    "Digest",
    "Entry",
    "Feed",
    "FeedHealth",
    "FeedState",
    "HubMode",
    "LanguageCode",
    "MarkKind",
    "Outcome",
    "OutcomeKind",
    "PageFacts",
    "PushFacts",
    "Record",
    "Revision",
    "Right",
    "SavedSearch",
    "ShardPosition",
    "SitemapState",
    "Stage",
    "Subscription",
    "SubscriptionStatus",
    "TopicTag",
    "Unit",
    "WorkerState",
]
