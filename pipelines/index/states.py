"""Feed states and processes -> documents: the last word of each, for dashboards. Pure.

One index a river and kind; the version is the record's time on Kafka, so the latest word stays whatever is replayed.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pipelines.index.documents import Document, IndexFamily
from schemas.records import FeedHealth, FeedState, WorkerState

LEFT = "left"
"""What a process that has said goodbye waits for."""

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def feed_indices(river: str) -> IndexFamily:
    """Give the one index of how a river's feeds do."""
    name = f"{river}-feeds"
    return IndexFamily(name, name, "current", name)


def worker_indices(river: str) -> IndexFamily:
    """Give the one index of a river's processes."""
    name = f"{river}-workers"
    return IndexFamily(name, name, "current", name)


def feed_health(state: FeedState) -> FeedHealth:
    """Take from a feed's state what people ask for."""
    try:
        site = (urlsplit(state.url).hostname or "").removeprefix("www.")
    except ValueError:
        site = ""
    return FeedHealth(
        url=state.url,
        site=site,
        polled_at=state.polled_at,
        succeeded_at=state.succeeded_at,
        next_poll_at=state.next_poll_at,
        polls=state.polls,
        failures=state.failures,
        last_failure=state.last_failure,
        new_per_day=round(sum(state.rates), 2) if state.rates else None,
        lies=state.lies,
        hub=state.hub,
        moved_to=state.moved_to,
    )


def feed_document(state: FeedState, version: int, river: str) -> Document:
    """Turn a feed's state into its document.

    Args:
        state: what `poll` remembers.
        version: when it was written to Kafka, milliseconds since 1970.
        river: the river's name.
    """
    return _document(feed_indices(river), state.url, version, feed_health(state).to_json())


def worker_document(state: WorkerState, version: int, river: str) -> Document:
    """Turn what a process says of itself into its document; the arguments are those of `feed_document`."""
    return _document(worker_indices(river), state.name, version, state.to_json())


def departed_document(name: str, version: int, river: str) -> Document:
    """Give the document of a process that has said goodbye: its record on Kafka is empty but for its name.

    Args:
        name: the process, e.g. `fetch-1@reading-room`.
        version: when it was said, milliseconds since 1970.
        river: the river's name.
    """
    at = datetime.fromtimestamp(version / 1000, UTC)
    process, _, host = name.partition("@")
    role = process.rpartition("-")[0] or process
    gone = WorkerState(name=name, role=role, host=host, pid=0, started_at=at, at=at, waits_for=LEFT)
    return worker_document(gone, version, river)


def _document(family: IndexFamily, name: str, version: int, source: bytes) -> Document:
    # Elasticsearch takes ids of 512 bytes at most, and addresses are longer.
    digest = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return Document(id=digest, family=family, index=family.index(_ALWAYS), version=version, source=source)
