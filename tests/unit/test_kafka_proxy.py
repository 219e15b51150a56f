"""The proxy in front of Kafka, before a broker that answers every request with its own bytes."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka.protocol import consumer

from pipelines.kafka import wire
from pipelines.kafka.wire import Api
from pipelines.lab.chaos import kafka_proxy
from pipelines.lab.chaos.kafka_proxy import KafkaProxy


class Broker:
    """Answers each frame with `ok` and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while (found := frame(connection)) is not None:
                self.asked.append(found)
                connection.sendall(wire.framed(b"ok " + found))

    def close(self) -> None:
        self._listener.close()


def frame(connection: socket.socket) -> bytes | None:
    """Read a frame; None where the other side has hung up."""
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack(">i", data[:4])[0]:
        more = connection.recv(65_536)
        if not more:
            return None
        data += more
    return data[4:]


@contextmanager
def behind_proxy() -> Iterator[tuple[Broker, KafkaProxy]]:
    broker = Broker()
    try:
        with KafkaProxy(broker.address) as proxy:
            yield broker, proxy
    finally:
        broker.close()


def ask(proxy: KafkaProxy, *requests: bytes) -> list[bytes | None]:
    """Send requests over one connection, and give the answers."""
    with socket.create_connection(proxy.place, timeout=10) as connection:
        answers = []
        for request in requests:
            connection.sendall(wire.framed(request))
            answers.append(frame(connection))
        return answers


FETCH = struct.pack(">hhi", 1, 11, 5) + b"any fetch"


def heartbeat() -> bytes:
    request = consumer.HeartbeatRequest(version=4, group_id="g")
    request.with_header(9, "me")
    return bytes(request.encode(header=True))


def test_requests_of_a_connection_are_passed_on_in_their_order() -> None:
    with behind_proxy() as (broker, proxy):
        assert ask(proxy, FETCH, FETCH + b"2", heartbeat()) == [b"ok " + each for each in broker.asked]
        assert broker.asked == [FETCH, FETCH + b"2", heartbeat()]


def test_what_is_refused_never_reaches_the_broker() -> None:
    with behind_proxy() as (broker, proxy):
        proxy.fault = kafka_proxy.refused({Api.HEARTBEAT: (30,)}, random.Random(1))
        passed, refused = ask(proxy, FETCH, heartbeat())
        assert passed == b"ok " + FETCH
        assert broker.asked == [FETCH]
        assert refused is not None
        found = consumer.HeartbeatResponse.decode(refused, version=4, header=True)
        assert (found.header.correlation_id, found.error_code) == (9, 30)
        proxy.fault = kafka_proxy.forwarded
        assert ask(proxy, heartbeat()) == [b"ok " + heartbeat()]


def test_a_cut_connection_ends_before_the_request_after_it_or_in_the_answer() -> None:
    with behind_proxy() as (broker, proxy):
        proxy.fault = kafka_proxy.cut(1.0, random.Random(1))
        assert [ask(proxy, FETCH) for _ in range(20)] == [[None]] * 20
        assert 0 < len(broker.asked) < 20
        proxy.fault = kafka_proxy.cut(0.0, random.Random(1))
        assert ask(proxy, FETCH) == [b"ok " + FETCH]


def test_a_late_answer_is_the_same() -> None:
    with behind_proxy() as (_, proxy):
        proxy.fault = kafka_proxy.delayed(0.05, random.Random(1))
        assert ask(proxy, FETCH, FETCH) == [b"ok " + FETCH] * 2


def test_with_the_broker_away_it_hangs_up_and_goes_on_when_that_is_back() -> None:
    with behind_proxy() as (broker, proxy):
        broker.close()
        proxy.upstream = "127.0.0.1:1"
        assert ask(proxy, FETCH) == [None]
        other = Broker()
        proxy.upstream = other.address
        assert ask(proxy, FETCH) == [b"ok " + FETCH]
        other.close()


@pytest.mark.parametrize("sent", [b"\0\0", struct.pack(">i", 2) + b"\0\1", struct.pack(">i", 400) + FETCH])
def test_a_client_that_breaks_off_is_let_go(sent: bytes) -> None:
    with behind_proxy() as (broker, proxy):
        with socket.create_connection(proxy.place, timeout=10) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert frame(connection) is None
        assert broker.asked == []
