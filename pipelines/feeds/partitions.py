"""Where a feed lives on Kafka: all feeds of a host in one partition, so that no two copies of `poll` ask that host."""

from __future__ import annotations

from pipelines.errors import FeedFault
from pipelines.kafka import partition_of
from pipelines.urls import host_of
from schemas.records.base import sound


def feed_partition(url: str, partitions: int) -> int:
    """Give the partition of a feed in `news.feeds`, and in all topics that lie beside it; their key is its URL.

    Args:
        url: the feed as it is listed.
        partitions: their number, the same for all these topics.
    """
    try:
        return partition_of(host_of(url), partitions)
    except FeedFault:  # no address at all: it fails by name when it is asked
        return partition_of(sound(url), partitions)
