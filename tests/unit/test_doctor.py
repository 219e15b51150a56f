"""Tests of `pipelines.doctor`."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pipelines.doctor import _cluster_health
from pipelines.errors import ServiceError
from pipelines.index.elastic import Elastic, ElasticAnswer


class Answering:
    """A server with one answer; keeps what it was asked."""

    url = "http://127.0.0.1:9"

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.answer = ElasticAnswer(status, body)
        self.params: dict[str, str] = {}

    def send(self, _method: str, _path: str, *, params: dict[str, str]) -> ElasticAnswer:
        self.params = params
        return self.answer


@pytest.mark.parametrize(("status", "colour"), [(200, "green"), (200, "yellow"), (408, "red")])
def test_the_colour_is_told_once_it_is_not_red_or_stays_so(status: int, colour: str) -> None:
    server = Answering(status, {"status": colour, "timed_out": status == 408})
    assert _cluster_health(cast("Elastic", server)) == colour
    assert server.params["wait_for_status"] == "yellow"


def test_a_server_that_cannot_say_has_no_colour() -> None:
    with pytest.raises(ServiceError, match="cannot answer now"):
        _cluster_health(cast("Elastic", Answering(503, {"error": {"type": "master_not_discovered_exception"}})))
