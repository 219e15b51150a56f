"""Kafka as the river uses it: a sender that waits, readers that commit only what is done, an admin.

The only importer of kafka-python (https://kafka-python.readthedocs.io, tested with 3.0.12).
"""

from pipelines.kafka.admin import Admin, is_reachable, topics
from pipelines.kafka.client import Message
from pipelines.kafka.faults import missing
from pipelines.kafka.outage import outage
from pipelines.kafka.patience import patiently
from pipelines.kafka.reader import GroupReader, PartitionReader
from pipelines.kafka.scan import (
    RangeReader,
    TableFollower,
    partition_of,
    read_last,
    read_topic,
    read_whole,
)
from pipelines.kafka.sender import Sender

__all__ = [
    "Admin",
    "GroupReader",
    "Message",
    "PartitionReader",
    "RangeReader",
    "Sender",
    "TableFollower",
    "is_reachable",
    "missing",
    "outage",
    "partition_of",
    "patiently",
    "read_last",
    "read_topic",
    "read_whole",
    "topics",
]
