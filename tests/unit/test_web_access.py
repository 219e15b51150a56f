"""Who may ask the server, and how often."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from pipelines.settings import ServeSettings
from pipelines.web.access import Gate
from pipelines.web.keys import KeyStore
from pipelines.web.limiter import RateLimiter

STRANGER = "198.51.100.7"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def request(
    path: str = "/v1/search", client: str = "127.0.0.1", host: str = "127.0.0.1:8080", **headers: str
) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in {"host": host, **headers}.items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": raw, "client": (client, 5000), "scheme": "http"}
    return Request(scope | {"query_string": b"", "server": ("127.0.0.1", 8080)})


def status(gate: Gate, asked: Request) -> int:
    refusal = gate.refusal(asked)
    return 200 if refusal is None else refusal.status_code


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def gate(file: Path, clock: Clock | None = None, **fields: Any) -> Gate:
    return Gate(ServeSettings(keys_file=file, **fields), clock or Clock())


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "localhost."])
def test_this_machine_needs_no_key(keys: Path, host: str) -> None:
    assert status(gate(keys), request(host=host)) == 200


@pytest.mark.parametrize(
    "asked",
    [
        request(client=STRANGER),
        request(host="evil.example"),  # a name that was made to lead to 127.0.0.1
        request(host="127.0.0.1.evil.example:8080"),
        request(x_forwarded_for=STRANGER),
        request(forwarded=f"for={STRANGER}"),
        request(via="1.1 proxy"),
    ],
)
def test_what_may_come_from_elsewhere_needs_one(keys: Path, asked: Request) -> None:
    refusal = gate(keys).refusal(asked)
    assert refusal is not None
    assert refusal.status_code == 401
    assert refusal.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("fields", [{"public_url": "https://n.example"}, {"host": "192.0.2.1"}, {"keys": "always"}])
def test_a_server_that_others_may_reach_trusts_no_loopback(keys: Path, fields: dict[str, Any]) -> None:
    assert status(gate(keys, **fields), request()) == 401


def test_a_key_opens_in_three_forms(keys: Path) -> None:
    key = KeyStore(keys).add("ida")
    basic = base64.b64encode(f"any:{key}".encode()).decode()
    opened = gate(keys)
    for headers in ({"authorization": f"Bearer {key}"}, {"x_api_key": key}, {"authorization": f"Basic {basic}"}):
        assert status(opened, request(client=STRANGER, **headers)) == 200
    for wrong in ("Bearer nr_x", "Basic !", "Basic /w==", "Bearer", "", "Digest x"):
        assert status(opened, request(client=STRANGER, authorization=wrong)) == 401


def test_nobody_needs_a_key_where_the_settings_say_so(keys: Path) -> None:
    assert status(gate(keys, keys="never"), request(client=STRANGER)) == 200


@pytest.mark.parametrize("path", ["/healthz", "/static/style.css", "/websub/" + "x" * 43])
def test_health_style_and_callbacks_are_open(keys: Path, path: str) -> None:
    assert status(gate(keys), request(path, client=STRANGER)) == 200


def test_guessing_keys_is_limited_by_address_and_a_good_key_has_its_own_count(keys: Path) -> None:
    key, clock = KeyStore(keys).add("ida"), Clock()
    limited = gate(keys, clock, requests_per_minute=60)
    wrong = request(client=STRANGER, authorization="Bearer wrong")
    assert [status(limited, wrong) for _ in range(12)] == [401] * 10 + [429] * 2
    assert status(limited, request(client=STRANGER, authorization=f"Bearer {key}")) == 200
    refusal = limited.refusal(wrong)
    assert refusal is not None
    assert refusal.headers["retry-after"] == "1"
    clock.now = 1.0
    assert status(limited, wrong) == 401


def test_one_network_of_ipv6_is_one_client(keys: Path) -> None:
    limited = gate(keys, requests_per_minute=6)
    assert status(limited, request(client="2001:db8::1")) == 401
    assert status(limited, request(client="2001:db8::2")) == 429
    assert status(limited, request(client="2001:db8:0:1::1")) == 401


def test_this_machine_is_not_limited(keys: Path) -> None:
    limited = gate(keys, requests_per_minute=1)
    assert {status(limited, request()) for _ in range(100)} == {200}


def test_the_limiter_gives_the_rate_and_a_burst_and_forgets() -> None:
    limiter = RateLimiter(60, most_clients=100)
    served = sum(limiter.wait("a", second / 10) == 0 for second in range(600))
    assert served in (69, 70)  # one a second for a minute, and ten at once
    for number in range(1000):
        limiter.wait(f"client {number}", 60.0)
    assert len(limiter._buckets) == 100
