"""Kafka's frames as the fault proxy reads and makes them, in every form that kafka-python has."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from kafka.protocol import consumer, metadata, producer

from pipelines.kafka import wire
from pipelines.kafka.wire import Api, WireRequest


def sent(message: Any) -> bytes:
    message.with_header(7, "me") if message.is_request() else message.with_header(7)
    return bytes(message.encode(header=True))


def request(kind: Any, version: int, **fields: Any) -> WireRequest:
    return wire.request_of(sent(kind(version=version, **fields)))


def commit(version: int) -> WireRequest:
    kind = consumer.OffsetCommitRequest
    topic = kind.OffsetCommitRequestTopic
    places = [topic.OffsetCommitRequestPartition(partition_index=n, committed_offset=9) for n in (0, 3)]
    return request(kind, version, group_id="g", topics=[topic(name="t", partitions=places)])


def produce(version: int) -> WireRequest:
    kind = producer.ProduceRequest
    topic = kind.TopicProduceData
    data = [topic.PartitionProduceData(index=2, records=b"x")]
    return request(kind, version, acks=-1, timeout_ms=5, topic_data=[topic(name="t", partition_data=data)])


def test_a_request_says_what_it_is() -> None:
    found = commit(9)
    assert found[:3] == (Api.COMMIT, 9, 7)
    assert wire.framed(found.frame)[:4] == struct.pack(">i", len(found.frame))
    with pytest.raises(struct.error):
        wire.request_of(b"\0\3")


@pytest.mark.parametrize("version", range(2, 10))
def test_a_refused_commit_names_every_partition(version: int) -> None:
    answer = consumer.OffsetCommitResponse.decode(wire.refusal(commit(version), 28), version=version, header=True)
    assert answer.header.correlation_id == 7
    [topic] = answer.topics
    assert [(one.partition_index, one.error_code) for one in topic.partitions] == [(0, 28), (3, 28)]
    assert topic.name == "t"


@pytest.mark.parametrize("version", range(3, 13))
def test_a_refused_batch_names_every_partition(version: int) -> None:
    answer = producer.ProduceResponse.decode(wire.refusal(produce(version), 29), version=version, header=True)
    [topic] = answer.responses
    assert [(one.index, one.error_code, one.base_offset) for one in topic.partition_responses] == [(2, 29, -1)]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (consumer.JoinGroupRequest, consumer.JoinGroupResponse),
        (consumer.SyncGroupRequest, consumer.SyncGroupResponse),
        (consumer.HeartbeatRequest, consumer.HeartbeatResponse),
    ],
)
def test_a_member_is_refused_in_every_version(kind: Any, answer: Any) -> None:
    for version in range(kind.max_version + 1):
        found = answer.decode(wire.refusal(request(kind, version, group_id="g"), 30), version=version, header=True)
        assert (found.header.correlation_id, found.error_code) == (7, 30)


def test_what_cannot_be_refused_is_named() -> None:
    with pytest.raises(KeyError):
        wire.refusal(request(metadata.MetadataRequest, 9, topics=[]), 30)


@pytest.mark.parametrize("version", range(metadata.MetadataResponse.max_version + 1))
def test_every_broker_gets_the_address_of_the_proxy(version: int) -> None:
    kind = metadata.MetadataResponse
    brokers = [kind.MetadataResponseBroker(node_id=n, host="broker", port=9092) for n in (1, 2)]
    frame = sent(kind(version=version, brokers=brokers, topics=[]))
    asked = request(metadata.MetadataRequest, version, topics=[])
    found = kind.decode(wire.readdressed(asked, frame, "127.0.0.1", 5), version=version, header=True)
    assert [(one.node_id, one.host, one.port) for one in found.brokers] == [(1, "127.0.0.1", 5), (2, "127.0.0.1", 5)]


@pytest.mark.parametrize("version", range(metadata.FindCoordinatorResponse.max_version + 1))
def test_so_does_the_coordinator(version: int) -> None:
    kind = metadata.FindCoordinatorResponse
    one = {"node_id": 1, "host": "broker", "port": 9092}
    answer = (
        kind(version=version, coordinators=[kind.Coordinator(key="g", **one)])
        if version > 3
        else kind(version=version, **one)
    )
    asked = request(metadata.FindCoordinatorRequest, version)
    found = kind.decode(wire.readdressed(asked, sent(answer), "127.0.0.1", 5), version=version, header=True)
    named = found.coordinators[0] if version > 3 else found
    assert (named.node_id, named.host, named.port) == (1, "127.0.0.1", 5)


def test_other_answers_stay_as_they_are() -> None:
    assert wire.readdressed(commit(9), b"anything", "127.0.0.1", 5) == b"anything"
