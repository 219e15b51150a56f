"""Kafka's requests and answers as bytes, as far as a proxy between a client and its broker reads and makes them. Pure.

Frames and headers are those of https://kafka.apache.org/protocol; what they hold is read and written by the classes of
kafka-python, which know every version that our clients speak.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from kafka.protocol import consumer, metadata, producer

REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER, INVALID_COMMIT_OFFSET_SIZE = 27, 25, 28
TOPIC_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED = 29, 30


class Api(IntEnum):
    """The requests that a proxy treats on their own, by their key in the protocol."""

    PRODUCE = 0
    METADATA = 3
    COMMIT = 8
    COORDINATOR = 10
    JOIN = 11
    HEARTBEAT = 12
    SYNC = 14


class WireRequest(NamedTuple):
    """One request.

    Attributes:
        api: its kind.
        version: the version of its form, and of its answer's.
        correlation: the number that its answer bears.
        frame: all its bytes but the length before them.
    """

    api: int
    version: int
    correlation: int
    frame: bytes


def request_of(frame: bytes) -> WireRequest:
    """Read the head of a request.

    Raises:
        struct.error: the frame is too short for one.
    """
    api, version, correlation = struct.unpack_from(">hhi", frame)
    return WireRequest(api, version, correlation, frame)


def framed(frame: bytes) -> bytes:
    """Give a frame with its length before it, as it is sent."""
    return struct.pack(">i", len(frame)) + frame


def refusal(request: WireRequest, code: int) -> bytes:
    """Give the frame of an answer that refuses all that a request asks for, with one error code.

    Raises:
        KeyError: it is no request that can be refused here.
    """
    return _encoded(_REFUSALS[Api(request.api)](request, code), request)


def readdressed(request: WireRequest, frame: bytes, host: str, port: int) -> bytes:
    """Give the frame of an answer in which every broker has one address, that of the proxy; others stay as they are."""
    if request.api not in (Api.METADATA, Api.COORDINATOR):
        return frame
    kind = metadata.MetadataResponse if request.api == Api.METADATA else metadata.FindCoordinatorResponse
    answer = kind.decode(frame, version=request.version, header=True)
    named = answer.brokers if request.api == Api.METADATA else answer.coordinators or [answer]
    for broker in named:
        if broker.host:
            broker.host, broker.port = host, port
    return _encoded(answer, request)


def _encoded(answer: Any, request: WireRequest) -> bytes:  # noqa: ANN401 - kafka-python's classes have no type
    answer.with_header(request.correlation)
    return bytes(answer.encode(header=True))


def _commit_refused(request: WireRequest, code: int) -> Any:  # noqa: ANN401 - as above
    asked = consumer.OffsetCommitRequest.decode(request.frame, version=request.version, header=True)
    topic = consumer.OffsetCommitResponse.OffsetCommitResponseTopic
    partition = topic.OffsetCommitResponsePartition
    topics = [
        topic(
            name=each.name,
            topic_id=each.topic_id,
            partitions=[partition(partition_index=one.partition_index, error_code=code) for one in each.partitions],
        )
        for each in asked.topics
    ]
    return consumer.OffsetCommitResponse(topics=topics, version=request.version)


def _produce_refused(request: WireRequest, code: int) -> Any:  # noqa: ANN401 - as above
    asked = producer.ProduceRequest.decode(request.frame, version=request.version, header=True)
    topic = producer.ProduceResponse.TopicProduceResponse
    partition = topic.PartitionProduceResponse
    topics = [
        topic(
            name=each.name,
            topic_id=each.topic_id,
            partition_responses=[
                partition(index=one.index, error_code=code, base_offset=-1) for one in each.partition_data
            ],
        )
        for each in asked.topic_data
    ]
    return producer.ProduceResponse(responses=topics, version=request.version)


_REFUSALS: Mapping[Api, Any] = {
    Api.COMMIT: _commit_refused,
    Api.PRODUCE: _produce_refused,
    Api.JOIN: lambda request, code: consumer.JoinGroupResponse(error_code=code, version=request.version),
    Api.SYNC: lambda request, code: consumer.SyncGroupResponse(error_code=code, version=request.version),
    Api.HEARTBEAT: lambda request, code: consumer.HeartbeatResponse(error_code=code, version=request.version),
}
